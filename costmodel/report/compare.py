"""The report of ``costmodel compare``: networks side by side, a row a stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from costmodel.analyses.readings import reading
from costmodel.core.ledger import operators_text
from costmodel.core.network import Network
from costmodel.quantities import SIZES, precision
from costmodel.report.answer import Answer
from costmodel.report.costs import at_least, not_counted
from costmodel.report.count import COUNTED
from costmodel.report.table import Cell, Table
from costmodel.report.units import amount
from costmodel.scaling.compare import Comparison, Part
from costmodel.scaling.measured import latencies


@final
class CompareReport(Answer):
    """A comparison by stage: all whose output has one size."""

    comparison: Comparison

    def lines(self) -> tuple[str, ...]:
        networks, budget = self.comparison.networks, self.comparison.budget
        named = [f"{network.name} {at_least(network.ledger)}{network.multiply_adds:,}" for network in networks]
        texts = [operators_text(network.ledger.not_counted) for network in networks]
        missing = [f"; not counted: {text}" for text in texts if text]
        given = f"at most {amount(*budget)} each, " if budget else ""
        alphas = [
            f"{network.name} alpha {network.config['alpha']!r}" for network in networks if "alpha" in network.config
        ]
        known = f"{given}input {networks[0].input}; {', '.join(alphas)}".removesuffix("; ")
        first = f"{' against '.join(named)} multiply-adds{''.join(missing)}"
        return first, f"{known[0].upper()}{known[1:]}", COUNTED, *self._bytes(), *self._times()

    def _times(self) -> list[str]:
        """What a source measured, a line a machine."""
        timed: dict[tuple[str, str, str], list[str]] = {}
        for network in self.comparison.networks:
            for time in latencies(network.name, network.config):
                each = f"{network.name} {time.image_ms} (batch {time.batch})"
                timed.setdefault((time.machine, time.precision, time.source), []).append(each)
        return [
            f"Milliseconds an image on {machine}, {mode}: {', '.join(texts)}; {source}"
            for (machine, mode, source), texts in timed.items()
        ]

    def _bytes(self) -> list[str]:
        comparison = self.comparison
        if not comparison.dtype:
            return []
        return [
            f"Bytes are at {precision(comparison.dtype)}; peak_memory is the most that is alive in a stage, under the"
            f" policy {comparison.policy}, and in its total of all stages; size is of parameters."
        ]

    def table(self) -> Table:
        """Multiply-adds and parameters of each network, by the size of the map."""
        networks = self.comparison.networks
        quantities = ["multiply_adds", "parameters", *(SIZES if self.comparison.dtype else ())]
        columns = [f"{network.name} {quantity}" for network in networks for quantity in quantities]
        rows = [
            (_size(stage.output), *[_cell(part, quantity) for part in stage.parts for quantity in quantities])
            for stage in self.comparison.stages
        ]
        total = [number for network in networks for number in self._numbers(network, quantities)]
        bounds = [at_least(network.ledger) for network in networks if at_least(network.ledger)]
        return Table(("output", *columns), tuple(rows), (f"total, {bounds[0]}".rstrip() if bounds else "total", *total))

    def document(self) -> object:
        """The networks, and by stage what each does, in the same order; None for a stage that it has not."""
        models = [
            {
                "model": network.name,
                "alpha": network.config.get("alpha"),
                "input": list(network.input.sizes),
                "multiply_adds": network.multiply_adds,
                "activations": network.activations,
                "parameters": network.parameters,
                **(dict(zip(SIZES, self._numbers(network, SIZES), strict=True)) if self.comparison.dtype else {}),
                "latencies": [latency._asdict() for latency in latencies(network.name, network.config)],
                "not_counted": not_counted(network.ledger.not_counted),
            }
            for network in self.comparison.networks
        ]
        stages = [
            {"output": list(stage.output), "models": [part and _known(part) for part in stage.parts]}
            for stage in self.comparison.stages
        ]
        return {"models": models, "stages": stages, **self._sized()}

    def _sized(self) -> dict[str, object]:
        return {"dtype": self.comparison.dtype, "policy": self.comparison.policy} if self.comparison.dtype else {}

    def _numbers(self, network: Network, quantities: Sequence[str]) -> list[int]:
        return [reading(network, quantity, self.comparison.dtype, self.comparison.policy) for quantity in quantities]


def _known(part: Part) -> dict[str, object]:
    return {name: value for name, value in part._asdict().items() if value is not None}


def _size(output: tuple[int, ...]) -> str:
    return "x".join(map(str, output)) or "vector"


def _cell(part: Part | None, quantity: str) -> Cell:
    number: int | None = getattr(part, quantity) if part else None
    return "" if number is None else number
