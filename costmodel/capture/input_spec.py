"""What a user says of one input of a model: its sizes and the type of its values."""

from __future__ import annotations

from typing import NamedTuple

from costmodel.core.values import Shape
from costmodel.errors import CostModelError, nearest

#: What an input of a captured model may hold, as PyTorch calls it.
TYPES = ("float32", "int64", "int32", "bool", "float16", "bfloat16", "float64")


class InputSpec(NamedTuple):
    """One sample of one input of a model: its shape and the type of its values."""

    shape: Shape
    type: str = "float32"

    def __str__(self) -> str:
        return str(self.shape) if self.type == "float32" else f"{self.shape}:{self.type}"


def parse_input(text: str) -> InputSpec:
    """``CxHxW``, or any sizes, without batch; after a colon the type of the values where they are no floats.

    Raises :class:`~costmodel.errors.CostModelError` for what is no shape and no type.

    >>> parse_input("3x224x224"), str(parse_input("128:int64"))
    (InputSpec(shape=Shape(channels=3, spatial=(224, 224)), type='float32'), '128:int64')
    """
    sizes, colon, kind = text.partition(":")
    if colon and kind not in TYPES:
        raise CostModelError(f"{text!r} names no type of values; {nearest(kind, TYPES)}there are {', '.join(TYPES)}")
    return InputSpec(Shape.parse(sizes), kind or "float32")
