"""Numbers that are many compute as each of them alone would, or say which belong together."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.core.rounding import make_divisible, truncate
from costmodel.scaling.columns import Column, MixedError, terms_of

whole = st.integers(-(10**6), 10**6)


def of_alpha(values: list[Any]) -> Any:
    kind = numpy.float64 if isinstance(values[0], float) else numpy.int64
    return Column(numpy.zeros((1, 1), numpy.int64), 0, {}).column(numpy.array(values, dtype=kind).reshape(-1, 1))


def of_resolution(values: list[int]) -> Any:
    return Column(numpy.zeros((1, 1), numpy.int64), 0, {}).column(numpy.array(values, dtype=numpy.int64).reshape(1, -1))


def values_of(number: Any, rows: int, columns: int = 1) -> list[list[Any]]:
    found = number.grid() if hasattr(number, "grid") else numpy.array([[number]])
    return numpy.broadcast_to(found, (rows, columns)).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("compute", [operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod])
@given(pairs=st.lists(st.tuples(whole, whole.filter(bool)), min_size=1, max_size=5), number=whole.filter(bool))
def test_arithmetic_is_that_of_each(
    compute: Callable[[Any, Any], Any], pairs: list[tuple[int, int]], number: int
) -> None:
    ones, others = map(list, zip(*pairs, strict=True))
    one, other = of_alpha(ones), of_alpha(others)
    assert values_of(compute(one, other), len(pairs)) == [[compute(*pair)] for pair in pairs]
    assert values_of(compute(one, number), len(pairs)) == [[compute(value, number)] for value in ones]
    assert values_of(compute(number, other), len(pairs)) == [[compute(number, value)] for value in others]


@given(
    st.lists(st.integers(1, 10**4), min_size=1, max_size=4),
    st.lists(st.integers(1, 10**4), min_size=1, max_size=4),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_products_of_both_axes_are_sums_of_terms(
    alphas: list[int], resolutions: list[int], times: int, more: int
) -> None:
    a, r = of_alpha(alphas), of_resolution(resolutions)
    number = (a * times * r * r // times + r * more - a) * (r + 1)
    assert values_of(number, len(alphas), len(resolutions)) == [
        [(alpha * size * size + size * more - alpha) * (size + 1) for size in resolutions] for alpha in alphas
    ]
    assert all(len(term) == 2 for term in terms_of(number))


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
@given(
    alphas=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    resolutions=st.lists(st.integers(0, 5), min_size=1, max_size=4),
)
def test_a_comparison_has_one_answer_or_names_the_groups(
    compare: Callable[[Any, Any], Any], alphas: list[int], resolutions: list[int]
) -> None:
    a, r = of_alpha(alphas), of_resolution(resolutions)
    answers = [[compare(alpha, size) for size in resolutions] for alpha in alphas]
    try:
        answer = bool(compare(a, r))
    except MixedError as mixed:
        lines = [list(column) for column in zip(*answers, strict=True)] if mixed.axis else answers
        assert len(mixed.labels) == len(lines)
        assert len(set(mixed.labels.tolist())) > 1
        for one, label in zip(lines, mixed.labels, strict=True):
            for other, other_label in zip(lines, mixed.labels, strict=True):
                assert (one == other) is bool(label == other_label)
    else:
        assert all(cell is answer for line in answers for cell in line)


@given(st.lists(st.floats(0.5, 3000), min_size=1, max_size=5), st.integers(1, 96))
def test_widths_are_rounded_as_each_alone(widths: list[float], divisor: int) -> None:
    found = make_divisible(of_alpha(widths), divisor)
    assert values_of(found, len(widths)) == [[make_divisible(width, divisor)] for width in widths]
    larger = [width + 1 for width in widths]
    assert values_of(truncate(of_alpha(larger)), len(widths)) == [[truncate(width)] for width in larger]


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=5), st.integers(1, 2000), st.integers(1, 99))
def test_a_width_before_it_is_rounded_is_the_same_floating_point(alphas: list[float], channels: int, read: int) -> None:
    alpha = of_alpha(alphas)
    assert values_of(channels * alpha, len(alphas)) == [[channels * value] for value in alphas]
    scaled = [math.floor(channels * value) + 1 for value in alphas]
    assert values_of(88 / read * of_alpha(scaled), len(alphas)) == [[88 / read * value] for value in scaled]
    assert values_of(of_alpha(scaled) / 4, len(alphas)) == [[value / 4] for value in scaled]


def test_a_result_that_might_not_fit_is_refused() -> None:
    large = of_alpha([2**40, 1])
    with pytest.raises(OverflowError):
        large * large
    with pytest.raises(OverflowError):
        large + (2**63 - 5)
    with pytest.raises(ZeroDivisionError):
        large // 0
    with pytest.raises(TypeError, match="unhashable"):
        hash(large)
