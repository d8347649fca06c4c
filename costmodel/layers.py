"""The primitive layers: frozen choices, thin over :mod:`costmodel.formulas`.

A layer stores what its author chose (kernel, stride, output channels); everything else follows from the shape
of what it reads. Each answers four questions about its inputs: ``output`` (the shape it makes), ``ops``
(arithmetic for one sample), ``params`` (stored numbers) and ``kind`` (its name in a report).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal, TypeAlias, final

from costmodel import formulas
from costmodel.checks import CostModelError, whole
from costmodel.values import NO_OPS, NO_PARAMS, Ops, Params, Shape

Shapes: TypeAlias = tuple[Shape, ...]
Sizes: TypeAlias = tuple[int, ...]
#: Zeros added (before, after) on each axis, or the rule that keeps ``ceil(size / stride)``.
Padding: TypeAlias = tuple[tuple[int, int], ...] | Literal["same"]


class Layer(ABC):
    """One primitive operation. Subclasses are final, frozen and hashable."""

    __slots__ = ()

    #: Whether it makes one tensor of several; all others read exactly one.
    joins: ClassVar[bool] = False

    @abstractmethod
    def output(self, inputs: Shapes) -> Shape:
        """Shape of the result. Raises :class:`~costmodel.checks.CostModelError` where the inputs do not fit."""

    @abstractmethod
    def kind(self, inputs: Shapes) -> str:
        """What the field calls this layer, such as ``depthwise_conv``; stable, for machines."""

    def label(self, inputs: Shapes) -> str:
        """``kind`` for people, with the kernel where there is one: ``depthwise conv 3x3``."""
        return self.kind(inputs).replace("_", " ")

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        """Arithmetic for one sample."""
        return NO_OPS

    def params(self, inputs: Shapes) -> Params:
        """Stored numbers."""
        return NO_PARAMS


@final
@dataclass(frozen=True, slots=True)
class Input(Layer):
    """Where a sample enters the network; costs nothing."""

    shape: Shape

    def output(self, inputs: Shapes) -> Shape:
        return self.shape

    def kind(self, inputs: Shapes) -> str:
        return "input"


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
        _check_window(self)

    def output(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        if len(x.spatial) != len(self.kernel) or x.channels % self.groups:
            raise _misfit(self, x)
        if self.padding == "same":
            return Shape(self.out_channels, tuple(map(formulas.same_output_size, x.spatial, self.stride)))
        spatial = tuple(
            map(formulas.output_size, x.spatial, self.kernel, self.stride, map(sum, self.padding), self.dilation)
        )
        if min(spatial) < 1:
            raise _does_not_fit(self, x)
        return Shape(self.out_channels, spatial)

    def kind(self, inputs: Shapes) -> str:
        return _conv_kind("conv", self.groups, inputs)

    def label(self, inputs: Shapes) -> str:
        return f"{self.kind(inputs).replace('_', ' ')} {'x'.join(map(str, self.kernel))}"

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        area = math.prod(self.kernel)
        macs = formulas.conv_multiply_adds(output.positions, inputs[0].channels, self.out_channels, area, self.groups)
        return Ops(macs, output.elements if self.bias else 0)

    def params(self, inputs: Shapes) -> Params:
        return _conv_params(self, inputs)

    def choices(self) -> str:
        """What its author chose, for people: ``kernel 3x3, stride 2x2, padding 1x1, no bias``."""
        return _choices(self)


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
        _check_window(self)
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
            raise CostModelError(f"padding {_sides(self.padding)} removes the whole output of a {x} input; use less")
        return Shape(self.out_channels, spatial)

    def kind(self, inputs: Shapes) -> str:
        return _conv_kind("transposed_conv", self.groups, inputs)

    def label(self, inputs: Shapes) -> str:
        return f"{self.kind(inputs).replace('_', ' ')} {'x'.join(map(str, self.kernel))}"

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        (x,) = inputs
        area = math.prod(self.kernel)
        macs = formulas.conv_multiply_adds(x.positions, x.channels, self.out_channels, area, self.groups)
        return Ops(macs, output.elements if self.bias else 0)

    def params(self, inputs: Shapes) -> Params:
        return _conv_params(self, inputs)

    def choices(self) -> str:
        """What its author chose, for people: ``kernel 3x3, stride 2x2, padding 1x1, no bias``."""
        return _choices(self)


def _choices(layer: Conv | TransposedConv) -> str:
    stated = [f"kernel {_by(layer.kernel)}", f"stride {_by(layer.stride)}", f"padding {_sides(layer.padding)}"]
    stated += [f"dilation {_by(layer.dilation)}"] if max(layer.dilation) > 1 else []
    stated += [f"groups {layer.groups}"] if layer.groups > 1 else []
    return ", ".join([*stated, "with bias" if layer.bias else "no bias"])


def _check_window(layer: Conv | TransposedConv) -> None:
    whole(layer.out_channels, "out_channels")
    whole(layer.groups, "groups")
    if not layer.kernel:
        raise CostModelError("kernel=() has no axis; give one size an axis, as in kernel=(3, 3)")
    for what, sizes in (("kernel", layer.kernel), ("stride", layer.stride), ("dilation", layer.dilation)):
        if len(sizes) != len(layer.kernel):
            raise CostModelError(
                f"{what}={_by(sizes)} has {len(sizes)} axes, the kernel {_by(layer.kernel)} has {len(layer.kernel)}"
            )
        for size in sizes:
            whole(size, what)
    if layer.padding != "same":
        if len(layer.padding) != len(layer.kernel):
            raise CostModelError(
                f"padding {_sides(layer.padding)} has {len(layer.padding)} axes, the kernel {_by(layer.kernel)}"
                f" has {len(layer.kernel)}"
            )
        for before, after in layer.padding:
            whole(before, "padding", least=0)
            whole(after, "padding", least=0)
    if layer.out_channels % layer.groups:
        raise _indivisible(layer.groups, layer.out_channels, "output")


def _misfit(layer: Conv | TransposedConv, x: Shape) -> CostModelError:
    rank = len(layer.kernel)
    if len(x.spatial) != rank:
        return CostModelError(
            f"a {_by(layer.kernel)} kernel needs an input with {rank} spatial sizes, {x} has {len(x.spatial)}"
        )
    return _indivisible(layer.groups, x.channels, "input")


def _indivisible(groups: int, channels: int, side: str) -> CostModelError:
    divisors = [g for g in (groups - 1, groups + 1, math.gcd(groups, channels)) if g > 0 and channels % g == 0]
    return CostModelError(f"groups={groups} does not divide {channels} {side} channels; groups={divisors[0]} does")


def _does_not_fit(layer: Conv, x: Shape) -> CostModelError:
    reach = [dilation * (kernel - 1) + 1 for kernel, dilation in zip(layer.kernel, layer.dilation, strict=True)]
    dilated = f" (dilation {_by(layer.dilation)}: {_by(reach)})" if max(layer.dilation) > 1 else ""
    return CostModelError(
        f"a {_by(layer.kernel)} kernel{dilated} does not fit on a {_by(x.spatial)} input with padding"
        f" {_sides(layer.padding)}; use a larger input, a smaller kernel or more padding"
    )


def _conv_kind(base: str, groups: int, inputs: Shapes) -> str:
    if groups == 1:
        return base
    return f"depthwise_{base}" if groups == inputs[0].channels else f"grouped_{base}"


def _conv_params(layer: Conv | TransposedConv, inputs: Shapes) -> Params:
    area = math.prod(layer.kernel)
    weights = formulas.conv_weights(inputs[0].channels, layer.out_channels, area, layer.groups)
    return Params(weights, layer.out_channels if layer.bias else 0)


def _by(sizes: Iterable[int]) -> str:
    return "x".join(map(str, sizes))


def _sides(padding: Padding) -> str:
    if padding == "same":
        return padding
    return "x".join(str(before) if before == after else f"{before}:{after}" for before, after in padding)


def _each(value: int | Sizes, rank: int) -> Sizes:
    return value if isinstance(value, tuple) else (value,) * rank


def _paddings(
    padding: int | tuple[int | tuple[int, int], ...] | Literal["valid"], rank: int
) -> tuple[tuple[int, int], ...]:
    if padding == "valid":
        padding = 0
    sides = padding if isinstance(padding, tuple) else (padding,) * rank
    return tuple(side if isinstance(side, tuple) else (side, side) for side in sides)


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
    sides: Padding = "same" if padding == "same" else _paddings(padding, rank)
    return Conv(out_channels, _each(kernel, rank), _each(stride, rank), sides, _each(dilation, rank), groups, bias)


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
        _each(kernel, rank),
        _each(stride, rank),
        _paddings(padding, rank),
        _each(dilation, rank),
        groups,
        bias,
        _each(output_padding, rank),
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

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        macs = formulas.linear_multiply_adds(output.positions, inputs[0].channels, self.out_features)
        return Ops(macs, output.elements if self.bias else 0)

    def params(self, inputs: Shapes) -> Params:
        weights = formulas.linear_weights(inputs[0].channels, self.out_features)
        return Params(weights, self.out_features if self.bias else 0)


@final
@dataclass(frozen=True, slots=True)
class BatchNorm(Layer):
    """Batch normalisation as in inference: each value times a scale plus a shift.

    >>> BatchNorm().params((Shape(32, (112, 112)),))
    Params(weight=0, bias=0, affine=64, buffer=64)
    """

    def output(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def kind(self, inputs: Shapes) -> str:
        return "batch_norm"

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        elements = output.elements
        return Ops(0, elements, elements)

    def params(self, inputs: Shapes) -> Params:
        # The running mean and variance are as many as gamma and beta.
        affine = formulas.norm_affine(inputs[0].channels)
        return Params(0, 0, affine, affine)


#: Scalar operations an element: relu is a comparison, relu6 two.
_ACTIVATIONS = {
    "relu": Ops(cmp=1),
    "relu6": Ops(cmp=2),
}


@final
@dataclass(frozen=True, slots=True)
class Activation(Layer):
    """A function of each value on its own, by the name the field gives it.

    Raises :class:`~costmodel.checks.CostModelError` for a name it does not know.

    >>> RELU6.ops((Shape(8),), Shape(8)).cmp
    16
    """

    name: str

    def __post_init__(self) -> None:
        if self.name not in _ACTIVATIONS:
            raise CostModelError(f"no activation is called {self.name!r}; there are {', '.join(_ACTIVATIONS)}")

    def output(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def kind(self, inputs: Shapes) -> str:
        return self.name

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        elements = output.elements
        return Ops(*[count * elements for count in _ACTIVATIONS[self.name]])


RELU = Activation("relu")
RELU6 = Activation("relu6")


@final
@dataclass(frozen=True, slots=True)
class AveragePool(Layer):
    """The mean over a window, each channel on its own (F1).

    >>> AveragePool((7, 7), stride=(7, 7)).output((Shape(1024, (7, 7)),))
    Shape(channels=1024, spatial=(1, 1))
    """

    kernel: Sizes
    stride: Sizes

    def output(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        spatial = tuple(map(formulas.output_size, x.spatial, self.kernel, self.stride))
        if min(spatial) < 1:
            raise CostModelError(
                f"a {_by(self.kernel)} window does not fit on a {_by(x.spatial)} input; use a larger input"
            )
        return Shape(x.channels, spatial)

    def kind(self, inputs: Shapes) -> str:
        return "average_pool"

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        return Ops(add=output.elements * (math.prod(self.kernel) - 1), div=output.elements)


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


@final
@dataclass(frozen=True, slots=True)
class Flatten(Layer):
    """All values of a sample as one vector.

    >>> Flatten().output((Shape(512, (7, 7)),))
    Shape(channels=25088, spatial=())
    """

    def output(self, inputs: Shapes) -> Shape:
        return Shape(inputs[0].elements)

    def kind(self, inputs: Shapes) -> str:
        return "flatten"


@final
@dataclass(frozen=True, slots=True)
class Dropout(Layer):
    """Nothing at inference: it only drops values in training."""

    def output(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def kind(self, inputs: Shapes) -> str:
        return "dropout"


@final
@dataclass(frozen=True, slots=True)
class Add(Layer):
    """The sum of tensors of one shape: a residual connection.

    Raises :class:`~costmodel.checks.CostModelError` where the shapes differ.

    >>> Add().output((Shape(24, (56, 56)), Shape(24, (56, 56))))
    Shape(channels=24, spatial=(56, 56))
    """

    joins: ClassVar[bool] = True

    def output(self, inputs: Shapes) -> Shape:
        if inputs.count(inputs[0]) != len(inputs):
            raise CostModelError(f"cannot add {' and '.join(map(str, inputs))}; the shapes must be equal")
        return inputs[0]

    def kind(self, inputs: Shapes) -> str:
        return "add"

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        return Ops(add=(len(inputs) - 1) * output.elements)
