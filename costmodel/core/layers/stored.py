"""Tensors that a network holds: tables of embeddings, and whatever no layer of its own explains."""

from __future__ import annotations

from typing import ClassVar, final

from costmodel import formulas
from costmodel.core.counts import Params
from costmodel.core.layers.base import Choices, Layer, Shapes
from costmodel.core.shape import Shape
from costmodel.errors import positive_int


@final
class Embedding(Layer):
    """Rows of a table of ``count`` rows of ``features`` values, one for each index it reads; nothing is computed.

    >>> Embedding(50257, 768).output((Shape(1024),))
    Shape(channels=768, spatial=(1024,), axis=1)
    """

    dtype: ClassVar[str] = "float32"

    count: int
    features: int

    def __post_init__(self) -> None:
        positive_int(self.count, "count")
        positive_int(self.features, "features")

    def output(self, inputs: Shapes) -> Shape:
        return Shape.of((*inputs[0].sizes, self.features), axis=-1)

    def kind(self, inputs: Shapes) -> str:
        return "embedding"

    def choices(self) -> Choices:
        return (("rows", self.count), ("features", self.features))

    def params(self, inputs: Shapes) -> Params:
        return Params(weight=formulas.linear_weights(self.count, self.features))


@final
class Stored(Layer):
    """A tensor that the network holds and no layer of its own explains: a class token, a position table, a gamma.

    >>> Stored(Shape(768, (197,), axis=1), Params(weight=151296)).params(()).parameters
    151296
    """

    shape: Shape
    holds: Params

    least_inputs: ClassVar[int] = 0
    most_inputs: ClassVar[int | None] = 0

    def output(self, inputs: Shapes) -> Shape:
        return self.shape

    def kind(self, inputs: Shapes) -> str:
        return "parameter" if self.holds.parameters else "buffer"

    def params(self, inputs: Shapes) -> Params:
        return self.holds
