"""Axes: lists and spans as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel import CostModelError
from costmodel.scaling.axes import LARGEST_GRID, Value, grid_size, parse_axis


@given(st.integers(0, 500), st.integers(1, 50), st.integers(0, 60))
def test_a_span_has_the_floats_of_its_decimals_and_both_ends(start: int, step: int, steps: int) -> None:
    hundredths = [start + step * index for index in range(steps + 1)]
    texts = [f"{value // 100}.{value % 100:02}" for value in hundredths]
    assert parse_axis("alpha", f"{texts[0]}:{texts[-1]}:{step / 100}", 1.0) == tuple(float(text) for text in texts)


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1))
def test_a_list_keeps_its_order(values: list[int]) -> None:
    assert parse_axis("resolution", ",".join(map(str, values)), 224) == tuple(values)
    assert parse_axis("resolution", " , ".join(map(str, values)), 224) == tuple(values)


def test_the_argument_decides_the_kind_and_without_one_the_look() -> None:
    assert [type(value) for value in parse_axis("x", "1,2", 1.0)] == [float, float]
    assert parse_axis("x", "1,2", "word") == ("1", "2")
    assert parse_axis("x", "true,No", False) == (True, False)
    assert parse_axis("x", "1,0.5,1e3,relu,3:1".removesuffix(",3:1"), None) == (1, 0.5, 1000, "relu")
    assert parse_axis("x", "1:2:0.5", None) == (1, 1.5, 2)


@pytest.mark.parametrize(
    ("text", "default", "message"),
    [
        ("", 1.0, "alpha has an empty value; write values with commas between them"),
        ("0.5,,1", 1.0, "alpha has an empty value"),
        ("0.5,", 1.0, "alpha has an empty value"),
        ("1:0.5:0.1", 1.0, "alpha='1:0.5:0.1' is reversed; write 0.5:1:0.1"),
        ("0.5:1:0", 1.0, "alpha='0.5:1:0' has step 0; a step is above 0"),
        ("1:0.5:-0.1", 1.0, "has step -0.1"),
        ("0.5:1", 1.0, "is no axis; write start:stop:step"),
        ("1:2:3:4", 1.0, "is no axis"),
        ("1:2:1", "word", "is no axis"),
        ("1:2:1", True, "is no axis"),
        ("one", 1.0, "alpha: 'one' is not a number"),
        ("nan", 1.0, "alpha: 'nan' is not a usable number"),
        ("1e999", 1.0, "is not a usable number"),
        ("0.5", 224, "alpha: 0.5 is not a whole number"),
        ("maybe", True, "alpha: 'maybe' is neither true nor false"),
        ("0:1:0.000000000001", 1.0, "has 1,000,000,000,001 points, the most is 10,000,000; use a larger step"),
    ],
)
def test_what_is_no_axis_is_mended(text: str, default: Value, message: str) -> None:
    with pytest.raises(CostModelError) as error:
        parse_axis("alpha", text, default)
    assert message in str(error.value)


def test_a_grid_is_counted_before_it_is_made() -> None:
    assert grid_size([range(3), range(5)]) == 15
    assert grid_size([]) == 1
    with pytest.raises(CostModelError, match=r"the grid has 1,000,000,000,000 points"):
        grid_size([range(10**6), range(10**6)])
    assert grid_size([range(LARGEST_GRID)]) == LARGEST_GRID
