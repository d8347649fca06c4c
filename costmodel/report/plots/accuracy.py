"""Accuracy against cost: the trade-off that an architecture offers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from costmodel.errors import CostModelError
from costmodel.quantities import SIZES, parse_quantity, precision
from costmodel.report.plots.canvas import COLORS, DASHES, finish, logarithmic, panels, shortened, style, unit
from costmodel.scaling import pareto

if TYPE_CHECKING:
    import pandas
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Cost column -> what its axis is called.
COSTS = {
    "multiply_adds": "multiply-adds",
    "parameters": "parameters",
    "peak_memory": "bytes of peak memory",
    "size": "bytes of parameters",
}

#: How far apart the names of two marks stand on the axis, of its length.
_MARK_GAP = 0.055
MARKERS = ("v", "s", "^", "o", "D", "P", "X", "p", "<", ">", "*", "h", "d", "8")
_FRONT: dict[str, Any] = {"color": "#C8C8C8", "linewidth": 7}
_OWN: dict[str, Any] = {"linewidth": 1.6, "drawstyle": "steps-post", "zorder": 2}
_COLUMNS = ("model", "variant", "alpha", "resolution", "multiply_adds", "parameters", "top1", "top1_source")


class MeasuredDesign(NamedTuple):
    """A network whose accuracy somebody measured: top-1 in percent, where that is printed, and what it is drawn at."""

    model: str
    alpha: float
    resolution: int
    top1: float
    source: str
    cost: int


class OwnPoint(NamedTuple):
    """A design of the reader's own: its name, what it costs, and its top-1 accuracy in percent."""

    name: str
    cost: int
    top1: float


def parse_point(text: str, against: str) -> OwnPoint:
    """``NAME:COST:TOP1``, the cost with its unit.

    Raises :class:`~costmodel.errors.CostModelError` for anything else.

    >>> parse_point("mine:310M:72.4", "multiply_adds")
    OwnPoint(name='mine', cost=310000000, top1=72.4)
    """
    name, colon, top1 = text.rpartition(":")
    name, second, cost = name.rpartition(":")
    if not (colon and second and name.strip()):
        raise CostModelError(f"{text!r} is no point; write NAME:COST:TOP1, as in mine:310M:72.4")
    try:
        percent = float(top1)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise CostModelError(f"{top1!r} of the point {name} is no accuracy in percent; write it as in mine:310M:72.4")
    amount = int(parse_quantity(cost, against).amount)
    if amount == 0:
        raise CostModelError(f"the point {name} costs 0, which has no place on a logarithmic axis; write what it costs")
    return OwnPoint(name, amount, percent)


