"""The report of ``costmodel solve``: the largest designs within budgets, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import final

from costmodel.core.ledger import operators_text
from costmodel.quantities import SIZES, precision
from costmodel.report.answer import Answer
from costmodel.report.costs import not_counted
from costmodel.report.table import Cell, Table
from costmodel.report.units import amount, words_of
from costmodel.scaling.solve import RESOLUTIONS, Breach, Design, Smallest, Solution

_FIRST = {
    "multiply_adds": "the most multiply-adds first",
    "alpha": "the largest alpha first",
    "accuracy": "the most accurate first",
}
_COLUMNS: tuple[str, ...] = ("resolution", "alpha")
_INTERVAL: tuple[str, ...] = ("alpha_from", "alpha_below")
_COSTS: tuple[str, ...] = ("multiply_adds", "parameters")
_LAST_COLUMNS: tuple[str, ...] = ("top1", "first to break a budget")


@final
class SolveReport(Answer):
    """Designs, best first; without any, the least that each resolution costs.

    ``verbose`` shows the interval of alpha that builds each network.
    """

    solution: Solution
    verbose: bool = False

    def lines(self) -> tuple[str, ...]:
        solution = self.solution
        limits = " and ".join(f"at most {amount(name, budget)}" for name, budget in solution.budgets.items())
        chosen = " (none is given)" if solution.resolutions == RESOLUTIONS else ""
        tried = f"Resolutions tried{chosen}: {', '.join(map(str, solution.resolutions))}."
        texts = dict.fromkeys(operators_text(part.not_counted) for part in solution.designs or solution.smallest)
        unknown = " or ".join(filter(None, texts))
        missing = unknown and f"; every number is the least that it can be; not counted: {unknown}"
        if not solution.designs:
            return f"No {solution.name} has {limits}: {_least(solution)}{missing}", tried, *_sizes(solution)
        count = len(solution.designs)
        order = f"{_FIRST[solution.maximize]}{missing}"
        head = f"{count} design{'s' * (count > 1)} of {solution.name} with {limits}, {order}"
        notes = [head, tried, *_sizes(solution)]
        if self.verbose:
            notes.append("Every alpha from alpha_from up to, not including, alpha_below builds the same network.")
        if solution.maximize == "accuracy":
            notes.append("Published designs alone: the accuracy of others is not known, and is not guessed.")
        sources = {design.accuracy.source for design in solution.designs if design.accuracy}
        notes += [f"top1: percent on ImageNet, as measured by {', '.join(sorted(sources))}."] if sources else []
        return tuple(notes)

    def table(self) -> Table:
        """A row a design; without any, the smallest network of each resolution."""
        solution, quantities = self.solution, tuple(self.solution.budgets)
        if solution.designs:
            sizes = _sizes_of(solution)
            columns = (*_COLUMNS, *_INTERVAL * self.verbose, *_COSTS, *sizes, *_LAST_COLUMNS)
            rows = [_row(design, sizes, self.verbose) for design in solution.designs]
        else:
            columns = ("resolution", *quantities)
            rows = [(least.resolution, *[least.costs[name] for name in quantities]) for least in solution.smallest]
        texts = [operators_text(part.not_counted) for part in solution.designs or solution.smallest]
        if any(texts):
            columns, rows = (*columns, "not_counted"), [(*row, text) for row, text in zip(rows, texts, strict=True)]
        return Table(columns, tuple(rows))

    def document(self) -> object:
        """``designs``, best first: exact numbers; and ``smallest``, the least that each resolution costs."""
        solution = self.solution
        smallest = [
            {"resolution": one.resolution, **{name: one.costs[name] for name in solution.budgets}, **_unknown(one)}
            for one in solution.smallest
        ]
        return {
            "model": solution.name,
            "budgets": dict(solution.budgets),
            **({"dtype": solution.dtype or None, "policy": solution.policy} if _sizes_of(solution) else {}),
            "maximize": solution.maximize,
            "designs": [_fields(design) for design in solution.designs],
            "smallest": smallest,
        }


def _least(solution: Solution) -> str:
    """The proof: what even the smallest network costs."""
    if all(any(least.costs[name] > budget for name, budget in solution.budgets.items()) for least in solution.smallest):
        costs = {name: min(least.costs[name] for least in solution.smallest) for name in solution.budgets}
        return f"the smallest there is has {' and '.join(amount(name, cost) for name, cost in costs.items())}"
    return "some networks have, but none whose accuracy is published"


def _sizes_of(solution: Solution) -> list[str]:
    return [name for name in solution.budgets if name in SIZES]


def _sizes(solution: Solution) -> list[str]:
    """What sizes in bytes are of."""
    if not _sizes_of(solution):
        return []
    types = precision(solution.dtype) if solution.dtype else "the networks' own types"
    policy = f", of memory under the policy {solution.policy}" if "peak_memory" in solution.budgets else ""
    return [f"Bytes are at {types}{policy}."]


def _row(design: Design, sizes: Sequence[str], verbose: bool) -> tuple[Cell, ...]:
    below = _decimal(design.alpha_below) if design.alpha_below is not None else ""
    return (
        design.resolution,
        _decimal(design.alpha),
        *((_decimal(design.alpha_from), below) if verbose else ()),
        design.multiply_adds,
        design.parameters,
        *[design.costs[name] for name in sizes],
        _decimal(design.accuracy.top1) if design.accuracy else "",
        "; ".join(_breach(breach, verbose) for breach in design.breaches),
    )


def _breach(breach: Breach, verbose: bool) -> str:
    # Rounded up, to an alpha that breaks it too.
    alpha = repr(breach.alpha) if verbose else f"{math.ceil(breach.alpha * 10_000) / 10_000:g}"
    return f"{alpha}: {words_of(breach.quantity)} {breach.over:,} over"


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
        **{name: cost for name, cost in design.costs.items() if name in SIZES},
        "top1": design.accuracy.top1 if design.accuracy else None,
        "top1_source": design.accuracy.source if design.accuracy else None,
        "next": [
            {"alpha": breach.alpha, "breaks": breach.quantity, breach.quantity: breach.cost, "over": breach.over}
            for breach in design.breaches
        ],
        **_unknown(design),
    }


def _unknown(part: Design | Smallest) -> dict[str, object]:
    """What a program must know of a cost that is not all."""
    return {"not_counted": not_counted(part.not_counted)} if part.not_counted else {}
