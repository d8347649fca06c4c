"""The product of two computed matrices."""

from __future__ import annotations

from typing import ClassVar, final

from costmodel import formulas
from costmodel.core.layers.base import Layer, Shapes
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError


@final
class MatMul(Layer):
    """The product of two tensors of matrices, both of them computed: the two products of attention.

    Raises :class:`~costmodel.errors.CostModelError` where the inner sizes differ.

    >>> heads = Shape.of((12, 197, 64), axis=-1), Shape.of((12, 64, 197), axis=-1)
    >>> scores = MatMul().output(heads)
    >>> str(scores), scores.channels, MatMul().macs(heads, scores)
    ('12x197x197', 197, 29805312)
    """

    least_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int | None] = 2

    def output(self, inputs: Shapes) -> Shape:
        if len(inputs) != 2 or len(inputs[1].sizes) < 2 or inputs[0].sizes[-1] != inputs[1].sizes[-2]:
            raise CostModelError(
                f"cannot multiply {' by '.join(map(str, inputs))}; the last size of the first must be the last but one"
                " of the second"
            )
        return Shape.of((*inputs[0].sizes[:-1], inputs[1].sizes[-1]), axis=-1)

    def kind(self, inputs: Shapes) -> str:
        return "matmul"

    def macs(self, inputs: Shapes, output: Shape) -> int:
        # A linear layer whose matrix is another one for each of the leading places.
        return formulas.linear_multiply_adds(
            inputs[0].elements // inputs[0].sizes[-1], inputs[0].sizes[-1], inputs[1].sizes[-1]
        )
