"""The report of ``costmodel sweep --summary``: what is known of a grid that no memory holds."""

from __future__ import annotations

from typing import final

from costmodel.report.answer import Answer
from costmodel.report.sweep import cell
from costmodel.report.table import Table
from costmodel.scaling.summary.run import Summary

SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@final
class SummaryReport(Answer):
    """A summary: the best designs as the table, the rest in lines; all of it in JSON."""

    summary: Summary

    def lines(self) -> tuple[str, ...]:
        summary = self.summary
        digest, limits = summary.digest, summary.plan.limits
        names = ", ".join(summary.plan.models)
        lines = [f"{summary.designs:,} design{'s' * (summary.designs > 1)} of {names}"]
        if limits:
            texts = " and ".join(f"{text} {quantity}" for quantity, text in limits.items())
            lines.append(f"{summary.within:,} of them have at most {texts}.")
        if summary.within:
            lines.append(
                f"{digest.least:,} to {digest.most:,} multiply-adds, {digest.total // summary.within:,} on average."
            )
            quantiles = (f"{share:g}: {low:,}" for share, (low, _) in self._quantiles().items())
            lines.append(f"Quantiles, to 1 in 2,048: {', '.join(quantiles)}.")
            lines.append(
                f"{len(digest.front):,} on the Pareto front: no other has as few multiply-adds and as many parameters."
            )
        return tuple(lines)

    def _quantiles(self) -> dict[float, tuple[int, int]]:
        return {share: self.summary.quantile(share) for share in SHARES} if self.summary.within else {}

    def table(self) -> Table:
        """The best designs: those with the most multiply-adds."""
        rows = self.summary.rows(self.summary.digest.best)
        columns = tuple(dict.fromkeys(column for row in rows for column in row)) or ("model", "multiply_adds")
        return Table(columns, tuple(tuple(cell(row.get(column, "")) for column in columns) for row in rows))

    def document(self) -> object:
        summary = self.summary
        digest = summary.digest
        return {
            "models": list(summary.plan.models),
            "designs": summary.designs,
            "within": {"most": dict(summary.plan.limits), "designs": summary.within},
            "smallest": digest.least,
            "largest": digest.most,
            "total": digest.total,
            "quantiles": {str(share): list(bounds) for share, bounds in self._quantiles().items()},
            "histogram": [list(one) for one in digest.histogram()],
            "front": summary.rows(digest.front),
            "best": summary.rows(digest.best),
        }
