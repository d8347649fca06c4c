"""The ledger: one entry an operation, totals, and groups by name, stage or type.

A ledger is the narrow waist of the package: readings (reports, budgets, conventions) see entries, never layers'
authors, and a part of a ledger is a ledger too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import NamedTuple, final

from costmodel.checks import CostModelError, whole
from costmodel.layers import Layer, Shapes
from costmodel.network import Node
from costmodel.values import Ops, Params, Shape

GROUPINGS = ("layer", "block", "stage", "type")


class Entry(NamedTuple):
    """One line of the ledger: an operation, its arithmetic and what it stores."""

    node: Node
    ops: Ops
    params: Params

    @property
    def name(self) -> str:
        """Dotted name of the operation."""
        return self.node.name

    @property
    def layer(self) -> Layer:
        """Its choices: kernel, stride, groups ..."""
        return self.node.layer

    @property
    def inputs(self) -> Shapes:
        """Shapes it reads."""
        return self.node.input_shapes

    @property
    def output(self) -> Shape:
        """Shape it makes."""
        return self.node.shape

    @property
    def kind(self) -> str:
        """What the field calls the operation: ``conv``, ``depthwise_conv``, ``linear``, ``batch_norm`` ..."""
        return self.layer.kind(self.inputs)

    @property
    def label(self) -> str:
        """``kind`` for people, with the kernel: ``depthwise conv 3x3``."""
        return self.layer.label(self.inputs)


@final
@dataclass(frozen=True)
class Ledger:
    """Entries in the order of the network, for a batch of ``batch`` samples; parameters know no batch.

    >>> import costmodel as cm
    >>> ledger = cm.mobilenet_v1().ledger
    >>> for label, part in ledger.by("type").items():
    ...     if part.multiply_adds:
    ...         print(f"{label}: {part.multiply_adds:,}")
    conv 3x3: 10,838,016
    depthwise conv 3x3: 17,385,984
    conv 1x1: 539,492,352
    linear: 1,024,000
    """

    entries: tuple[Entry, ...]
    batch: int = 1

    @classmethod
    def of(cls, nodes: Iterable[Node]) -> Ledger:
        """The ledger of one sample through ``nodes``, which come inputs first."""
        # Inputs read nothing, and are no operations.
        operations = [(node, node.layer, node.input_shapes) for node in nodes if node.inputs]
        return cls(
            tuple([Entry(node, layer.ops(reads, node.shape), layer.params(reads)) for node, layer, reads in operations])
        )

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def multiply_adds(self) -> int:
        """Multiply-adds of convolutions and linear layers: the convention of the papers."""
        return sum([entry.ops.mac for entry in self.entries]) * self.batch

    @property
    def flops(self) -> int:
        """Two a multiply-add."""
        return 2 * self.multiply_adds

    @cached_property
    def parameters(self) -> int:
        """Trainable parameters."""
        return sum([entry.params.trainable for entry in self.entries])

    @cached_property
    def weights(self) -> int:
        """Weights of convolutions and linear layers."""
        return sum([entry.params.weight for entry in self.entries])

    @property
    def output(self) -> Shape:
        """Shape that the last entry makes."""
        return self.entries[-1].output

    @property
    def input(self) -> Shape:
        """Shape that the first entry reads."""
        return self.entries[0].inputs[0]

    def batched(self, batch: int) -> Ledger:
        """The same work for ``batch`` samples."""
        return Ledger(self.entries, whole(batch, "batch"))

    def by(self, grouping: str, depth: int = 2) -> dict[str, Ledger]:
        """Its parts by ``"layer"``, ``"block"``, ``"stage"`` or ``"type"``, in the order of the network.

        A *block* is all that shares the first ``depth`` parts of its dotted name. A *stage* is a run of blocks
        whose outputs have the same number of positions, as in the tables of the papers.

        Raises :class:`~costmodel.checks.CostModelError` for another grouping.
        """
        if grouping == "layer":
            return {entry.name: self._part([entry]) for entry in self.entries}
        if grouping == "block":
            return self._blocks(depth)
        if grouping == "stage":
            return self._stages(depth)
        if grouping == "type":
            return self._grouped((entry.label, entry) for entry in self.entries)
        raise CostModelError(f"by={grouping!r} is not a grouping; there are {', '.join(GROUPINGS)}")

    def _part(self, entries: Iterable[Entry]) -> Ledger:
        return Ledger(tuple(entries), self.batch)

    def _grouped(self, keyed: Iterable[tuple[str, Entry]]) -> dict[str, Ledger]:
        groups: dict[str, list[Entry]] = {}
        for key, entry in keyed:
            groups.setdefault(key, []).append(entry)
        return {key: self._part(entries) for key, entries in groups.items()}

    def _blocks(self, depth: int) -> dict[str, Ledger]:
        whole(depth, "depth")
        return self._grouped((".".join(entry.name.split(".")[:depth]), entry) for entry in self.entries)

    def _stages(self, depth: int) -> dict[str, Ledger]:
        stages = {}
        for _, run in groupby(self._blocks(depth).items(), key=lambda block: block[1].output.positions):
            blocks = list(run)
            first, last = blocks[0][0], blocks[-1][0]
            entries = [entry for _, block in blocks for entry in block]
            stages[first if first == last else f"{first} to {last}"] = self._part(entries)
        return stages
