"""Memory along a network: what is alive while each operation runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costmodel.analyses.memory import Memory
from costmodel.quantities import precision
from costmodel.report.costs import subject
from costmodel.report.plots.canvas import COLORS, finish, number, panels, style, unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def memory(usage: Memory) -> Figure:
    """Bytes that are alive while each operation runs, in order: those from before it, and on top what it makes.

    >>> import costmodel as cm
    >>> memory(cm.mobilenet_v2().memory("int8")).axes[0].get_ylabel()
    'alive (MB)'
    """
    rows = usage.rows
    scale = unit(usage.peak_bytes)
    places = range(1, len(rows) + 1)
    with style():
        figure, (axes,) = panels(1, height=4.6)
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        live = [row.live / scale.factor for row in rows]
        before = [(row.live - row.made) / scale.factor for row in rows]
        axes.bar(places, before, color=COLORS[2], label="alive before", width=1.0)
        added = [top - low for top, low in zip(live, before, strict=True)]
        axes.bar(places, added, bottom=before, color=COLORS[5], label="made", width=1.0)
        peak = max(live)
        axes.plot([1 + live.index(peak)], [peak], "v", color=COLORS[1], markersize=9, clip_on=False, label="peak")
        axes.set_xlabel("operation")
        axes.set_ylabel(scale.label("alive").replace(f"({scale.prefix})", f"({scale.prefix}B)"))
        axes.set_ylim(0, 1.08 * peak)
        axes.set_xlim(0.5, len(rows) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.grid(visible=True, axis="y")
        caption = (
            f"{subject(usage.network)}. Peak {usage.peak_bytes:,} bytes at {usage.at}; values at"
            f" {precision(usage.types)}, policy {usage.policy.name}."
        )
        return finish(figure, caption, axes.get_legend_handles_labels()[0])
