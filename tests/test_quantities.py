"""Numbers as people type them: one grammar, wherever one is read."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import floor
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from costmodel import CostModelError
from costmodel.guard.budget import parse_growth, parse_limit
from costmodel.quantities import QUANTITIES, bytes_of, bytes_of_all, parse_bound, parse_budget, parse_quantity
from costmodel.reproduction.claim import Claim

#: A scale -> the zeros it stands for, by hand.
ZEROS = {"": 0, "k": 3, "K": 3, "thousand": 3, "M": 6, "million": 6, "G": 9, "B": 9, "billion": 9, "T": 12,
         "trillion": 12, "P": 15, "E": 18}  # fmt: skip
#: A unit of work or of parameters -> what one is of the first of its quantities.
WORK = {"MAC": 2, "MACs": 2, "Mac": 2, "MAdds": 2, "multiply-adds": 2, "FLOP": 1, "FLOPs": 1, "FLOPS": 1}
STORED = {"param": 1, "params": 1, "parameters": 1}

numbers = st.integers(0, 10**9)


@st.composite
def spelled(draw: st.DrawFn, units: tuple[str, ...]) -> tuple[str, int, str]:
    """A whole amount in any spelling, with the amount and the unit."""
    digits, places = draw(st.integers(0, 10**6)), draw(st.integers(0, 3))
    scale, unit = draw(st.sampled_from(sorted(ZEROS))), draw(st.sampled_from(units))
    places = min(places, ZEROS[scale])
    whole, decimals = divmod(digits, 10**places)
    commas = draw(st.sampled_from([",", ""]))
    number = f"{whole:{commas}}" + (f".{decimals:0{places}}" if places else "")
    suffix = scale + (draw(st.sampled_from(["", " "])) if scale and unit else "") + unit
    text = number + draw(st.sampled_from(["", " "])) * bool(suffix) + suffix
    return text, digits * 10 ** (ZEROS[scale] - places), unit


@given(spelled(("", *WORK)), st.sampled_from(["", "<=", "<= "]))
def test_any_spelling_of_work_is_exact_and_the_same_wherever_it_is_read(said: tuple[str, int, str], bound: str) -> None:
    text, amount, unit = said
    flops = Fraction(amount * WORK[unit]) if unit else None
    for quantity, share in (("multiply_adds", Fraction(1, 2)), ("flops", Fraction(1))):
        exact = amount if flops is None else flops * share
        assert parse_quantity(text, quantity).amount == exact
        assert parse_bound(bound + text, quantity) == parse_quantity(text, quantity)
        assert parse_limit(quantity, bound + text).most == exact
        assert parse_budget(f"{quantity}={bound}{text}") == (quantity, floor(exact))
        if quantity == "multiply_adds":
            assert parse_growth(bound + text).most["multiply_adds"] == exact
    if amount:
        assert Claim.parse(text).printed.value == amount


@given(spelled(("", *STORED, "bytes at fp32")), st.sampled_from(["parameters", "weights"]))
def test_any_spelling_of_parameters_is_exact_and_the_same_wherever_it_is_read(
    said: tuple[str, int, str], quantity: str
) -> None:
    text, amount, unit = said
    exact = Fraction(amount, 4) if unit == "bytes at fp32" else Fraction(amount)
    assert parse_quantity(text, quantity).amount == parse_limit(quantity, text).most == exact
    assert parse_growth(text).most["parameters"] == exact
    assert parse_budget(f"{quantity}={text}") == (quantity, floor(exact))
    if amount and unit != "bytes at fp32":
        assert Claim.parse(text, of="parameters").printed.value == amount


@given(numbers)
def test_a_whole_number_needs_no_text(value: int) -> None:
    for quantity in QUANTITIES:
        assert parse_quantity(value, quantity) == parse_quantity(f" {value:,} ", quantity)
    assert parse_quantity(f"{value}e3").amount == parse_quantity(f"{value}k").amount == 1000 * value


@pytest.mark.parametrize(
    ("text", "of", "amount"),
    [
        ("0.39B", "multiply_adds", 390_000_000),
        ("138B", "parameters", 138 * 10**9),
        ("7 B params", "weights", 7 * 10**9),
        ("65.86 BFLOPs", "flops", 65_860_000_000),
        ("3.5 million", "parameters", 3_500_000),
        ("0.6 GFLOPs", "multiply_adds", 3 * 10**8),
        ("1.00 GMac", "multiply_adds", 10**9),
        ("3,000,000", "flops", 3 * 10**6),
        ("1e8", "flops", 10**8),
        ("0.1e+9", "flops", 10**8),
        ("100000000.0", "flops", 10**8),
        ("3 FLOPs", "multiply_adds", Fraction(3, 2)),
        ("256 KiB", "bytes", 262_144),
        ("256 kB", "bytes", 256_000),
        ("256 KB", "bytes", 256_000),
        ("3MB", "bytes", 3 * 10**6),
        ("1.5 GiB", "bytes", 1_610_612_736),
        ("512 bytes", "bytes", 512),
        ("512 billion", "bytes", 512 * 10**9),
        ("1 MiB at fp32", "parameters", 262_144),
        ("0.4 MB at int8", "parameters", 400_000),
        ("0.4 MB at int4", "weights", 800_000),
        ("0.4 MB at float16", "parameters", 200_000),
        ("82.6 TFLOPS", "flops_per_second", 826 * 10**11),
        ("82.6 TFLOP/s", "flops_per_second", 826 * 10**11),
        ("1008 GB/s", "bytes_per_second", 1008 * 10**9),
        ("0.5 %", "percent", Fraction(1, 2)),
    ],
)
def test_what_an_amount_is(text: str, of: str, amount: Fraction | int) -> None:
    assert (parse_quantity(text, of).amount, parse_quantity(text, of).measure) == (amount, of)


@pytest.mark.parametrize(
    ("text", "amount", "measure"),
    [
        ("233M", 233 * 10**6, ""),
        ("0.3 G", 3 * 10**8, ""),
        ("7B", 7 * 10**9, ""),
        ("300e6", 3 * 10**8, ""),
        ("300,774,272", 300_774_272, ""),
        ("4.1 GFLOPs", 41 * 10**8, "flops"),
        ("4.1 GFLOPS", 41 * 10**8, "flops"),
        ("300 MMAC", 3 * 10**8, "multiply_adds"),
        ("300MMAdds", 3 * 10**8, "multiply_adds"),
        ("7 MAC", 7, "multiply_adds"),
        ("2.6 M params", 2_600_000, "parameters"),
        ("10 MB", 10**7, "bytes"),
        ("0.5 %", Fraction(1, 2), "percent"),
        ("0.1", Fraction(1, 10), ""),
    ],
)
def test_an_amount_says_what_it_is_of(text: str, amount: Fraction | int, measure: str) -> None:
    assert parse_quantity(text)[:2] == (amount, measure)


READERS: dict[str, Callable[[str], Any]] = {
    "quantity": lambda text: parse_quantity(text, "multiply_adds"),
    "budget": lambda text: parse_budget(f"multiply_adds={text}"),
    "limit": lambda text: parse_limit("multiply_adds", text),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not an amount; write it as 100M, 3,000,000, 300 MMAC or 0.6 GFLOPs"),
        ("-3", "'-3' is not an amount; write"),
        ("3OO M", "'3OO M' is not an amount; write"),
        ("1,00,000", "'1,00,000' is not an amount"),
        ("1_000", "'1_000' is not an amount"),
        ("1.2.3M", "'1.2.3M' is not an amount"),
        ("nan", "'nan' is not an amount"),
        ("1e999", "'1e999' is not an amount"),
        ("\u0663", "'\u0663' is not an amount"),  # a digit, but not of these
        ("9" * 5000, "is not an amount"),
        ("100m", "'100m' has the unit 'm'; did you mean M? units are MAC, FLOPs, params, bytes and %, after k, M, G"),
        ("7 M AC", "'7 M AC' has the unit 'M AC'; did you mean MAC?"),
        ("3 gflops", "'3 gflops' has the unit 'gflops'; did you mean GFLOPs?"),
        ("100x", "'100x' has the unit 'x'; units are MAC"),
        ("5 k%", "'5 k%' has the unit 'k%'"),
        ("5 MiMAC", "'5 MiMAC' has the unit 'MiMAC'"),
        ("0.5", "'0.5' is not a whole count; give it a unit, as in 0.5M"),
        ("1.0005k", "'1.0005k' is not a whole count"),
        ("10 MB", "'10 MB' is a size in bytes, and multiply_adds is no size in bytes; write multiply_adds as in 300"),
        ("10 params", "'10 params' is a number of parameters, and multiply_adds is no number of parameters; write"),
        ("82.6 TFLOP/s", "'82.6 TFLOP/s' is a rate in FLOPs a second, and multiply_adds is no rate in FLOPs a second"),
        ("3 M at int8", "'3 M at int8' is no size in bytes, which alone depends on a type; leave out 'at int8'"),
        (">= 3 M", "is no"),
    ],
)
def test_a_refusal_has_the_same_words_wherever_a_number_is_read(reader: str, text: str, message: str) -> None:
    if text == ">= 3 M" and reader == "quantity":
        return
    with pytest.raises(CostModelError) as error:
        READERS[reader](text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "of", "message"),
    [
        ("512B", "bytes", "'512B' could be bytes or billions; write 512 bytes or 512 billion"),
        ("512 B", "bytes", "'512 B' could be bytes or billions; write 512 bytes or 512 billion"),
        ("3 MMAC", "bytes", "'3 MMAC' is a number of multiply-adds, and bytes is no number of multiply-adds; write"),
        ("3 GFLOPs", "parameters", "'3 GFLOPs' is a number of FLOPs, and parameters is no number of FLOPs; write"),
        ("1008 GB/s", "", "'1008 GB/s' is a rate in bytes a second, and no rate is asked for; write an amount, as in"),
        (
            "1008 GB/s",
            "flops_per_second",
            "'1008 GB/s' is a rate in bytes a second, and flops_per_second is no rate in b",
        ),
        (
            "1008 GB",
            "bytes_per_second",
            "'1008 GB' is a size in bytes, and bytes_per_second is no size in bytes; write",
        ),
        ("0.4 MB at int9", "parameters", "no type is called 'int9'; did you mean int8? there are float64, float32,"),
        (2.6, "flops", '2.6 must be a whole number of at least 0, or a text, as in "100M"'),
        (-3, "flops", '-3 must be a whole number of at least 0, or a text, as in "100M"'),
        (True, "flops", "True must be a whole number of at least 0"),
    ],
)
def test_what_is_asked_for_is_what_is_read(text: object, of: str, message: str) -> None:
    with pytest.raises(CostModelError) as error:
        parse_quantity(text, of)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "bool"]
)
def test_a_type_takes_the_bytes_that_pytorch_gives_it(dtype: str) -> None:
    assert bytes_of(dtype) == torch.empty(1, dtype=getattr(torch, dtype)).element_size()
    assert bytes_of("int4") == Fraction(1, 2)


def test_a_type_has_a_short_name_too() -> None:
    assert [bytes_of(name) for name in ("fp64", "fp32", "fp16", "bf16", "fp8")] == [8, 4, 2, 2, 1]
    assert parse_quantity("3.4 MB at fp16").dtype == "float16"


def test_a_tensor_takes_whole_bytes() -> None:
    assert [bytes_of_all(count, "int4") for count in range(5)] == [0, 1, 1, 2, 2]
    assert bytes_of_all(3, "fp32") == torch.empty(3).nbytes


def test_a_budget_is_of_a_quantity() -> None:
    assert parse_budget("multiply-adds=0.3G") == parse_budget("multiply_adds = 300M") == ("multiply_adds", 300_000_000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "100M",
            "no quantity is called '100M'; write QUANTITY=NUMBER, as in multiply_adds=100M; there are multiply_adds",
        ),
        ("flop=1G", "no quantity is called 'flop'; did you mean flops? there are multiply_adds, flops"),
        ("flops", "flops has no number; write flops=100M"),
        ("flops=", "'' is not an amount"),
    ],
)
def test_what_is_no_budget_is_refused_with_the_fix(text: str, message: str) -> None:
    with pytest.raises(CostModelError) as error:
        parse_budget(text)
    assert str(error.value).startswith(message)
