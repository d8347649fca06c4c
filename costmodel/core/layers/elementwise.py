"""Layers that treat each value on its own: norms, activations, dropout."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import ClassVar, final

from costmodel import formulas
from costmodel.core.counts import Ops, Params
from costmodel.core.layers.base import Alias, Choices, Layer, Shapes
from costmodel.core.layers.window import indivisible
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, positive_int


@final
class BatchNorm(Layer):
    """Batch normalization as in inference: each value times a scale plus a shift.

    ``affine``: it has a gamma and a beta; ``tracked``: it has a running mean and variance.

    >>> BatchNorm().params((Shape(32, (112, 112)),))
    Params(weight=0, bias=0, affine=64, buffer=64, frozen=0)
    """

    affine: bool = True
    tracked: bool = True

    def output(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def kind(self, inputs: Shapes) -> str:
        return "batch_norm"

    def choices(self) -> Choices:
        stated = (("affine", self.affine), ("running statistics", self.tracked))
        return tuple([(name, value) for name, value in stated if not value])

    def other_ops(self, inputs: Shapes, output: Shape) -> Ops:
        elements = output.elements
        return Ops(add=elements, mul=elements)

    def params(self, inputs: Shapes) -> Params:
        try:
            return _norm_params(inputs[0].channels, self.affine, self.tracked)
        except TypeError:  # a number that is many cannot be looked up
            return _norm_params.__wrapped__(inputs[0].channels, self.affine, self.tracked)


@lru_cache(maxsize=4096)
def _norm_params(channels: int, affine: bool, tracked: bool) -> Params:
    pairs = formulas.norm_affine(channels)
    # The running mean and variance are as many as gamma and beta.
    return Params(affine=pairs if affine else 0, buffer=pairs if tracked else 0)


#: An element: summed for the mean, shifted by it, squared, summed for the variance, scaled.
_NORMALIZED = Ops(add=3, mul=2)


@final
class LayerNorm(Layer):
    """Normalization over the last ``axes`` axes of each sample, with a gamma and a beta for each of their values.

    >>> LayerNorm(1).params((Shape(197, (768,)),)).affine
    1536
    """

    axes: int
    gamma: bool = True
    beta: bool = True

    def __post_init__(self) -> None:
        positive_int(self.axes, "axes")

    def output(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        if self.axes > len(x.sizes):
            raise CostModelError(f"a layer norm over {self.axes} axes needs as many, {x} has {len(x.sizes)}")
        return x

    def kind(self, inputs: Shapes) -> str:
        return "layer_norm"

    def choices(self) -> Choices:
        stated = (("gamma", self.gamma), ("beta", self.beta))
        return (("axes", self.axes), *[(name, value) for name, value in stated if not value])

    def other_ops(self, inputs: Shapes, output: Shape) -> Ops:
        return output.elements * (_NORMALIZED + Ops(add=int(self.beta), mul=int(self.gamma)))

    def params(self, inputs: Shapes) -> Params:
        return Params(affine=(self.gamma + self.beta) * math.prod(inputs[0].sizes[-self.axes :]))


@final
class GroupNorm(Layer):
    """Normalization over each of ``groups`` groups of channels of each sample.

    Raises :class:`~costmodel.errors.CostModelError` where the groups do not divide the channels.

    >>> GroupNorm(32).params((Shape(256, (56, 56)),)).affine
    512
    """

    groups: int
    affine: bool = True

    def __post_init__(self) -> None:
        positive_int(self.groups, "groups")

    def output(self, inputs: Shapes) -> Shape:
        if inputs[0].channels % self.groups:
            raise indivisible(self.groups, inputs[0].channels, "input")
        return inputs[0]

    def kind(self, inputs: Shapes) -> str:
        return "group_norm"

    def choices(self) -> Choices:
        return (("groups", self.groups),) if self.affine else (("groups", self.groups), ("affine", False))

    def other_ops(self, inputs: Shapes, output: Shape) -> Ops:
        return output.elements * (_NORMALIZED + Ops(add=int(self.affine), mul=int(self.affine)))

    def params(self, inputs: Shapes) -> Params:
        return _norm_params(inputs[0].channels, self.affine, False)


#: Scalar operations an element. relu6(x) = min(max(x, 0), 6); sigmoid(x) = 1 / (1 + exp(-x)), the sign apart;
#: hard_sigmoid(x) = relu6(x + 3) / 6; swish (silu) and hard_swish multiply those by x. tanh(x) = 2 sigmoid(2x) - 1;
#: gelu(x) = x / 2 * (1 + erf(x / sqrt 2)), erf as one exp; mish(x) = x * tanh(softplus(x));
#: softplus(x) = log(1 + exp(x)), the logarithm as one exp too; elu, celu and selu are exponential below 0.
_ACTIVATIONS = {
    "relu": Ops(cmp=1),
    "relu6": Ops(cmp=2),
    "sigmoid": Ops(exp=1, add=1, div=1),
    "hard_sigmoid": Ops(add=1, cmp=2, div=1),
    "swish": Ops(exp=1, add=1, div=1, mul=1),
    "hard_swish": Ops(add=1, cmp=2, div=1, mul=1),
    "tanh": Ops(exp=1, add=2, div=1, mul=2),
    "hard_tanh": Ops(cmp=2),
    "gelu": Ops(exp=1, add=1, mul=3),
    "leaky_relu": Ops(cmp=1, mul=1),
    "elu": Ops(exp=1, add=1, cmp=1, mul=1),
    "softplus": Ops(exp=2, add=1),
    "log_sigmoid": Ops(exp=2, add=1),
    "mish": Ops(exp=3, add=3, div=1, mul=3),
}


@final
class Activation(Layer):
    """A function of each value on its own, by the name the field gives it.

    Raises :class:`~costmodel.errors.CostModelError` for a name it does not know.

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

    def other_ops(self, inputs: Shapes, output: Shape) -> Ops:
        elements = output.elements
        return Ops(*[count * elements for count in _ACTIVATIONS[self.name]])


RELU = Activation("relu")


RELU6 = Activation("relu6")


SIGMOID = Activation("sigmoid")


HARD_SIGMOID = Activation("hard_sigmoid")


SWISH = Activation("swish")


HARD_SWISH = Activation("hard_swish")


@final
class Dropout(Layer):
    """Nothing at inference: it only drops values in training."""

    alias: ClassVar[Alias | None] = Alias()

    def output(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def kind(self, inputs: Shapes) -> str:
        return "dropout"
