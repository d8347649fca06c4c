"""Pooling: the mean or the maximum of a window, of a region, or of everything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from costmodel import formulas
from costmodel.checks import whole
from costmodel.layers.base import Layer, Shapes, Sizes
from costmodel.layers.window import check_window, does_not_fit, each, paddings, wrong_rank
from costmodel.values import Ops, Shape


@final
@dataclass(frozen=True, slots=True)
class Pool(Layer):
    """The maximum or the mean over a window, each channel on its own (F1).

    Made by :func:`max_pool` and :func:`average_pool`.

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

    def output(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        if len(x.spatial) != len(self.kernel):
            raise wrong_rank(self.kernel, x)
        if self.ceil_mode:
            before, after = zip(*self.padding, strict=True)
            spatial = tuple(
                map(min, map(formulas.ceil_output_size, x.spatial, self.kernel, self.stride, before, after))
            )
        else:
            spatial = tuple(map(formulas.output_size, x.spatial, self.kernel, self.stride, map(sum, self.padding)))
        if min(spatial) < 1:
            raise does_not_fit(self.kernel, (1,), self.padding, x)
        return Shape(x.channels, spatial)

    def kind(self, inputs: Shapes) -> str:
        return "average_pool" if self.mean else "max_pool"

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        others = output.elements * (math.prod(self.kernel) - 1)
        return Ops(add=others, div=output.elements) if self.mean else Ops(cmp=others)


def max_pool(
    kernel: int | Sizes, stride: int | Sizes, padding: int | Sizes = 0, ceil_mode: bool = False, rank: int = 2
) -> Pool:
    """The largest value of each window; ``ceil_mode`` lets a last window hang over the end.

    >>> max_pool(2, stride=2).output((Shape(64, (224, 224)),))
    Shape(channels=64, spatial=(112, 112))
    """
    rank = len(kernel) if isinstance(kernel, tuple) else rank
    return Pool(False, each(kernel, rank), each(stride, rank), paddings(padding, rank), ceil_mode)


def average_pool(
    kernel: int | Sizes, stride: int | Sizes, padding: int | Sizes = 0, ceil_mode: bool = False, rank: int = 2
) -> Pool:
    """The mean of each window.

    >>> average_pool(7, stride=7).output((Shape(1024, (7, 7)),))
    Shape(channels=1024, spatial=(1, 1))
    """
    rank = len(kernel) if isinstance(kernel, tuple) else rank
    return Pool(True, each(kernel, rank), each(stride, rank), paddings(padding, rank), ceil_mode)


@final
@dataclass(frozen=True, slots=True)
class AdaptiveAveragePool(Layer):
    """The mean over windows that are chosen so that the output has the sizes given.

    >>> AdaptiveAveragePool((7, 7)).output((Shape(512, (10, 13)),))
    Shape(channels=512, spatial=(7, 7))
    """

    sizes: Sizes

    def __post_init__(self) -> None:
        for size in self.sizes:
            whole(size, "size")

    def output(self, inputs: Shapes) -> Shape:
        if len(inputs[0].spatial) != len(self.sizes):
            raise wrong_rank(self.sizes, inputs[0])
        return Shape(inputs[0].channels, self.sizes)

    def kind(self, inputs: Shapes) -> str:
        return "adaptive_average_pool"

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        # Window i runs from floor(i * size / n) to ceil((i + 1) * size / n): windows may share values.
        read = math.prod(
            sum(-(-(i + 1) * size // n) - i * size // n for i in range(n))
            for size, n in zip(inputs[0].spatial, self.sizes, strict=True)
        )
        return Ops(add=inputs[0].channels * read - output.elements, div=output.elements)


@final
@dataclass(frozen=True, slots=True)
class GlobalAveragePool(Layer):
    """The mean of each channel over all positions; every spatial size becomes 1.

    >>> GlobalAveragePool().output((Shape(1280, (7, 7)),))
    Shape(channels=1280, spatial=(1, 1))
    """

    def output(self, inputs: Shapes) -> Shape:
        return Shape(inputs[0].channels, (1,) * len(inputs[0].spatial))

    def kind(self, inputs: Shapes) -> str:
        return "global_average_pool"

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        return Ops(add=inputs[0].elements - output.elements, div=output.elements)
