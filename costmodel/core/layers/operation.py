"""Operations of other frameworks that no layer of the papers is: counted, free, or not decided on."""

from __future__ import annotations

from typing import ClassVar, final

from costmodel.core.counts import NO_OPS, Ops
from costmodel.core.layers.base import Choices, Layer, Shapes
from costmodel.core.shape import Shape


class _Named(Layer):
    """What an operation of another framework always has: its name there, and the shape it made."""

    name: str
    shape: Shape

    least_inputs: ClassVar[int] = 0
    most_inputs: ClassVar[int | None] = None

    def output(self, inputs: Shapes) -> Shape:
        return self.shape

    def kind(self, inputs: Shapes) -> str:
        return self.name


@final
class Operation(_Named):
    """Any other operation on tensors: its name in PyTorch, the shape it made, the arithmetic that took.

    >>> Operation("softmax", Shape(10), Ops(exp=10, add=9, div=10)).kind(())
    'softmax'
    """

    work: Ops = NO_OPS
    #: What was assumed of values that nobody knows; "" for nothing.
    assumption: str = ""

    def choices(self) -> Choices:
        assumed = (("assumption", self.assumption),) if self.assumption else ()
        return (*super().choices(), *assumed)

    def macs(self, inputs: Shapes, output: Shape) -> int:
        return self.work.mac

    def other_ops(self, inputs: Shapes, output: Shape) -> Ops:
        return self.work


@final
class Move(_Named):
    """An operation that copies, selects or converts values into new memory and computes nothing, by its name.

    >>> Move("roll", Shape(96, (56, 56), axis=2)).ops((), Shape(96, (56, 56), axis=2))
    Ops(mac=0, add=0, mul=0, div=0, cmp=0, exp=0)
    """


@final
class Uncounted(_Named):
    """An operation that nobody has decided on: it stands in the network so that a report can say so."""

    def kind(self, inputs: Shapes) -> str:
        return "uncounted"

    def choices(self) -> Choices:
        return (("operation", self.name),)

    def label(self, inputs: Shapes) -> str:
        return f"uncounted: {self.name}"
