"""A roofline: what rate each operation can reach, by how much it computes with each byte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from costmodel.analyses.roofline import Roofline
from costmodel.core.graph import Node
from costmodel.errors import CostModelError
from costmodel.report.costs import subject
from costmodel.report.plots.canvas import COLORS, finish, logarithmic, logarithmic_upward, panels, style, unit
from costmodel.report.roofline import machine_text
from costmodel.report.units import duration, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = ("o", "s", "^", "D", "v", "P")
#: FLOPs a byte and FLOPs a second -> the share of the time that is spent there.
_Points: TypeAlias = dict[tuple[float, float], float]

#: Square points of a marker that has all of the time, and the least that is seen.
_LARGEST, _SMALLEST = 1500.0, 25.0


def roofline(bounds: Roofline, measured: Mapping[Node, float] | None = None) -> Figure:
    """Attainable FLOPs a second of each operation against its FLOPs a byte, under the roof of the machine.

    Both axes are logarithmic; a marker is as large as the share of the time. With ``measured``, the seconds that
    operations took, they stand at the rate that they reached. Raises
    :class:`~costmodel.errors.CostModelError` for a network without multiply-adds.

    >>> import costmodel as cm
    >>> roofline(cm.mobilenet_v1().roofline("t4")).axes[0].get_xlabel()
    'arithmetic intensity (FLOPs a byte)'
    """
    seconds = measured or {node: float(bound.seconds) for node, bound in bounds.bounds.items()}
    kinds = _by_type(bounds, seconds)
    points = [point for shares in kinds.values() for point in shares]
    peak, bandwidth, ridge = map(float, (bounds.machine.peak, bounds.machine.bandwidth, bounds.machine.ridge))
    low = min(*[x for x, _ in points], ridge / 8)
    high = max(*[x for x, _ in points], ridge * 8)
    bottom, top = min([*[y for _, y in points], low * bandwidth]) / 1.5, 1.8 * peak
    scale = unit(int(peak))
    with style():
        figure, (axes,) = panels(1, height=5.2)
        roof = [(x, min(peak, x * bandwidth) / scale.factor) for x in (low / 2, ridge, high * 2)]
        axes.plot(*zip(*roof, strict=True), color=COLORS[0], zorder=2)
        for place, (name, shares) in enumerate(kinds.items()):
            xs, ys = zip(*shares, strict=True)
            sizes = [max(_LARGEST * share, _SMALLEST) for share in shares.values()]
            axes.scatter(xs, [y / scale.factor for y in ys], s=sizes, label=name, clip_on=False, **_look(place))
        logarithmic(axes, low, high)
        logarithmic_upward(axes, bottom / scale.factor, top / scale.factor)
        _name_sides(axes, ridge)
        axes.set_xlabel("arithmetic intensity (FLOPs a byte)")
        axes.set_ylabel(f"{'reached' if measured else 'attainable'} ({scale.prefix}FLOPS)")
        return finish(figure, _caption(bounds, seconds, measured is not None), _handles(list(kinds)))


def _by_type(bounds: Roofline, seconds: Mapping[Node, float]) -> dict[str, _Points]:
    """Of each type that multiplies, its points (FLOPs a byte, FLOPs a second), each with its share of the time.

    The types that take longest come first; those beyond the markers are one.
    """
    types: dict[str, _Points] = {}
    total = sum(seconds.values())
    for node, bound in bounds.bounds.items():
        if bound.flops and seconds.get(node):
            point = float(bound.intensity), bound.flops / seconds[node]
            _add(types.setdefault(node.label, {}), point, seconds[node] / total)
    if not types:
        raise CostModelError(f"{bounds.network.name} has no multiply-adds; there is no rate to draw")
    ordered = sorted(types.items(), key=lambda kind: -sum(kind[1].values()))
    if len(ordered) <= len(_MARKERS):
        return dict(ordered)
    first = len(_MARKERS) - 1
    others: _Points = {}
    for point, share in (one for _, points in ordered[first:] for one in points.items()):
        _add(others, point, share)
    return {**dict(ordered[:first]), "other": others}


def _add(points: _Points, point: tuple[float, float], share: float) -> None:
    points[point] = points.get(point, 0.0) + share


def _name_sides(axes: Axes, ridge: float) -> None:
    """What binds left and right of the ridge."""
    axes.axvline(ridge, color="#808080", linewidth=1.2, zorder=1)
    for text, side in (("memory binds ", "right"), (" compute binds", "left")):
        axes.text(ridge, 0.02, text, transform=axes.get_xaxis_transform(), ha=side, va="bottom", color="#404040")


def _look(place: int) -> dict[str, Any]:
    """The marker and color of a type."""
    return {"marker": _MARKERS[place], "color": COLORS[place + 1], "alpha": 0.75, "edgecolor": "white", "zorder": 3}


def _handles(names: list[str]) -> list[Any]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], linestyle="none", marker=_MARKERS[place], markersize=9, color=COLORS[place + 1], label=name)
        for place, name in enumerate(names)
    ]


def _caption(bounds: Roofline, seconds: Mapping[Node, float], measured: bool) -> str:
    total = sum(seconds.values())
    rest = sum(took for node, took in seconds.items() if not bounds.bounds[node].flops)
    time = f"Measured {duration(total)}" if measured else f"At least {duration(total)}"
    shown = f" Not drawn: operations without multiply-adds, {percent(rest / total)} of the time." if rest else ""
    return (
        f"{subject(bounds.network, bounds.batch)}. {machine_text(bounds.machine)}. {time}; large markers take much of"
        f" the time.{shown}"
    )
