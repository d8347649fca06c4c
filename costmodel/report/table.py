"""A table before anything is formatted: columns of raw values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from costmodel.core.shape import Shape
from costmodel.errors import CostModelError
from costmodel.report.units import percent

if TYPE_CHECKING:
    from decimal import Decimal

#: A float is a share; other numbers with a point are decimals.
Cell: TypeAlias = "str | int | float | Decimal | Shape"


class Table(NamedTuple):
    """Columns, rows of raw cells, and the row of totals that people are shown below them."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] = ()

    def sorted(self, column: str) -> Table:
        """The same rows by ``column``: numbers and shapes from the largest down, names in order of the alphabet.

        Raises :class:`~costmodel.errors.CostModelError` where there is no such column.
        """
        key = column.replace("-", "_")
        if key not in self.columns:
            raise CostModelError(f"cannot sort by {column!r}; the columns are {', '.join(self.columns)}")
        place = self.columns.index(key)
        names = key in ("name", "type")
        rows = sorted(self.rows, key=lambda row: _rank(row[place]), reverse=not names)
        return Table(self.columns, tuple(rows), self.total)

    def numeric(self) -> list[bool]:
        """Of each column whether it holds numbers, which stand to the right."""
        return [
            any(not isinstance(row[place], (str, Shape)) for row in self.rows) for place in range(len(self.columns))
        ]

    def texts(self) -> list[list[str]]:
        """Rows and total as people read them: thousands with commas, shares in percent."""
        return [[_text(cell) for cell in row] for row in ((*self.rows, self.total) if self.total else self.rows)]

    def titles(self) -> list[str]:
        """The columns as people read them."""
        return [column.replace("multiply_adds", "multiply-adds") for column in self.columns]

    def records(self) -> list[dict[str, object]]:
        """The rows as JSON objects: shapes as lists, exact integers; no share, which is not one."""
        return [
            {
                column: list(cell.sizes) if isinstance(cell, Shape) else cell
                for column, cell in zip(self.columns, row, strict=True)
                if not isinstance(cell, float)
            }
            for row in self.rows
        ]


def _rank(cell: Cell) -> tuple[Any, list[int | str]]:
    if isinstance(cell, str):
        # Digits count as numbers: features.10 comes after features.2. Text and digits alternate, text first.
        return 0, [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", cell)]
    return (cell.elements if isinstance(cell, Shape) else cell), []


def _text(cell: Cell) -> str:
    if isinstance(cell, float):
        return percent(cell)
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
