"""One operator of a file: what it reads, its attributes, and what handlers say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import onnx
from onnx import AttributeProto, NodeProto, OperatorSetIdProto
from onnx.defs import OpSchema

from costmodel.capture.onnx.book import Book
from costmodel.capture.onnx.tensor import Tensor, sample
from costmodel.core.counts import NO_PARAMS, Ops, Params
from costmodel.core.graph import Node, Provenance, Value
from costmodel.core.layers import Alias, Layer, Move, Operation, Shapes
from costmodel.errors import CostModelError

#: Operators that look at sizes and types alone, or at nothing.
_SIZES_ALONE = frozenset("EyeLike RandomNormalLike RandomUniformLike".split())


class Operator:
    """One operator while it is read. ``outputs`` are known before its handler is called, for the standard's own."""

    def __init__(
        self,
        book: Book,
        proto: NodeProto,
        inputs: Sequence[Tensor | None],
        opsets: dict[str, int],
        readers: Mapping[str, int],
    ) -> None:
        self.book = book
        self.proto = proto
        self.type = proto.op_type
        self.domain = "" if proto.domain == "ai.onnx" else proto.domain
        self.inputs = inputs
        self.opsets = opsets
        #: How often each name around it is read.
        self.readers = readers
        self.ir_version = book.ir_version
        self.outputs: list[Tensor] = []
        self.name = ""

    @property
    def full_name(self) -> str:
        """Its type with its domain: ``com.microsoft.FusedConv``."""
        return f"{self.domain}.{self.type}" if self.domain else self.type

    @property
    def version(self) -> int:
        """The version of the operator set that it is of."""
        return self.opsets.get(self.domain, 1)

    @cached_property
    def schema(self) -> OpSchema:
        """The standard's definition of it."""
        schema = _schema(self.type, self.version, self.domain)
        if schema is None:
            raise CostModelError(f"{self.full_name} is no operator of version {self.version} of its operator set")
        return schema

    @property
    def defaults(self) -> list[AttributeProto]:
        """The attributes that the standard gives it where the file does not."""
        defaults = [attribute.default_value for attribute in self.schema.attributes.values()]
        return [default for default in defaults if default.name]

    @property
    def opset_imports(self) -> list[OperatorSetIdProto]:
        """The operator sets of the file, as the standard's rules read them."""
        return [onnx.helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Its attributes by name, as Python has them: numbers, texts, tuples, tensors, graphs."""
        return {attribute.name: _value(attribute) for attribute in self.proto.attribute}

    def attribute(self, name: str, default: Any = None) -> Any:
        """The attribute ``name``, or ``default`` where it is not given."""
        return self.attributes.get(name, default)

    @property
    def reads_text(self) -> str:
        """What it reads, for a message."""
        return ", ".join("x".join(map(str, read.sizes)) or "one number" for read in self.inputs if read is not None)

    @property
    def is_constant(self) -> bool:
        """Whether what it makes depends on no sample: on sizes, types, and what the file holds."""
        if self.type in _SIZES_ALONE:
            return True
        reads = self.inputs[:1] if self.type == "CastLike" else self.inputs
        return all(read is None or read.constant for read in reads)

    # What handlers ask.

    @property
    def made(self) -> Tensor:
        """The first tensor that it makes."""
        return next(output for output in self.outputs if output.is_made)

    def input(self, place: int) -> Tensor | None:
        """What it reads there; None where nothing is given."""
        return self.inputs[place] if place < len(self.inputs) else None

    def needed(self, place: int) -> Tensor:
        """What it reads there. Raises where nothing is given."""
        read = self.input(place)
        if read is None:
            raise CostModelError(f"{self.full_name} reads nothing at place {place}, and it needs that")
        return read

    def numbers(self, place: int, attribute: str = "") -> list[int] | None:
        """Whole numbers that are an input in new files and an attribute in old ones; None where neither is given."""
        read = self.input(place)
        if read is None:
            given = self.attribute(attribute)
            return None if given is None else list(given)
        values = read.integers()
        if values is None:
            raise CostModelError(f"its {attribute or 'numbers'} depend on values that only a run knows")
        return values

    # What handlers say.

    def make(self, *sizes: Sequence[int], like: Tensor) -> None:
        """It makes tensors of these ``sizes``, of the type of ``like``: where no rule of the standard says so."""
        self.outputs = [Tensor(tuple(each), like.type) for each in sizes]

    def add(
        self,
        layer: Layer,
        reads: Sequence[Tensor],
        shapes: Shapes = (),
        stored: Params = NO_PARAMS,
        times: int = 1,
        *,
        part: str = "",
        alias: Alias | None = None,
        axis: int | None = None,
    ) -> None:
        """``layer`` makes the outputs out of ``reads``; it stores ``stored``.

        ``shapes``: how it sees the first of ``reads``, where that is not as they are. ``part`` names a further step of
        the same operator. ``axis`` is that of the features in the first output, where the layer does not say it.
        """
        nodes = tuple([self.book.node_of(read) for read in reads])
        seen: Shapes = (*shapes, *[read.shape for read in reads[len(shapes) :]])
        if times == 1:
            shape = layer.output(seen)
        else:
            shape = layer.output(tuple([one.without_first_axis() for one in seen])).stacked(times)
        outputs = [output for output in self.outputs if output.is_made]
        made, *others = outputs
        if shape.sizes != sample(made.sizes).sizes:
            raise CostModelError(
                f"by its own choices it makes {shape}, by the standard's rules {sample(made.sizes)}; the file is wrong"
            )
        name = self.book.free(f"{self.name}.{part}" if part else self.name)
        node = Node(
            name, layer, nodes, seen, shape, made.dtype, alias or layer.alias,
            Provenance(times=times, source=f"{self.book.title}: {self.full_name} {self.proto.name}".rstrip()),
            tuple([Value(other.shape, other.dtype) for other in others]),
            tuple([read.slot for read in reads]) if any(read.slot for read in reads) else (),
        )  # fmt: skip
        if stored != layer.params(node.sample[0]):
            node = node._replace(provenance=node.provenance._replace(stored=stored))
        self.book.nodes.append(node)
        for slot, output in enumerate(outputs):
            output.node, output.slot = node, slot
        if not isinstance(layer, (Move, Operation)):
            axis = shape.axis + len(made.sizes) - len(shape.sizes)
        made.axis = axis

    def operation(
        self, name: str, work: Ops, reads: Sequence[Tensor] | None = None, stored: Params = NO_PARAMS, **more: Any
    ) -> None:
        """An operation that is its name and its arithmetic; it reads every input that is no single number."""
        self._named(Operation, name, reads, stored, more, work=work)

    def move(self, name: str, reads: Sequence[Tensor] | None = None, **more: Any) -> None:
        """Values in new memory; nothing is computed."""
        if reads is None:  # whole numbers that the file holds say how, and are no values
            reads = [read for read in self.reads() if not (read.constant and read.dtype in ("int64", "int32"))]
        self._named(Move, name, reads, NO_PARAMS, more)

    def _named(
        self, kind: Any, name: str, given: Sequence[Tensor] | None, stored: Params, more: dict[str, Any], **work: Ops
    ) -> None:
        reads = self.reads() if given is None else given
        made = self.made
        axis = more.pop("axis", None)
        axis = features_axis(made.sizes, reads) if axis is None else axis
        if axis is not None:
            axis %= max(len(made.sizes), 1)
        self.add(kind(name, sample(made.sizes, axis), *work.values()), reads, (), stored, axis=axis, **more)

    def view(self, axis: int | None = None) -> None:
        """Its output is its first input in other sizes; ``axis`` holds the features there."""
        read, made = self.needed(0), self.made
        made.node, made.slot, made.stored, made.axis = read.node, read.slot, read.stored, axis
        made.source = read.source

    def reads(self) -> list[Tensor]:
        """What it reads that is computed, or held by the file as more than a single number."""
        return [
            read
            for read in self.inputs
            if read is not None and (not read.constant or (read.stored and read.elements > 1))
        ]


def features_axis(sizes: Sequence[int], reads: Sequence[Tensor]) -> int | None:
    """The axis of the features in a tensor of these ``sizes`` that is made of ``reads``, where it is known of those."""
    for read in reads:
        if read.axis is None or not sizes:
            continue
        if len(read.sizes) == len(sizes):
            return read.axis
        last = read.axis == len(read.sizes) - 1
        return len(sizes) - 1 if last else min(read.axis, len(sizes) - 1)
    return None


def _value(attribute: AttributeProto) -> Any:
    match attribute.type:
        case AttributeProto.INT:
            return attribute.i
        case AttributeProto.INTS:
            return tuple(attribute.ints)
        case AttributeProto.FLOAT:
            return attribute.f
        case AttributeProto.STRING:
            return attribute.s.decode("utf-8", "replace")
        case AttributeProto.FLOATS:
            return tuple(attribute.floats)
        case AttributeProto.STRINGS:
            return tuple(text.decode("utf-8", "replace") for text in attribute.strings)
    return onnx.helper.get_attribute_value(attribute)


def is_standard(op_type: str, version: int) -> bool:
    """Whether the standard has this operator, in this version, and defines it by others."""
    schema: Any = _schema(op_type, version, "")
    return schema is not None and bool(schema.has_function or schema.has_context_dependent_function)


@cache
def _schema(op_type: str, version: int, domain: str) -> OpSchema | None:
    """The standard's own definition of an operator; None where it has none."""
    try:
        return onnx.defs.get_schema(op_type, version, domain)
    except onnx.defs.SchemaError:
        return None
