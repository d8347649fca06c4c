"""Shapes and the checks behind every error."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from costmodel import CostModelError, Shape
from costmodel.core.rounding import make_divisible, truncate
from costmodel.errors import nearest, positive_int, width_multiplier

sizes = st.lists(st.integers(1, 10**6), min_size=1, max_size=4)


@given(sizes)
def test_a_shape_reads_back_what_it_writes(values: list[int]) -> None:
    shape = Shape(values[0], tuple(values[1:]))
    assert Shape.parse(str(shape)) == shape
    assert shape.sizes == tuple(values)
    count = 1
    for value in values:
        count *= value
    assert shape.elements == count == shape.channels * shape.positions


@given(st.text(max_size=12))
def test_a_text_is_a_shape_or_one_clear_error(text: str) -> None:
    try:
        assert all(size >= 1 for size in Shape.parse(text).sizes)
    except CostModelError as error:
        assert repr(text)[1:-1] in str(error)


@pytest.mark.parametrize(
    "text", ["", "x", "3x", "3xx4", "0x4", "-3x4", "3.0x4", "3x٣", "3x" + "9" * 19, "3x" + "9" * 5000]
)
def test_texts_that_are_no_shape(text: str) -> None:
    with pytest.raises(CostModelError):
        Shape.parse(text)


def test_a_size_has_at_most_the_19_digits_of_the_largest() -> None:
    assert Shape.parse("3x9223372036854775807") == Shape(3, (2**63 - 1,))
    with pytest.raises(CostModelError, match="is not a shape; write channels and sizes"):
        Shape.parse("3x" + "0" * 19 + "1")


def test_a_text_that_is_no_shape_is_quoted_if_a_line_can_hold_it() -> None:
    for text in ("a" * 59, "a" * 60):
        with pytest.raises(CostModelError, match=f"'{text}' is not a shape"):
            Shape.parse(text)
    with pytest.raises(CostModelError, match="a text of 61 characters is not a shape"):
        Shape.parse("a" * 61)


def test_a_shape_has_at_most_8_axes() -> None:
    assert Shape.parse("x".join("12345678")) == Shape(1, (2, 3, 4, 5, 6, 7, 8))
    with pytest.raises(CostModelError, match="is not a shape"):
        Shape.parse("x".join("123456789"))


@given(st.integers(1, 2**63 - 1))
def test_whole_numbers_pass(value: int) -> None:
    assert positive_int(value, "size") == value


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "3", None, 2**63])
def test_what_is_no_size_is_refused(value: object) -> None:
    with pytest.raises(CostModelError, match="size"):
        positive_int(value, "size")


def test_whole_may_start_at_zero() -> None:
    assert positive_int(0, "padding", least=0) == 0


@pytest.mark.parametrize("alpha", [5e-324, 0.25, 1, 1.4, 100])
def test_widths_that_can_be(alpha: float) -> None:
    assert width_multiplier(alpha) == alpha


@pytest.mark.parametrize("alpha", [0, -0.0, -1, 100.1, float("inf"), float("-inf"), float("nan"), True, "1"])
def test_widths_that_cannot_be(alpha: float) -> None:
    with pytest.raises(CostModelError, match="must be above 0 and at most 100"):
        width_multiplier(alpha)


@given(st.floats(0.01, 10_000), st.sampled_from([1, 2, 4, 8, 16]))
def test_make_divisible_keeps_its_promises(width: float, divisor: int) -> None:
    rounded = make_divisible(width, divisor)
    assert rounded % divisor == 0
    assert rounded >= max(divisor, 0.9 * width)
    # Never further up than it must: half a divisor by rounding, or the one that the 10 % rule adds.
    assert rounded <= max(divisor, width + divisor)


@given(st.integers(1, 4_000), st.integers(1, 16))
@example(4 * 20, 9)  # 18 is nine tenths of 20 and no less
def test_make_divisible_takes_the_nearest_multiple_that_keeps_nine_tenths(quarters: int, divisor: int) -> None:
    width = Fraction(quarters, 4)
    multiples = range(divisor, quarters + 2 * divisor, divisor)
    nearest_one = min(multiples, key=lambda multiple: (abs(multiple - width), -multiple))
    kept = [multiple for multiple in multiples if multiple >= max(nearest_one, Fraction(9, 10) * width)]
    assert make_divisible(float(width), divisor) == kept[0]


@pytest.mark.parametrize(
    ("width", "expected"),
    # torchvision's MobileNetV2 at 0.35 (32, 16, 24, 32, 64, 96, 160, 320 channels), and the ends of the rule.
    [(11.2, 16), (5.6, 8), (8.4, 8), (22.4, 24), (33.6, 32), (56.0, 56), (112.0, 112), (1e-9, 8), (12, 16), (4, 8)],
)
def test_make_divisible_as_torchvision_builds_it(width: float, expected: int) -> None:
    assert make_divisible(width) == expected


def test_truncate_drops_the_fraction_and_refuses_nothing() -> None:
    assert [truncate(24 * alpha) for alpha in (0.35, 0.5, 1.0)] == [8, 12, 24]
    assert [truncate(width) for width in (1, 1.9, 2)] == [1, 1, 2]
    with pytest.raises(CostModelError, match=r"a width of 0\.96 channels truncates to 0; use a larger alpha"):
        truncate(96 * 0.01)


def test_nearest_ignores_case_and_dashes() -> None:
    assert nearest("MobileNet-V2", ["mobilenet_v1", "mobilenet_v2"]) == "did you mean mobilenet_v2? "
    assert nearest("resnet", ["lenet"]) == "did you mean lenet? "
    assert nearest("xyz", ["lenet"]) == ""
