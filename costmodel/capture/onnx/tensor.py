"""A tensor of a file while the file is read: its sizes, its type, what makes it, and its values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from onnx import TensorProto, TypeProto, numpy_helper

from costmodel.core.graph import Node
from costmodel.core.shape import Shape
from costmodel.errors import LARGEST_SIZE, CostModelError

#: Values are known of tensors with at most so many elements; no larger one is ever made.
MOST_VALUES = 65_536

#: A type of the standard -> how PyTorch calls it.
DTYPES: dict[int, str] = {
    number: {"FLOAT": "float32", "DOUBLE": "float64"}.get(name, name.lower())
    for name, number in TensorProto.DataType.items()
}
FLOATING = frozenset(number for number, name in DTYPES.items() if name.startswith(("float", "bfloat")))


@dataclass(slots=True, eq=False)
class Tensor:
    """A tensor of a file: ``sizes`` with the batch, ``type`` as the standard numbers it.

    ``node`` makes it, as its value ``slot``; None for what depends on no sample. ``axis`` holds the features, where
    that is known. ``stored`` names the tensors of the file that it is made of. ``parts`` are those of a sequence.
    """

    sizes: tuple[int, ...]
    type: int
    node: Node | None = None
    slot: int = 0
    axis: int | None = None
    stored: tuple[str, ...] = ()
    #: What it reads as where an operation reads it, if it is stored.
    source: Node | None = None
    parts: list[Tensor] | None = None
    _values: Any = None
    _folder: str = ""

    @property
    def constant(self) -> bool:
        """Whether it depends on no sample."""
        if self.parts is not None:
            return all(part.constant for part in self.parts)
        return self.node is None

    @property
    def is_made(self) -> bool:
        """Whether it is there; nobody reads an output that is not."""
        return self.type != TensorProto.UNDEFINED

    @property
    def elements(self) -> int:
        """Number of values in it."""
        return math.prod(self.sizes)

    @property
    def dtype(self) -> str:
        """The type of its values, as PyTorch calls it."""
        return DTYPES[self.type]

    @property
    def shape(self) -> Shape:
        """Its shape without a leading axis of one sample."""
        return sample(self.sizes, self.axis)

    @property
    def values(self) -> Any:
        """Its values as an array; None where they depend on a sample, or are many."""
        if isinstance(self._values, TensorProto):
            self._values = self._read(self._values) if self.elements <= MOST_VALUES else None
        elif callable(self._values):
            self._values = self._values()
        return self._values

    @values.setter
    def values(self, array: Any) -> None:
        self._values = array

    @property
    def is_known(self) -> bool:
        """Whether its values may be had; to ask costs nothing."""
        return self._values is not None and self.elements <= MOST_VALUES

    def integers(self) -> list[int] | None:
        """Its values as a list of whole numbers; None where they are not known, or no whole numbers."""
        array = self.values
        return None if array is None or array.dtype.kind not in "iub" else [int(one) for one in array.ravel()]

    def _read(self, proto: TensorProto) -> Any:
        try:
            return numpy_helper.to_array(proto, self._folder)
        except Exception as error:
            raise CostModelError(
                f"the values of {proto.name!r:.80} cannot be read ({_first_line(error)}), and a shape depends on them;"
                " give the whole file, with the files of its data beside it"
            ) from None

    @property
    def type_proto(self) -> TypeProto:
        """Its type and sizes as the standard's own rules read them."""
        return type_proto(self.type, self.sizes)


@lru_cache(maxsize=4096)
def type_proto(type_: int, sizes: tuple[int, ...]) -> TypeProto:
    """A type and sizes as the standard's own rules read them."""
    proto = TypeProto()
    proto.tensor_type.elem_type = type_
    shape = proto.tensor_type.shape
    shape.SetInParent()
    for size in sizes:
        shape.dim.add().dim_value = size
    return proto


def not_made() -> Tensor:
    """An output that an operator leaves out."""
    return Tensor((), TensorProto.UNDEFINED)


def of_proto(proto: TensorProto, folder: str, name: str) -> Tensor:
    """A tensor that the file holds; its values are read when they are asked for."""
    sizes = checked(proto.dims, name)
    if proto.data_type not in DTYPES or proto.data_type == TensorProto.UNDEFINED:
        raise CostModelError(f"the tensor {name!r:.80} is of no type that the standard has; the file is damaged")
    return Tensor(sizes, proto.data_type, stored=(name,), _values=proto, _folder=folder)


def of_array(array: Any) -> Tensor:
    """A tensor with these values, which the file does not hold: a shape, a counter."""
    array = np.asarray(array)
    return Tensor(array.shape, _number(array.dtype), _values=array)


@lru_cache(maxsize=64)
def _number(dtype: Any) -> int:
    return int(numpy_helper.from_array(np.empty(0, dtype)).data_type)


def checked(dims: Iterable[int], name: str) -> tuple[int, ...]:
    """``dims`` as sizes; what no machine has is refused."""
    sizes = tuple(map(int, dims))
    if any(size < 0 for size in sizes) or math.prod(sizes) > LARGEST_SIZE:
        shown = "x".join(map(str, sizes))
        raise CostModelError(f"the tensor {name!r:.80} has the sizes {shown:.120}, which no tensor can have")
    return sizes


def sample(sizes: Sequence[int], axis: int | None = None) -> Shape:
    """The shape of a tensor of these sizes, without a leading axis of one sample; its features first, if not said."""
    first = 1 if len(sizes) > 1 and sizes[0] == 1 else 0
    return Shape.of(tuple(sizes)[first:], 0 if axis is None else max(axis - first, 0))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{lines[0]:.120}" if lines else type(error).__name__
