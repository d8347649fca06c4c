"""The report of ``costmodel solve``: the largest designs within budgets, or why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import final

from costmodel.report.answer import Answer
from costmodel.report.table import Cell, Table
from costmodel.scaling.solve import RESOLUTIONS, Design, Solution

_FIRST = {
    "multiply_adds": "the most multiply-adds first",
    "alpha": "the largest alpha first",
    "accuracy": "the most accurate first",
}


@final
@dataclass(frozen=True)
class SolveReport(Answer):
    """Designs, best first; without any, the least that each resolution costs."""

    solution: Solution

    def lines(self) -> tuple[str, ...]:
        found = self.solution
        limits = " and ".join(f"at most {budget:,} {_words(name)}" for name, budget in found.budgets.items())
        chosen = " (none is given)" if found.resolutions == RESOLUTIONS else ""
        tried = f"Resolutions tried{chosen}: {', '.join(map(str, found.resolutions))}."
        if not found.designs:
            return f"No {found.name} has {limits}: {_least(found)}", tried
        count = len(found.designs)
        head = f"{count} design{'s' * (count > 1)} of {found.name} with {limits}, {_FIRST[found.maximize]}"
        notes = [head, tried, "Every alpha from alpha_from up to, not including, alpha_below builds the same network."]
        if found.maximize == "accuracy":
            notes.append("Published designs alone: the accuracy of others is not known, and is not guessed.")
        sources = {design.accuracy.source for design in found.designs if design.accuracy}
        notes += [f"top1: percent on ImageNet, as measured by {', '.join(sorted(sources))}."] if sources else []
        return tuple(notes)

    def table(self) -> Table:
        """A row a design; without any, the smallest network of each resolution."""
        if not self.solution.designs:
            quantities = tuple(self.solution.budgets)
            smallest = [
                (least.resolution, *[least.costs[name] for name in quantities]) for least in self.solution.smallest
            ]
            return Table(("resolution", *quantities), tuple(smallest))
        columns = (
            "resolution",
            "alpha_from",
            "alpha_below",
            "multiply_adds",
            "parameters",
            "top1",
            "first to break a budget",
        )
        return Table(columns, tuple(map(_row, self.solution.designs)))

    def document(self) -> object:
        """``designs``, best first: exact numbers; and ``smallest``, the least that each resolution costs."""
        found = self.solution
        smallest = [
            {"resolution": least.resolution, **{name: least.costs[name] for name in found.budgets}}
            for least in found.smallest
        ]
        return {
            "model": found.name,
            "budgets": dict(found.budgets),
            "maximize": found.maximize,
            "designs": [_fields(design) for design in found.designs],
            "smallest": smallest,
        }


def _words(quantity: str) -> str:
    return quantity.replace("multiply_adds", "multiply-adds")


def _least(found: Solution) -> str:
    """The proof: what even the smallest network costs."""
    if all(any(least.costs[name] > budget for name, budget in found.budgets.items()) for least in found.smallest):
        costs = {name: min(least.costs[name] for least in found.smallest) for name in found.budgets}
        return f"the smallest there is has {' and '.join(f'{cost:,} {_words(name)}' for name, cost in costs.items())}"
    return "some networks have, but none whose accuracy is published"


def _row(design: Design) -> tuple[Cell, ...]:
    return (
        design.resolution,
        _decimal(design.alpha_from),
        _decimal(design.alpha_below) if design.alpha_below is not None else "",
        design.multiply_adds,
        design.parameters,
        _decimal(design.accuracy.top1) if design.accuracy else "",
        "; ".join(f"{breach.alpha!r}: {_words(breach.quantity)} {breach.over:,} over" for breach in design.breaches),
    )


def _decimal(value: float) -> Decimal | str:
    return "above 0" if value == math.ulp(0.0) else Decimal(repr(value))


def _fields(design: Design) -> dict[str, object]:
    return {
        "alpha": design.alpha,
        "alpha_from": design.alpha_from,
        "alpha_below": design.alpha_below,
        "resolution": design.resolution,
        "multiply_adds": design.multiply_adds,
        "parameters": design.parameters,
        "top1": design.accuracy.top1 if design.accuracy else None,
        "top1_source": design.accuracy.source if design.accuracy else None,
        "next": [
            {"alpha": breach.alpha, "breaks": breach.quantity, breach.quantity: breach.cost, "over": breach.over}
            for breach in design.breaches
        ],
    }
