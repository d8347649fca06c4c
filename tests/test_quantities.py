"""Counts and budgets as people type them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel import CostModelError
from costmodel.quantities import parse_budget, parse_count, parse_quantity


@given(st.integers(0, 10**18))
def test_a_whole_number_reads_as_python_writes_it(value: int) -> None:
    assert parse_count(str(value)) == parse_count(f"{value:,}") == parse_count(f" {value} ") == value


@given(
    st.integers(0, 10**6), st.sampled_from([("k", 3), ("K", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)])
)
def test_a_unit_appends_zeros(value: int, unit: tuple[str, int]) -> None:
    letter, zeros = unit
    assert parse_count(f"{value}{letter}") == parse_count(f"{value:,} {letter}") == int(str(value) + "0" * zeros)
    assert parse_count(f"{value}.125{letter}") == int(str(value) + "125" + "0" * (zeros - 3))


def test_an_exponent_and_a_whole_decimal() -> None:
    assert parse_count("1e8") == parse_count("0.1e+9") == parse_count("100000000.0") == 10**8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not a count; write it as 100M"),
        ("-3", "'-3' is not a count"),
        ("1,00,000", "'1,00,000' is not a count"),
        ("1_000", "'1_000' is not a count"),
        ("1.2.3M", "'1.2.3M' is not a count"),
        ("nan", "'nan' is not a count"),
        ("1e999", "'1e999' is not a count"),
        ("\u0663", "'\u0663' is not a count"),  # a digit, but not of these
        ("9" * 5000, "is not a count"),
        ("100m", "'100m' has the unit 'm'; did you mean 100M? units are k, M, G, T, P and E"),
        ("100MB", "'100MB' has the unit 'MB'; did you mean 100M?"),
        ("100x", "'100x' has the unit 'x'; units are k"),
        ("0.5", "'0.5' is not a whole count; give it a unit, as in 0.5M"),
        ("1.0005k", "'1.0005k' is not a whole count"),
    ],
)
def test_what_is_no_count_is_mended(text: str, message: str) -> None:
    with pytest.raises(CostModelError) as error:
        parse_count(text)
    assert message in str(error.value)


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
        ("flops=", "'' is not a count"),
    ],
)
def test_what_is_no_budget_is_mended(text: str, message: str) -> None:
    with pytest.raises(CostModelError) as error:
        parse_budget(text)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "amount", "measure"),
    [
        ("233M", 233 * 10**6, ""),
        ("0.3 G", 3 * 10**8, ""),
        ("300e6", 3 * 10**8, ""),
        ("300,774,272", 300_774_272, ""),
        ("4.1 GFLOPs", 41 * 10**8, "flops"),
        ("300 MMAC", 3 * 10**8, "multiply_adds"),
        ("300 MMACs", 3 * 10**8, "multiply_adds"),
        ("300MMAdds", 3 * 10**8, "multiply_adds"),
        ("7 MAC", 7, "multiply_adds"),
        ("2.6 M params", 2_600_000, "parameters"),
        ("10 MB", 10**7, "bytes"),
        ("0.5 %", Fraction(1, 2), "percent"),
        ("0.1", Fraction(1, 10), ""),
    ],
)
def test_an_amount_is_exact_and_says_what_it_is_of(text: str, amount: Fraction | int, measure: str) -> None:
    assert parse_quantity(text) == (amount, measure)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3OO M", "'3OO M' is not an amount; write it as 250 M, 300 MMAC, 0.6 GFLOPs, 10 MB or 2 %"),
        ("", "'' is not an amount"),
        ("7B", "'7B' could be bytes or billions; write 7 GB or 7 G"),
        ("3 gflops", "'3 gflops' has the unit 'gflops'; did you mean GFLOPs? units are MAC, FLOPs, params, B and %"),
        ("300m", "'300m' has the unit 'm'; did you mean M?"),
        ("5 k%", "'5 k%' has the unit 'k%'"),
        ("5 xMAC", "'5 xMAC' has the unit 'xMAC'; did you mean MACs?"),
    ],
)
def test_what_is_no_amount_is_mended(text: str, message: str) -> None:
    with pytest.raises(CostModelError) as error:
        parse_quantity(text)
    assert str(error.value).startswith(message)
