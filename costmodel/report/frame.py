"""The cost table as a pandas DataFrame. The only room that loads pandas."""

from __future__ import annotations

import pandas

from costmodel.ledger import Ledger
from costmodel.report.table import costs
from costmodel.values import Shape


def frame(ledger: Ledger, by: str, depth: int) -> pandas.DataFrame:
    """One row a part, exact integers, ``share`` from 0 to 1; shapes as they are written (``32x112x112``)."""
    table = costs(ledger, by, depth)
    rows = [[str(cell) if isinstance(cell, Shape) else cell for cell in row] for row in table.rows]
    return pandas.DataFrame(rows, columns=list(table.columns))
