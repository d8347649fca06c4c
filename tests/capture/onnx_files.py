"""ONNX models written for the tests, and where packages keep theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper


def bundled(file: str) -> Path:
    """A file that an installed package brings; its test is skipped where the package is not installed."""
    package, _, rest = file.partition("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed")
    return Path(spec.origin).parent / rest


def node(kind: str, reads: str, makes: str, name: str = "", **attributes: Any) -> NodeProto:
    """An operator; ``-`` stands for an input that is not given."""
    inputs = ["" if read == "-" else read for read in reads.split()]
    return helper.make_node(kind, inputs, makes.split(), name, **attributes)


def stored(name: str, *sizes: int, kind: int = TensorProto.FLOAT) -> TensorProto:
    """Zeros that the file holds."""
    bits = {TensorProto.FLOAT: 4, TensorProto.INT64: 8, TensorProto.INT32: 4, TensorProto.FLOAT16: 2}.get(kind, 1)
    count = 1
    for size in sizes:
        count *= size
    return helper.make_tensor(name, kind, sizes, bytes(bits * count), raw=True)


def numbers(name: str, *values: int) -> TensorProto:
    """Whole numbers that the file holds: a shape, axes."""
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def model(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, Sequence[int | str] | None],
    outputs: Sequence[str],
    held: Sequence[TensorProto] = (),
    kind: int = TensorProto.FLOAT,
    opset: int = 17,
    **more: Any,
) -> ModelProto:
    """A model of ``nodes`` that reads ``inputs`` of these sizes."""
    reads = [helper.make_tensor_value_info(name, kind, sizes) for name, sizes in inputs.items()]
    gives = [helper.make_tensor_value_info(name, kind, None) for name in outputs]
    graph = helper.make_graph(nodes, "graph", reads, gives, list(held))
    opsets = [helper.make_opsetid("", opset), *more.pop("opsets", ())]
    return helper.make_model(graph, opset_imports=opsets, **more)
