"""Parts of a network that printed numbers are known to leave out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from costmodel.core.graph import Node
from costmodel.core.layers import Add, BatchNorm, Conv, Linear, Scale
from costmodel.core.ledger import Entry


class NetworkPart(NamedTuple):
    """What a printed number may leave out: a name, and the entries that it is in a network."""

    text: str
    of: Callable[[Sequence[Entry]], list[Entry]]


def _multipliers(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.ops.mac]


def _projections(entries: Sequence[Entry]) -> list[Entry]:
    """1x1 convolutions of a shortcut: what is added reads, through one and its norm, what a longer branch reads."""
    nodes = [entry.node for entry in entries]
    reads = Counter(node for other in nodes for node in other.inputs)
    added = [_before_norm(node) for other in nodes if isinstance(other.layer, Add) for node in other.inputs]
    projections = {node for node in added if _pointwise(node) and reads[node.inputs[0]] > 1}
    return [entry for entry in entries if entry.node in projections]


def _before_norm(node: Node) -> Node:
    return node.inputs[0] if isinstance(node.layer, BatchNorm) else node


def _pointwise(node: Node) -> bool:
    layer = node.layer
    return isinstance(layer, Conv) and set(layer.kernel) == {1}


def _attention(entries: Sequence[Entry]) -> list[Entry]:
    """All between a tensor and the values that scale its channels, and the scaling."""
    scales = [entry.node for entry in entries if isinstance(entry.layer, Scale)]
    inside = {node for scale in scales for node in (scale, *_between(scale.inputs[1], scale.inputs[0]))}
    return [entry for entry in entries if entry.node in inside]


def _between(node: Node, start: Node) -> Iterator[Node]:
    while node is not start and len(node.inputs) == 1:
        yield node
        (node,) = node.inputs


#: The likeliest first. Of a paper that says what it leaves out, most leave out the classifier.
PARTS = (
    NetworkPart("without the classifier", lambda entries: _multipliers(entries)[-1:]),
    NetworkPart("convolutions alone", lambda entries: [entry for entry in entries if isinstance(entry.layer, Linear)]),
    NetworkPart("without the stem", lambda entries: _multipliers(entries)[:1]),
    NetworkPart("without projections on the shortcuts", _projections),
    NetworkPart("without squeeze-and-excite", _attention),
)