def tradeoff(frame: pandas.DataFrame, against: str = "multiply_adds", points: Sequence[OwnPoint] = ()) -> Figure:
    """Top-1 accuracy against ``"multiply_adds"``, ``"parameters"``, ``"peak_memory"`` or ``"size"`` of the designs of a
    sweep that were measured.

    Color is the resolution, the marker alpha, the outline the model. The wide grey staircase is the Pareto front of
    all models, a thin one that of each: the best accuracy that so much buys. Models that nobody measured are marks on
    the axis of cost, and ``points`` of one's own stand outside all fronts.

    ``frame`` has the columns of a sweep: model, variant, alpha, resolution, multiply_adds, parameters, top1 (percent,
    empty where nobody measured) and top1_source.

    Raises :class:`~costmodel.errors.CostModelError` where no design was measured, and for more alphas or models than
    a reader can tell apart.
    """
    if against not in COSTS:
        raise CostModelError(f"against={against!r} is no cost of the trade-off; there are {', '.join(COSTS)}")
    designs = _measured(frame, against)
    marks = _axis_marks(frame, against)
    markers = told_apart("alpha", sorted(design.alpha for design in designs), MARKERS)
    colors = told_apart("model", (design.model for design in designs), COLORS)
    with style():
        faces = _shades([design.resolution for design in designs])
        figure, (axes,) = panels(1, height=max(5.2, 0.3 * (len(markers) + len(faces)) + 1.5))
        scale = unit(max([design.cost for design in designs] + [cost for own in marks.values() for cost in own]))
        places = [(design.cost / scale.factor, design.top1) for design in designs]
        costs = [cost for cost, _ in places]
        _draw_front(axes, [places[index] for index in pareto.front(places)], max(costs))
        dashes = {model: DASHES[place % len(DASHES)] for place, model in enumerate(colors)}
        for model, color in colors.items():
            own = [point for point, design in zip(places, designs, strict=True) if design.model == model]
            best = [own[index] for index in pareto.front(own)]
            axes.plot(*zip(*best, strict=True), color=color, linestyle=dashes[model], **_OWN)
        # Wide markers first: of two designs that nearly agree, both are seen.
        for (cost, top1), design in sorted(zip(places, designs, strict=True), key=lambda drawn: -drawn[1].alpha):
            look = _point(markers[design.alpha], faces[design.resolution], colors[design.model])
            axes.plot([cost], [top1], linestyle="none", zorder=3, **look)
        marked = {model: [cost / scale.factor for cost in own] for model, own in marks.items()}
        own_costs = [point.cost / scale.factor for point in points]
        drawn = costs + own_costs + [cost for own in marked.values() for cost in own]
        logarithmic(axes, min(drawn), max(drawn))
        _mark(axes, marked)
        for point, cost in zip(points, own_costs, strict=True):
            axes.plot([cost], [point.top1], "+", color="#D00000", markersize=16, markeredgewidth=3, zorder=5)
            label = axes.annotate(shortened(point.name, 24), (cost, point.top1), (9, 9), textcoords="offset points")
            label.set(color="#D00000", zorder=5, parse_math=False)
            if cost > (min(drawn) * max(drawn)) ** 0.5:
                label.set(ha="right", position=(-9, 9))
        axes.set_xlabel(scale.label(COSTS[against]))
        axes.set_ylabel("top-1 accuracy (%)")
        _explain(axes, markers, faces)
        at = f" Bytes at {precision(frame.attrs['dtype'])}." if against in SIZES and "dtype" in frame.attrs else ""
        return finish(figure, _caption(designs, len(frame), marks) + at, _models(colors, dashes))


def _measured(frame: pandas.DataFrame, against: str) -> list[MeasuredDesign]:
    missing = [column for column in (*_COLUMNS, against) if column not in frame.columns]
    if missing and missing[0] in SIZES:
        raise CostModelError(f"the sweep has no {missing[0]}; sweep at a type, as in dtype='int8'")
    if missing:
        raise CostModelError(f"the frame has no column {missing[0]}; a trade-off needs {', '.join(_COLUMNS)}")
    known = frame[frame["top1"].notna()]
    if known.empty:
        raise CostModelError(
            f"none of the {len(frame):,} designs has a measured accuracy; sweep what was measured, such as"
            " mobilenet_v1 or mobilenet_v2 at alpha 0.5,0.75,1.0 and resolution 128,160,192,224"
        )
    for column in ("alpha", "resolution", "multiply_adds", "parameters", against):
        if not all(isinstance(value, (int, float)) and value > 0 for value in known[column].tolist()):
            raise CostModelError(f"a design with a measured accuracy has no single {column} above 0; leave it out")
    shown = ("model", "variant", "alpha", "resolution", "top1", "top1_source", against)
    rows = zip(*(known[column].tolist() for column in shown), strict=True)
    return [
        MeasuredDesign(f"{model}:{variant}" if isinstance(variant, str) and variant else str(model), *others)
        for model, variant, *others in rows
    ]


def unmeasured(frame: pandas.DataFrame) -> list[str]:
    """The models of a sweep no design of which has a measured accuracy, with their variants."""
    return list(_axis_marks(frame, "multiply_adds"))


def _axis_marks(frame: pandas.DataFrame, against: str) -> dict[str, list[int]]:
    """What each model that nobody measured costs, from the cheapest design to the most expensive one."""
    rows = [*zip(*(frame[column].tolist() for column in ("model", "variant", "top1", against)), strict=True)]
    named = [
        (f"{model}:{variant}" if isinstance(variant, str) and variant else str(model), top1, cost)
        for model, variant, top1, cost in rows
    ]
    measured = {name for name, top1, _ in named if top1 == top1}  # NaN is not itself
    marks: dict[str, list[int]] = {}
    for name, _, cost in named:
        if name not in measured and isinstance(cost, (int, float)) and cost > 0:
            marks.setdefault(name, []).append(int(cost))
    return dict(sorted(((name, sorted(own)) for name, own in marks.items()), key=lambda mark: mark[1][0]))


