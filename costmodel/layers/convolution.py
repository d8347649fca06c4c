"""Layers that multiply and add: convolutions of every kind, and the linear layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, final

from costmodel import formulas
from costmodel.checks import CostModelError, whole
from costmodel.layers.base import Layer, Shapes, Sizes
from costmodel.layers.window import (
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
from costmodel.values import Ops, Params, Shape


@final
@dataclass(frozen=True, slots=True)
class Conv(Layer):
    """A convolution of any rank: standard, grouped or depthwise (F1, F2, F5). Made by :func:`conv`.

    One entry an axis in ``kernel``, ``stride``, ``dilation`` and ``padding``.

    >>> layer = conv(64, kernel=7, stride=2, padding=3)
    >>> image = Shape(3, (224, 224))
    >>> layer.output((image,)), layer.params((image,)).weight
    (Shape(channels=64, spatial=(112, 112)), 9408)
    >>> layer.ops((image,), Shape(64, (112, 112))).mac
    118013952
    """

    out_channels: int
    kernel: Sizes
    stride: Sizes
    padding: Padding
    dilation: Sizes
    groups: int
    bias: bool

    def __post_init__(self) -> None:
        _check(self)

    def output(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        if len(x.spatial) != len(self.kernel) or x.channels % self.groups:
            raise _misfit(self, x)
        if self.padding == "same":
            return Shape(self.out_channels, tuple(map(formulas.same_output_size, x.spatial, self.stride)))
        spatial = _slid(x.spatial, self.kernel, self.stride, self.padding, self.dilation)
        if min(spatial) < 1:
            raise does_not_fit(self.kernel, self.dilation, self.padding, x)
        return Shape(self.out_channels, spatial)

    def kind(self, inputs: Shapes) -> str:
        return _conv_kind("conv", self.groups, inputs)

    def label(self, inputs: Shapes) -> str:
        return f"{self.kind(inputs).replace('_', ' ')} {'x'.join(map(str, self.kernel))}"

    def macs(self, inputs: Shapes, output: Shape) -> int:
        positions, area = math.prod(output.spatial), math.prod(self.kernel)
        return formulas.conv_multiply_adds(positions, inputs[0].channels, self.out_channels, area, self.groups)

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        return Ops(self.macs(inputs, output), output.elements if self.bias else 0)

    def params(self, inputs: Shapes) -> Params:
        return _conv_params(self, inputs)

    def choices(self) -> str:
        """What its author chose, for people: ``kernel 3x3, stride 2x2, padding 1x1, no bias``."""
        return _describe(self)


@final
@dataclass(frozen=True, slots=True)
class TransposedConv(Layer):
    """A transposed convolution of any rank, PyTorch's ``ConvTranspose``. Made by :func:`transposed_conv`.

    >>> layer = transposed_conv(8, kernel=4, stride=2, padding=1)
    >>> layer.output((Shape(16, (7, 7)),))
    Shape(channels=8, spatial=(14, 14))
    """

    out_channels: int
    kernel: Sizes
    stride: Sizes
    padding: tuple[tuple[int, int], ...]
    dilation: Sizes
    groups: int
    bias: bool
    output_padding: Sizes

    def __post_init__(self) -> None:
        _check(self)
        for extra, stride, dilation in zip(self.output_padding, self.stride, self.dilation, strict=True):
            if not 0 <= extra < max(stride, dilation):
                raise CostModelError(
                    f"output_padding={extra} must be at least 0 and smaller than the stride ({stride}) or the"
                    f" dilation ({dilation})"
                )

    def output(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        if len(x.spatial) != len(self.kernel) or x.channels % self.groups:
            raise _misfit(self, x)
        padding = map(sum, self.padding)
        spatial = tuple(
            map(
                formulas.transposed_output_size,
                x.spatial,
                self.kernel,
                self.stride,
                padding,
                self.dilation,
                self.output_padding,
            )
        )
        if min(spatial) < 1:
            raise CostModelError(f"padding {sides(self.padding)} removes the whole output of a {x} input; use less")
        return Shape(self.out_channels, spatial)

    def kind(self, inputs: Shapes) -> str:
        return _conv_kind("transposed_conv", self.groups, inputs)

    def label(self, inputs: Shapes) -> str:
        return f"{self.kind(inputs).replace('_', ' ')} {'x'.join(map(str, self.kernel))}"

    def macs(self, inputs: Shapes, output: Shape) -> int:
        positions, area = math.prod(inputs[0].spatial), math.prod(self.kernel)
        return formulas.conv_multiply_adds(positions, inputs[0].channels, self.out_channels, area, self.groups)

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        return Ops(self.macs(inputs, output), output.elements if self.bias else 0)

    def params(self, inputs: Shapes) -> Params:
        return _conv_params(self, inputs)

    def choices(self) -> str:
        """What its author chose, for people: ``kernel 3x3, stride 2x2, padding 1x1, no bias``."""
        return _describe(self)


def _describe(layer: Conv | TransposedConv) -> str:
    stated = [f"kernel {by(layer.kernel)}", f"stride {by(layer.stride)}", f"padding {sides(layer.padding)}"]
    stated += [f"dilation {by(layer.dilation)}"] if max(layer.dilation) > 1 else []
    stated += [f"groups {layer.groups}"] if layer.groups > 1 else []
    return ", ".join([*stated, "with bias" if layer.bias else "no bias"])


def _check(layer: Conv | TransposedConv) -> None:
    whole(layer.out_channels, "out_channels")
    whole(layer.groups, "groups")
    check_window(layer.kernel, layer.stride, layer.padding, layer.dilation)
    if layer.out_channels % layer.groups:
        raise indivisible(layer.groups, layer.out_channels, "output")


def _misfit(layer: Conv | TransposedConv, x: Shape) -> CostModelError:
    if len(x.spatial) != len(layer.kernel):
        return wrong_rank(layer.kernel, x)
    return indivisible(layer.groups, x.channels, "input")


def _conv_kind(base: str, groups: int, inputs: Shapes) -> str:
    if groups == 1:
        return base
    return f"depthwise_{base}" if groups == inputs[0].channels else f"grouped_{base}"


# Cached: a network slides the same few windows over the same few sizes again and again.
@lru_cache(maxsize=65536)
def _slid(spatial: Sizes, kernel: Sizes, stride: Sizes, padding: tuple[tuple[int, int], ...], dilation: Sizes) -> Sizes:
    return tuple(map(formulas.output_size, spatial, kernel, stride, map(sum, padding), dilation))


def _conv_params(layer: Conv | TransposedConv, inputs: Shapes) -> Params:
    area = math.prod(layer.kernel)
    weights = formulas.conv_weights(inputs[0].channels, layer.out_channels, area, layer.groups)
    return Params(weights, layer.out_channels if layer.bias else 0)


# The constructors below return the same frozen value for the same choices: an architecture repeats a few choices
# many times, and checking them once is what keeps a whole network under half a millisecond.


@lru_cache(maxsize=4096)
def conv(
    out_channels: int,
    kernel: int | Sizes,
    stride: int | Sizes = 1,
    padding: int | tuple[int | tuple[int, int], ...] | Literal["same", "valid"] = 0,
    dilation: int | Sizes = 1,
    groups: int = 1,
    bias: bool = False,
    rank: int = 2,
) -> Conv:
    """A convolution with ``out_channels`` filters. A single number counts for each of ``rank`` axes.

    ``padding`` is a number, one a axis, ``(before, after)`` pairs, ``"valid"`` (none), or ``"same"``: the output
    has ``ceil(size / stride)`` positions an axis. ``rank`` is taken from ``kernel`` where that is a tuple.

    Raises :class:`~costmodel.checks.CostModelError` for sizes below 1 and groups that do not divide.

    >>> conv(64, kernel=(3, 5), padding=((0, 1), (2, 2))).output((Shape(3, (32, 32)),))
    Shape(channels=64, spatial=(31, 32))
    >>> conv(64, kernel=3, groups=5)
    Traceback (most recent call last):
        ...
    costmodel.checks.CostModelError: groups=5 does not divide 64 output channels; groups=4 does
    """
    rank = len(kernel) if isinstance(kernel, tuple) else rank
    sides: Padding = "same" if padding == "same" else paddings(padding, rank)
    return Conv(out_channels, each(kernel, rank), each(stride, rank), sides, each(dilation, rank), groups, bias)


def depthwise_conv(
    channels: int,
    kernel: int | Sizes,
    stride: int | Sizes = 1,
    padding: int | tuple[int | tuple[int, int], ...] | Literal["same", "valid"] = 0,
    dilation: int | Sizes = 1,
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
    return conv(out_channels, 1, bias=bias, rank=rank)


@lru_cache(maxsize=4096)
def transposed_conv(
    out_channels: int,
    kernel: int | Sizes,
    stride: int | Sizes = 1,
    padding: int | tuple[int | tuple[int, int], ...] | Literal["same", "valid"] = 0,
    dilation: int | Sizes = 1,
    groups: int = 1,
    bias: bool = False,
    output_padding: int | Sizes = 0,
    rank: int = 2,
) -> TransposedConv:
    """A transposed convolution; ``padding`` is cut from the output, ``output_padding`` is added at its end.

    Raises :class:`~costmodel.checks.CostModelError` as :func:`conv` does.

    >>> transposed_conv(8, kernel=3, stride=2, padding=1, output_padding=1).output((Shape(16, (7, 7)),))
    Shape(channels=8, spatial=(14, 14))
    """
    if padding == "same":
        raise CostModelError("padding='same' means nothing for a transposed convolution; give a number, as in 1")
    rank = len(kernel) if isinstance(kernel, tuple) else rank
    return TransposedConv(
        out_channels,
        each(kernel, rank),
        each(stride, rank),
        paddings(padding, rank),
        each(dilation, rank),
        groups,
        bias,
        each(output_padding, rank),
    )


@final
@dataclass(frozen=True, slots=True)
class Linear(Layer):
    """A linear (fully connected) layer, applied at each position of its input.

    >>> Linear(1000, bias=True).params((Shape(1024),))
    Params(weight=1024000, bias=1000, affine=0, buffer=0)
    """

    out_features: int
    bias: bool = True

    def __post_init__(self) -> None:
        whole(self.out_features, "out_features")

    def output(self, inputs: Shapes) -> Shape:
        return Shape(self.out_features, inputs[0].spatial)

    def kind(self, inputs: Shapes) -> str:
        return "linear"

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return formulas.linear_multiply_adds(output.positions, inputs[0].channels, self.out_features)

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        return Ops(self.macs(inputs, output), output.elements if self.bias else 0)

    def params(self, inputs: Shapes) -> Params:
        weights = formulas.linear_weights(inputs[0].channels, self.out_features)
        return Params(weights, self.out_features if self.bias else 0)
