"""The cost table as a pandas DataFrame. The only room that loads pandas."""

from __future__ import annotations

import pandas

from costmodel.core.ledger import Ledger
from costmodel.core.network import Network
from costmodel.core.values import Shape
from costmodel.report.conventions import ConventionsReport
from costmodel.report.table import costs


def frame(ledger: Ledger, by: str, depth: int) -> pandas.DataFrame:
    """One row a part, exact integers, ``share`` from 0 to 1; shapes as they are written (``32x112x112``)."""
    table = costs(ledger, by, depth)
    rows = [[str(cell) if isinstance(cell, Shape) else cell for cell in row] for row in table.rows]
    return pandas.DataFrame(rows, columns=list(table.columns))


def conventions(network: Network, batch: int) -> pandas.DataFrame:
    """One row a convention, exact integers; no figure where a convention has no rule for some operation."""
    table = ConventionsReport(network, batch).table()
    rows = [[None if cell == "" and place in (3, 4) else cell for place, cell in enumerate(row)] for row in table.rows]
    frame = pandas.DataFrame(rows, columns=list(table.columns))
    missing = frame["figure"].isna().any()
    # Integers stay integers, with a gap among them too.
    return frame.astype({"figure": "Int64", "difference": "Int64"}) if missing else frame
