"""The table of odds against what it was set by, and the probabilities of ``explain`` against figures kept aside."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.calibration import calibration
from costmodel.published.tables import PrintedNumber
from costmodel.reproduction.audit import network_results
from costmodel.reproduction.odds import odds, unknown_odds


@pytest.mark.slow
def test_the_odds_follow_the_published_numbers() -> None:
    counted = Counter(
        result.reason if result.explained else result.verdict
        for result in network_results()
        if result.quantity == "multiply_adds"
    )
    plain = counted["the plain reading"]
    for part in ("without the classifier", "without the stem", "convolutions alone"):
        assert odds("multiply_adds", "part", part) == pytest.approx(counted[part] / plain, abs=0.01)
    variants = sum(count for reason, count in counted.items() if "variant" in reason)
    assert odds("multiply_adds", "variant", "") == pytest.approx(variants / plain, abs=0.01)
    assert odds("multiply_adds", "factor", "") == pytest.approx(
        counted["two operations a multiply-add"] / plain, abs=0.01
    )


def test_a_kind_of_many_values_has_its_odds_together() -> None:
    assert 4 * odds("multiply_adds", "variant", "", among=4) == odds("multiply_adds", "variant", "")


def test_the_unknown_is_less_likely_with_every_digit_and_where_its_origin_is_known() -> None:
    digits = [unknown_odds(PrintedNumber(302_000, step), 300_000) for step in (10_000, 1_000, 100)]
    assert digits[0] > 5 * digits[1] > 25 * digits[2] > 0
    assert unknown_odds(PrintedNumber(302, 1), 300, origin_known=True) < digits[1] / 3


@pytest.mark.slow
def test_of_the_readings_called_95_percent_at_least_95_percent_are_right() -> None:
    (sure,) = (group for group in calibration() if group.least == 0.95)
    assert sure.readings > 100
    assert sure.right / sure.readings >= 0.95
