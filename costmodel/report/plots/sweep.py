"""The pictures of a sweep, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costmodel.errors import CostModelError
from costmodel.report.plots.accuracy import tradeoff
from costmodel.report.plots.work import contour

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

SWEEP_FIGURES = ("accuracy", "parameters", "contour")


def of_sweep(frame: pandas.DataFrame, figure: str = "accuracy") -> Figure:
    """``"accuracy"`` against multiply-adds, or against ``"parameters"``, or the ``"contour"`` of the multiply-adds.

    Raises :class:`~costmodel.errors.CostModelError` for another name, and where the frame does not hold what the
    picture shows.
    """
    if figure == "accuracy":
        return tradeoff(frame)
    if figure == "parameters":
        return tradeoff(frame, "parameters")
    if figure == "contour":
        return contour(frame)
    raise CostModelError(f"figure={figure!r} is no picture of a sweep; there are {', '.join(SWEEP_FIGURES)}")
