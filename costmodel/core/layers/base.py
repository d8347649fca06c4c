"""What every layer is, and the input."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeAlias, final

from costmodel.core.values import NO_OPS, NO_PARAMS, Ops, Params, Shape

Shapes: TypeAlias = tuple[Shape, ...]


Sizes: TypeAlias = tuple[int, ...]

#: What an author chose, by name: a number, one size an axis, one (before, after) an axis, a word, or whether.
Choices: TypeAlias = tuple[tuple[str, object], ...]


class Layer(ABC):
    """One primitive operation. Subclasses are final, frozen and hashable."""

    __slots__ = ()

    #: Whether it makes one tensor of several; all others read exactly one.
    joins: ClassVar[bool] = False

    @property
    def primitive(self) -> Layer:
        """The layer itself, without what a capture knows of its place in a module."""
        return self

    @abstractmethod
    def output(self, inputs: Shapes) -> Shape:
        """Shape of the result. Raises :class:`~costmodel.errors.CostModelError` where the inputs do not fit."""

    @abstractmethod
    def kind(self, inputs: Shapes) -> str:
        """What the field calls this layer, such as ``depthwise_conv``; stable, for machines."""

    def label(self, inputs: Shapes) -> str:
        """``kind`` for people, with the kernel where there is one: ``depthwise conv 3x3``."""
        return self.kind(inputs).replace("_", " ")

    def choices(self) -> Choices:
        """What its author chose, as (name, value): ``("kernel", (3, 3))``; empty where the kind says it all.

        Locks keep them, so another name for the same choice makes every lock of every user stale.
        """
        return ()

    def macs(self, inputs: Shapes, output: Shape) -> int:
        """Multiply-adds for one sample; 0 unless it convolves or multiplies matrices."""
        return 0

    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        """All arithmetic for one sample, the multiply-adds among it."""
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
