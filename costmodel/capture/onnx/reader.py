"""Reads a graph operator by operator, and writes down the nodes of a network."""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from costmodel.capture.onnx import infer
from costmodel.capture.onnx.book import Book, tidy
from costmodel.capture.onnx.operator import Operator, is_standard
from costmodel.capture.onnx.ops import HANDLERS, SEQUENCES
from costmodel.capture.onnx.structures import STRUCTURES
from costmodel.capture.onnx.tensor import Tensor, checked, not_made, of_array, of_proto, sample
from costmodel.core.layers import Uncounted
from costmodel.errors import CostModelError

#: The names of a graph and those around it -> the tensors.
Scope = MutableMapping[str, Tensor]

#: A loop is read step by step, as often as it runs.
_MOST_LOOPED = 20_000
_DEEPEST = 40
#: Operators that have no handler, and are read here.
_READ = frozenset(("Constant", "Shape", "Size", "RandomNormal", "RandomUniform", *STRUCTURES))


class Block(NamedTuple):
    """Operators that stand together: of a graph, or of a function."""

    nodes: Sequence[NodeProto]
    #: The names that it gives out.
    gives: Sequence[str]
    opsets: dict[str, int]
    #: Where in the file it stands, and where in the network.
    place: str = ""
    path: str = ""
    #: What the file says of the sizes of its tensors.
    declared: Mapping[str, ValueInfoProto] = {}


