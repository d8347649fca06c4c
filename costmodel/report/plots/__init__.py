"""Pictures for a paper, each one call, and :func:`save`. The only room that loads matplotlib, when one is drawn.

Every function returns a ``matplotlib.figure.Figure`` of its own: no pyplot, no display, no state. Pictures are 6.8
inches wide, so that at half of it, a column of a paper, the smallest text has 8 points.

>>> import costmodel as cm
>>> figure = depth(cm.mobilenet_v2())
>>> [axes.get_xlabel() for axes in figure.axes]
['multiply-adds (M)', 'parameters (M)']
"""

from __future__ import annotations

from costmodel.report.plots.accuracy import tradeoff
from costmodel.report.plots.files import picture_path, save
from costmodel.report.plots.layers import depth, types
from costmodel.report.plots.ratio import separable_ratio
from costmodel.report.plots.sweep import SWEEP_FIGURES, of_sweep
from costmodel.report.plots.work import contour

__all__ = [
    "SWEEP_FIGURES",
    "contour",
    "depth",
    "of_sweep",
    "picture_path",
    "save",
    "separable_ratio",
    "tradeoff",
    "types",
]
