"""From the operators of a file to nodes: names, weights and whose they are, constants, what reads what."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from costmodel.capture.tflite.flatbuffer import FileGraph, FileOperator, FileTensor
from costmodel.core.counts import NO_PARAMS, Params
from costmodel.core.graph import Node, Provenance, Value
from costmodel.core.layers import Activation, Alias, Input, Layer, Outputs, Shapes, Stored, Uncounted
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, positive_int

Role: TypeAlias = Literal["weight", "bias", "affine"]

#: Activations that another operator computes as well, by what the field calls them.
FUSED = {"RELU": "relu", "RELU6": "relu6", "RELU_N1_TO_1": "hard_tanh", "TANH": "tanh"}
#: Constants of these types are indices, sizes and conditions, not numbers that were trained.
_INDICES = frozenset(("int32", "int64", "uint32", "uint64", "bool", "string", "resource", "variant"))
#: Characters of a name; converters join the names of all that they fused.
_LONGEST_NAME = 120


class Call(NamedTuple):
    """One operator with its tensors; None for an input that is left out."""

    #: Which operator of the file it is, from 1.
    number: int
    operator: FileOperator
    inputs: tuple[FileTensor | None, ...]
    outputs: tuple[FileTensor, ...]
    #: Of each input, whether it depends on no sample.
    constant: tuple[bool, ...]

    def has(self, place: int) -> bool:
        """Whether there is an input at ``place``."""
        return place < len(self.inputs) and self.inputs[place] is not None

    def sizes(self, place: int, rank: int = 0) -> tuple[int, ...]:
        """All sizes of an input, the batch too.

        Raises :class:`~costmodel.errors.CostModelError` where there is none, or it has not ``rank`` sizes.
        """
        tensor = self.inputs[place] if self.has(place) else None
        if tensor is None:
            raise CostModelError(f"{self.operator.name} reads {len(self.inputs)} inputs, and needs number {place + 1}")
        sizes = whole(tensor)
        if rank and len(sizes) != rank:
            raise CostModelError(f"{self.operator.name} needs {rank} sizes, not {'x'.join(map(str, sizes))}")
        return sizes

    def shape(self, place: int) -> Shape:
        """One sample of an input, its features last."""
        return sample(self.sizes(place))

    def numbers(self, place: int) -> tuple[int, ...] | None:
        """The integers of an input that the file holds, where they are few."""
        tensor = self.inputs[place] if self.has(place) else None
        return None if tensor is None else tensor.numbers

    @property
    def data(self) -> tuple[int, ...]:
        """The inputs that are values: none that is left out, and no sizes, axes or indices that the file holds."""
        return tuple([
            place for place, (tensor, constant) in enumerate(zip(self.inputs, self.constant, strict=True))
            if tensor is not None and not (constant and tensor.dtype in _INDICES)
        ])  # fmt: skip

    @property
    def made(self) -> Shape:
        """One sample of the first output."""
        return sample(self.made_sizes)

    @property
    def made_sizes(self) -> tuple[int, ...]:
        """All sizes of the first output, the batch too."""
        if not self.outputs:
            raise CostModelError(f"{self.operator.name} makes nothing")
        return whole(self.outputs[0])


class Written(NamedTuple):
    """What an operator is: its layer, which inputs it reads as values, and which are its weights, by their role.

    ``shapes``: how it sees the first of ``reads``, where that is not as they are.
    """

    layer: Layer
    reads: tuple[int, ...]
    shapes: Shapes = ()
    weights: Mapping[int, Role] = {}
    times: int = 1
    #: Its activation is inside of it, and not of what it makes.
    own_activation: bool = False


def whole(tensor: FileTensor) -> tuple[int, ...]:
    """The sizes of ``tensor``; raises :class:`~costmodel.errors.CostModelError` for one below 1, or not known."""
    if tensor.open_sizes:
        raise CostModelError(
            f"{_dotted(tensor.name)} has sizes that are known only when the model runs; convert it for the sizes that"
            " it is to run with"
        )
    return tuple([positive_int(size, f"a size of {tensor.name[:_LONGEST_NAME]!r}") for size in tensor.sizes])


def sample(sizes: Sequence[int]) -> Shape:
    """The sizes without a leading axis of one sample, the features last.

    >>> str(sample((1, 224, 224, 3))), sample((1, 1000)).channels
    ('224x224x3', 1000)
    """
    every = tuple(sizes)
    return Shape.of(every[1:] if len(every) > 1 and every[0] == 1 else every, axis=-1)


class Builder:
    """The nodes of a graph, in the order of its operators."""

    def __init__(self, graph: FileGraph) -> None:
        self._graph = graph
        self._taken: Counter[str] = Counter()
        self._claimed: set[int] = set()
        #: How many parameters of which type were claimed for the node that comes next.
        self._types: Counter[str] = Counter()
        #: Number of a tensor -> the node that makes it, and as which of its values.
        self._made: dict[int, tuple[Node, int]] = {}
        #: Number of a tensor -> the constant that it holds in another type or order.
        self._constants = {number: number for number, tensor in enumerate(graph.tensors) if tensor.buffer is not None}
        self._order: list[Node] = []
        inputs = list(dict.fromkeys(graph.inputs))
        for number in inputs:
            tensor = graph.tensors[number]
            shape = sample(whole(tensor))
            name = self._free("input" if len(inputs) == 1 else _dotted(tensor.name))
            self._put(number, Node(name, Input(shape), (), (), shape, tensor.dtype, None, Provenance()))

    def call(self, number: int, operator: FileOperator) -> Call:
        """What is known of the tensors of ``operator``, which is number ``number`` of the file."""
        tensors = self._graph.tensors
        inputs = tuple([tensors[number] if number >= 0 else None for number in operator.inputs])
        outputs = tuple([tensors[number] for number in operator.outputs])
        return Call(number, operator, inputs, outputs, tuple([read in self._constants for read in operator.inputs]))

    def place(self, call: Call) -> str:
        """What to call the operator in a message."""
        return _dotted(call.outputs[0].name if call.outputs else "") or call.operator.name.lower()

    def same(self, call: Call) -> None:
        """The first output is the constant that is the first input, in another type or order."""
        self._constants[call.operator.outputs[0]] = self._constants[call.operator.inputs[0]]

    def state(self, call: Call) -> None:
        """The first output is what the network keeps from one call to the next."""
        self._put(call.operator.outputs[0], self._node(call, Stored(call.made, NO_PARAMS), (), ()))

    def uncounted(self, call: Call) -> None:
        """The operator stands in the network, and a report says that nobody has decided on it."""
        reads = [number for number in call.operator.inputs if number in self._made]
        if call.outputs:
            self._write(call, Written(Uncounted(call.operator.name, call.made), ()), reads, NO_PARAMS, Counter())

    def write(self, call: Call, written: Written) -> None:
        """The operator is a node, and its fused activation another, which writes over it."""
        numbers = call.operator.inputs
        computed = [numbers[place] for place in written.weights if not call.constant[place]]
        stored = NO_PARAMS
        for place, role in written.weights.items():
            stored += self._claim(role, numbers[place])
        types, self._types = self._types, Counter()
        reads = [numbers[place] for place in written.reads]
        self._write(call, written, [*reads, *computed], stored, types)

    def output(self) -> Node:
        """The output node of the network. Raises :class:`~costmodel.errors.CostModelError` where there is nothing."""
        results = [self._source(number)[0] for number in self._graph.outputs]
        read = {source for node in self._order for source in node.inputs}
        ends = [node for node in self._order if node not in read and not isinstance(node.layer, (Input, Stored))]
        last = tuple(dict.fromkeys([*results, *ends]))
        if not last:
            raise CostModelError("the file has no operator and no output; there is nothing to count")
        if len(last) == 1:
            return last[0]
        shapes = tuple([node.shape for node in last])
        return Node(self._free("outputs"), Outputs(), last, shapes, shapes[0], last[0].dtype, Outputs.alias)

    def _write(self, call: Call, written: Written, reads: Sequence[int], stored: Params, types: Counter[str]) -> None:
        sources = [self._source(number) for number in reads]
        nodes = tuple([node for node, _ in sources])
        slots = tuple([slot for _, slot in sources])
        values = [node.values[slot].shape for node, slot in sources]
        shapes = (*written.shapes, *values[len(written.shapes) :])
        node = self._node(call, written.layer, nodes, shapes, slots if any(slots) else (), written.times, stored, types)
        if not written.own_activation:
            node = self._activated(call.operator, node)
        for slot, number in enumerate(call.operator.outputs):
            self._put(number, node, slot)

    def _activated(self, operator: FileOperator, node: Node) -> Node:
        """The node with the activation that the operator computes as well: a node that writes over it."""
        name = operator.activation
        if name == "NONE":
            return node
        if name not in FUSED:
            raise CostModelError(f"nobody has decided what the {name} of {operator.name} costs")
        layer, alias = Activation(FUSED[name]), Alias(0, writes=True)
        title, shapes = self._free(f"{node.name}.{FUSED[name]}"), (node.shape,)
        provenance = Provenance(call=node.provenance.call)
        fused = Node(title, layer, (node,), shapes, node.shape, node.dtype, alias, provenance)
        self._order.append(fused)
        return fused

    def _node(
        self,
        call: Call,
        layer: Layer,
        reads: tuple[Node, ...],
        shapes: Shapes,
        slots: tuple[int, ...] = (),
        times: int = 1,
        stored: Params | None = None,
        types: Mapping[str, int] = MappingProxyType({}),
    ) -> Node:
        dtype = call.outputs[0].dtype if call.outputs else reads[0].dtype
        own = tuple(types.items() if types.keys() - {dtype} else ())
        provenance = Provenance(call=call.number, times=times, stored=stored, types=own)
        seen, _ = provenance.once(shapes, call.made if call.outputs else shapes[0])
        shape = layer.output(seen) if times == 1 else layer.output(seen).stacked(times)
        if call.outputs and shape.sizes != call.made.sizes:
            raise CostModelError(
                f"the file says that {call.operator.name} makes {call.made}, and of {' and '.join(map(str, shapes))}"
                f" it makes {shape}; convert the model again"
            )
        if stored is not None and stored == layer.params(seen):
            provenance = provenance._replace(stored=None)
        name = self._free(self.place(call))
        others = tuple([Value(sample(tensor.sizes), tensor.dtype) for tensor in call.outputs[1:]])
        node = Node(name, layer, reads, shapes, shape, dtype, layer.alias, provenance, others, slots)
        self._order.append(node)
        return node

    def _put(self, number: int, node: Node, slot: int = 0) -> None:
        if number in self._made:
            raise CostModelError(f"{_dotted(self._graph.tensors[number].name)} is made twice; convert the model again")
        self._made[number] = node, slot

    def _source(self, number: int) -> tuple[Node, int]:
        """What makes a tensor; a constant becomes a node of its own."""
        number = self._constants.get(number, number)
        made = self._made.get(number)
        if made is not None:
            return made
        tensor = self._graph.tensors[number]
        if number not in self._constants and not tensor.variable:
            raise CostModelError(
                f"{_dotted(tensor.name)} is read before an operator makes it; a file has its operators in the order in"
                " which they run: convert the model again"
            )
        shape = sample(whole(tensor))
        params = NO_PARAMS if tensor.variable else self._claim("affine" if len(shape.sizes) < 2 else "weight", number)
        self._types.clear()  # its own are of the type that it is
        if shape.elements == 1:  # a factor of its author's, as far as a file says
            params = Params(buffer=params.parameters)
        node = Node(self._free(_dotted(tensor.name)), Stored(shape, params), (), (), shape, tensor.dtype)
        self._made[number] = node._replace(provenance=Provenance()), 0
        return self._made[number]

    def _claim(self, role: Role, number: int) -> Params:
        """What a tensor adds to the parameters: nothing if it is computed, counted already, or indices."""
        tensor = self._graph.tensors[self._constants.get(number, number)]
        if number < 0 or tensor.buffer is None or tensor.buffer in self._claimed:
            return NO_PARAMS
        if role != "bias" and tensor.dtype in _INDICES:  # the bias of a quantized layer is an int32
            return NO_PARAMS
        self._claimed.add(tensor.buffer)
        self._types[tensor.dtype] += math.prod(tensor.sizes)
        return Params(**{role: math.prod(tensor.sizes)})

    def _free(self, name: str) -> str:
        name = name or "unnamed"
        self._taken[name] += 1
        return name if self._taken[name] == 1 else f"{name}:{self._taken[name]}"


def _dotted(name: str) -> str:
    """The first of the names that a converter joined, its parts with dots between them.

    >>> _dotted("model/conv1/Conv2D;model/bn1/FusedBatchNormV3"), _dotted("serving_default_x:0")
    ('model.conv1.Conv2D', 'serving_default_x')
    """
    first = next(filter(None, name.split(";")), "").removesuffix(":0")
    return ".".join(filter(None, first.replace(".", "_").split("/")))[:_LONGEST_NAME]
