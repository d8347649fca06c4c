"""The report of ``costmodel audit``: every published number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import final

from costmodel.report.answer import Answer
from costmodel.report.explain import sum_text
from costmodel.report.table import Table
from costmodel.reproduction.audit import totals
from costmodel.reproduction.audit_result import EXPLAINED, AuditResult


@final
class AuditReport(Answer):
    """A row a printed number, and a row each line of a table that prints none."""

    results: Sequence[AuditResult]
    #: Whether these are all: then a terminal shows a row a source.
    everything: bool = True

    def lines(self) -> tuple[str, ...]:
        counted = totals(self.results)
        numbers = [result for result in self.results if result.verdict != "no figure"]
        by_verdict = ", ".join(f"{counted[verdict]} {verdict}" for verdict in EXPLAINED if verdict in counted)
        rules = Counter(number.reason for number in numbers if number.explained)
        by_rule = "; ".join(f"{reason} {count}" for reason, count in rules.most_common())
        return (
            f"{sum(number.explained for number in numbers)} of {len(numbers)} published numbers are reproduced:"
            f" {by_verdict}",
            f"Not reproduced: {counted.get('unexplained', 0)} that no rule explains, {counted.get('not built', 0)} of"
            " networks that costmodel does not build.",
            self._rows(),
            f"By rule: {by_rule}.",
        )

    def _rows(self) -> str:
        rows: dict[tuple[str, str, str], list[AuditResult]] = {}
        for result in self.results:
            rows.setdefault((result.table, result.row, result.source), []).append(result)
        printing = [of for of in rows.values() if of[0].verdict != "no figure"]
        wholly = sum(all(result.explained for result in of) for of in printing)
        partly = sum(any(result.explained for result in of) for of in printing) - wholly
        return (
            f"Of {len(rows)} rows {len(printing)} print a cost: {wholly} are reproduced wholly, {partly} in"
            f" part, {len(printing) - wholly - partly} not. The others print shapes, shares or memory."
        )

    def narrow(self) -> Table:
        """A row a source where there are hundreds of numbers; all of them are in every other format."""
        if not self.everything:
            return self.table()
        sources: dict[str, Counter[str]] = {}
        for result in self.results:
            if result.verdict != "no figure":
                sources.setdefault(result.source, Counter())[result.verdict] += 1
        rows = tuple(
            (source, counted.total(), sum(counted[verdict] for verdict in EXPLAINED), counted["unexplained"])
            for source, counted in sources.items()
        )
        return Table(("source", "numbers", "reproduced", "unexplained"), rows)

    def notes(self) -> Sequence[str]:
        """How to see the numbers themselves."""
        how = "Every number: --format csv or html; some of them: --source, --model, --verdict."
        return (how,) if self.everything else ()

    def table(self) -> Table:
        """What is printed, what is exact, and the verdict."""
        rows = tuple(
            (
                result.row,
                result.quantity.replace("_", "-"),
                result.printed,
                "" if result.exact is None else result.exact,
                result.verdict,
                _why(result),
                result.source,
            )
            for result in self.results
        )
        return Table(("row", "quantity", "printed", "exact", "verdict", "reason", "source"), rows)

    def document(self) -> object:
        """The totals, and every result with its terms."""
        return {"totals": totals(self.results), "findings": list(map(_fields, self.results))}


def _fields(result: AuditResult) -> dict[str, object]:
    names = ("table", "row", "source", "quantity", "printed", "exact", "verdict")
    return {name: getattr(result, name) for name in names} | {
        "rule": result.rounding,
        "reason": result.reason,
        "terms": [term._asdict() for term in result.terms],
    }


def _why(result: AuditResult) -> str:
    if len(result.terms) < 2:
        return result.reason
    return f"{result.reason}, {result.rounding}: {sum_text(result.terms)}"
