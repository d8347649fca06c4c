"""Layers that multiply and add: convolutions of every kind, and the linear layer."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, TypeAlias, cast, final

from costmodel import formulas
from costmodel.core.counts import NO_OPS, Ops, Params
from costmodel.core.layers.base import Choices, Layer, Shapes, Sizes
from costmodel.core.layers.window import (
    Padding,
    by,
    check_window,
    does_not_fit,
    each,
    indivisible,
    paddings,
    sides,
    wrong_rank,
)
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, positive_int

#: One number for every axis, or one an axis.
Each: TypeAlias = int | Sequence[int]
#: One number for every axis, one an axis, or (before, after) an axis.
Sides: TypeAlias = int | Sequence[int | tuple[int, int]]


class _Convolution(Layer):
    """What a convolution and a transposed one share: a window, groups, and a weight for each pair of channels."""

    out_channels: int
    kernel: Sizes
    stride: Sizes
    padding: Padding
    dilation: Sizes
    groups: int
    bias: bool

    def __post_init__(self) -> None:
        positive_int(self.out_channels, "out_channels")
        positive_int(self.groups, "groups")
        if not isinstance(self.bias, bool):
            raise CostModelError(f"bias={self.bias!r} must be True or False")
        check_window(self.kernel, self.stride, self.padding, self.dilation)
        if self.out_channels % self.groups:
            raise indivisible(self.groups, self.out_channels, "output")

    @abstractmethod
    def macs(self, inputs: Shapes, output: Shape) -> int: ...

    def other_ops(self, inputs: Shapes, output: Shape) -> Ops:
        return Ops(add=output.elements) if self.bias else NO_OPS

    def params(self, inputs: Shapes) -> Params:
        try:
            return _stored(inputs[0].channels, self.out_channels, self.kernel, self.groups, self.bias)
        except TypeError:
            return _stored.__wrapped__(inputs[0].channels, self.out_channels, self.kernel, self.groups, self.bias)

    def label(self, inputs: Shapes) -> str:
        return f"{self.kind(inputs).replace('_', ' ')} {by(self.kernel)}"

    def choices(self) -> Choices:
        """What its author chose; dilation and groups where they are not 1."""
        stated: Choices = (("kernel", self.kernel), ("stride", self.stride), ("padding", self.padding))
        stated += (("dilation", self.dilation),) if max(self.dilation) > 1 else ()
        stated += (("groups", self.groups),) if self.groups > 1 else ()
        return (*stated, ("bias", self.bias))

    def _grouping(self, inputs: Shapes, name: str) -> str:
        if self.groups == 1:
            return name
        return f"depthwise_{name}" if self.groups == inputs[0].channels else f"grouped_{name}"


@final
class Conv(_Convolution):
    """A convolution of any rank: standard, grouped or depthwise (F1, F2, F5). Made by :func:`conv`.

    One entry an axis in ``kernel``, ``stride``, ``dilation`` and ``padding``.

    >>> layer = conv(64, kernel=7, stride=2, padding=3)
    >>> image = Shape(3, (224, 224))
    >>> layer.output((image,)), layer.params((image,)).weight
    (Shape(channels=64, spatial=(112, 112)), 9408)
    >>> layer.macs((image,), Shape(64, (112, 112)))
    118013952
    """

    def output(self, inputs: Shapes) -> Shape:
        window = self.out_channels, self.kernel, self.stride, self.padding, self.dilation, self.groups
        try:
            return _conv_output(inputs[0], *window)
        except TypeError:  # a number that is many cannot be looked up
            return _conv_output.__wrapped__(inputs[0], *window)

    def kind(self, inputs: Shapes) -> str:
        return self._grouping(inputs, "conv")

    def macs(self, inputs: Shapes, output: Shape) -> int:
        positions, area = math.prod(output.spatial), math.prod(self.kernel)
        return formulas.conv_multiply_adds(positions, inputs[0].channels, self.out_channels, area, self.groups)


def _misfit(kernel: Sizes, groups: int, x: Shape) -> CostModelError:
    if len(x.spatial) != len(kernel):
        return wrong_rank(f"a {by(kernel)} kernel", len(kernel), x)
    return indivisible(groups, x.channels, "input")


@lru_cache(maxsize=65536)
def _stored(in_channels: int, out_channels: int, kernel: Sizes, groups: int, bias: bool) -> Params:
    weights = formulas.conv_weights(in_channels, out_channels, math.prod(kernel), groups)
    return Params(weights, out_channels if bias else 0)


# Cached, as above: a network slides the same few windows over the same few maps again and again.
@lru_cache(maxsize=65536)
def _conv_output(
    x: Shape, out_channels: int, kernel: Sizes, stride: Sizes, padding: Padding, dilation: Sizes, groups: int
) -> Shape:
    if len(x.spatial) != len(kernel) or x.channels % groups:
        raise _misfit(kernel, groups, x)
    if padding == "same":
        return Shape(out_channels, tuple(map(formulas.same_output_size, x.spatial, stride)), x.axis)
    spatial = tuple(map(formulas.output_size, x.spatial, kernel, stride, map(sum, padding), dilation))
    if min(spatial) < 1:
        raise does_not_fit(kernel, dilation, padding, x)
    return Shape(out_channels, spatial, x.axis)


@final
class TransposedConv(_Convolution):
    """A transposed convolution of any rank, PyTorch's ``ConvTranspose``. Made by :func:`transposed_conv`.

    >>> layer = transposed_conv(8, kernel=4, stride=2, padding=1)
    >>> layer.output((Shape(16, (7, 7)),))
    Shape(channels=8, spatial=(14, 14))
    """

    output_padding: Sizes

    def __post_init__(self) -> None:
        _Convolution.__post_init__(self)
        if self.padding == "same":
            raise CostModelError("padding='same' means nothing for a transposed convolution; give a number, as in 1")
        if len(self.output_padding) != len(self.kernel):
            raise CostModelError(
                f"output_padding={by(self.output_padding)} has {len(self.output_padding)} axes, the kernel"
                f" {by(self.kernel)} has {len(self.kernel)}; give one number, or one an axis"
            )
        for extra, stride, dilation in zip(self.output_padding, self.stride, self.dilation, strict=True):
            if positive_int(extra, "output_padding", least=0) >= max(stride, dilation):
                raise CostModelError(
                    f"output_padding={extra} must be smaller than the stride ({stride}) or the dilation ({dilation})"
                )

    def output(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        if len(x.spatial) != len(self.kernel) or x.channels % self.groups:
            raise _misfit(self.kernel, self.groups, x)
        cut = map(sum, cast("tuple[tuple[int, int], ...]", self.padding))  # never "same" here
        window = (self.kernel, self.stride, cut, self.dilation, self.output_padding)
        spatial: Sizes = tuple(map(formulas.transposed_output_size, x.spatial, *window))
        if min(spatial) < 1:
            raise CostModelError(f"padding {sides(self.padding)} removes the whole output of a {x} input; use less")
        return Shape(self.out_channels, spatial, x.axis)

    def kind(self, inputs: Shapes) -> str:
        return self._grouping(inputs, "transposed_conv")

    def choices(self) -> Choices:
        return (*_Convolution.choices(self), ("output padding", self.output_padding))

    def macs(self, inputs: Shapes, output: Shape) -> int:
        positions, area = math.prod(inputs[0].spatial), math.prod(self.kernel)
        return formulas.conv_multiply_adds(positions, inputs[0].channels, self.out_channels, area, self.groups)


def conv(
    out_channels: int,
    kernel: Each,
    stride: Each = 1,
    padding: Sides | Literal["same", "valid"] = 0,
    dilation: Each = 1,
    groups: int = 1,
    bias: bool = False,
    rank: int = 2,
) -> Conv:
    """A convolution with ``out_channels`` filters. A single number counts for each of ``rank`` axes.

    ``padding`` is a number, one a axis, ``(before, after)`` pairs, ``"valid"`` (none), or ``"same"``: the output
    has ``ceil(size / stride)`` positions an axis. ``rank`` is taken from ``kernel`` where that has an axis each.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 1 and groups that do not divide.

    >>> conv(64, kernel=(3, 5), padding=((0, 1), (2, 2))).output((Shape(3, (32, 32)),))
    Shape(channels=64, spatial=(31, 32))
    >>> conv(64, kernel=3, groups=5)
    Traceback (most recent call last):
        ...
    costmodel.errors.CostModelError: groups=5 does not divide 64 output channels; groups=4 does
    """
    try:
        return _conv(out_channels, kernel, stride, padding, dilation, groups, bias, rank)
    except TypeError:  # a list cannot be looked up in a cache, nor a number that is many
        frozen = map(_frozen, (out_channels, kernel, stride, padding, dilation, groups, bias, rank))
        return _conv.__wrapped__(*frozen)


# Cached: an architecture repeats a few choices many times, and checking them once is what keeps a whole network under
# half a millisecond. "typed", because 1, 1.0 and True are one key otherwise, and only the first is a size.
@lru_cache(maxsize=4096, typed=True)
def _conv(
    out_channels: int,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    bias: bool,
    rank: int,
) -> Conv:
    rank = len(kernel) if isinstance(kernel, tuple) else rank
    around: Padding = "same" if padding == "same" else paddings(padding, rank)
    return Conv(out_channels, each(kernel, rank), each(stride, rank), around, each(dilation, rank), groups, bias)


def _frozen(choice: Any) -> Any:
    return tuple(map(_frozen, choice)) if isinstance(choice, (list, tuple)) else choice


def depthwise_conv(
    channels: int,
    kernel: Each,
    stride: Each = 1,
    padding: Sides | Literal["same", "valid"] = 0,
    dilation: Each = 1,
    bias: bool = False,
    rank: int = 2,
) -> Conv:
    """A convolution of each of ``channels`` on its own: as many groups as channels (F3; documents 000, 004).

    >>> depthwise_conv(128, kernel=3, padding=1).params((Shape(128, (56, 56)),)).weight
    1152
    """
    return conv(channels, kernel, stride, padding, dilation, channels, bias, rank)


def pointwise_conv(out_channels: int, bias: bool = False, rank: int = 2) -> Conv:
    """A convolution with a kernel of 1: it mixes channels, position by position (F3; documents 000, 004).

    >>> pointwise_conv(256).params((Shape(128, (56, 56)),)).weight
    32768
    """
    return conv(out_channels, 1, 1, 0, 1, 1, bias, rank)


def transposed_conv(
    out_channels: int,
    kernel: Each,
    stride: Each = 1,
    padding: Sides | Literal["valid"] = 0,
    dilation: Each = 1,
    groups: int = 1,
    bias: bool = False,
    output_padding: Each = 0,
    rank: int = 2,
) -> TransposedConv:
    """A transposed convolution; ``padding`` is cut from the output, ``output_padding`` is added at its end.

    Raises :class:`~costmodel.errors.CostModelError` as :func:`conv` does.

    >>> transposed_conv(8, kernel=3, stride=2, padding=1, output_padding=1).output((Shape(16, (7, 7)),))
    Shape(channels=8, spatial=(14, 14))
    """
    kernel, stride, dilation, output_padding = map(_frozen, (kernel, stride, dilation, output_padding))
    rank = len(kernel) if isinstance(kernel, tuple) else rank
    frozen = _frozen(padding)
    around: Padding = "same" if frozen == "same" else paddings(frozen, rank)
    return TransposedConv(
        out_channels,
        each(kernel, rank),
        each(stride, rank),
        around,
        each(dilation, rank),
        groups,
        bias,
        each(output_padding, rank),
    )


@final
class Linear(Layer):
    """A linear layer: of a vector, or of the features at each position of a sequence on its own.

    Raises :class:`~costmodel.errors.CostModelError` for a map with channels first, which PyTorch would want flattened.

    >>> Linear(1000, bias=True).params((Shape(1024),))
    Params(weight=1024000, bias=1000, affine=0, buffer=0, frozen=0)
    >>> Linear(3072).output((Shape(768, (197,), axis=1),))
    Shape(channels=3072, spatial=(197,), axis=1)
    """

    out_features: int
    bias: bool = True

    def output(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        if x.axis == 0 and len(x.spatial) > 1:
            raise CostModelError(
                f"a linear layer reads a vector or a sequence, {x} is a map; flatten it first, or use a pointwise"
                " convolution, which is a linear layer at each position"
            )
        return Shape(positive_int(self.out_features, "out_features"), x.spatial, x.axis)

    def kind(self, inputs: Shapes) -> str:
        return "linear"

    def choices(self) -> Choices:
        return (("outputs", self.out_features), ("bias", self.bias))

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return formulas.linear_multiply_adds(output.positions, inputs[0].channels, self.out_features)

    def other_ops(self, inputs: Shapes, output: Shape) -> Ops:
        return Ops(add=output.elements) if self.bias else NO_OPS

    def params(self, inputs: Shapes) -> Params:
        weights = formulas.linear_weights(inputs[0].channels, self.out_features)
        return Params(weights, self.out_features if self.bias else 0)
