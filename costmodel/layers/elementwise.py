"""Layers that treat each value on its own: norms, activations, dropout."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import final

from costmodel import formulas
from costmodel.checks import CostModelError
from costmodel.layers.base import Layer, Shapes
from costmodel.values import Ops, Params, Shape


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
        return _norm_params(inputs[0].channels)


@lru_cache(maxsize=4096)
def _norm_params(channels: int) -> Params:
    affine = formulas.norm_affine(channels)
    # The running mean and variance are as many as gamma and beta.
    return Params(affine=affine, buffer=affine)


#: Scalar operations an element. relu6(x) = min(max(x, 0), 6); sigmoid(x) = 1 / (1 + exp(-x)), the sign apart;
#: hard_sigmoid(x) = relu6(x + 3) / 6; swish (silu) and hard_swish multiply those by x.
_ACTIVATIONS = {
    "relu": Ops(cmp=1),
    "relu6": Ops(cmp=2),
    "sigmoid": Ops(exp=1, add=1, div=1),
    "hard_sigmoid": Ops(add=1, cmp=2, div=1),
    "swish": Ops(exp=1, add=1, div=1, mul=1),
    "hard_swish": Ops(add=1, cmp=2, div=1, mul=1),
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


SIGMOID = Activation("sigmoid")


HARD_SIGMOID = Activation("hard_sigmoid")


SWISH = Activation("swish")


HARD_SWISH = Activation("hard_swish")


@final
@dataclass(frozen=True, slots=True)
class Dropout(Layer):
    """Nothing at inference: it only drops values in training."""

    def output(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def kind(self, inputs: Shapes) -> str:
        return "dropout"
