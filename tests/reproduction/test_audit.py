"""Every published number, against the claims of tests/published, which were found by another route: by hand."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from costmodel.published.tables import paper_table, published
from costmodel.reproduction.audit import audit, printed_numbers, totals
from costmodel.reproduction.audit_result import AuditResult
from costmodel.reproduction.evidence import Cell
from tests.published import multiply_adds, parameters
from tests.published.claims import Claim, NotReproduced, about, key, network_of

# Each searches for seconds.
pytestmark = pytest.mark.slow

CLAIMS = {"parameters": parameters, "multiply_adds": multiply_adds}


@cache
def results() -> tuple[AuditResult, ...]:
    return audit()


def by_place() -> dict[Cell, AuditResult]:
    networks = [result for result in results() if result.table == "published"]
    return dict(zip(printed_numbers(), networks, strict=True))


def claim_about(place: Cell) -> Claim | NotReproduced:
    row, quantity = place
    table = CLAIMS[quantity]
    (one,) = [*about(row, table.REPRODUCED), *about(row, table.NOT_REPRODUCED)]
    return one


NOT_BUILT = "the tests build this network, the package does not"
ONE_NUMBER = "found by hand; as one number of two digits, a search may not tell it from chance"

#: "family|variant|quantity" of what the tests reproduce and the audit leaves alone -> why.
LEFT_ALONE = {
    "VGG|C|parameters": NOT_BUILT,
    "SENet|SE-ResNet-50|multiply_adds": NOT_BUILT,
    **{f"ResNet-CIFAR10|ResNet-{depth}|parameters": NOT_BUILT for depth in (20, 32, 44, 56, 110, 1202)},
    "MobileNetV3|V3-Small|multiply_adds": ONE_NUMBER,  # the 44 of the version with a head of 1024
    "ShuffleNet|1x g=8|multiply_adds": "138.4 printed as 140, in a table that has three digits elsewhere",
    "SqueezeNet|v1.0|multiply_adds": "a padded last convolution: a variation that only this one number shows",
    "comparison in EfficientNet paper|ResNeXt-101|multiply_adds": ONE_NUMBER,
}


def short(place: Cell) -> str:
    return f"{place[0].family}|{place[0].variant}|{place[1]}"


def test_what_the_audit_explains_is_what_was_reproduced_by_hand() -> None:
    explained = {place for place, result in by_place().items() if result.explained}
    reproduced = {place for place in by_place() if isinstance(claim_about(place), Claim)}
    assert [key(row) for row, _ in explained - reproduced] == []
    assert {short(place) for place in reproduced - explained} == set(LEFT_ALONE)
    assert len(reproduced - explained) == len(LEFT_ALONE)


def test_nearly_all_have_the_number_that_was_found_by_hand() -> None:
    others = Counter()
    for (row, quantity), result in by_place().items():
        claim = claim_about((row, quantity))
        if isinstance(claim, Claim) and result.explained and claim.scope(network_of(claim, row)) != result.exact:
            others[f"{claim.scope.__name__}: {result.reason}"] += 1
    assert others == {
        # Of two readings that print the same digits, the audit takes the one with fewer variations.
        "stored_without_gamma: as slim counts": 32,
        "weights: the plain reading": 21,
        "with_separable_stem: the plain reading": 1,
        "without_projections: the plain reading": 2,
        "multiply_adds: the plain reading": 1,
        "without_classifier: the plain reading": 1,
        # Two that are likely wrong: the whole table fits it, and the digits.
        "parameters: as keras counts": 1,
        "multiply_adds: the architecture without its variant": 1,
    }


@pytest.mark.parametrize(
    ("row", "quantity", "reason", "rule"),
    [
        ("MobileNetV1: float, alpha 0.75, at 192", "multiply_adds", "without the stem", "rounded"),
        # A variant that fits the parameters of the same table has the same multiply-adds: it is not named for them.
        ("MobileNetV1: float, alpha 1.0, at 224", "multiply_adds", "the plain reading", "rounded"),
        ("inception (3a)", "parameters", "the layer's weights, K = 1024", "truncated"),
        ("conv1 7x7 depthwise(mult 8)+1x1 64", "parameters", "the layer's weights, K = 1000", "rounded"),
        ("inception (3b)", "parameters", "not the layer's own number", ""),
        ("MobileNetV1: float, alpha 0.25, at 128", "parameters", "as slim counts", "rounded"),
        ("MobileNetV2: checkpoint, alpha 0.75, at 96", "multiply_adds", "the plain reading", "truncated"),
        ("MobileNetV2: checkpoint, alpha 0.75, at 96", "parameters", "as weights counts", "rounded"),
        ("ShuffleNet: 1x g=4, alpha 1.0, at 224", "multiply_adds", "without the classifier", "rounded"),
        ("VGG: VGG-16, at 224", "multiply_adds", "convolutions alone", "rounded"),
        ("VGG: VGG-19, at 224", "multiply_adds", "the plain reading", "rounded"),
        ("AlexNet: as cited", "multiply_adds", "variant two-gpu", "rounded"),
        ("AlexNet: as cited", "parameters", "variant two-gpu", "truncated"),
        ("ResNet: ResNet-101, at 224", "multiply_adds", "variant paper-stride", "rounded"),
        ("MobileNetV3: Small (float), alpha 0.75, at 224", "multiply_adds", "variant wide-head", "rounded"),
        ("MobileNetV3: Large (float), alpha 0.75, at 224", "multiply_adds", "variant slim", "rounded"),
        ("ResNeXt: ResNeXt-50 32x4d, at 224", "multiply_adds", "as mmcv counts", "rounded"),
        ("comparison in MobileNetV1 paper: Squeezenet", "multiply_adds", "two operations a multiply-add", "rounded"),
        ("MobileNetV1: MobileNet (Stanford Dogs), alpha 1.0, at 224", "multiply_adds", "1000 classes", "rounded"),
        (
            "MobileNetV3: full size, README prose, alpha 1.0, at 224",
            "multiply_adds",
            "without the classifier",
            "rounded",
        ),
    ],
)
def test_known_rules_are_found(row: str, quantity: str, reason: str, rule: str) -> None:
    matching = [result for result in results() if (result.row, result.quantity) == (row, quantity)]
    assert matching
    assert {(result.reason, result.rounding) for result in matching} == {(reason, rule)}


def test_what_is_said_to_be_printed_is_printed() -> None:
    for place, result in by_place().items():
        if result.explained:
            printed = printed_numbers()[place]
            assert result.exact is not None
            assert {
                "exact": printed.value == result.exact,
                "rounded": printed.rounds(result.exact),
                "truncated": printed.truncates(result.exact),
            }[result.rounding]
            assert sum(term.number for term in result.terms) == result.exact


def test_the_last_digit_follows_from_the_source() -> None:
    steps = {(key(row), of): printed.step // 10**6 for (row, of), printed in printed_numbers().items()}

    def step(part: str) -> set[int]:
        return {worth for (place, of), worth in steps.items() if part in place and of == "multiply_adds"}

    # Tenths of a billion in the ResNet paper; two digits in EfficientNet's; millions in MobileNetV1's Table 6.
    assert step("ResNet-152||224|arXiv:1512.03385") == {100}
    assert step("EfficientNet|B0|") == {10}
    assert step("EfficientNet|B7|") == {1000}
    assert step("Table 6") >= {1}
    assert step("VGG 16|||arXiv:1704.04861 Table 8") == {100}


def test_every_row_of_every_table_has_a_finding() -> None:
    rows = {
        "published": len(published()),
        "mobilenet_v1_architecture": len(paper_table("mobilenet_v1_architecture")),
        "mobilenet_v1_paper_tables_2_3": len(paper_table("mobilenet_v1_paper_tables_2_3")),
        "googlenet_table1": len(paper_table("googlenet_table1")),
        "mobilenet_v2_architecture": len(paper_table("mobilenet_v2_architecture")),
        "mobilenet_v3_architecture": len(paper_table("mobilenet_v3_architecture")),
        "mobilenet_v2_memory": len(paper_table("mobilenet_v2_memory")),
    }
    counts = Counter(table for table, _, _ in {(one.table, one.row, one.source) for one in results()})
    assert counts == rows
    assert sum(counts.values()) == 405


def test_layers_and_modules_are_the_collectors_exact_numbers() -> None:
    googlenet = {
        one.row: one.exact for one in results() if one.table == "googlenet_table1" and one.quantity == "parameters"
    }
    assert googlenet == {row.row: row.exact_weights for row in paper_table("googlenet_table1")}
    parts = {one.row: one.exact for one in results() if "tables_2_3" in one.table and one.quantity == "multiply_adds"}
    assert parts == {row.row: row.exact_madds for row in paper_table("mobilenet_v1_paper_tables_2_3") if row.table == 3}
    assert totals(one for one in results() if one.table == "mobilenet_v1_architecture") == {
        "exact": 108,
        "no figure": 30,
    }


def test_rows_without_a_figure_say_what_they_are() -> None:
    silent = [one for one in results() if one.verdict == "no figure"]
    assert Counter(one.table for one in silent) == {
        "mobilenet_v1_architecture": 30,
        "mobilenet_v2_architecture": 11,
        "mobilenet_v3_architecture": 52,
        "mobilenet_v2_memory": 14,
        "mobilenet_v1_paper_tables_2_3": 4,
    }
    assert all(one.reason and one.exact is None for one in silent)
