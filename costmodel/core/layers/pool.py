"""Pooling: the mean or the maximum of a window, of a region, or of everything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import final

from costmodel import formulas
from costmodel.core.counts import Ops
from costmodel.core.layers.base import Choices, Layer, Shapes, Sizes
from costmodel.core.layers.window import by, check_window, does_not_fit, each, paddings, sides, wrong_rank
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, positive_int


@final
class Pool(Layer):
    """The maximum or the mean over a window, each channel on its own (F1).

    Made by :func:`max_pool` and :func:`average_pool`. A window counts in full, where it hangs over the end too.

    >>> max_pool(3, stride=2, ceil_mode=True).output((Shape(64, (112, 112)),))
    Shape(channels=64, spatial=(56, 56))
    """

    mean: bool
    kernel: Sizes
    stride: Sizes
    padding: tuple[tuple[int, int], ...]
    ceil_mode: bool

    def __post_init__(self) -> None:
        check_window(self.kernel, self.stride, self.padding)
        if any(2 * max(pair) > size for pair, size in zip(self.padding, self.kernel, strict=True)):
            raise CostModelError(
                f"padding {sides(self.padding)} is over half of a {by(self.kernel)} window, some windows would hold"
                " nothing else; use less padding"
            )

    def output(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        if len(x.spatial) != len(self.kernel):
            raise wrong_rank(f"a {by(self.kernel)} window", len(self.kernel), x)
        if self.ceil_mode:
            before, after = zip(*self.padding, strict=True)
            window = (x.spatial, self.kernel, self.stride, before, after)
            spatial = tuple(map(min, map(formulas.ceil_output_size, *window)))
        else:
            spatial = tuple(map(formulas.output_size, x.spatial, self.kernel, self.stride, map(sum, self.padding)))
        if min(spatial) < 1:
            raise does_not_fit(self.kernel, (1,), self.padding, x)
        return Shape(x.channels, spatial, x.axis)

    def kind(self, inputs: Shapes) -> str:
        return "average_pool" if self.mean else "max_pool"

    def choices(self) -> Choices:
        window = (("kernel", self.kernel), ("stride", self.stride), ("padding", self.padding))
        return (*window, ("ceil mode", True)) if self.ceil_mode else window

    def other_ops(self, inputs: Shapes, output: Shape) -> Ops:
        others = output.elements * (math.prod(self.kernel) - 1)
        return Ops(add=others, div=output.elements) if self.mean else Ops(cmp=others)


def max_pool(
    kernel: int | Sizes,
    stride: int | Sizes | None = None,
    padding: int | Sizes = 0,
    ceil_mode: bool = False,
    rank: int = 2,
) -> Pool:
    """The largest value of each window. ``stride`` is the kernel's unless given.

    ``ceil_mode`` lets a last window hang over the end. Raises :class:`~costmodel.errors.CostModelError` for sizes
    below 1 and a padding over half of the window.

    >>> max_pool(2).output((Shape(64, (224, 224)),))
    Shape(channels=64, spatial=(112, 112))
    """
    return _pool(False, kernel, stride, padding, ceil_mode, rank)


def average_pool(
    kernel: int | Sizes,
    stride: int | Sizes | None = None,
    padding: int | Sizes = 0,
    ceil_mode: bool = False,
    rank: int = 2,
) -> Pool:
    """The mean of each window; for the rest as :func:`max_pool`.

    >>> average_pool(7).output((Shape(1024, (7, 7)),))
    Shape(channels=1024, spatial=(1, 1))
    """
    return _pool(True, kernel, stride, padding, ceil_mode, rank)


def _pool(
    mean: bool, kernel: int | Sizes, stride: int | Sizes | None, padding: int | Sizes, ceil_mode: bool, rank: int
) -> Pool:
    rank = len(kernel) if isinstance(kernel, tuple) else rank
    step = kernel if stride is None else stride
    return Pool(mean, each(kernel, rank), each(step, rank), paddings(padding, rank), ceil_mode)


@final
class AdaptiveAveragePool(Layer):
    """The mean over windows that are chosen so that the output has the sizes given.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 1.

    >>> AdaptiveAveragePool((7, 7)).output((Shape(512, (10, 13)),))
    Shape(channels=512, spatial=(7, 7))
    """

    sizes: Sizes

    def __post_init__(self) -> None:
        if not isinstance(self.sizes, Sequence) or not self.sizes:
            raise CostModelError(f"sizes={self.sizes!r} must be one size an axis, as in (7, 7)")
        object.__setattr__(self, "sizes", tuple(positive_int(size, "size") for size in self.sizes))

    def output(self, inputs: Shapes) -> Shape:
        if len(inputs[0].spatial) != len(self.sizes):
            raise wrong_rank(f"a pool to {by(self.sizes)}", len(self.sizes), inputs[0])
        return Shape(inputs[0].channels, self.sizes, inputs[0].axis)

    def kind(self, inputs: Shapes) -> str:
        # To a single position it is the mean over all of them, by whatever name it was asked for.
        return "global_average_pool" if max(self.sizes) == 1 else "adaptive_average_pool"

    def choices(self) -> Choices:
        return () if max(self.sizes) == 1 else (("sizes", self.sizes),)

    def other_ops(self, inputs: Shapes, output: Shape) -> Ops:
        x = inputs[0]
        read = x.channels * math.prod(map(formulas.adaptive_pool_reads, x.spatial, self.sizes))
        return Ops(add=read - output.elements, div=output.elements)


@final
class GlobalAveragePool(Layer):
    """The mean of each channel over all positions; every spatial size becomes 1.

    >>> GlobalAveragePool().output((Shape(1280, (7, 7)),))
    Shape(channels=1280, spatial=(1, 1))
    """

    def output(self, inputs: Shapes) -> Shape:
        return Shape(inputs[0].channels, (1,) * len(inputs[0].spatial), inputs[0].axis)

    def kind(self, inputs: Shapes) -> str:
        return "global_average_pool"

    def other_ops(self, inputs: Shapes, output: Shape) -> Ops:
        return Ops(add=inputs[0].elements - output.elements, div=output.elements)
