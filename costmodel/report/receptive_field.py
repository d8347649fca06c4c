"""The report of ``costmodel receptive-field``: the largest field first, then what changes it."""

from __future__ import annotations

from functools import cached_property
from typing import final

from costmodel.analyses.receptive_field import EachAxis, ReceptiveField, receptive_field
from costmodel.core.network import Network
from costmodel.report.answer import Answer
from costmodel.report.costs import subject
from costmodel.report.table import Cell, Table

_COLUMNS = ("receptive_field", "effective_stride", "effective_padding")
_MEANING = (
    "Receptive field: positions of the input that one position sees, over its longest path. Stride: from one"
    " position's to the next. Padding: how far the first one's begins before the input."
)


@final
class ReceptiveFieldReport(Answer):
    """What each operation of one network sees of its input."""

    network: Network

    @cached_property
    def rows(self) -> tuple[ReceptiveField, ...]:
        """One an operation."""
        return receptive_field(self.network)

    def lines(self) -> list[str]:
        rows = [row for row in self.rows if row.receptive_field is not None]
        if not rows:
            answer = f"No receptive field: {self.rows[0].reason}"
        else:
            widest = max(reversed(rows), key=_width)
            size, stride, padding = map(_by, widest[1:4])
            answer = f"{size} positions of the input at {widest.name}, stride {stride}, padding {padding}"
        return [answer, subject(self.network), _MEANING]

    def table(self) -> Table:
        """A row an operation, the fields empty where ``reason`` says why there is none."""
        rows = tuple((row.name, row.node.label, row.node.shape, *map(_cell, row[1:4]), row.reason) for row in self.rows)
        return Table(("name", "type", "output", *_COLUMNS, "reason"), rows)

    def narrow(self) -> Table:
        """The operations that change the field, its stride or its padding."""
        columns, rows, _ = self.table()
        shown, last = [], None
        for row in rows:
            if row[3] != "" and row[3:6] != last:
                shown.append(row[:-1])
                last = row[3:6]
        return Table(columns[:-1], tuple(shown))

    def notes(self) -> list[str]:
        first: dict[str, str] = {}
        for row in self.rows:
            first.setdefault(row.reason, row.name)
        first.pop("", None)
        hidden = "Operations that see what the one before them sees are left out; --format csv has all of them."
        return [*(f"None from {name} on: {reason}." for reason, name in first.items()), hidden]

    def document(self) -> object:
        """The rows; where the axes differ, a list of one number an axis; null where ``reason`` says why."""
        return {
            "model": self.network.name,
            "input": list(self.network.input.sizes),
            "rows": [
                {
                    "name": row.name,
                    "type": row.node.kind,
                    "output": list(row.node.shape.sizes),
                    **dict(zip(_COLUMNS, row[1:4], strict=True)),
                    "reason": row.reason,
                }
                for row in self.rows
            ],
        }


def _width(row: ReceptiveField) -> int:
    field = row.receptive_field
    assert field is not None
    return max(field) if isinstance(field, tuple) else field


def _cell(numbers: EachAxis) -> Cell:
    return numbers if isinstance(numbers, int) else _by(numbers)


def _by(numbers: EachAxis) -> str:
    if numbers is None:
        return ""
    return "x".join(map(str, numbers)) if isinstance(numbers, tuple) else str(numbers)