class Reader:
    """Reads the graphs and functions of one file."""

    def __init__(self, model: ModelProto, book: Book, folder: str, allow_uncounted: bool) -> None:
        self._model = model
        self._book = book
        self._folder = folder
        self._allow_uncounted = allow_uncounted
        self._functions = {(function.domain, function.name): function for function in model.functions}
        self._looped = 0
        self._depth = 0

    def initializers(self, graph: GraphProto, scope: Scope, place: str = "") -> None:
        """Puts the tensors that ``graph`` holds into ``scope``."""
        for proto in graph.initializer:
            scope[proto.name] = self._held(proto, proto.name, place)
        for sparse in graph.sparse_initializer:
            dense = TensorProto(dims=sparse.dims, data_type=sparse.values.data_type, name=sparse.values.name)
            scope[dense.name] = self._held(dense, dense.name, place)
            scope[dense.name].values = None

    def _held(self, proto: TensorProto, name: str, place: str) -> Tensor:
        """A tensor that the file holds."""
        tensor = of_proto(proto, self._folder, name)
        self._book.hold(place + name, tensor)
        return tensor

    def run(self, block: Block, scope: Scope) -> list[Tensor]:
        """What ``block`` gives out of what is in ``scope``."""
        nodes = live(block)
        readers = Counter(block.gives)
        for proto in nodes:
            readers.update(read_by(proto))
        for proto in nodes:
            try:
                self._step(proto, scope, block, readers)
            except _PlacedError:
                raise
            except CostModelError as error:
                raise _PlacedError(str(error.at(_place(proto)))) from None
            except (RecursionError, MemoryError):
                raise
            except Exception as error:
                raise _PlacedError(str(damaged(error).at(_place(proto)))) from error
        return [_result(scope, name) for name in block.gives]

    def _step(self, proto: NodeProto, scope: Scope, block: Block, readers: Mapping[str, int]) -> None:
        op = Operator(self._book, proto, self._inputs(proto, scope), block.opsets, readers)
        op.name = block.path + name_of(proto)
        function = self._functions.get((proto.domain, proto.op_type))
        if function is not None:
            self._call(function, op)
        elif not op.domain and op.type in STRUCTURES:
            STRUCTURES[op.type](op, partial(self._subgraph, op, scope, block))
        else:
            self._primitive(op, block)
        for name, made in zip(proto.output, op.outputs, strict=False):
            if name and made.is_made:
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

    def _primitive(self, op: Operator, block: Block) -> None:
        if not op.domain and op.type == "Constant":
            op.outputs = [self._constant(op, block.place)]
        elif not op.domain and op.type in ("Shape", "Size"):
            op.outputs = [_sizes_of(op)]
        elif op.domain or op.type in SEQUENCES:
            self._handled(op, block)
        elif op.is_constant:
            op.outputs = infer.outputs(op)
            if op.type == "ConstantOfShape" and op.made.stored:
                self._book.hold(block.place + op.proto.output[0], op.made)
        else:
            function = None if (op.domain, op.type) in HANDLERS else standard_function(op)
            if function is not None:
                self._call(function, op, op.defaults)
                return
            if (op.domain, op.type) in HANDLERS:
                op.outputs = infer.outputs(op)
            self._handled(op, block)

    def _handled(self, op: Operator, block: Block) -> None:
        handler = HANDLERS.get((op.domain, op.type))
        if handler is not None:
            handler(op)
        elif self._allow_uncounted:
            op.outputs = _said(op, block)
            op.add(Uncounted(op.full_name, sample(op.made.sizes)), op.reads())
        else:
            raise CostModelError(self._undecided(block))

    def _undecided(self, block: Block) -> str:
        """Every operator that nobody has decided on, with how many there are and where the first is."""
        places: dict[str, list[str]] = {}
        nodes = [node for function in self._model.functions for node in function.node]
        for node in everything([*self._model.graph.node, *nodes]):
            domain = "" if node.domain == "ai.onnx" else node.domain
            known = (domain, node.op_type) in HANDLERS or (node.domain, node.op_type) in self._functions
            known |= not domain and (node.op_type in _READ or is_standard(node.op_type, block.opsets.get("", 1)))
            if not known:
                places.setdefault(f"{domain}.{node.op_type}".strip("."), []).append(_name(node))
        named = [f"{kind} ({len(names)} x, first at {names[0]})" for kind, names in places.items()]
        return f"nobody has decided what these operators cost: {', '.join(named)}; --allow-uncounted counts the rest"

    def _constant(self, op: Operator, place: str) -> Tensor:
        for name, value in op.attributes.items():
            if name == "value":
                return self._held(value, op.proto.output[0], place)
            if name in ("value_int", "value_ints"):
                return of_array(np.asarray(value, np.int64))
            if name in ("value_float", "value_floats"):
                return of_array(np.asarray(value, np.float32))
        raise CostModelError("it is a constant of a kind that is not counted; give it as a tensor")

    def _call(self, function: FunctionProto, op: Operator, defaults: Sequence[AttributeProto] = ()) -> None:
        """A function: its own operators, in the place of ``op``."""
        attributes = [*defaults, *function.attribute_proto, *op.proto.attribute]
        given = {attribute.name: attribute for attribute in attributes}
        scope: Scope = {name: read for name, read in zip(function.input, op.inputs, strict=False) if read is not None}
        wanted = [name for name, asked in zip(function.output, op.proto.output, strict=False) if asked]
        opsets = {opset.domain: opset.version for opset in function.opset_import}
        nodes = [_bound(node, given) for node in function.node]
        block = Block(nodes, wanted, opsets, f"{function.domain}.{function.name}/", f"{op.name}.")
        results = dict(zip(wanted, self._inside(block, scope), strict=True))
        op.outputs = [results.get(name) or not_made() for name in function.output]

    def _inside(self, block: Block, scope: Scope) -> list[Tensor]:
        """What stands inside an operator."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise CostModelError(f"functions and graphs stand inside each other {_DEEPEST} deep; the file has a circle")
        results = self.run(block, scope)
        self._depth -= 1
        return results

    def _subgraph(
        self, op: Operator, scope: Scope, block: Block, part: str, inputs: Sequence[Tensor], step: int | None = None
    ) -> list[Tensor]:
        """What the graph ``part`` of ``op`` makes of ``inputs``."""
        graph = op.attribute(part)
        if not isinstance(graph, GraphProto):
            raise CostModelError(f"it has no {part}")
        # Its own tensors are the same in each step.
        place = f"{block.place}{op.proto.output[0]}.{part}/"
        inner: Scope = ChainMap({}, scope)
        self.initializers(graph, inner, place)
        for value, tensor in zip(graph.input, inputs, strict=False):
            inner[value.name] = tensor
        path = f"{op.name}.{part}." if step is None else f"{op.name}.{part}.{step}."
        self._looped += 0 if step is None else len(graph.node)
        if self._looped > _MOST_LOOPED:
            raise CostModelError(f"loops of the file run over {_MOST_LOOPED} operators; give a shorter input")
        return self._inside(Block(graph.node, [value.name for value in graph.output], op.opsets, place, path), inner)


def _result(scope: Scope, name: str) -> Tensor:
    if name not in scope:
        raise CostModelError(f"it gives out {name!r:.80}, which nothing in it makes")
    return scope[name]


def _said(op: Operator, block: Block) -> list[Tensor]:
    """What the file says of the tensors that an unknown operator makes; or the standard's rules."""
    if not op.domain:
        return infer.outputs(op)
    made = []
    for name in op.proto.output:
        typed = block.declared[name].type.tensor_type if name in block.declared else None
        if typed is None or not all(dim.HasField("dim_value") for dim in typed.shape.dim):
            raise CostModelError(f"{op.full_name} is not known, and the file does not say the sizes of what it makes")
        made.append(Tensor(checked([dim.dim_value for dim in typed.shape.dim], name), typed.elem_type))
    return made


