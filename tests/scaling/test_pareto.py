"""The Pareto front, against its definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from costmodel.scaling.pareto import front

Point = tuple[float, float]


def unbeaten(points: list[Point]) -> set[int]:
    """Every pair compared: no point that differs costs no more and is worth no less."""
    return {
        index
        for index, (cost, value) in enumerate(points)
        if not any(other != (cost, value) and other[0] <= cost and other[1] >= value for other in points)
    }


# Few different numbers, so that ties are common.
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=25))
def test_the_front_is_what_nothing_beats(points: list[Point]) -> None:
    found = front(points)
    assert set(found) == unbeaten(points)
    assert len(found) == len(set(found))
    assert found == sorted(found, key=lambda index: points[index])


def test_equal_designs_are_both_on_the_front() -> None:
    assert front([(2, 5.0), (1, 5.0), (1, 5.0), (1, 4.0)]) == [1, 2]
