"""What a user says of one input of a model: its sizes and the type of its values."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import NamedTuple

from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, nearest, positive_int

#: What an input of a captured model may hold, as PyTorch calls it.
TYPES = ("float32", "int64", "int32", "bool", "float16", "bfloat16", "float64")


class InputSpec(NamedTuple):
    """One input of a model: its shape, the type of its values, and its name, where that was said."""

    shape: Shape
    type: str = "float32"
    name: str = ""

    def __str__(self) -> str:
        named = f"{self.name}={self.shape}" if self.name else str(self.shape)
        return named if self.type == "float32" else f"{named}:{self.type}"


def parse_input(text: str) -> InputSpec:
    """``[NAME=]SIZES[:TYPE]``: sizes with x between them, and the type of the values where they are no floats.

    Raises :class:`~costmodel.errors.CostModelError` for what is no shape and no type.

    >>> parse_input("3x224x224"), str(parse_input("128:int64"))
    (InputSpec(shape=Shape(channels=3, spatial=(224, 224)), type='float32', name=''), '128:int64')
    """
    name, _, rest = text.rpartition("=")
    sizes, colon, kind = rest.partition(":")
    if colon and kind not in TYPES:
        raise CostModelError(f"{text!r} names no type of values; {nearest(kind, TYPES)}there are {', '.join(TYPES)}")
    return InputSpec(Shape.parse(sizes), kind or "float32", name)


def parse_inputs(given: object) -> tuple[InputSpec, ...] | None:
    """What ``given`` says of the inputs of a model: sizes, a text, a shape, or a list of those; () where it is None.

    None where it is something else, such as example tensors. Raises :class:`~costmodel.errors.CostModelError` for a
    text or sizes that are no input.

    >>> parse_inputs((3, 224, 224)) == parse_inputs("3x224x224") == parse_inputs([Shape(3, (224, 224))])
    True
    """
    if given is None or (isinstance(given, (tuple, list)) and not given):
        return ()
    if _says_sizes(given):
        return (_spec(given),)
    if isinstance(given, Sequence) and given and all(map(_says_sizes, given)):
        return tuple(map(_spec, given))
    return None


def _says_sizes(given: object) -> bool:
    if isinstance(given, (str, Shape, InputSpec)):
        return True
    return isinstance(given, Sequence) and bool(given) and all(isinstance(size, Integral) for size in given)


def _spec(given: object) -> InputSpec:
    if isinstance(given, InputSpec):
        return given
    if isinstance(given, str):
        return parse_input(given)
    if isinstance(given, Shape):
        return InputSpec(given)
    assert isinstance(given, Sequence)
    return InputSpec(Shape.of([positive_int(size, "an input size") for size in given]))
