"""Reads a graph operator by operator, and writes down the nodes of a network."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, MutableMapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto

from costmodel.capture.onnx import infer
from costmodel.capture.onnx.book import Book, tidy
from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.ops import HANDLERS
from costmodel.capture.onnx.structures import STRUCTURES
from costmodel.capture.onnx.tensor import Tensor, of_array, of_proto
from costmodel.errors import CostModelError

#: The names of a graph and those around it -> the tensors.
Scope = MutableMapping[str, Tensor]

#: Loops of a file run as often as it says; no file that a machine runs comes near.
_MOST_OPERATORS = 100_000
_DEEPEST = 40
#: Operators that look at sizes and types alone, or at nothing: what they make depends on no sample.
_SIZES_ALONE = frozenset("Shape Size EyeLike RandomNormalLike RandomUniformLike".split())


class Reader:
    """Reads the graphs and functions of one file."""

    def __init__(self, model: ModelProto, book: Book, folder: str, allow_uncounted: bool) -> None:
        self._book = book
        self._folder = folder
        self._allow_uncounted = allow_uncounted
        self._functions = {(function.domain, function.name): function for function in model.functions}
        self._steps = 0
        self._depth = 0

    def initializers(self, graph: GraphProto, scope: Scope, place: str) -> None:
        """Puts the tensors that ``graph`` holds into ``scope``."""
        for proto in graph.initializer:
            scope[proto.name] = self.held(proto, proto.name, place)
        for sparse in graph.sparse_initializer:
            dense = TensorProto(dims=sparse.dims, data_type=sparse.values.data_type, name=sparse.values.name)
            tensor = self.held(dense, dense.name, place)
            tensor.values = None
            scope[dense.name] = tensor

    def held(self, proto: TensorProto, name: str, place: str) -> Tensor:
        """A tensor that the file holds."""
        tensor = of_proto(proto, self._folder, name)
        self._book.hold(place + name, tensor)
        return tensor

    def run(self, nodes: Iterable[NodeProto], scope: Scope, opsets: dict[str, int], place: str, path: str) -> None:
        """Reads ``nodes`` in their order. ``place`` is where in the file they stand, ``path`` where in the network."""
        for proto in nodes:
            self._steps += 1
            if self._steps > _MOST_OPERATORS:
                raise CostModelError(f"its loops run over {_MOST_OPERATORS} operators; give a shorter input")
            try:
                self._step(proto, scope, opsets, place, path)
            except _PlacedError:
                raise
            except CostModelError as error:
                raise _PlacedError(str(error.at(_place(proto)))) from None

    def _step(self, proto: NodeProto, scope: Scope, opsets: dict[str, int], place: str, path: str) -> None:
        op = Operator(self._book, proto, self._inputs(proto, scope), opsets)
        op.name = path + tidy(proto.name or f"{proto.op_type}.{next(filter(None, proto.output), '')}")
        structure = STRUCTURES.get(op.type) if not op.domain else None
        function = self._functions.get((proto.domain, proto.op_type))
        if function is not None:
            self._call(function, op)
        elif structure is not None:
            structure(op, partial(self._subgraph, op, scope, place))
        else:
            self._primitive(op, place)
        for name, made in zip(proto.output, op.outputs, strict=False):
            if name and made.type:
                scope[name] = made

    def _inputs(self, proto: NodeProto, scope: Scope) -> list[Tensor | None]:
        inputs: list[Tensor | None] = []
        for name in proto.input:
            read = scope.get(name) if name else None
            if name and read is None:
                raise CostModelError(
                    f"it reads {name!r:.80}, which nothing before it makes: the file has a circle, or is not sorted"
                )
            inputs.append(read)
        return inputs

    def _primitive(self, op: Operator, place: str) -> None:
        if op.type == "Constant" and not op.domain:
            op.outputs = [self._constant(op, place)]
            return
        handler = HANDLERS.get((op.domain, op.type))
        if not op.domain:
            if op.type in ("Shape", "Size"):
                op.outputs = [_sizes_of(op)]
                return
            constant = op.type in _SIZES_ALONE or all(read is None or read.constant for read in op.inputs)
            function = None if handler or constant else standard_function(op)
            if function is not None:
                self._call(function, op)
                return
            if handler or constant:
                op.outputs = infer.outputs(op)
            if constant:
                self._folded(op, place)
                return
        if handler is None:
            raise undecided(op)
        handler(op)

    def _constant(self, op: Operator, place: str) -> Tensor:
        for name, value in op.attributes.items():
            if name == "value":
                return self.held(value, op.proto.output[0], place)
            if name in ("value_int", "value_ints"):
                return of_array(np.asarray(value, np.int64))
            if name in ("value_float", "value_floats"):
                return of_array(np.asarray(value, np.float32))
        raise CostModelError("it is a constant of a kind that is not counted; give it as a tensor")

    def _folded(self, op: Operator, place: str) -> None:
        """Made of what the file holds alone, before any sample comes."""
        for tensor in op.outputs:
            if op.type == "ConstantOfShape" and tensor.stored:
                self._book.hold(place + op.proto.output[0], tensor)

    def _call(self, function: FunctionProto, op: Operator) -> None:
        """A function of the file: its own operators, in its place."""
        given = {attribute.name: attribute for attribute in op.proto.attribute}
        defaults = {attribute.name: attribute for attribute in function.attribute_proto}
        nodes = [_bound(node, {**defaults, **given}) for node in function.node]
        scope: Scope = {name: read for name, read in zip(function.input, op.inputs, strict=False) if read is not None}
        opsets = {opset.domain: opset.version for opset in function.opset_import}
        self._inside(nodes, scope, opsets, f"{function.domain}.{function.name}/", f"{op.name}.")
        op.outputs = [self.result(scope, name) for name in function.output]

    def _inside(self, nodes: Iterable[NodeProto], scope: Scope, opsets: dict[str, int], place: str, path: str) -> None:
        """Reads what stands inside an operator."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise CostModelError(f"functions and graphs stand inside each other {_DEEPEST} deep; the file has a circle")
        self.run(nodes, scope, opsets, place, path)
        self._depth -= 1

    def result(self, scope: Scope, name: str) -> Tensor:
        """The tensor ``name``, which a graph gives out."""
        if name not in scope:
            raise CostModelError(f"it gives out {name!r:.80}, which nothing in it makes")
        return scope[name]

    def _subgraph(
        self, op: Operator, scope: Scope, place: str, part: str, inputs: Sequence[Tensor], step: int | None = None
    ) -> list[Tensor]:
        """What the graph ``part`` of ``op`` makes of ``inputs``."""
        graph = op.attribute(part)
        if not isinstance(graph, GraphProto):
            raise CostModelError(f"it has no {part}")
        # Its own tensors are the same in each step.
        place = f"{place}{op.proto.output[0]}.{part}/"
        inner: Scope = ChainMap({}, scope)
        self.initializers(graph, inner, place)
        for value, tensor in zip(graph.input, inputs, strict=False):
            inner[value.name] = tensor
        path = f"{op.name}.{part}." if step is None else f"{op.name}.{part}.{step}."
        self._inside(graph.node, inner, op.opsets, place, path)
        return [self.result(inner, value.name) for value in graph.output]


