"""Width rounding rules: what becomes of ``alpha * channels``, which is rarely a whole number.

A rule is a function from a width to a number of channels; an architecture takes one as it takes a kernel size.
The arithmetic is that of floating point on purpose: the frameworks round ``32 * 0.35`` in floating point too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from costmodel.errors import CostModelError, Variable

#: Of a width and what the number of channels is to be a multiple of.
WidthRule: TypeAlias = Callable[..., int]


def make_divisible(width: float, divisor: int = 8) -> int:
    """``width`` rounded to a multiple of ``divisor``, never below 0.9 of it nor below ``divisor`` (F8; 002, 003, 004).

    ``max(divisor, int(width + divisor/2) // divisor * divisor)``, and one divisor more where that loses over 10 %.

    >>> make_divisible(32 * 0.75), make_divisible(32 * 0.35), make_divisible(1)
    (24, 16, 8)
    """
    if isinstance(width, Variable):
        return width.multiple(divisor)  # type: ignore[no-any-return]
    return nearest_multiple(width, divisor, int, max, _choose)  # type: ignore[no-any-return]


def _choose(condition: bool, one: int, other: int) -> int:
    return one if condition else other


def nearest_multiple(
    width: Any, divisor: Any, whole: Callable[[Any], Any], largest: Callable[[Any, Any], Any], where: Callable[..., Any]
) -> Any:
    """The formula of :func:`make_divisible`, of a number or of an array: by the ``int``, ``max`` and ``if`` of either.

    >>> nearest_multiple(32 * 0.35, 8, int, max, lambda condition, one, other: one if condition else other)
    16
    """
    rounded = largest(divisor, whole(width + divisor / 2) // divisor * divisor)
    return where(rounded < 0.9 * width, rounded + divisor, rounded)


def truncate(width: float, divisor: int = 1) -> int:
    """``int(width)``, or the multiple of ``divisor`` below: the Keras listing of document 002, which has no divisor.

    Raises :class:`~costmodel.errors.CostModelError` where nothing is left.

    >>> truncate(24 * 0.35)
    8
    """
    if width < divisor:
        raise CostModelError(f"a width of {width:g} channels truncates to 0; use a larger alpha")
    return math.floor(width) // divisor * divisor
