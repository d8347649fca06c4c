"""The rows behind every report: columns of raw values, before anything is formatted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias, final

from costmodel.core.ledger import Entry, Ledger
from costmodel.core.values import Shape
from costmodel.errors import CostModelError
from costmodel.report.units import percent

#: A float is a share; other numbers with a point are decimals.
Cell: TypeAlias = str | int | float | Decimal | Shape


@final
@dataclass(frozen=True)
class Table:
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

    def numeric(self, column: int) -> bool:
        """Whether a column holds numbers, which stand to the right."""
        return any(isinstance(row[column], (int, float, Decimal)) for row in self.rows)

    def texts(self) -> list[list[str]]:
        """Rows and total as people read them: thousands with commas, shares in percent."""
        return [[_text(cell) for cell in row] for row in ((*self.rows, self.total) if self.total else self.rows)]

    def titles(self) -> list[str]:
        """The columns as people read them."""
        return [column.replace("multiply_adds", "multiply-adds") for column in self.columns]


def _rank(cell: Cell) -> tuple[Any, list[int | str]]:
    if isinstance(cell, str):
        # Digits count as numbers: features.10 comes after features.2. Text and digits alternate, text first.
        return 0, [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", cell)]
    return (cell.elements if isinstance(cell, Shape) else cell), []


def _text(cell: Cell) -> str:
    if isinstance(cell, float):
        return percent(cell)
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def costs(ledger: Ledger, by: str, depth: int = 2, sort: str = "order") -> Table:
    """What each part of ``ledger`` costs: a row a part, with its share of the multiply-adds.

    Columns ``name`` (``type`` when grouped by type), what is known of the part (``type``, ``input``, ``output``, or
    the number of ``layers``), ``parameters``, ``multiply_adds``, ``share``.
    """
    parts = ledger.by(by, depth)
    if by == "layer":
        known: tuple[str, ...] = ("name", "type", "input", "output")
        heads: list[tuple[Cell, ...]] = [(entry.name, entry.label, entry.input, entry.output) for entry in ledger]
    elif by == "type":
        known = ("type", "layers")
        heads = [(name, len(part)) for name, part in parts.items()]
    else:
        known = ("name", "input", "output")
        heads = [(name, part.input, part.output) for name, part in parts.items()]
    total = ledger.multiply_adds
    rows = tuple(
        (*head, part.parameters, part.multiply_adds, part.multiply_adds / total if total else 0.0)
        for head, part in zip(heads, parts.values(), strict=True)
    )
    blank = ("",) * (len(known) - 1)
    sums: tuple[Cell, ...] = ("total", *blank, ledger.parameters, total, 1.0 if total else 0.0)
    table = Table((*known, "parameters", "multiply_adds", "share"), rows, sums)
    return table if sort == "order" else table.sorted(sort)


def fields(entry: Entry, batch: int) -> dict[str, object]:
    """An entry as the JSON contract has it: exact integers, shapes as lists, ``inputs`` the names it reads."""
    return {
        "name": entry.name,
        "type": entry.kind,
        "input": list(entry.input.sizes),
        "output": list(entry.output.sizes),
        "parameters": entry.params.trainable,
        "multiply_adds": entry.ops.mac * batch,
        "inputs": [node.name for node in entry.node.inputs],
    }
