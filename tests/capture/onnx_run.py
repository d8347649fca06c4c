"""The multiply-adds of an ONNX file by a run: what its products read and make, as ONNX Runtime makes it of zeros."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, numpy_helper


def products_of_a_run(path: Path, inputs: Mapping[str, tuple[int, ...]]) -> int:
    """The sum over convolutions, products of matrices and recurrent layers; none inside a graph of an operator."""
    import onnxruntime

    model = onnx.load(path)
    graph = model.graph
    nodes = [node for node in graph.node if node.op_type in _MULTIPLY_ADDS]
    held = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    held |= {node.output[0]: numpy_helper.to_array(node.attribute[0].t).shape
             for node in graph.node if node.op_type == "Constant" and node.attribute[0].HasField("t")}  # fmt: skip
    given = {value.name for value in graph.input} | held.keys()
    shown = dict.fromkeys(name for node in nodes for name in (*node.input, *node.output) if name and name not in given)
    already = {value.name for value in graph.output}
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in shown if name not in already)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    kinds = {value.name: _TYPES[value.type] for value in session.get_inputs()}
    feeds = {name: np.zeros(inputs[name], kind) for name, kind in kinds.items()}
    sizes = held | {name: made.shape for name, made in zip(shown, session.run(list(shown), feeds), strict=True)}
    sizes |= {name: array.shape for name, array in feeds.items()}
    return sum(_MULTIPLY_ADDS[node.op_type](node, sizes) for node in nodes)


_TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32}
_Sizes = Mapping[str, tuple[int, ...]]


def _conv(node: NodeProto, sizes: _Sizes) -> int:
    return math.prod(sizes[node.output[0]]) * math.prod(sizes[node.input[1]][1:])


def _transposed(node: NodeProto, sizes: _Sizes) -> int:
    return math.prod(sizes[node.input[0]]) * math.prod(sizes[node.input[1]][1:])


def _matmul(node: NodeProto, sizes: _Sizes) -> int:
    return math.prod(sizes[node.output[0]]) * sizes[node.input[0]][-1]


def _gemm(node: NodeProto, sizes: _Sizes) -> int:
    turned = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return math.prod(sizes[node.output[0]]) * sizes[node.input[0]][0 if turned else 1]


def _recurrent(node: NodeProto, sizes: _Sizes) -> int:
    steps, batch = sizes[node.input[0]][:2]
    return steps * batch * (math.prod(sizes[node.input[1]]) + math.prod(sizes[node.input[2]]))


_MULTIPLY_ADDS = {
    "Conv": _conv, "ConvTranspose": _transposed, "MatMul": _matmul, "Gemm": _gemm,
    "LSTM": _recurrent, "GRU": _recurrent,
}  # fmt: skip
