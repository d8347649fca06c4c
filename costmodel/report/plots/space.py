"""How many networks of a search space cost how much."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from costmodel.errors import CostModelError
from costmodel.report.plots.canvas import COLORS, DASHES, finish, number, panels, style, unit
from costmodel.scaling.spaces.space import Space

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Bars across the plot.
_BARS = 200

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def space(space: Space, budget: int | None = None, chosen: tuple[tuple[str, ...], ...] = ()) -> Figure:
    """The share of the networks in each of 200 equal parts of the range of costs, on a logarithmic axis.

    With a line at the ``budget``, and a marker on the axis for each of the ``chosen`` networks. Raises
    :class:`~costmodel.errors.CostModelError` where all networks cost the same.

    >>> import costmodel as cm
    >>> space(cm.space("nas_bench_201"), budget=50_000_000).axes[0].get_xlabel()
    'multiply-adds (M)'
    """
    low, high = space.smallest, space.largest
    if low == high:
        raise CostModelError(f"{space.name}: all networks cost {low:,} {space.quantity}; there is nothing to draw")
    scale = unit(high)
    edges = [(low + (high - low) * place / _BARS) / scale.factor for place in range(_BARS + 1)]
    counted = space.histogram(max(1, (high - low) >> 20))
    shares = [0.0] * _BARS
    for cost, networks in zip(counted.costs.tolist(), counted.numbers.tolist(), strict=True):
        shares[min((cost - low) * _BARS // (high - low), _BARS - 1)] += networks / space.networks
    with style():
        figure, (axes,) = panels(1, height=4.8)
        axes.stairs(shares, edges, fill=True, color=COLORS[2], label="networks")
        _logarithmic_shares(axes, min(share for share in shares if share))
        handles, _ = axes.get_legend_handles_labels()
        if budget is not None:
            at = budget / scale.factor
            handles.append(axes.axvline(at, color=COLORS[1], linestyle=DASHES[1], label="budget", zorder=3))
        if chosen:
            costs = [getattr(space.network(choices), space.quantity) / scale.factor for choices in chosen]
            look: dict[str, Any] = {"color": COLORS[0], "markersize": 10, "clip_on": False, "zorder": 4}
            handles += axes.plot(costs, [axes.get_ylim()[0]] * len(costs), "^", label="chosen", **look)
        axes.set_xlabel(scale.label(space.quantity.replace("multiply_adds", "multiply-adds")))
        axes.set_ylabel("share of the networks")
        near = f" Each within {number(counted.spread)} of where it is drawn." if counted.spread else ""
        fit = "" if budget is None else f" {space.within(budget):,} of them are within the budget."
        return finish(figure, f"{space.name}: all {space.networks:,} networks.{near}{fit}", handles)


def _logarithmic_shares(axes: Axes, least: float) -> None:
    """Powers of ten as plain text: captions and names may hold a dollar, so nothing is read as mathematics."""
    powers = range(math.floor(math.log10(least)), 1)
    step = -(-len(powers) // 7)
    axes.set_yscale("log")
    axes.set_ylim(bottom=least)
    shown = [power for power in powers[::-1][::step] if 10.0**power >= least]
    labels = [f"10{str(power).translate(_SUPERSCRIPTS)}" if power else "1" for power in shown]
    axes.set_yticks([10.0**power for power in shown], labels)
    axes.minorticks_off()
