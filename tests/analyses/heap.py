"""A network run for its memory alone: blocks that are allocated, shared, written over and freed for real.

A block lives as long as something in Python refers to it. So what is alive follows from who holds what, and not from
first and last uses, as in the package.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from costmodel import Network, Node
from costmodel.core import layers
from costmodel.core.graph import Value


class Heap:
    """Counts the bytes of all blocks that exist."""

    def __init__(self) -> None:
        self.now = self.peak = 0

    def seen(self) -> None:
        self.peak = max(self.peak, self.now)


class Block:
    """Memory that is there until nobody holds it."""

    def __init__(self, heap: Heap, size: int) -> None:
        self.heap, self.size = heap, size
        heap.now += size

    def shrink(self, size: int) -> None:
        self.heap.now -= self.size - size
        self.size = size

    def __del__(self) -> None:
        self.heap.now -= self.size


def peak(
    network: Network,
    size: Callable[[Value], int],
    *,
    fused: bool = False,
    in_place: bool = False,
    order: Sequence[Node] = (),
) -> int:
    """The most bytes that exist at once while ``network`` runs, node after node in ``order``, or that of the graph."""
    heap = Heap()
    values: dict[Node, list[Block | None]] = {}
    waiting = list(order or network.nodes)
    for node in waiting:
        if isinstance(node.layer, layers.Input):
            values[node] = [Block(heap, size(node.values[0]))]
    heap.seen()
    while waiting:
        node = waiting.pop(0)
        if isinstance(node.layer, layers.Stored):
            values[node] = [None]
        elif isinstance(node.layer, layers.Outputs) and node is network.output:
            break
        elif not isinstance(node.layer, layers.Input):
            values[node] = run(heap, node, values, waiting, size, network, fused, in_place)
            heap.seen()
        let_go(values, waiting, network)
    return heap.peak


def let_go(values: dict[Node, list[Block | None]], waiting: Sequence[Node], network: Network) -> None:
    """Holds on to what is still read, and to what the network returns."""
    needed = {read for later in waiting for read in zip(later.inputs, slots_of(later), strict=True)}
    for done in values:
        if done not in returned(network):
            values[done] = [block if (done, slot) in needed else None for slot, block in enumerate(values[done])]


def run(
    heap: Heap,
    node: Node,
    values: dict[Node, list[Block | None]],
    waiting: Sequence[Node],
    size: Callable[[Value], int],
    network: Network,
    fused: bool,
    in_place: bool,
) -> list[Block | None]:
    reads = [values[read][slot] for read, slot in zip(node.inputs, slots_of(node), strict=True)]
    if fused and joins(node, network):
        return [reads[0]]
    if (
        in_place
        and not node.alias
        and isinstance(node.layer, (layers.Add, layers.Activation, layers.BatchNorm, layers.Scale, layers.Conv))
    ):
        depthwise = node.kind == "depthwise_conv" and node.shape.channels == node.inputs[0].shape.channels
        if depthwise or not isinstance(node.layer, layers.Conv):
            kept = [value for other, held in values.items() for value in held if is_read(other, waiting, network)]
            for block in dict.fromkeys(reads):
                if block is not None and block not in kept and block.size >= size(node.values[0]):
                    heap.seen()
                    block.shrink(size(node.values[0]))  # the rest is free as soon as it has run
                    return [block]
    return [Block(heap, size(value)) if value.alias is None else reads[value.alias.input] for value in node.values]


def returned(network: Network) -> tuple[Node, ...]:
    """The nodes whose values the network returns, all of them."""
    return network.output.inputs if isinstance(network.output.layer, layers.Outputs) else (network.output,)


def slots_of(node: Node) -> tuple[int, ...]:
    return node.slots or (0,) * len(node.inputs)


def is_read(node: Node, waiting: Sequence[Node], network: Network) -> bool:
    return node in returned(network) or any(node in later.inputs for later in waiting)


def joins(node: Node, network: Network) -> bool:
    """A norm or an activation that nothing but itself reads the input of, up to a convolution or an addition."""
    chain = [node]
    while isinstance(chain[-1].layer, (layers.Activation, layers.BatchNorm)):
        (before,) = chain[-1].inputs
        if sum([other.inputs.count(before) for other in network.nodes]) + (before is network.output) > 1:
            return False
        chain.append(before)
    heads = (layers.Conv, layers.TransposedConv, layers.Linear)
    norms = any(isinstance(part.layer, layers.BatchNorm) for part in chain)
    return len(chain) > 1 and isinstance(chain[-1].layer, heads if norms else (*heads, layers.Add))
