"""What every layer is, and the input."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Self, TypeAlias, dataclass_transform, final

from costmodel.core.counts import NO_OPS, NO_PARAMS, Ops, Params
from costmodel.core.shape import Shape

Shapes: TypeAlias = tuple[Shape, ...]
Sizes: TypeAlias = tuple[int, ...]

#: What an author chose, by name: a number, one size an axis, one (before, after) an axis, a word, or whether.
Choices: TypeAlias = tuple[tuple[str, object], ...]


class Alias(NamedTuple):
    """Which input a value shares its memory with: it only views that input, or, with ``writes``, writes over it."""

    input: int = 0
    writes: bool = False


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Layer(ABC):
    """One primitive operation. Subclasses are final, frozen and hashable.

    Sizes may be integers, arrays or symbols: a layer computes with them by ``+ - * // %`` and comparisons alone.
    """

    # A frozen dataclass from its first instance on: to make all layers so is a fifth of what a command takes to start.
    def __new__(cls, *choices: object, **named: object) -> Self:
        if "__dataclass_fields__" not in cls.__dict__:
            for base in reversed(cls.__mro__):
                if issubclass(base, Layer) and base is not Layer and "__dataclass_fields__" not in base.__dict__:
                    dataclass(frozen=True)(base)
        return object.__new__(cls)

    #: How many tensors it reads; None where there is no most.
    least_inputs: ClassVar[int] = 1
    most_inputs: ClassVar[int | None] = 1
    #: Whose memory its output is in, where that is an input's.
    alias: ClassVar[Alias | None] = None
    #: The type of the values that it makes, where that is not the type of those it reads.
    dtype: ClassVar[str] = ""

    #: Whether it says multiply-adds, and parameters, of its own: totals leave out the others.
    multiplies: ClassVar[bool] = False
    stores: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        cls.multiplies = cls.macs is not Layer.macs
        cls.stores = cls.params is not Layer.params

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

    def other_ops(self, inputs: Shapes, output: Shape) -> Ops:
        """All other arithmetic for one sample."""
        return NO_OPS

    @final
    def ops(self, inputs: Shapes, output: Shape) -> Ops:
        """All arithmetic for one sample, the multiply-adds among it."""
        return self.other_ops(inputs, output)._replace(mac=self.macs(inputs, output))

    def params(self, inputs: Shapes) -> Params:
        """Stored numbers."""
        return NO_PARAMS


@final
class Input(Layer):
    """Where a sample enters the network; costs nothing."""

    shape: Shape

    least_inputs: ClassVar[int] = 0
    most_inputs: ClassVar[int | None] = 0

    def output(self, inputs: Shapes) -> Shape:
        return self.shape

    def kind(self, inputs: Shapes) -> str:
        return "input"
