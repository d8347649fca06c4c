"""Tables of a network as pandas DataFrames: ``Network.table`` and ``Network.conventions``."""

from __future__ import annotations

import pandas

from costmodel.core.network import Network
from costmodel.core.shape import Shape
from costmodel.report.conventions import ConventionsReport
from costmodel.report.costs import costs


def table(network: Network, by: str = "layer", depth: int = 2, batch: int = 1) -> pandas.DataFrame:
    """The cost by ``"layer"``, ``"block"`` (names cut at ``depth`` parts), ``"stage"`` or ``"type"``: a DataFrame.

    Columns: name, type, input, output (as they are written, ``32x112x112``), parameters, multiply_adds, share (from 0
    to 1); where some are frozen, trainable_parameters, frozen_parameters and buffers; by type, the number of layers
    instead of a name and shapes; and ``not_counted``, where a capture could not count everything. Loads pandas.

    >>> import costmodel as cm
    >>> cm.mobilenet_v2().table(by="block").multiply_adds.sum()
    np.int64(300774272)
    """
    parts = costs(network.ledger.batched(batch), by, depth)
    rows = [[str(cell) if isinstance(cell, Shape) else cell for cell in row] for row in parts.rows]
    return pandas.DataFrame(rows, columns=list(parts.columns))


def conventions(network: Network, batch: int = 1) -> pandas.DataFrame:
    """What every paper and tool would print, itemized against the paper: a DataFrame, a row a convention.

    Columns: convention, version, counts (multiply-adds, FLOPs or parameters), figure, difference (from the paper's
    multiply-adds, or the trainable parameters), itemized. No number where a convention has no rule for some operation.
    Loads pandas.

    >>> import costmodel as cm
    >>> cm.mobilenet_v2().conventions().set_index("convention").figure["torchinfo"]
    np.int64(300809384)
    """
    counts = ConventionsReport(network, batch).table()
    rows = [[None if cell == "" and place in (3, 4) else cell for place, cell in enumerate(row)] for row in counts.rows]
    frame = pandas.DataFrame(rows, columns=list(counts.columns))
    missing = frame["figure"].isna().any()
    # Integers stay integers, with a gap among them too.
    return frame.astype({"figure": "Int64", "difference": "Int64"}) if missing else frame
