"""What a TFLite file says, as plain values: tensors, operators and their options. The one file that loads ``tflite``.

Nothing here trusts a file. What points out of it, or says more than its bytes could hold, ends in one error.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import tflite

from costmodel.errors import LARGEST_SIZE, CostModelError

#: Integers in a constant that say how to move values: sizes, axes, paddings. More are data.
_MOST_NUMBERS = 64
#: Bits of one value, by the name of its type in the schema.
_BITS = {
    "FLOAT32": 32, "FLOAT16": 16, "INT32": 32, "UINT8": 8, "INT64": 64, "BOOL": 8, "INT16": 16, "COMPLEX64": 64,
    "INT8": 8, "FLOAT64": 64, "COMPLEX128": 128, "UINT64": 64, "UINT32": 32, "UINT16": 16, "INT4": 4, "BFLOAT16": 16,
}  # fmt: skip
#: What reading a damaged buffer raises, in the reader of flatbuffers and in ours.
_DAMAGE = (struct.error, IndexError, ValueError, TypeError, KeyError, OverflowError, AttributeError, MemoryError)


def _names(enumeration: type) -> dict[int, str]:
    return {number: name for name, number in vars(enumeration).items() if isinstance(number, int)}


_TYPES, _OPERATORS = _names(tflite.TensorType), _names(tflite.BuiltinOperator)
_ACTIVATIONS, _OPTIONS = _names(tflite.ActivationFunctionType), _names(tflite.BuiltinOptions)


class FileTensor(NamedTuple):
    """A tensor of the file. ``sizes`` have its batch; ``dtype`` is lower case, as ``int8``."""

    name: str
    sizes: tuple[int, ...]
    dtype: str
    #: The number of the buffer that has its values; None where they are computed.
    buffer: int | None
    #: It keeps its values from one call to the next.
    variable: bool
    #: The values, of a constant of few integers.
    numbers: tuple[int, ...] | None
    #: A size of it, other than the batch, is known only when the model runs.
    open_sizes: bool


class FileOperator(NamedTuple):
    """An operator: its name in the schema, or the code of a custom one; numbers of tensors, -1 for one left out."""

    name: str
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    #: The table of its options, as ``tflite`` reads it; None where it has none.
    options: Any

    def option(self, name: str) -> Any:
        """What the file says of the option with this name in the schema; 0, its default, where it has no options.

        Raises :class:`~costmodel.errors.CostModelError` where its options are another operator's, or damaged.
        """
        try:
            return 0 if self.options is None else getattr(self.options, name)()
        except _DAMAGE as error:
            raise CostModelError(
                f"the file has no {name} of this {self.name}: {error}; make or fetch it again"
            ) from None

    @property
    def activation(self) -> str:
        """The activation that it computes as well: ``RELU6``; ``NONE`` where there is none."""
        if not hasattr(self.options, "FusedActivationFunction"):
            return "NONE"
        number = self.option("FusedActivationFunction")
        return _ACTIVATIONS.get(number, f"activation {number} of a newer schema")

    @property
    def same_padding(self) -> bool:
        """Whether zeros around the input keep ``ceil(size / stride)`` positions."""
        return bool(self.option("Padding") == tflite.Padding.SAME)


class FileGraph(NamedTuple):
    """The first subgraph of a file, which is the model."""

    tensors: tuple[FileTensor, ...]
    operators: tuple[FileOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read(data: Any) -> FileGraph:
    """The model in ``data``, the bytes of a file.

    Raises :class:`~costmodel.errors.CostModelError` where it is no TFLite file, or a damaged one.
    """
    if bytes(data[4:8]) != b"TFL3":
        raise CostModelError("this is no TFLite file, which has TFL3 as its bytes 5 to 8; give the file as it was made")
    try:
        return _SchemaReader(data).graph()
    except _DAMAGE as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise CostModelError(f"the TFLite file is damaged: {lines[0]:.150}; make or fetch it again") from None


class _SchemaReader:
    def __init__(self, data: Any) -> None:
        self._data = data
        self._model = tflite.Model.GetRootAs(data, 0)
        # A file has each of its parts once; one that points to the same part again and again would never end.
        self._left = len(data)

    def graph(self) -> FileGraph:
        if not self._model.SubgraphsLength():
            raise ValueError("it has no subgraph")
        subgraph = self._model.Subgraphs(0)
        tensors = tuple([self._tensor(subgraph.Tensors(index)) for index in range(subgraph.TensorsLength())])
        codes = [self._code(self._model.OperatorCodes(index)) for index in range(self._model.OperatorCodesLength())]
        count = range(subgraph.OperatorsLength())
        operators = tuple([self._operator(subgraph.Operators(index), codes, len(tensors)) for index in count])
        inputs, outputs = (self._numbers(subgraph, what, len(tensors)) for what in ("Inputs", "Outputs"))
        return FileGraph(tensors, operators, inputs, outputs)

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ValueError("its parts say more than its bytes hold")

    def _integers(self, table: Any, what: str) -> tuple[int, ...]:
        self._spend(getattr(table, f"{what}Length")() + 1)
        array = getattr(table, f"{what}AsNumpy")()
        return () if isinstance(array, int) else tuple(array.tolist())

    def _numbers(self, table: Any, what: str, count: int) -> tuple[int, ...]:
        places = self._integers(table, what)
        if any(not -1 <= number < count for number in places):
            raise IndexError(f"{what.lower()} {places[:4]} are not among its {count} tensors")
        return places

    def _name(self, text: bytes | None) -> str:
        self._spend(len(text or b""))
        return (text or b"").decode("utf-8", "replace")

    def _tensor(self, tensor: Any) -> FileTensor:
        sizes = self._integers(tensor, "Shape")
        kind = _TYPES[tensor.Type()]
        number = tensor.Buffer()
        stored_bytes = self._held(number)
        if (
            stored_bytes
            and not tensor.Sparsity()
            and kind in _BITS
            and stored_bytes < math.prod(sizes) * _BITS[kind] // 8
        ):
            raise ValueError(f"a tensor of {sizes} {kind} has {stored_bytes} bytes")
        constant = bool(stored_bytes) or 0 in sizes
        numbers = self._values(number, kind) if constant else None
        name, open_sizes = self._name(tensor.Name()), -1 in self._integers(tensor, "ShapeSignature")[1:]
        return FileTensor(
            name, sizes, kind.lower(), number if constant else None, tensor.IsVariable(), numbers, open_sizes
        )

    def _held(self, number: int) -> int:
        """How many bytes of values a buffer has, in the file or behind it."""
        if not 0 <= number < self._model.BuffersLength():
            raise IndexError(f"buffer {number} is not among its {self._model.BuffersLength()}")
        buffer = self._model.Buffers(number)
        stored_bytes = buffer.DataLength() or (buffer.Size() if buffer.Offset() > 1 else 0)
        if stored_bytes > LARGEST_SIZE or (not buffer.Offset() and stored_bytes > len(self._data)):
            raise ValueError(f"buffer {number} says that it has {stored_bytes} bytes")
        return int(stored_bytes)

    def _values(self, number: int, kind: str) -> tuple[int, ...] | None:
        buffer = self._model.Buffers(number)
        wide = {"INT32": 4, "INT64": 8}.get(kind)
        if wide is None or not 0 < buffer.DataLength() <= wide * _MOST_NUMBERS:
            return None
        raw = buffer.DataAsNumpy().tobytes()
        return struct.unpack(f"<{len(raw) // wide}{'i' if wide == 4 else 'q'}", raw[: len(raw) // wide * wide])

    def _code(self, code: Any) -> tuple[str, bool]:
        # Codes over 127 are in the newer field; the older one then says 127.
        builtin = _OPERATORS.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
        if builtin is None:
            return f"operator {code.BuiltinCode()} of a newer schema", False
        return (self._name(code.CustomCode()), True) if builtin == "CUSTOM" else (builtin, False)

    def _operator(self, operator: Any, codes: Sequence[tuple[str, bool]], count: int) -> FileOperator:
        name, custom = codes[operator.OpcodeIndex()]
        inputs, outputs = self._numbers(operator, "Inputs", count), self._numbers(operator, "Outputs", count)
        if any(number < 0 for number in outputs):
            raise IndexError(f"{name} leaves out an output")
        return FileOperator(name, custom, inputs, outputs, None if custom else _options(operator))


def _options(operator: Any) -> Any:
    table = operator.BuiltinOptions()
    if table is None:
        return None
    options = getattr(tflite, _OPTIONS[operator.BuiltinOptionsType()])()
    options.Init(table.Bytes, table.Pos)
    return options
