"""What a user says of one input of a model: sizes, type of its values, and their value where it is one."""

from __future__ import annotations

from collections.abc import Sequence
from keyword import iskeyword
from numbers import Integral
from typing import NamedTuple

from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, nearest, positive_int

#: What an input of a captured model may hold, as PyTorch calls it.
TYPES = ("float32", "int64", "int32", "bool", "float16", "bfloat16", "float64")

_FILLS = {"zeros": 0, "ones": 1}


class InputSpec(NamedTuple):
    """One input of a model: its shape, the type of its values, and, where all its values are one number, that.

    With a ``name``, it is that argument of ``forward``, and its sizes are all that it has, the batch among them.
    Without a name it is the next argument, and its sizes are of one sample: a batch of one comes in front.

    ``letters`` stand where sizes are open, empty texts elsewhere: only closed forms have them.
    """

    shape: Shape
    type: str = "float32"
    name: str = ""
    value: int | None = None
    letters: tuple[str, ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the tensor, with its batch."""
        return self.shape.sizes if self.name else (1, *self.shape.sizes)

    def __str__(self) -> str:
        kind = f":{self.type}" if self.type != "float32" or self.value is not None else ""
        value = "" if self.value is None else f":{self.value}"
        letters = self.letters or ("",) * len(self.shape.sizes)
        sizes = "x".join(letter or str(size) for letter, size in zip(letters, self.shape.sizes, strict=True))
        return f"{self.name}{'=' if self.name else ''}{sizes}{kind}{value}"

    def at(self, size: int) -> InputSpec:
        """The input with ``size`` for every letter.

        >>> str(parse_open_input("x=Nx3x8x8").at(4))
        'x=4x3x8x8'
        """
        sizes = [size if letter else own for letter, own in zip(self.letters, self.shape.sizes, strict=False)]
        return self._replace(shape=Shape.of(sizes), letters=()) if self.letters else self


def parse_input(text: str) -> InputSpec:
    """``[NAME=]SIZES[:TYPE[:VALUE]]``: sizes with x between them, as in :class:`InputSpec`; VALUE is ``zeros``,
    ``ones`` or a whole number, and without it nobody knows the values.

    Raises :class:`~costmodel.errors.CostModelError` for what is no shape, no type and no value.

    >>> parse_input("3x224x224").shape, str(parse_input("128:int64"))
    (Shape(channels=3, spatial=(224, 224)), '128:int64')
    >>> parse_input("attention_mask=1x128:int64:ones").sizes
    (1, 128)
    """
    name, equals, rest = text.rpartition("=")
    if equals and not name:
        raise CostModelError(f"{text!r} names no input; write it as in input_ids=1x128:int64")
    sizes, _, kinds = rest.partition(":")
    kind, _, value = kinds.partition(":")
    if rest.count(":") > 0 and kind not in TYPES:
        raise CostModelError(f"{text!r} names no type of values; {nearest(kind, TYPES)}there are {', '.join(TYPES)}")
    return InputSpec(Shape.parse(sizes), kind or "float32", name, _value(text, value) if rest.count(":") > 1 else None)


def parse_open_input(text: str) -> InputSpec:
    """As :func:`parse_input`; a name may stand for a size that is left open: ``Nx3x224x224``, ``x=1x3xRxR``.

    >>> parse_open_input("x=Nx3x8x8").letters, str(parse_open_input("x=Nx3x8x8"))
    (('N', '', '', ''), 'x=Nx3x8x8')
    """
    name, equals, rest = text.rpartition("=")
    sizes, colon, kind = rest.partition(":")
    letters = tuple([size if _is_letter(size) else "" for size in sizes.split("x")])
    numbers = "x".join("1" if letter else size for letter, size in zip(letters, sizes.split("x"), strict=True))
    if not any(letters):
        return parse_input(text)
    return parse_input(f"{name}{equals}{numbers}{colon}{kind}")._replace(letters=letters)


def _is_letter(text: str) -> bool:
    return text.isascii() and text.isalpha() and not iskeyword(text)


def _value(text: str, value: str) -> int:
    if value in _FILLS:
        return _FILLS[value]
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise CostModelError(f"{text!r} says no values; write zeros, ones or a whole number after the type")
    return int(value)


def parse_inputs(given: object) -> tuple[InputSpec, ...] | None:
    """What ``given`` says of the inputs of a model: sizes, a text, a shape, or a list of those; () where it is None.

    None where it is something else, such as example tensors. Raises :class:`~costmodel.errors.CostModelError` for a
    text or sizes that are no input.

    >>> parse_inputs((3, 224, 224)) == parse_inputs("3x224x224") == parse_inputs([Shape(3, (224, 224))])
    True
    """
    if given is None or (isinstance(given, (tuple, list)) and not given):
        return ()
    if says_sizes(given):
        return (spec_of(given),)
    if isinstance(given, Sequence) and given and all(map(says_sizes, given)):
        return tuple(map(spec_of, given))
    return None


def says_sizes(given: object) -> bool:
    """Whether ``given`` is a text, a shape, or one whole number or more in a tuple or list."""
    if isinstance(given, (str, Shape, InputSpec)):
        return True
    return isinstance(given, Sequence) and bool(given) and all(isinstance(size, Integral) for size in given)


def spec_of(given: object) -> InputSpec:
    """The input that ``given`` says, where :func:`says_sizes`."""
    if isinstance(given, InputSpec):
        if given.letters:
            raise CostModelError(f"the input {given} leaves a size open, which only a formula may; give its number")
        return given
    if isinstance(given, str):
        return parse_input(given)
    if isinstance(given, Shape):
        return InputSpec(given)
    assert isinstance(given, Sequence)
    return InputSpec(Shape.of([positive_int(size, "an input size") for size in given]))
