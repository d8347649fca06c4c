"""The report of ``costmodel memory``: the peak first, what is alive there, then a row an operation."""

from __future__ import annotations

from typing import final

from costmodel.analyses.lifetimes import is_called
from costmodel.analyses.memory import Memory
from costmodel.analyses.size import precisions
from costmodel.quantities import precision
from costmodel.report.answer import Answer
from costmodel.report.costs import subject
from costmodel.report.table import Table
from costmodel.report.units import kib, si

_ORDERS = {
    True: "that of the calls",
    False: "that of the graph, depth first, inputs from left to right",
}


@final
class MemoryReport(Answer):
    """The memory that one sample takes under a policy."""

    memory: Memory

    def lines(self) -> list[str]:
        usage = self.memory
        peak, weights, at = usage.peak_bytes, usage.weights_bytes, " and ".join(map(precision, usage.types.split(", ")))
        alive = " + ".join(f"{value.name} {value.bytes:,} ({value.shape} {value.dtype})" for value in usage.live)
        source = [f"Source: {usage.network.source}"] if usage.network.source else []
        return [
            f"{peak:,} bytes at {at} are the peak ({si(peak, 'B')}, {kib(peak)}), at {usage.at}; weights"
            f" {weights:,} bytes at {precisions(usage.network, usage.dtype)} ({si(weights, 'B')})",
            f"Alive at the peak: {alive}",
            subject(usage.network),
            *source,
            f"Policy {usage.policy.name}: {usage.policy.rule}; {usage.policy.source}.",
            f"Order: {'the best' if usage.order else _ORDERS[is_called(usage.network)]}. Bytes of one sample;"
            f" {self._types()}.",
            *self._best_order(),
        ]

    def _best_order(self) -> list[str]:
        usage = self.memory
        if usage.order is None:
            return []
        own = f"the order of the {'calls' if is_called(usage.network) else 'graph'}"
        end = "no order is better" if usage.order.exact else "there may be a better one"
        if not usage.gain:
            end = "no order is better" if usage.order.exact else "there may be one"
            return [f"Best order: none was found that is better than {own}; {end}."]
        before = usage.peak_bytes + usage.gain
        return [f"Best order: {usage.gain:,} bytes less at the peak than in {own} ({before:,}); {end}."]

    def _types(self) -> str:
        if not self.memory.dtype:
            return "every value has its own type"
        return f"{self.memory.dtype} takes the place of floating-point types, all others stay"

    def table(self) -> Table:
        """A row an operation, in the order in which they run."""
        return Table(
            ("name", "type", "output", "live_before", "made", "freed", "live"),
            tuple([tuple(row) for row in self.memory.rows]),
        )

    def document(self) -> object:
        """The stable contract: bytes, exact; ``live`` is what is alive at the peak, ``rows`` are the operations."""
        usage = self.memory
        return {
            "model": usage.network.name,
            "choices": dict(usage.network.config),
            "policy": usage.policy.name,
            "dtype": usage.types,
            "peak_bytes": usage.peak_bytes,
            "at": usage.at,
            "live": [
                {"name": value.name, "shape": list(value.shape.sizes), "dtype": value.dtype, "bytes": value.bytes}
                for value in usage.live
            ],
            "weights_bytes": usage.weights_bytes,
            **({"best_order": {"gain": usage.gain, "exact": usage.order.exact}} if usage.order else {}),
            "rows": self.table().records(),
        }
