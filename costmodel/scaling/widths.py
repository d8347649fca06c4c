"""What a few networks tell of hundreds: channels are whole multiples of the widths that alpha decides.

A layer with 6 times the second width in one network has it in all: that is what ``Architecture.widths`` promises. So
networks that set the widths apart from one another say which multiple of which width each layer has, and the formulas
count the layer for all widths at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeAlias, final

from costmodel import formulas
from costmodel.core.graph import Node
from costmodel.core.layers import Conv, Linear
from costmodel.core.network import Network

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Column: TypeAlias = NDArray[numpy.int64]


def multiplying(network: Network) -> list[Node]:
    """The layers whose work is counted."""
    return [node for node in network.nodes if isinstance(node.layer, (Conv, Linear))]


def work(node: Node) -> int:
    """Multiply-adds for each position of the output."""
    return node.layer.macs(node.input_shapes, node.shape) // node.shape.positions


@final
class Widths:
    """Different widths, a row a network, and the few networks among them that were built."""

    def __init__(self, rows: Sequence[tuple[int, ...]], build: Callable[[int], Network]) -> None:
        import numpy

        constant = numpy.ones(len(rows), dtype=numpy.int64)
        #: One column a width, and one for what no width decides.
        self._columns: list[Column] = [constant, *numpy.array(rows, dtype=numpy.int64).T]
        #: Rows of the networks that were built.
        self.built = _telling(self._columns)
        self._networks = [multiplying(build(row)) for row in self.built]
        self._known: dict[tuple[int, ...], Any] = {}

    def work(self) -> dict[str, Any] | None:
        """Multiply-adds per position of each layer, by name, in every network; None where channels are no multiples.

        Python integers in arrays: whether a sum fits 64 bits is for the caller to see.
        """
        found = {}
        for same in zip(*self._networks, strict=True):
            x = self._channels(node.input_shapes[0].channels for node in same)
            out = self._channels(node.shape.channels for node in same)
            groups = self._channels(node.layer.groups if isinstance(node.layer, Conv) else 1 for node in same)
            if x is None or out is None or groups is None:
                return None
            name, layer = same[0].name, same[0].layer
            if isinstance(layer, Conv):
                found[name] = formulas.conv_multiply_adds(1, x, out, math.prod(layer.kernel), groups)
            else:
                found[name] = formulas.linear_multiply_adds(1, x, out)
        return found

    def _channels(self, seen: Iterable[int]) -> Any:
        """What is ``seen`` in the networks that were built, in every network."""
        values = tuple(seen)
        if values not in self._known:
            self._known[values] = self._multiple(values)
        return self._known[values]

    def _multiple(self, values: tuple[int, ...]) -> Any:
        for column in self._columns:
            factor = values[0] // int(column[self.built[0]])
            if all(value == factor * int(column[row]) for value, row in zip(values, self.built, strict=True)):
                return column.astype(object) * factor
        return None


def _telling(columns: Sequence[Column]) -> list[int]:
    """Rows that set every two columns apart, if any row does: what is a multiple of one there is so everywhere."""
    rows = [0]
    for one, other in combinations(columns, 2):
        apart = one * other[0] != other * one[0]
        if apart.any() and not apart[rows].any():
            rows.append(int(apart.argmax()))
    return rows
