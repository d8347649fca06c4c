"""Peak activation memory: what is alive while each operation runs, under a policy, exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, final

from costmodel.analyses import order as better
from costmodel.analyses.lifetimes import Size, run_order
from costmodel.analyses.order import Order
from costmodel.analyses.policies import Plan, Policy, policy_named
from costmodel.analyses.size import size as size_of
from costmodel.core.graph import Node
from costmodel.core.network import Network
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError
from costmodel.quantities import at_dtype, bytes_of_all, parse_dtype


class MemoryRow(NamedTuple):
    """One operation: what is alive before it, what it makes, what is freed after it, and what is alive meanwhile.

    All in bytes. ``live`` is ``before`` and ``made`` together; in an arena, where the last of those values ends.
    """

    name: str
    type: str
    output: Shape
    before: int
    made: int
    freed: int
    live: int


class LiveValue(NamedTuple):
    """A value that is alive: the operation that made it, or the input; its shape, type and bytes."""

    name: str
    shape: Shape
    dtype: str
    bytes: int


@final
@dataclass(frozen=True)
class Memory:
    """The activation memory of one sample of ``network``, under ``policy``.

    ``dtype`` takes the place of every floating-point type; empty, where all values keep theirs. ``order`` is a better
    order of the operations that was asked for.
    """

    network: Network
    policy: Policy
    dtype: str
    order: Order | None = None

    @cached_property
    def plan(self) -> Plan:
        """The operations in order, and which values are alive while each runs."""
        return self.policy.plan(self.network, value_size(self.dtype), self.order.nodes if self.order else ())

    @property
    def gain(self) -> int:
        """The bytes that the peak is lower for its better order."""
        return Memory(self.network, self.policy, self.dtype).peak_bytes - self.peak_bytes if self.order else 0

    @property
    def types(self) -> str:
        """The type of the values that have a point: ``dtype``, or their own, with commas where there are several."""
        return self.dtype or ", ".join(sorted({node.dtype for node in self.network.nodes if "float" in node.dtype}))

    @cached_property
    def totals(self) -> list[tuple[int, int, int, int]]:
        """The bytes of each operation: alive before it, made, freed after it, alive meanwhile."""
        if not self.plan.lives.steps:
            raise CostModelError(f"{self.network.name} has no operation to take memory; apply a layer to its input")
        return _totals(self.plan)

    @cached_property
    def _peak(self) -> int:
        live = [total[3] for total in self.totals]
        return live.index(max(live))

    @property
    def peak_bytes(self) -> int:
        """The most bytes that are alive at once."""
        return self.totals[self._peak][3]

    @property
    def at(self) -> str:
        """The first operation at which so many are alive."""
        return self.plan.lives.steps[self._peak].node.name

    @property
    def live(self) -> tuple[LiveValue, ...]:
        """What is alive there, in the order in which it was made."""
        alive = [self.plan.lives.buffers[place] for place in self.plan.alive(self._peak)]
        return tuple([_live_value(*buffer, self.dtype) for buffer in alive])

    @property
    def rows(self) -> tuple[MemoryRow, ...]:
        """One row an operation, in the order in which they run."""
        nodes = [step.node for step in self.plan.lives.steps]
        rows = zip(nodes, self.totals, strict=True)
        return tuple([MemoryRow(node.name, node.kind, node.shape, *total) for node, total in rows])

    def most_during(self, nodes: Iterable[Node]) -> int:
        """The most bytes that are alive while one of ``nodes`` runs; 0 where all are part of other operations."""
        wanted = set(nodes)
        steps = zip(self.plan.lives.steps, self.totals, strict=True)
        return max([total[3] for step, total in steps if step.node in wanted], default=0)

    @property
    def weights_bytes(self) -> int:
        """The bytes of all parameters, frozen or not: the flash that they take."""
        return size_of(self.network, self.dtype)


def _live_value(node: Node, slot: int, shape: Shape, own: str, size: int, dtype: str) -> LiveValue:
    return LiveValue(f"{node.name}[{slot}]" if slot else node.name, shape, at_dtype(own, dtype), size)


def memory(network: Network, dtype: str = "", policy: str = "fused", best_order: bool = False) -> Memory:
    """The activation memory of one sample of ``network``, with values of ``dtype``, under ``policy``.

    ``dtype`` takes the place of every floating-point type, of values and of weights; whole numbers and masks keep
    theirs, and without it all do. ``policy`` says what shares memory: :data:`~costmodel.analyses.policies.POLICIES`.
    With ``best_order`` the operations run in the order that has the lowest peak: :mod:`~costmodel.analyses.order`.

    Raises :class:`~costmodel.errors.CostModelError` for another type or policy, and for a network without operations.

    >>> import costmodel as cm
    >>> found = cm.mobilenet_v2().memory(dtype="int8", policy="fused")
    >>> found.peak_bytes, found.at, [value.bytes for value in found.live]
    (1505280, 'features.2.depthwise.conv', [1204224, 301056])
    """
    usage = Memory(network, policy_named(policy), dtype and parse_dtype(dtype))
    if not best_order:
        return usage
    order = better.best_order(network, usage.policy, value_size(usage.dtype))
    reordered = Memory(network, usage.policy, usage.dtype, order)
    if reordered.peak_bytes < usage.peak_bytes:
        return reordered
    return Memory(network, usage.policy, usage.dtype, Order(run_order(network), order.exact))


def value_size(dtype: str = "") -> Size:
    """How many bytes values take, where ``dtype`` takes the place of every floating-point type.

    >>> value_size("int8")(Shape(3, (224, 224)), "float32"), value_size("int8")(Shape(16), "int64")
    (150528, 128)
    """
    types: dict[str, str] = {}

    def bytes_of_value(shape: Shape, own: str) -> int:
        if own not in types:
            types[own] = at_dtype(own, dtype)
        return bytes_of_all(shape.elements, types[own])

    return bytes_of_value


def _totals(plan: Plan) -> list[tuple[int, int, int, int]]:
    lives, sizes = plan.lives, [buffer.bytes for buffer in plan.lives.buffers]
    if plan.touched is not None:
        return [_touched(sizes, step.makes, touched) for step, touched in zip(lives.steps, plan.touched, strict=True)]
    ending = [0] * (len(lives.steps) + 1)
    for size, last in zip(sizes, lives.last, strict=True):
        ending[last] += size
    totals = []
    before = sum([size for size, first in zip(sizes, lives.first, strict=True) if first < 0])
    for number, step in enumerate(lives.steps):
        inside = sizes[plan.over[number]] if number in plan.over else 0
        made, freed = sum([sizes[place] for place in step.makes]) - inside, ending[number] - inside
        totals.append((before, made, freed, before + made))
        before += made - freed
    return totals if not plan.offsets else [(*total[:3], end) for total, end in zip(totals, plan.ends, strict=True)]


def _touched(sizes: Sequence[int], makes: Sequence[int], touched: Sequence[int]) -> tuple[int, int, int, int]:
    """Of an operation that is looked at by itself: all that it reads is there before it, and gone after it."""
    live, made = sum([sizes[place] for place in touched]), sum([sizes[place] for place in makes if place in touched])
    return live - made, made, live - made, live
