"""What a printed number counted: known cases by arithmetic, the guard against chance, claims as people type them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costmodel as cm
from costmodel import CostModelError, Network, apply, image
from costmodel.core.layers import RELU, Flatten, Linear, conv
from costmodel.published.tables import PrintedNumber
from costmodel.reproduction.claim import Claim
from costmodel.reproduction.explain import PossibleNumbers, believable, explain, fitting
from costmodel.reproduction.network_parts import PARTS
from costmodel.reproduction.readings import Reading, Readings


def best(
    network: Network, claim: str, of: str | None = None, source: str | None = None
) -> tuple[str, str, list[int]] | None:
    answer = explain(network, claim, of, source=source)
    if answer.best is None:
        return None
    return str(answer.best.reading), answer.best.rounding, [term.number for term in answer.terms(answer.best)]


# Numbers that are printed, and what is known of them by other routes

#: 96 x 96 positions, 3 x 3 x 3 weights, 24 channels.
STEM = 96 * 96 * 27 * 24


def test_the_233_m_of_mobilenet_v1_leaves_out_the_stem() -> None:
    net = cm.mobilenet_v1(alpha=0.75, resolution=192)
    assert best(net, "233M", source="paper") == ("without the stem", "rounded", [239_273_472, -STEM])
    answer = explain(net, "233M", source="paper")
    assert answer.best is not None
    assert [term.text for term in answer.terms(answer.best)] == ["multiply-adds", "without the stem (features.0.conv)"]
    assert answer.plain == 239_273_472


def test_a_plain_number_needs_no_variation() -> None:
    net = cm.mobilenet_v2()
    assert best(net, "300,774,272") == ("the plain reading", "exact", [300_774_272])
    assert best(net, "301M") == ("the plain reading", "rounded", [300_774_272])
    assert best(net, "300M") == ("the plain reading", "truncated", [300_774_272])


@pytest.mark.parametrize(
    ("claim", "of", "reading", "terms"),
    [
        ("314.19M", None, "as fvcore counts", [300_774_272, 13_356_224, 62_720]),
        ("601.55M", None, "two operations a multiply-add", [300_774_272, 300_774_272]),
        ("299.49M", None, "without the classifier", [300_774_272, -1280 * 1000]),
        ("3.4698M", "parameters", "as weights counts", [3_504_872, -34_112, -1000]),
        ("3,538,984 params", None, "as keras counts", [3_504_872, 34_112]),
        ("3,506,153", "parameters", "1001 classes", [3_504_872, 1280 + 1]),
    ],
)
def test_variations_are_found_and_itemized(claim: str, of: str | None, reading: str, terms: Sequence[int]) -> None:
    answer = best(cm.mobilenet_v2(), claim, of)
    assert answer is not None
    assert (answer[0], answer[2]) == (reading, terms)


def test_a_variant_is_found_by_the_registry() -> None:
    # ResNet-50 strides in its first 1x1 convolutions in the paper: 3.86 G in arXiv:1709.01507.
    assert best(cm.resnet50(), "3.86G", source="paper") == (
        "variant paper-stride",
        "rounded",
        [4_089_184_256, -231_211_008],
    )


def test_two_variations_are_found_where_all_digits_say_so() -> None:
    # TF-slim's docstring: 3,185,088 weights without the classifier.
    answer = best(cm.mobilenet_v1(), "3,185,088", "parameters")
    assert answer is not None
    assert (answer[0], sum(answer[2])) == ("as weights counts, without the classifier", 3_185_088)
    assert best(cm.mobilenet_v1(), "3.2M", "parameters") is None


def test_flops_may_be_two_a_multiply_add_or_one() -> None:
    assert best(cm.resnet50(), "4.1 GFLOPs") == ("the plain reading", "rounded", [4_089_184_256])
    assert best(cm.resnet50(), "8.18 GFLOPs") == ("two operations a multiply-add", "rounded", [4_089_184_256] * 2)


def test_without_a_rule_nothing_is_said_to_explain() -> None:
    answer = explain(cm.mobilenet_v1(), "575M")
    assert answer.best is None
    assert not any(fit.explains for fit in answer.fits)
    assert answer.tried > answer.different > 50


@pytest.mark.parametrize(
    ("network", "inside", "reading"),
    [
        (cm.resnet18(), ".downsample.", "without projections on the shortcuts"),
        (cm.mnasnet(variant="a1"), ".squeeze_excite.", "without squeeze-and-excite"),
    ],
    ids=["projections", "squeeze-excite"],
)
def test_parts_are_known_by_the_graph(network: Network, inside: str, reading: str) -> None:
    # By name here, by what reads what there.
    part = sum(entry.ops.mac for entry in network.ledger if inside in entry.name)
    assert part > 0
    assert best(network, f"{network.multiply_adds - part:,}") == (reading, "exact", [network.multiply_adds, -part])


def test_a_convolution_before_a_sum_is_no_projection_unless_it_shortens_the_way() -> None:
    (projections,) = (part for part in PARTS if "projections" in part.text)
    assert projections.of(cm.mobilenet_v2().ledger.entries) == []


def tiny() -> Network:
    x = apply(image(3, 32), "stem", conv(16, kernel=3, padding=1))
    x = apply(apply(x, "relu", RELU), "flatten", Flatten())
    return Network(apply(x, "head", Linear(10)), "resnet50", {"resolution": 32})


def test_a_network_of_ones_own_has_no_variants_whatever_it_is_called() -> None:
    stem, head = 32 * 32 * 27 * 16, 16 * 32 * 32 * 10
    assert best(tiny(), f"{stem:,}") == ("without the classifier", "exact", [stem + head, -head])
    kinds = {variation.kind for reading in Readings(tiny(), "multiply_adds") for variation in reading.variations}
    assert kinds == {"part", "factor", "counting"}


# The guard against chance


def test_the_numbers_that_might_have_been_printed() -> None:
    # 2.3 million: from 1.2 to 4.6, the 35 numbers with one decimal.
    numbers = PossibleNumbers(PrintedNumber.parse("2.3", 10**6))
    assert (numbers.count, numbers.ends) == (35, (1_200_000, 4_600_000))


@given(st.integers(1, 10**12), st.integers(0, 6), st.integers(0, 10**12))
def test_a_number_is_printed_where_rounding_or_cutting_gives_it(value: int, zeros: int, exact: int) -> None:
    step = 10**zeros
    printed = PrintedNumber(value // step * step or step, step)
    fits = printed.rounds(exact) or printed.truncates(exact)
    assert (printed.value // step in PossibleNumbers(printed).printed_for(exact)) == fits


def test_chance_adds_up_over_the_readings_before() -> None:
    readings = [Reading(number, ()) for number in (1_000_000, 2_040_000, 2_060_000, 9_000_000, 2_320_000)]
    # Of 35 numbers: none (1.0 is below half), 2.0, then 2.0 and 2.1, none, then 2.3 too.
    (fit,) = fitting(readings, PrintedNumber.parse("2.3", 10**6))
    assert fit.chance == 3 / 35


def test_each_variation_asks_for_ten_times_less_chance() -> None:
    assert [believable(0.05, variations) for variations in (0, 1, 2)] == [True, True, False]
    assert [believable(0.005, variations) for variations in (1, 2, 3)] == [True, True, False]


# Claims


@pytest.mark.parametrize(
    ("text", "of", "says_flops", "value", "step"),
    [
        ("300M", "multiply_adds", False, 300_000_000, 1_000_000),
        ("0.3 G", "multiply_adds", False, 300_000_000, 100_000_000),
        ("300e6", "multiply_adds", False, 300_000_000, 1_000_000),
        ("300,774,272", "multiply_adds", False, 300_774_272, 1),
        ("4.1 GFLOPs", "multiply_adds", True, 4_100_000_000, 100_000_000),
        ("314.19M", "multiply_adds", False, 314_190_000, 10_000),
        ("300000000.0", "multiply_adds", False, 300_000_000, 1),
        ("314.190M", "multiply_adds", False, 314_190_000, 1000),
        (" 300 MMAC ", "multiply_adds", False, 300_000_000, 1_000_000),
        ("2.6M params", "parameters", False, 2_600_000, 100_000),
    ],
)
def test_a_claim_keeps_its_precision(text: str, of: str, says_flops: bool, value: int, step: int) -> None:
    claim = Claim.parse(text)
    assert (claim.printed, claim.of, claim.says_flops) == (PrintedNumber(value, step), of, says_flops)


@pytest.mark.parametrize(
    ("text", "of", "message"),
    [
        ("3OO M", None, "'3OO M' is not an amount"),
        ("", None, "'' is not an amount"),
        ("10 MB", None, "'10 MB' is of bytes; a claim is a count"),
        ("2 %", None, "'2 %' is of percent; a claim is a count"),
        ("4.1 GFLOPs", "parameters", "'4.1 GFLOPs' is of flops, not of parameters"),
        ("2.6M params", "multiply_adds", "'2.6M params' is of parameters, not of multiply_adds"),
        ("0.5", None, "'0.5' is not a whole count above 0; give it a unit, as in 0.5M"),
        ("0M", None, "'0M' is not a whole count above 0"),
        ("300M", "memory", "of='memory' is nothing that a claim is of"),
    ],
)
def test_what_is_no_claim_is_refused(text: str, of: str | None, message: str) -> None:
    with pytest.raises(CostModelError) as error:
        cm.explain(cm.lenet5(), text, of)
    assert str(error.value).startswith(message)
