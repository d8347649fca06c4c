"""The ledger: one entry an operation, totals, and groups by name, stage or type.

A ledger is the narrow waist of the package: readings (reports, budgets, conventions) see entries, never layers'
authors, and a part of a ledger is a ledger too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import NamedTuple, final

from costmodel.core.counts import NO_PARAMS, Ops, Params
from costmodel.core.graph import BUILT, Node
from costmodel.core.layers import Layer, Operation, Shapes, Uncounted
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, positive_int

GROUPINGS = ("layer", "block", "stage", "type")


def operators_text(times: Mapping[str, int]) -> str:
    """Operators and how often each runs, for people; empty for none.

    >>> operators_text({"aten.foo": 2, "aten.bar": 1})
    'aten.foo (2 x), aten.bar (1 x)'
    """
    return ", ".join(f"{name} ({count} x)" for name, count in times.items())


class Entry(NamedTuple):
    """One line of the ledger: an operation, its arithmetic and what it stores.

    >>> import costmodel as cm
    >>> entry = cm.mobilenet_v1().ledger.entries[0]
    >>> entry.name, entry.ops.mac, entry.params.parameters
    ('features.0.conv', 10838016, 864)
    """

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
    def input(self) -> Shape:
        """The first shape it reads; its own, where it reads none."""
        return _input(self.node)

    @property
    def output(self) -> Shape:
        """Shape it makes."""
        return self.node.shape

    @property
    def kind(self) -> str:
        """What the field calls the operation: ``conv``, ``depthwise_conv``, ``linear``, ``batch_norm`` ..."""
        return self.node.kind

    @property
    def label(self) -> str:
        """``kind`` for people, with the kernel: ``depthwise conv 3x3``."""
        return self.node.label


def _input(node: Node) -> Shape:
    return node.input_shapes[0] if node.input_shapes else node.shape


@final
@dataclass(frozen=True, repr=False)
class Ledger:
    """What each operation costs, in the order of the network, for a batch of ``batch`` samples.

    The batch multiplies the totals of the work; entries are of one sample, and parameters know no batch.

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

    #: The operations, each after all that it reads; inputs of the network are none.
    operations: tuple[Node, ...]
    batch: int = 1

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """One entry an operation, for one sample."""
        return tuple([Entry(node, node.ops, node.params) for node in self.operations])

    def __repr__(self) -> str:
        least = "at least " if self.uncounted else "at most " if self.assumptions else ""
        return (
            f"<Ledger of {len(self)} operations: {least}{self.multiply_adds} multiply-adds, {self.parameters}"
            f" parameters, batch {self.batch}>"
        )

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.operations)

    # The totals ask the layers directly: whoever wants two numbers does not wait for a table.

    @cached_property
    def multiply_adds(self) -> int:
        """Multiply-adds of convolutions, linear layers and matrix products: the convention of the papers."""
        # A node that was built runs its layer once, on the shapes it has: no need to ask it.
        counts = [
            layer.macs(node.input_shapes, node.shape) if node.provenance is BUILT else node.macs
            for node in self.operations
            if (layer := node.layer).multiplies
        ]
        return sum(counts) * self.batch

    @property
    def flops(self) -> int:
        """Two a multiply-add."""
        return 2 * self.multiply_adds

    @property
    def activations(self) -> int:
        """Values that convolutions, linear layers and matrix products make: timm's "macts" (arXiv:2003.13678)."""
        return sum([node.activations for node in self.operations]) * self.batch

    @cached_property
    def storing(self) -> tuple[Node, ...]:
        """The operations that may add to what is stored: about a third of a network."""
        return tuple([node for node in self.operations if node.layer.stores or node.provenance is not BUILT])

    @cached_property
    def params(self) -> Params:
        """All that is stored, by kind."""
        return Params(*map(sum, zip(NO_PARAMS, *[node.params for node in self.storing], strict=True)))

    @property
    def parameters(self) -> int:
        """All parameters, frozen or not; buffers are none."""
        return self.params.parameters

    @property
    def trainable_parameters(self) -> int:
        """Those of the parameters that training changes."""
        return self.params.trainable

    @property
    def frozen_parameters(self) -> int:
        """Those of the parameters that training leaves as they are."""
        return self.params.frozen

    @property
    def buffers(self) -> int:
        """Stored numbers that are no parameters, such as running statistics."""
        return self.params.buffer

    @property
    def weights(self) -> int:
        """Weights of convolutions and linear layers."""
        return self.params.weight

    @property
    def uncounted(self) -> tuple[Node, ...]:
        """Operations that nobody has decided on; only a capture that was told to go on holds any."""
        return tuple([node for node in self.operations if isinstance(node.layer, Uncounted)])

    @property
    def assumptions(self) -> dict[str, tuple[Node, ...]]:
        """What was assumed of values that nobody knows, each with where: only a capture that was told to holds any."""
        places: dict[str, tuple[Node, ...]] = {}
        for node in self.operations:
            if isinstance(node.layer, Operation) and node.layer.assumption:
                places[node.layer.assumption] = (*places.get(node.layer.assumption, ()), node)
        return places

    @property
    def not_counted(self) -> dict[str, int]:
        """The operators that nobody has decided on, each with how often it runs: ``{"aten.foo": 2}``."""
        return dict(Counter(node.layer.name for node in self.operations if isinstance(node.layer, Uncounted)))

    @property
    def output(self) -> Shape:
        """Shape that the last operation makes."""
        return self._end(-1).shape

    @property
    def input(self) -> Shape:
        """Shape that the first operation reads."""
        return _input(self._end(0))

    def _end(self, place: int) -> Node:
        if not self.operations:
            raise CostModelError("the ledger is empty: a network needs at least one layer after its input")
        return self.operations[place]

    def batched(self, batch: int) -> Ledger:
        """The same work for ``batch`` samples."""
        return Ledger(self.operations, positive_int(batch, "batch"))

    def by(self, grouping: str, depth: int = 2) -> dict[str, Ledger]:
        """Its parts by ``"layer"``, ``"block"``, ``"stage"`` or ``"type"``, in the order of the network.

        A *block* is all that shares the first ``depth`` parts of its dotted name. A *stage* is a run of blocks
        whose outputs have the same number of positions, as in the tables of the papers.

        Raises :class:`~costmodel.errors.CostModelError` for another grouping, and where two layers share a name.
        """
        if grouping == "layer":
            return self._layers()
        if grouping == "block":
            return self._blocks(depth)
        if grouping == "stage":
            return self._stages(depth)
        if grouping == "type":
            return self._grouped((node.label, node) for node in self.operations)
        raise CostModelError(f"by={grouping!r} is not a grouping; there are {', '.join(GROUPINGS)}")

    def _grouped(self, keyed: Iterable[tuple[str, Node]]) -> dict[str, Ledger]:
        groups: dict[str, list[Node]] = {}
        for key, node in keyed:
            groups.setdefault(key, []).append(node)
        return {key: Ledger(tuple(nodes), self.batch) for key, nodes in groups.items()}

    def _layers(self) -> dict[str, Ledger]:
        for name, times in Counter(node.name for node in self.operations).most_common(1):
            if times == 1:
                break
            raise CostModelError(f"{times} layers are called {name!r}; a table could not tell them apart, rename them")
        return self._grouped((node.name, node) for node in self.operations)

    def _blocks(self, depth: int) -> dict[str, Ledger]:
        positive_int(depth, "depth")
        return self._grouped((".".join(node.name.split(".")[:depth]), node) for node in self.operations)

    def _stages(self, depth: int) -> dict[str, Ledger]:
        stages = {}
        for _, run in groupby(self._blocks(depth).items(), key=lambda block: block[1].output.positions):
            blocks = list(run)
            first, last = blocks[0][0], blocks[-1][0]
            nodes = tuple(node for _, block in blocks for node in block.operations)
            stages[first if first == last else f"{first} to {last}"] = Ledger(nodes, self.batch)
        return stages