def undecided(op: Operator) -> CostModelError:
    """What to say of an operator that nobody has decided on."""
    return CostModelError(f"{op.full_name} is not counted yet")


def standard_function(op: Operator) -> FunctionProto | None:
    """What the standard defines ``op`` by: other operators of it; None where it stands for itself."""
    schema: Any = op.schema
    function = FunctionProto()
    if schema.has_function:
        function.CopyFrom(schema.function_body)
    elif schema.has_context_dependent_function:
        types = [b"" if read is None else read.type_proto.SerializeToString() for read in op.inputs]
        function.ParseFromString(schema.get_context_dependent_function(op.proto.SerializeToString(), types))
    return function if function.node else None


def live(graph: GraphProto) -> list[NodeProto]:
    """The operators that the outputs of ``graph`` depend on."""
    wanted = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            wanted.update(read_by(node))
            kept.append(node)
    return kept[::-1]


def read_by(node: NodeProto) -> Iterable[str]:
    """Every name that ``node`` reads, in the graphs inside it too."""
    yield from node.input
    for attribute in node.attribute:
        graphs = (attribute.g,) if attribute.type == AttributeProto.GRAPH else attribute.graphs
        for graph in graphs:
            yield from (value.name for value in graph.output)
            for inner in graph.node:
                yield from read_by(inner)


def _sizes_of(op: Operator) -> Tensor:
    sizes = op.needed(0).sizes
    if op.type == "Size":
        return of_array(np.asarray(op.needed(0).elements, np.int64))
    return of_array(np.asarray(sizes[op.attribute("start", 0) : op.attribute("end", len(sizes))], np.int64))


def _bound(node: NodeProto, given: dict[str, AttributeProto]) -> NodeProto:
    """``node`` of a function, with the attributes that its caller gave in the places that refer to them."""
    bound = NodeProto()
    bound.CopyFrom(node)
    del bound.attribute[:]
    for attribute in node.attribute:
        if attribute.ref_attr_name and attribute.ref_attr_name not in given:
            continue
        value = bound.attribute.add()
        value.CopyFrom(given[attribute.ref_attr_name] if attribute.ref_attr_name else attribute)
        value.name = attribute.name
        if value.type == AttributeProto.GRAPH:
            inner = [_bound(one, given) for one in value.g.node]
            del value.g.node[:]
            value.g.node.extend(inner)
    return bound


class _PlacedError(CostModelError):
    """An error that says its place already."""


def _place(proto: NodeProto) -> str:
    return tidy(f"{proto.op_type:.60} {proto.name or next(filter(None, proto.output), ''):.120}".strip())
