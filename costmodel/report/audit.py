"""The report of ``costmodel audit``: the atlas of published figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from costmodel.report import formats
from costmodel.report.explain import sum_text
from costmodel.report.table import Table
from costmodel.report.tabular import Tabular
from costmodel.reproduction.audit import totals
from costmodel.reproduction.audit_result import EXPLAINED, Finding


@final
@dataclass(frozen=True)
class AuditReport(Tabular):
    """A row a printed figure, and a row each line of a table that prints none."""

    findings: Sequence[Finding]

    def lines(self) -> tuple[str, ...]:
        counted = totals(self.findings)
        figures = [finding for finding in self.findings if finding.verdict != "no figure"]
        told = ", ".join(f"{counted[verdict]} {verdict}" for verdict in EXPLAINED if verdict in counted)
        rules = Counter(finding.reason for finding in figures if finding.explained)
        by_rule = "; ".join(f"{reason} {count}" for reason, count in rules.most_common())
        return (
            f"{sum(found.explained for found in figures)} of {len(figures)} published figures are reproduced: {told}",
            f"Not reproduced: {counted.get('unexplained', 0)} that no rule explains, {counted.get('not built', 0)} of"
            " networks that costmodel does not build.",
            self._rows(),
            f"By rule: {by_rule}.",
        )

    def _rows(self) -> str:
        rows: dict[tuple[str, str, str], list[Finding]] = {}
        for finding in self.findings:
            rows.setdefault((finding.table, finding.row, finding.source), []).append(finding)
        printing = [of for of in rows.values() if of[0].verdict != "no figure"]
        wholly = sum(all(finding.explained for finding in of) for of in printing)
        partly = sum(any(finding.explained for finding in of) for of in printing) - wholly
        return (
            f"Of {len(rows)} rows {len(printing)} print a figure of cost: {wholly} are reproduced wholly, {partly} in"
            f" part, {len(printing) - wholly - partly} not. The others print shapes, shares or memory."
        )

    def table(self) -> Table:
        """What is printed, what is exact, and the verdict."""
        rows = tuple(
            (
                finding.row,
                finding.quantity.replace("_", "-"),
                finding.printed,
                "" if finding.exact is None else finding.exact,
                finding.verdict,
                _why(finding),
                finding.source,
            )
            for finding in self.findings
        )
        return Table(("row", "quantity", "printed", "exact", "verdict", "reason", "source"), rows)

    def json(self) -> str:
        """The totals, and every finding with its terms."""
        return formats.json_text(
            {
                "totals": totals(self.findings),
                "findings": [
                    {
                        "table": finding.table,
                        "row": finding.row,
                        "source": finding.source,
                        "quantity": finding.quantity,
                        "printed": finding.printed,
                        "exact": finding.exact,
                        "verdict": finding.verdict,
                        "rule": finding.rule,
                        "reason": finding.reason,
                        "terms": [term._asdict() for term in finding.terms],
                    }
                    for finding in self.findings
                ],
            }
        )


def _why(finding: Finding) -> str:
    if len(finding.terms) < 2:
        return finding.reason
    return f"{finding.reason}, {finding.rule}: {sum_text(finding.terms)}"
