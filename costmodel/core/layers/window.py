"""Windows that slide: sizes an axis each, padding, and the checks they share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from costmodel import formulas
from costmodel.core.layers.base import Sizes
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, positive_int

#: Zeros added (before, after) on each axis, or the rule that keeps ``ceil(size / stride)``.
Padding: TypeAlias = tuple[tuple[int, int], ...] | Literal["same"]


def check_window(kernel: Sizes, stride: Sizes, padding: Padding, dilation: Sizes | None = None) -> None:
    """Raises where a size is below 1, a padding below 0, or the axes do not agree in number."""
    rank = len(kernel)
    if not kernel:
        raise CostModelError("kernel=() has no axis; give one size an axis, as in kernel=(3, 3)")
    for what, sizes in (("kernel", kernel), ("stride", stride), ("dilation", kernel if dilation is None else dilation)):
        if len(sizes) != rank:
            raise _axes(f"{what}={by(sizes)}", len(sizes), kernel)
        for size in sizes:
            positive_int(size, what)
    if padding == "same":
        return
    if len(padding) != rank:
        raise _axes(f"padding={sides(padding)}", len(padding), kernel)
    for before, after in padding:
        positive_int(before, "padding", least=0)
        positive_int(after, "padding", least=0)


def _axes(what: str, count: int, kernel: Sizes) -> CostModelError:
    return CostModelError(
        f"{what} has {count} axes, the kernel {by(kernel)} has {len(kernel)}; give one number, or one an axis"
    )


def wrong_rank(what: str, rank: int, x: Shape) -> CostModelError:
    """A window of one rank on an input of another."""
    return CostModelError(
        f"{what} needs an input with {rank} spatial sizes, {x} has {len(x.spatial)}; give one size an axis: (3,) is 1-D"
    )


def does_not_fit(kernel: Sizes, dilation: Sizes, padding: Padding, x: Shape) -> CostModelError:
    """A window larger than what it slides over."""
    dilated = f" with dilation {by(dilation)}" if max(dilation) > 1 else ""
    return CostModelError(
        f"a {by(kernel)} kernel{dilated} does not fit on a {by(x.spatial)} input with padding {sides(padding)};"
        " use a larger input, a smaller kernel or more padding"
    )


def indivisible(groups: int, channels: int, side: str) -> CostModelError:
    """Groups that do not divide, and groups near them that do."""
    divisors = [g for g in (groups - 1, groups + 1, math.gcd(groups, channels)) if channels % g == 0]
    return CostModelError(f"groups={groups} does not divide {channels} {side} channels; groups={divisors[0]} does")


def same_sides(size: int, kernel: int, stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    """Zeros before and after one axis under padding "same": what the last window lacks, the odd one after.

    >>> same_sides(224, kernel=3, stride=2), same_sides(225, kernel=3, stride=2)
    ((0, 1), (1, 1))
    """
    last = (formulas.same_output_size(size, stride) - 1) * stride
    total = max(last + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def cut_and_added(sizes: Sizes, kernel: Sizes, stride: Sizes, made: Sizes) -> tuple[tuple[tuple[int, int], ...], Sizes]:
    """What a transposed convolution cuts (before, after) from each axis, and adds at its end, to make ``made``.

    ``kernel``: what the window spans, with its dilation.

    >>> cut_and_added((7, 7), (3, 2), (2, 2), (14, 15))
    (((0, 1), (0, 0)), (0, 1))
    """
    over = [
        step * (size - 1) + window - total
        for size, window, step, total in zip(sizes, kernel, stride, made, strict=True)
    ]
    cut = tuple([(max(extra, 0) // 2, -(-max(extra, 0) // 2)) for extra in over])
    return cut, tuple([max(-extra, 0) for extra in over])


def by(sizes: Iterable[int]) -> str:
    """Sizes as people write them: ``3x5``."""
    return "x".join(map(str, sizes))


def sides(padding: Padding) -> str:
    """A padding as the command line reads it: ``1x1``, ``0:1x0:1``, ``same``."""
    if padding == "same":
        return padding
    return "x".join(str(before) if before == after else f"{before}:{after}" for before, after in padding)


def each(value: Any, rank: int) -> Sizes:
    """One size an axis, of a single number or of sizes already."""
    return value if isinstance(value, tuple) else (value,) * rank


def paddings(padding: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """(before, after) an axis, of a single number, a number an axis, pairs, one pair, or ``"valid"``: none."""
    if padding == "valid":
        padding = 0
    around: tuple[Any, ...] = each(padding, rank)
    # A single pair, written ((0, 1),), counts for each axis as a single number does.
    if len(around) == 1 and isinstance(around[0], tuple):
        around *= rank
    pairs: tuple[Any, ...] = tuple(side if isinstance(side, tuple) else (side, side) for side in around)
    if any(len(pair) != 2 or isinstance(pair[0], str) for pair in pairs):
        raise CostModelError(
            f"padding={padding!r} is no padding; give a number, one an axis, (before, after) pairs, 'same' or 'valid'"
        )
    return pairs
