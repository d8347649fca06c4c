"""A part of an answer: the first rows of its table, or those that cost anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from costmodel.core.shape import Shape
from costmodel.report.answer import Answer
from costmodel.report.table import Cell, Table

#: What a row costs; without such a column, any number of it.
_COST = "multiply_adds"


@final
class Excerpt(Answer):
    """``report`` with at most ``top`` rows of its table, all for 0, and with ``nonzero`` only those that cost anything.

    The totals are of all rows, and a note says how many are not shown.
    """

    report: Answer
    top: int = 0
    nonzero: bool = False

    def lines(self) -> Sequence[str]:
        return self.report.lines()

    def table(self) -> Table:
        return self._cut(self.report.table())

    def narrow(self) -> Table:
        return self._cut(self.report.narrow())

    def notes(self) -> Sequence[str]:
        left = len(self.report.narrow().rows) - len(self.narrow().rows)
        return [*self.report.notes(), *[f"{left} more rows are not shown."] * bool(left)]

    def _cut(self, table: Table) -> Table:
        rows = [row for row in table.rows if not self.nonzero or _costs(table, row)]
        return table._replace(rows=tuple(rows[: self.top] if self.top else rows))


def _costs(table: Table, row: tuple[Cell, ...]) -> bool:
    if _COST in table.columns:
        return bool(row[table.columns.index(_COST)])
    return any(cell for cell in row if not isinstance(cell, (str, Shape)))
