"""What a captured model does beyond the layers of the papers, and how it stands in that model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from costmodel import formulas
from costmodel.core.layers.base import Choices, Layer, Shapes
from costmodel.core.values import NO_OPS, Ops, Params, Shape
from costmodel.errors import CostModelError, positive_int


@final
@dataclass(frozen=True, slots=True)
class MatMul(Layer):
    """The product of two tensors of matrices, both of them computed: the two products of attention.

    Raises :class:`~costmodel.errors.CostModelError` where the inner sizes differ.

    >>> scores = MatMul(), (Shape(12, (197, 64)), Shape(12, (64, 197)))
    >>> made = scores[0].output(scores[1])
    >>> made, scores[0].macs(scores[1], made)
    (Shape(channels=12, spatial=(197, 197)), 29805312)
    """

    joins: ClassVar[bool] = True

    def output(self, inputs: Shapes) -> Shape:
        if len(inputs) != 2 or len(inputs[1].sizes) < 2 or inputs[0].sizes[-1] != inputs[1].sizes[-2]:
            raise CostModelError(
                f"cannot multiply {' by '.join(map(str, inputs))}; the last size of the first must be the last but one"
                " of the second"
            )
        return Shape.of((*inputs[0].sizes[:-1], inputs[1].sizes[-1]))

    def kind(self, inputs: Shapes) -> str:
        return "matmul"

    def macs(self, inputs: Shapes, output: Shape) -> int:
        # A linear layer whose matrix is another one for each of the leading places.
        return formulas.linear_multiply_adds(
            inputs[0].elements // inputs[0].sizes[-1], inputs[0].sizes[-1], inputs[1].sizes[-1]
        )

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        return Ops(self.macs(inputs, output))


@final
@dataclass(frozen=True, slots=True)
class Embedding(Layer):
    """Rows of a table of ``count`` rows of ``features`` values, one for each index it reads; nothing is computed.

    >>> Embedding(50257, 768).output((Shape(1024),))
    Shape(channels=1024, spatial=(768,))
    """

    count: int
    features: int

    def __post_init__(self) -> None:
        positive_int(self.count, "count")
        positive_int(self.features, "features")

    def output(self, inputs: Shapes) -> Shape:
        return Shape.of((*inputs[0].sizes, self.features))

    def kind(self, inputs: Shapes) -> str:
        return "embedding"

    def choices(self) -> Choices:
        return (("rows", self.count), ("features", self.features))

    def params(self, inputs: Shapes) -> Params:
        return Params(weight=formulas.linear_weights(self.count, self.features))


@final
@dataclass(frozen=True, slots=True)
class Operation(Layer):
    """Any other operation on tensors: its name in PyTorch, the shape it made, the arithmetic that took.

    >>> Operation("softmax", Shape(10), Ops(exp=10, add=9, div=10)).kind(())
    'softmax'
    """

    name: str
    shape: Shape
    work: Ops = NO_OPS

    joins: ClassVar[bool] = True

    def output(self, inputs: Shapes) -> Shape:
        return self.shape

    def kind(self, inputs: Shapes) -> str:
        return self.name

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return self.work.mac

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        return self.work


@final
@dataclass(frozen=True, slots=True)
class Uncounted(Layer):
    """An operation that nobody has decided on: it stands in the network so that a report can say so."""

    name: str
    shape: Shape

    joins: ClassVar[bool] = True

    def output(self, inputs: Shapes) -> Shape:
        return self.shape

    def kind(self, inputs: Shapes) -> str:
        return "uncounted"

    def choices(self) -> Choices:
        return (("operation", self.name),)

    def label(self, inputs: Shapes) -> str:
        return f"uncounted: {self.name}"


@final
@dataclass(frozen=True, slots=True)
class Stored(Layer):
    """A tensor that the network holds and no layer of its own explains: a class token, a position table, a gamma.

    >>> Stored(Shape(197, (768,)), Params(weight=151296)).params(()).trainable
    151296
    """

    shape: Shape
    holds: Params

    def output(self, inputs: Shapes) -> Shape:
        return self.shape

    def kind(self, inputs: Shapes) -> str:
        return "parameter" if self.holds.trainable else "buffer"

    def params(self, inputs: Shapes) -> Params:
        return self.holds


@final
@dataclass(frozen=True, slots=True)
class Captured(Layer):
    """A layer as it was met in a module: how often at once, what of it is stored here, and who computed it.

    ``times``: the leading axis, where the layer works on so many samples in one call (frames of a clip, windows of an
    image). ``stored``: what this call adds to the parameters: nothing where the module was called before, or shares
    its weight. ``module``: the type of the module of its own that computes it, with its path; empty where it is a
    functional call. ``called``: what that code called, such as ``torch.nn.functional.relu`` or ``torch.Tensor.add``;
    several layers in a row may be of one call, and ``call`` numbers the calls, from 1. ``leading``: the first size of
    what its module returned, the batch where there is one; 0 where that is not known.

    >>> from costmodel.core.layers import conv
    >>> from costmodel.core.values import NO_PARAMS
    >>> frames = Captured(conv(8, kernel=3, padding=1), times=16, stored=NO_PARAMS)
    >>> made = frames.output((Shape(16, (3, 32, 32)),))
    >>> made, frames.macs((Shape(16, (3, 32, 32)),), made)
    (Shape(channels=16, spatial=(8, 32, 32)), 3538944)
    """

    layer: Layer
    times: int = 1
    stored: Params | None = None
    module: str = ""
    called: str = ""
    call: int = 0
    leading: int = 0

    joins: ClassVar[bool] = True

    def each(self, shapes: Shapes) -> Shapes:
        """The shapes of one of ``times``, which is how the layer sees them."""
        return shapes if self.times == 1 else tuple([Shape.of(shape.spatial) for shape in shapes])

    @property
    def primitive(self) -> Layer:
        return self.layer

    def output(self, inputs: Shapes) -> Shape:
        made = self.layer.output(self.each(inputs))
        return made if self.times == 1 else Shape.of((self.times, *made.sizes))

    def kind(self, inputs: Shapes) -> str:
        return self.layer.kind(self.each(inputs))

    def label(self, inputs: Shapes) -> str:
        return self.layer.label(self.each(inputs))

    def choices(self) -> Choices:
        return self.layer.choices()

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return self.times * self.layer.macs(self.each(inputs), self.each((output,))[0])

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        return self.times * self.layer.ops(self.each(inputs), self.each((output,))[0])

    def params(self, inputs: Shapes) -> Params:
        return self.layer.params(self.each(inputs)) if self.stored is None else self.stored