def standard_function(op: Operator) -> FunctionProto | None:
    """What the standard defines ``op`` by: other operators of it; None where it stands for itself."""
    schema: Any = op.schema
    function = FunctionProto()
    if schema.has_function:
        function.CopyFrom(schema.function_body)
    elif schema.has_context_dependent_function:
        types = [b"" if read is None else read.type_proto.SerializeToString() for read in op.inputs]
        try:
            function.ParseFromString(schema.get_context_dependent_function(op.proto.SerializeToString(), types))
        except Exception:  # it does not fit what it reads
            return None
    return function if function.node else None


def live(block: Block) -> list[NodeProto]:
    """The operators that what ``block`` gives out depends on."""
    wanted = set(block.gives)
    kept = []
    for node in reversed(block.nodes):
        if not wanted.isdisjoint(node.output):
            wanted.update(read_by(node))
            kept.append(node)
    return kept[::-1]


def read_by(node: NodeProto) -> Iterable[str]:
    """Every name that ``node`` reads, in the graphs inside it too."""
    yield from node.input
    if node.op_type in STRUCTURES:
        for graph in _graphs(node):
            yield from (value.name for value in graph.output)
            for inner in graph.node:
                yield from read_by(inner)


def everything(nodes: Iterable[NodeProto]) -> Iterable[NodeProto]:
    """``nodes``, and those in the graphs inside them."""
    for node in nodes:
        yield node
        for graph in _graphs(node):
            yield from everything(graph.node)


def _graphs(node: NodeProto) -> Iterable[GraphProto]:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g


def name_of(proto: NodeProto) -> str:
    """What to call an operator: the path of its module and its type, where the exporter wrote that down; its name."""
    for entry in proto.metadata_props:
        if entry.key == "pkg.torch.onnx.name_scopes":
            scopes = [scope.strip("' ") for scope in entry.value.strip("[]").split(",")]
            if len(scopes) > 1 and scopes[-2]:
                return tidy(f"{scopes[-2]}.{proto.op_type}")
    return tidy(proto.name or f"{proto.op_type}.{next(filter(None, proto.output), '')}")


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


def damaged(error: Exception) -> CostModelError:
    """What to say of a file that breaks a rule nobody looks for."""
    reason = (str(error).strip().splitlines() or [""])[0]
    return CostModelError(
        f"the file is damaged or breaks the standard ({type(error).__name__}: {reason:.120}); ask onnx.checker about it"
    )


def _place(proto: NodeProto) -> str:
    return f"{tidy(str(proto.op_type)):.60} {_name(proto):.120}".strip()


def _name(proto: NodeProto) -> str:
    return tidy(str(proto.name or next(filter(None, proto.output), "")))
