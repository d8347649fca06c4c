"""Multiply-adds against measured time: what a count is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costmodel.errors import CostModelError
from costmodel.published.tables import paper_table
from costmodel.report.plots.accuracy import MARKERS, told_apart
from costmodel.report.plots.canvas import (
    COLORS,
    finish,
    logarithmic,
    logarithmic_upward,
    panels,
    shortened,
    style,
    unit,
)
from costmodel.scaling.measured import MACHINES, MODES

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure


def latency(frame: pandas.DataFrame, machine: str = "i9_10940x_ms") -> Figure:
    """Milliseconds an image against multiply-adds, for the designs of a sweep that were timed on ``machine``.

    ``frame`` has the columns of a sweep. ``machine`` is one of those of times, ``i9_10940x_ms`` or ``rtx_4090_ms``. A
    line joins the designs of one model. Both axes are logarithmic: where the count told the time, the points would
    climb along one line.

    Raises :class:`~costmodel.errors.CostModelError` for another machine, where no design was timed on it, and for
    more models than a reader can tell apart.
    """
    if machine not in MACHINES:
        raise CostModelError(f"no design was timed on {machine!r}; there are {', '.join(MACHINES)}")
    missing = [column for column in ("model", "variant", "multiply_adds", machine) if column not in frame.columns]
    if missing:
        raise CostModelError(f"the frame has no column {missing[0]}; the plot is of what sweep returns")
    known = frame[frame[machine].notna()].sort_values("multiply_adds")
    if known.empty:
        raise CostModelError(
            f"none of the {len(frame):,} designs was timed on that machine; sweep what was, such as mobilenet_v1,"
            " mobilenet_v2 or resnet50 at resolution 224"
        )
    names = known["model"].str.cat(known["variant"], sep=":").str.rstrip(":")
    markers = told_apart("model", names.tolist(), MARKERS)
    counts, times = known["multiply_adds"], known[machine]
    scale = unit(int(counts.max()))
    with style():
        figure, (axes,) = panels(1, height=5.6)
        for place, (name, marker) in enumerate(markers.items()):
            own = names == name
            look: dict[str, Any] = {"color": COLORS[place % len(COLORS)], "marker": marker, "markersize": 10}
            xs, ys = (counts[own] / scale.factor).tolist(), times[own].tolist()
            axes.plot(xs, ys, label=shortened(name, 40), linewidth=1.2, markeredgecolor="white", clip_on=False, **look)
        logarithmic(axes, counts.min() / scale.factor, counts.max() / scale.factor)
        logarithmic_upward(axes, times.min() / 1.2, times.max() * 1.2)
        axes.set_xlabel(scale.label("multiply-adds"))
        axes.set_ylabel("measured (ms an image)")
        source = next(row.source for row in paper_table("latency_timm") if row.machine == MACHINES[machine])
        caption = f"{MACHINES[machine]}, {MODES[machine]}: {len(known)} designs, measured by {source}."
        return finish(figure, caption, axes.get_legend_handles_labels()[0])
