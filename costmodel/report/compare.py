"""The report of ``costmodel compare``: networks side by side, a row a stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from costmodel.core.ledger import operators_text
from costmodel.report.answer import Answer
from costmodel.report.costs import at_least, not_counted
from costmodel.report.count import COUNTED
from costmodel.report.table import Cell, Table
from costmodel.scaling.compare import Comparison, Part


@final
@dataclass(frozen=True)
class CompareReport(Answer):
    """A comparison by stage: all whose output has one size."""

    comparison: Comparison

    def lines(self) -> tuple[str, ...]:
        networks, budget = self.comparison.networks, self.comparison.budget
        named = [f"{network.name} {at_least(network.ledger)}{network.multiply_adds:,}" for network in networks]
        texts = [operators_text(network.ledger.not_counted) for network in networks]
        missing = [f"; not counted: {text}" for text in texts if text]
        given = f"at most {budget[1]:,} {budget[0].replace('multiply_adds', 'multiply-adds')} each, " if budget else ""
        alphas = [
            f"{network.name} alpha {network.config['alpha']!r}" for network in networks if "alpha" in network.config
        ]
        known = f"{given}input {networks[0].input}; {', '.join(alphas)}".removesuffix("; ")
        first = f"{' against '.join(named)} multiply-adds{''.join(missing)}"
        return first, f"{known[0].upper()}{known[1:]}", COUNTED

    def table(self) -> Table:
        """Multiply-adds and parameters of each network, by the size of the map."""
        networks = self.comparison.networks
        columns = [f"{network.name} {quantity}" for network in networks for quantity in ("multiply_adds", "parameters")]
        rows = [
            (_size(stage.output), *[cell for part in stage.parts for cell in _cells(part)])
            for stage in self.comparison.stages
        ]
        total = [number for network in networks for number in (network.multiply_adds, network.parameters)]
        least = any(network.ledger.uncounted for network in networks)
        return Table(("output", *columns), tuple(rows), ("total, at least" if least else "total", *total))

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
                "not_counted": not_counted(network.ledger.not_counted),
            }
            for network in self.comparison.networks
        ]
        stages = [
            {"output": list(stage.output), "models": [part and part._asdict() for part in stage.parts]}
            for stage in self.comparison.stages
        ]
        return {"models": models, "stages": stages}


def _size(output: tuple[int, ...]) -> str:
    return "x".join(map(str, output)) or "vector"


def _cells(part: Part | None) -> tuple[Cell, Cell]:
    return (part.multiply_adds, part.parameters) if part else ("", "")
