"""Plots for a paper, each one call, and :func:`save`. The only room that loads matplotlib, when one is drawn.

Every function returns a ``matplotlib.figure.Figure`` of its own: no pyplot, no display, no state. Plots are 6.8
inches wide, so that at half of it, a column of a paper, the smallest text has 8 points.

>>> import costmodel as cm
>>> figure = depth(cm.mobilenet_v2())
>>> [axes.get_xlabel() for axes in figure.axes]
['multiply-adds (M)', 'parameters (M)']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costmodel.errors import CostModelError
from costmodel.report.plots.accuracy import OwnPoint, parse_point, tradeoff, unmeasured
from costmodel.report.plots.files import plot_path, save
from costmodel.report.plots.latency import latency
from costmodel.report.plots.layers import depth, types
from costmodel.report.plots.memory import memory
from costmodel.report.plots.ratio import separable_ratio
from costmodel.report.plots.roofline import roofline
from costmodel.report.plots.space import space
from costmodel.report.plots.work import contour

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas
    from matplotlib.figure import Figure

__all__ = [
    "SWEEP_PLOTS",
    "OwnPoint",
    "contour",
    "depth",
    "latency",
    "memory",
    "of_sweep",
    "plot_path",
    "roofline",
    "save",
    "separable_ratio",
    "space",
    "tradeoff",
    "types",
    "unmeasured",
]

SWEEP_PLOTS = ("accuracy", "parameters", "peak_memory", "size", "contour", "time")


def of_sweep(frame: pandas.DataFrame, kind: str = "accuracy", points: Sequence[str] = ()) -> Figure:
    """``"accuracy"`` or measured ``"time"`` against multiply-adds, or a ``"contour"`` of the multiply-adds.

    ``"parameters"``, ``"peak_memory"`` and ``"size"`` are the accuracy against these; ``points`` of one's own,
    ``"mine:310M:72.4"``, are drawn beside what was measured.

    Raises :class:`~costmodel.errors.CostModelError` for another kind, and where the frame does not hold what it shows.
    """
    if kind not in SWEEP_PLOTS:
        raise CostModelError(f"kind={kind!r} is no plot of a sweep; there are {', '.join(SWEEP_PLOTS)}")
    if points and kind in ("contour", "time"):
        raise CostModelError(f"a point has an accuracy, which a plot of {kind} does not show; leave it out")
    if kind == "contour":
        return contour(frame)
    if kind == "time":
        return latency(frame)
    against = "multiply_adds" if kind == "accuracy" else kind
    return tradeoff(frame, against, [parse_point(text, against) for text in points])
