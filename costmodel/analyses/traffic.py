"""Bytes that the operations of a network move: read, written, and those of their weights."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

from costmodel.core.graph import Node, Value
from costmodel.core.layers import Embedding, Input, Stored
from costmodel.quantities import at_dtype, bytes_of_all


class Traffic(NamedTuple):
    """Bytes that an operation reads of its inputs, writes as its outputs, and reads of its weights."""

    read: int = 0
    written: int = 0
    weights: int = 0

    @property
    def moved(self) -> int:
        """All of them."""
        return sum(self)


def traffic(node: Node, dtype: str = "", batch: int = 1) -> Traffic:
    """The bytes that ``node`` moves for ``batch`` samples, where each tensor goes through memory once.

    Values are of their own types, or of ``dtype`` where they are floating point. A value that is read twice counts
    once, and of an expanded one only what is stored. A view moves nothing; nor does a tensor that the network holds,
    until an operation reads it. An embedding reads a row of its table for each index. Weights are those that the
    layer reads, shared or not, running statistics among them; a batch reads them once.

    Raises :class:`~costmodel.errors.CostModelError` for an unknown type.

    >>> import costmodel as cm
    >>> depthwise = cm.mobilenet_v1().nodes[4]
    >>> depthwise.label, traffic(depthwise, "int8")
    ('depthwise conv 3x3', Traffic(read=401408, written=401408, weights=288))
    """
    if isinstance(node.layer, (Input, Stored)):
        return Traffic()
    made = [value for value in node.values if value.alias is None or value.alias.writes]
    if not made:
        return Traffic()
    read = sum(_bytes(elements, value.dtype, dtype, batch) for elements, value in _read(node))
    written = sum(_bytes(value.shape.elements, value.dtype, dtype, batch) for value in made)
    if isinstance(node.layer, Embedding):
        return Traffic(read, written, written)
    return Traffic(read, written, _bytes(sum(node.layer.params(node.sample[0])), node.dtype, dtype, 1))


def intensity(node: Node, dtype: str = "", batch: int = 1) -> Fraction:
    """Arithmetic intensity: the FLOPs of its multiply-adds for each byte that ``node`` moves; 0 where it moves none.

    >>> import costmodel as cm
    >>> round(float(intensity(cm.mobilenet_v1().nodes[4])), 2)
    2.25
    """
    moved = traffic(node, dtype, batch).moved
    return Fraction(2 * node.macs * batch, moved) if moved else Fraction(0)


def _read(node: Node) -> list[tuple[int, Value]]:
    """The values that it reads, each once, with how many of their numbers."""
    elements: Counter[tuple[Node, int]] = Counter()
    reads = zip(node.inputs, node.input_shapes, node.slots or (0,) * len(node.inputs), strict=True)
    # What a layer of one input reads beside it are its weights, computed by other operations.
    for source, shape, slot in islice(reads, node.layer.most_inputs):
        elements[source, slot] += math.prod(shape.sizes)
    values = [(count, source.values[slot]) for (source, slot), count in elements.items()]
    return [(min(count, value.shape.elements), value) for count, value in values]


def _bytes(count: int, own: str, dtype: str, batch: int) -> int:
    return bytes_of_all(count * batch, at_dtype(own, dtype))