def _mark(axes: Axes, marks: dict[str, list[float]]) -> None:
    """Each cost as a tick on the lower axis, and the name upright above the cheapest, beside the one before it."""
    from math import log

    low, high = axes.get_xlim()
    upright = axes.get_xaxis_transform()
    last = -1.0
    for name, costs in marks.items():
        axes.plot(
            costs, [0.0] * len(costs), linestyle="none", marker=2, color="#404040", markersize=14, transform=upright
        )
        place = min(max(log(costs[0] / low) / log(high / low) + 0.01, last + _MARK_GAP), 1 - _MARK_GAP)
        last = place
        text = axes.text(place, 0.06, shortened(name, 24), rotation="vertical", transform=axes.transAxes, zorder=4)
        text.set(color="#404040", va="bottom", ha="center", parse_math=False)


def told_apart(what: str, values: Iterable[Any], looks: Sequence[str]) -> dict[Any, str]:
    """Each different value with a look of its own."""
    different = list(dict.fromkeys(values))
    if len(different) > len(looks):
        raise CostModelError(
            f"designs of {len(different)} {what}s were measured, and a reader tells {len(looks)} apart;"
            " draw a part of the frame"
        )
    return dict(zip(different, looks, strict=False))


def _shades(resolutions: Iterable[int]) -> dict[int, Any]:
    """cividis, dark to light: it reads the same with every kind of color vision, and in grey."""
    from matplotlib import colormaps

    different = sorted(set(resolutions))
    steps = max(len(different) - 1, 1)
    return {value: colormaps["cividis"](place / steps) for place, value in enumerate(different)}


def _point(marker: str, face: Any, edge: str) -> dict[str, Any]:
    return {
        "marker": marker,
        "markersize": 11,
        "markerfacecolor": face,
        "markeredgecolor": edge,
        "markeredgewidth": 1.8,
    }


def _draw_front(axes: Axes, best: list[tuple[float, float]], end: float) -> None:
    """A staircase: between two designs there is none, so the cheaper one's accuracy holds up to the next."""
    stairs = [*best, (end, best[-1][1])]
    axes.plot(*zip(*stairs, strict=True), drawstyle="steps-post", solid_joinstyle="miter", zorder=1, **_FRONT)


def _explain(axes: Axes, markers: dict[float, str], faces: dict[int, Any]) -> None:
    """Right of the axes, alpha from the top down and the resolutions from the bottom up."""
    from matplotlib.lines import Line2D

    def entry(label: str, marker: str, face: Any) -> Line2D:
        return Line2D([], [], linestyle="none", label=label, **_point(marker, face, "#404040"))

    alphas = [entry(str(float(alpha)), marker, "white") for alpha, marker in markers.items()]
    resolutions = [entry(str(int(resolution)), "o", face) for resolution, face in faces.items()]
    place: dict[str, Any] = {"frameon": False, "borderpad": 0, "alignment": "left", "borderaxespad": 0}
    place |= {"handlelength": 1.2, "handletextpad": 0.4, "labelspacing": 0.2}
    above = axes.legend(handles=alphas, title="alpha", loc="upper left", bbox_to_anchor=(1.03, 1), **place)
    axes.add_artist(above)
    axes.legend(handles=resolutions, title="resolution", loc="lower left", bbox_to_anchor=(1.03, 0), **place)


def _models(colors: dict[str, str], dashes: dict[str, Any]) -> list[Artist]:
    from matplotlib.lines import Line2D

    shown = [
        Line2D([], [], color=color, linestyle=dashes[model], linewidth=_OWN["linewidth"], **_point("o", "white", color))
        for model, color in colors.items()
    ]
    for line, model in zip(shown, colors, strict=True):
        line.set_label(shortened(model, 40))
    return [*shown, Line2D([], [], label="Pareto front of all", **_FRONT)]


def _caption(designs: Sequence[MeasuredDesign], swept: int, marks: Iterable[str]) -> str:
    part = f"The {len(designs)} of {swept:,} designs that were measured. " if len(designs) < swept else ""
    sources = dict.fromkeys(design.source for design in designs if isinstance(design.source, str))
    names = ", ".join(marks)
    part += f"On the axis, as nobody measured them: {names}. " if names else ""
    return f"{part}ImageNet top-1 accuracy: {'; '.join(sources) or 'no source given'}. Costs: counted by costmodel."
