"""The report of ``costmodel roofline``: the least time first, what binds it, then a row an operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from decimal import Decimal
from typing import final

from costmodel.analyses.roofline import Bound, Machine, Roofline
from costmodel.core.graph import Node
from costmodel.quantities import precision
from costmodel.report.answer import Answer
from costmodel.report.costs import subject
from costmodel.report.table import Cell, Table
from costmodel.report.units import duration, percent, rate

_BY = {"layer": ("name", "type"), "type": ("type", "layers")}
_MEANING = (
    "Bound: the longer of FLOPs (two a multiply-add) over the peak, and bytes (inputs, output and weights of each"
    " operation, each through memory once) over the bandwidth"
)
_FUSED = {
    True: "batch norms and activations are fused into the layer before them and move nothing",
    False: "each operation runs on its own, and one that is fused into another would move less",
}


@final
class RooflineReport(Answer):
    """The least time of one network on one machine; with ``measured``, the seconds that operations took beside it."""

    roofline: Roofline
    by: str = "layer"
    measured: dict[Node, float] = field(default_factory=dict)

    def lines(self) -> list[str]:
        bounds, total = self.roofline, self.roofline.total
        network, batch = bounds.network, bounds.batch
        answer = f"At least {duration(float(total.seconds))} on {machine_text(bounds.machine)}"
        if self.measured:
            took, least = sum(self.measured.values()), float(bounds.of(self.measured).seconds)
            answer = f"{duration(took)} measured, at least {duration(least)}: {_ratio(took, least)} times the bound"
        memory = total.seconds - total.compute
        binds = ", ".join(
            f"{name} {percent(float(part / total.seconds))} of the time"
            for name, part in (("memory binds", memory), ("compute", total.compute))
            if total.seconds
        )
        return [
            answer,
            subject(network, batch),
            *([f"Machine: {machine_text(bounds.machine)}"] if self.measured else []),
            f"{binds[:1].upper()}{binds[1:]}; the ridge is at {float(bounds.machine.ridge):.4g} FLOPs a byte, the"
            f" network has {float(total.intensity):.4g}",
            f"Source: {bounds.machine.source}",
            f"{_MEANING}; {_FUSED[bounds.fused]}.",
        ]

    def table(self) -> Table:
        """A row a layer, block, stage or type; a total."""
        ledger = self.roofline.network.ledger
        parts = ledger.by(self.by)
        known = _BY.get(self.by, ("name", "output"))
        heads: dict[str, Sequence[Cell]] = {
            "layer": [part.operations[0].label for part in parts.values()],
            "type": [len(part) for part in parts.values()],
        }
        described = heads.get(self.by, [part.output for part in parts.values()])
        rows = tuple(
            (name, text, *self._numbers(part.operations))
            for (name, part), text in zip(parts.items(), described, strict=True)
        )
        measured = ("measured_us", "ratio") if self.measured else ()
        columns = (*known, "flops", "bytes", "intensity", "bound_us", "share", "bound_by", *measured)
        return Table(columns, rows, ("total", "", *self._numbers(ledger.operations)))

    def _numbers(self, nodes: Sequence[Node]) -> tuple[Cell, ...]:
        bound, total = self.roofline.of(nodes), self.roofline.total.seconds
        numbers = (
            bound.flops,
            bound.bytes,
            _decimal(float(bound.intensity), 2),
            _decimal(float(bound.seconds) * 1e6, 3),
            float(bound.seconds / total) if total else 0.0,
            bound.bound_by,
        )
        return (*numbers, *self._measurements(nodes)) if self.measured else numbers

    def _measurements(self, nodes: Sequence[Node]) -> tuple[Cell, Cell]:
        """What those of ``nodes`` took that were measured, and how many times their bound that is."""
        ran = [node for node in nodes if node in self.measured]
        took, least = sum(self.measured[node] for node in ran), float(self.roofline.of(ran).seconds)
        return (_decimal(took * 1e6, 3), _ratio(took, least)) if least else ("", "")

    def notes(self) -> list[str]:
        """The operations that were not run, and those that were faster than their bound."""
        if not self.measured:
            return []
        bounds = self.roofline.bounds
        missing = [node for node, bound in bounds.items() if bound.seconds and node not in self.measured]
        kinds = ", ".join(dict.fromkeys(node.kind for node in missing))
        notes = [f"Not run: {len(missing)} operations that PyTorch has no layer for ({kinds})."] if missing else []
        faster = sum(took < bounds[node].seconds for node, took in self.measured.items())
        if faster:
            notes.append(f"{faster} operations were faster than their bound: the machine was busy while it was fitted.")
        return notes

    def document(self) -> object:
        """The stable contract: exact FLOPs and bytes, seconds as numbers; a row an operation."""
        bounds = self.roofline
        return {
            "model": bounds.network.name,
            "choices": dict(bounds.network.config),
            "batch": bounds.batch,
            "fused": bounds.fused,
            "machine": {
                "name": bounds.machine.name,
                "dtype": bounds.machine.dtype,
                "peak_flops_per_second": float(bounds.machine.peak),
                "bandwidth_bytes_per_second": float(bounds.machine.bandwidth),
                "ridge": float(bounds.machine.ridge),
                "source": bounds.machine.source,
            },
            **self._fields(bounds.total, list(bounds.bounds)),
            "compute_bound_seconds": float(bounds.total.compute),
            "rows": [
                {"name": node.name, "type": node.kind, **self._fields(bound, [node])}
                for node, bound in bounds.bounds.items()
            ],
        }

    def _fields(self, bound: Bound, nodes: Sequence[Node]) -> dict[str, object]:
        fields: dict[str, object] = {
            "flops": bound.flops,
            "bytes": bound.bytes,
            "intensity": float(bound.intensity),
            "bound_seconds": float(bound.seconds),
            "bound_by": bound.bound_by,
        }
        if not self.measured:
            return fields
        ran = [node for node in nodes if node in self.measured]
        took, least = sum(self.measured[node] for node in ran), float(self.roofline.of(ran).seconds)
        return {**fields, "measured_seconds": took if ran else None, "ratio": took / least if least else None}


def machine_text(machine: Machine) -> str:
    """A machine for people: its name, peak, type and bandwidth."""
    peak, bandwidth = rate(float(machine.peak), "FLOPS"), rate(float(machine.bandwidth), "B/s")
    return f"{machine.name}: {peak} at {precision(machine.dtype)}, {bandwidth}"


def _decimal(value: float, digits: int) -> Decimal:
    return Decimal(f"{value:.{digits}f}")


def _ratio(took: float, least: float) -> Decimal:
    return _decimal(took / least if least else 0.0, 2)
