"""Layers that make one tensor of several."""

from __future__ import annotations

from typing import ClassVar, final

from costmodel.core.counts import Ops
from costmodel.core.layers.base import Alias, Layer, Shapes
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError


@final
class Add(Layer):
    """The sum of tensors of one shape: a residual connection.

    Raises :class:`~costmodel.errors.CostModelError` where the shapes differ.

    >>> Add().output((Shape(24, (56, 56)), Shape(24, (56, 56))))
    Shape(channels=24, spatial=(56, 56))
    """

    least_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int | None] = None

    def output(self, inputs: Shapes) -> Shape:
        if inputs.count(inputs[0]) != len(inputs):
            shapes = " and ".join(map(str, inputs))
            raise CostModelError(f"cannot add {shapes}; the shapes must be equal: project one, or match the strides")
        return inputs[0]

    def kind(self, inputs: Shapes) -> str:
        return "add"

    def other_ops(self, inputs: Shapes, output: Shape) -> Ops:
        return Ops(add=(len(inputs) - 1) * output.elements)


@final
class Concat(Layer):
    """Tensors of one size stacked along the channels.

    Raises :class:`~costmodel.errors.CostModelError` where the sizes differ.

    >>> Concat().output((Shape(64, (28, 28)), Shape(128, (28, 28))))
    Shape(channels=192, spatial=(28, 28))
    """

    least_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int | None] = None

    def output(self, inputs: Shapes) -> Shape:
        if any(shape.spatial != inputs[0].spatial for shape in inputs):
            shapes = " and ".join(map(str, inputs))
            raise CostModelError(f"cannot concatenate {shapes}; the sizes must be equal: pool or pad one")
        return Shape(sum(shape.channels for shape in inputs), inputs[0].spatial, inputs[0].axis)

    def kind(self, inputs: Shapes) -> str:
        return "concat"


@final
class Outputs(Layer):
    """Several results of one network, such as a classifier and its auxiliary heads; the shape is the first one's."""

    least_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int | None] = None

    alias: ClassVar[Alias | None] = Alias()

    def output(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def kind(self, inputs: Shapes) -> str:
        return "outputs"


@final
class Scale(Layer):
    """A tensor, each channel times the one value that a second tensor has for it: the end of squeeze-and-excite.

    Raises :class:`~costmodel.errors.CostModelError` where the second is not one value a channel.

    >>> Scale().ops((Shape(16, (56, 56)), Shape(16, (1, 1))), Shape(16, (56, 56))).mul
    50176
    """

    least_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int | None] = None

    def output(self, inputs: Shapes) -> Shape:
        if len(inputs) != 2 or inputs[1] != Shape(inputs[0].channels, (1,) * len(inputs[0].spatial), inputs[0].axis):
            shapes = " by ".join(map(str, inputs))
            raise CostModelError(f"cannot scale {shapes}; it takes one value a channel, as a global pool makes")
        return inputs[0]

    def kind(self, inputs: Shapes) -> str:
        return "scale"

    def other_ops(self, inputs: Shapes, output: Shape) -> Ops:
        return Ops(mul=output.elements)
