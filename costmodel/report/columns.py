"""The columns of a table that are asked for, among them the bytes that its parts move and their intensity."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from costmodel.analyses.traffic import Traffic, traffic
from costmodel.core.ledger import Ledger
from costmodel.errors import CostModelError, nearest
from costmodel.quantities import precision
from costmodel.report.table import Cell, Table

#: Columns that a table has where they are asked for alone.
MOVED = ("read_bytes", "written_bytes", "weights_bytes", "intensity")


def parse_columns(text: str) -> tuple[str, ...]:
    """``"output,read-bytes"`` as names of columns.

    >>> parse_columns("output,read-bytes")
    ('output', 'read_bytes')
    """
    return tuple([name.strip().replace("-", "_") for name in text.split(",")])


def moved(part: Ledger, dtype: str) -> tuple[Traffic, Fraction]:
    """The bytes that the operations of ``part`` move, and how many FLOPs they compute for each of them.

    >>> import costmodel as cm
    >>> moved(cm.mobilenet_v1().ledger.by("type")["depthwise conv 3x3"], "int8")
    (Traffic(read=3060736, written=1931776, weights=44640), Fraction(1086624, 157411))
    """
    each = [traffic(node, dtype, part.batch) for node in part.operations]
    total = Traffic(*map(sum, zip(Traffic(), *each, strict=True)))
    return total, Fraction(part.flops, total.moved) if total.moved else Fraction(0)


def with_moved(table: Table, parts: Sequence[Ledger], whole: Ledger, dtype: str) -> Table:
    """The table with the columns :data:`MOVED`: ``parts`` are its rows, ``whole`` its total."""
    numbers = [_cells(*moved(part, dtype)) for part in (*parts, whole)]
    rows = [(*row, *cells) for row, cells in zip((*table.rows, table.total), numbers, strict=True)]
    return Table((*table.columns, *MOVED), tuple(rows[:-1]), rows[-1])


def _cells(total: Traffic, intensity: Fraction) -> tuple[Cell, ...]:
    return (*total, Decimal(f"{float(intensity):.2f}"))


def selected(table: Table, columns: Sequence[str]) -> Table:
    """The first column, which names the rows, and those that are asked for, in that order.

    Raises :class:`~costmodel.errors.CostModelError` for an unknown column, and for one twice.
    """
    known = table.columns[1:]
    for place, name in enumerate(columns):
        if name not in known:
            hint = nearest(name, known)
            raise CostModelError(f"no column is called {name!r}; {hint}there are {', '.join(known)}")
        if name in columns[:place]:
            raise CostModelError(f"the column {name} is asked for twice; name it once")
    places = [0, *[table.columns.index(name) for name in columns]]
    rows = [tuple([row[place] for place in places]) for row in (*table.rows, table.total)]
    return Table(tuple([table.columns[place] for place in places]), tuple(rows[:-1]), rows[-1])


def types(ledger: Ledger, dtype: str) -> list[str]:
    """The types that values have which have a point: ``dtype``, or their own."""
    return [dtype] if dtype else sorted({node.dtype for node in ledger.operations if "float" in node.dtype})


def bytes_note(ledger: Ledger, columns: Sequence[str], dtype: str) -> list[str]:
    """Where ``columns`` are of bytes: at which types they are, and what is among them."""
    if not {*columns} & {*MOVED}:
        return []
    at = ", ".join(map(precision, types(ledger, dtype)))
    return [
        f"Bytes are at {at}: each tensor goes through memory once, a batch reads the weights once; intensity: FLOPs of"
        " multiply-adds a byte."
    ]
