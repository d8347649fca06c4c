"""When each value of a network is made and last read: the operations in order, and the memory that each one takes.

A value that is a view of another, or that an operation writes over another, has no memory of its own: both are one
:class:`Buffer`. Weights and constants are none: a device has them in its flash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, final

from costmodel.core.graph import Node
from costmodel.core.layers import Input, Outputs, Stored
from costmodel.core.network import Network
from costmodel.core.shape import Shape

#: How many bytes a value of a shape and a type takes.
Size: TypeAlias = Callable[[Shape, str], int]

#: Whether a node is part of the operation before it: the node, and the first node of that operation.
Joins: TypeAlias = Callable[[Node, Node], bool]

#: What stands for the memory of what is stored: it is not counted here.
_STORED = -1


class Buffer(NamedTuple):
    """The memory of one value: which node makes it, as which of its values, its shape and type, and its bytes."""

    node: Node
    slot: int
    shape: Shape
    dtype: str
    bytes: int


class RunStep(NamedTuple):
    """An operation as it runs: the numbers of the buffers that it reads, and of those that it makes."""

    node: Node
    reads: tuple[int, ...]
    makes: tuple[int, ...]


@final
@dataclass(frozen=True)
class Lifetimes:
    """The operations in order, the buffers, and of each buffer the first and the last operation that need it.

    An input is needed from -1 on, before the first operation; what the network returns, to the number of operations.
    """

    steps: list[RunStep] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)


def apart(node: Node, before: Node) -> bool:
    """Every operation by itself."""
    return False


def aliased(node: Node) -> bool:
    """Every view is one."""
    return True


def lifetimes(
    network: Network,
    size: Size,
    joins: Joins = apart,
    shares: Callable[[Node], bool] = aliased,
    order: Sequence[Node] = (),
) -> Lifetimes:
    """The operations of ``network`` in the order in which they run, and the memory that they take.

    ``joins`` says which nodes are part of the operation before them; it is asked where nobody else reads what is
    between. ``shares`` says which of the nodes that view a value, or write over it, have no memory of their own.
    ``order`` is that of the nodes, where it is not :func:`run_order`.
    """
    return _Walk(size, joins, shares).over(order or run_order(network), network.output)


def run_order(network: Network) -> tuple[Node, ...]:
    """The nodes as they run: a captured module's as PyTorch called them, else depth first, inputs from left to right.

    >>> import costmodel as cm
    >>> [node.name for node in run_order(cm.lenet())[:3]]
    ['input', 'features.conv1.conv', 'features.conv1.activation']
    """
    nodes = network.nodes
    if not is_called(network):
        return nodes
    called: dict[Node, int] = {}
    for node in nodes:  # where a call has no number, its node follows all that it reads
        called[node] = max([node.provenance.call, *[called[read] for read in node.inputs]])
    return tuple(sorted(nodes, key=called.__getitem__))


def is_called(network: Network) -> bool:
    """Whether it is known in which order its operations were called.

    >>> import costmodel as cm
    >>> is_called(cm.lenet())
    False
    """
    return any(node.provenance.call for node in network.nodes)


class _Walk:
    """One pass over the nodes in order."""

    def __init__(self, size: Size, joins: Joins, shares: Callable[[Node], bool]) -> None:
        self._size, self._joins, self._shares = size, joins, shares
        self._lives = Lifetimes()
        #: The buffer of each value of a node.
        self._places: dict[Node, tuple[int, ...]] = {}
        #: The first node of the operation that each node is part of.
        self._operation: dict[Node, Node] = {}
        self._readers: Counter[Node] = Counter()

    def over(self, order: Sequence[Node], output: Node) -> Lifetimes:
        self._readers = Counter([read for node in order for read in node.inputs])
        self._readers[output] += 1
        for node in order:
            if type(node.layer) is Input:
                self._places[node] = (self._new(node, 0, node.shape, node.dtype, -1),)
        returned = output.inputs if type(output.layer) is Outputs else (output,)
        for node in order:
            layer = type(node.layer)
            if layer is Stored:
                self._places[node] = (_STORED,)
            elif layer is not Input and (node is not output or node in returned) and not self._joined(node):
                self._step(node)
        for node in returned:
            self._read(self._places[node], len(self._lives.steps))
        return self._lives

    def _joined(self, node: Node) -> bool:
        """Whether it is part of the operation before it, and so takes its place."""
        if len(node.inputs) != 1 or node.slots or node.others or self._readers[node.inputs[0]] != 1:
            return False
        before = self._operation.get(node.inputs[0])
        if before is None or not self._joins(node, before):
            return False
        self._operation[node], self._places[node] = before, self._places[node.inputs[0]]
        return True

    def _step(self, node: Node) -> None:
        number = len(self._lives.steps)
        slots = node.slots or (0,) * len(node.inputs)
        reads = [self._places[read][slot] for read, slot in zip(node.inputs, slots, strict=True)]
        values = node.values if node.others else ((node.shape, node.dtype, node.alias),)
        places, made = [], []
        for slot, (shape, dtype, alias) in enumerate(values):
            if alias is not None and self._shares(node):
                places.append(reads[alias.input])
                continue
            places.append(self._new(node, slot, shape, dtype, number))
            made.append(places[-1])
        read = tuple(dict.fromkeys(reads)) if len(reads) > 1 else tuple(reads)
        self._read(read, number)
        self._lives.steps.append(RunStep(node, tuple([place for place in read if place != _STORED]), tuple(made)))
        self._places[node], self._operation[node] = tuple(places), node

    def _read(self, places: Sequence[int], step: int) -> None:
        for place in places:
            if place != _STORED:
                self._lives.last[place] = step

    def _new(self, node: Node, slot: int, shape: Shape, dtype: str, step: int) -> int:
        lives = self._lives
        lives.buffers.append(Buffer(node, slot, shape, dtype, self._size(shape, dtype)))
        lives.first.append(step)
        lives.last.append(step)
        return len(lives.buffers) - 1
