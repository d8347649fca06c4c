"""The cost surface over (alpha, resolution)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from costmodel.errors import CostModelError
from costmodel.models.registry import FAMILIES, architecture
from costmodel.report.plots.canvas import Unit, finish, number, panels, round_values, style, unit
from costmodel.report.sweep import not_counted_in

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = ("model", "variant", "alpha", "resolution", "multiply_adds")
#: With more designs than this, a dot each would be a grey field.
_MOST_DOTS = 600
_MOST_TICKS = 10
#: Room for the name of a line, as a share of the axis.
_LABEL = 0.07


def contour(frame: pandas.DataFrame, budgets: Sequence[int] = ()) -> Figure:
    """Multiply-adds over (alpha, resolution), with a line a budget: round ones, unless ``budgets`` are given.

    ``frame`` is the sweep of one model over every pair of its alphas and resolutions, at least two of each. The
    designs that were counted are dots; the lines are drawn between them.

    Raises :class:`~costmodel.errors.CostModelError` for another frame, and where no budget lies within the surface.
    """
    name, grid = _surface(frame)
    counts = [int(count) for row in grid.to_numpy().tolist() for count in row]
    low, high = min(counts), max(counts)
    if low < 1:
        raise CostModelError(f"{name} takes no multiply-adds; there is nothing to draw")
    scale = unit(high)
    wanted = [budget / scale.factor for budget in budgets] or round_values(low / scale.factor, high / scale.factor)
    levels = sorted({level for level in wanted if low < level * scale.factor < high})
    if not levels:
        raise CostModelError(f"no budget lies between {low:,} and {high:,} multiply-adds, all that the designs take")
    with style():
        figure, (axes,) = panels(1, height=5.2)
        _draw(axes, grid, [low / scale.factor, *levels, high / scale.factor], scale)
        axes.set_xlabel("width multiplier alpha")
        axes.set_ylabel("resolution (pixels)")
        if grid.shape[1] <= _MOST_TICKS:
            axes.set_xticks(_apart(grid.columns.to_list(), 1 / 8))
        if grid.shape[0] <= _MOST_TICKS:
            axes.set_yticks(_apart(grid.index.to_list(), 1 / 16))
        dots = " (dots)" if grid.size <= _MOST_DOTS else ""
        counted = f"multiply-adds of {grid.size:,} designs, counted by costmodel{dots}"
        missing = not_counted_in(frame)
        higher = f" Not counted: {missing}; the true cost is higher." if missing else ""
        return finish(figure, f"{_source(name)}: {counted}; lines of equal cost drawn between them.{higher}")


def _apart(values: list[Any], share: float) -> list[Any]:
    """Those of ``values`` whose labels fit next to each other, where each takes ``share`` of the axis."""
    kept = values[:1]
    for value in values[1:]:
        if value - kept[-1] >= share * (values[-1] - values[0]):
            kept.append(value)
    return kept


def _source(name: str) -> str:
    base, _, _ = name.partition(":")
    return f"{name} ({architecture(base).summary})" if base in FAMILIES else name


def _draw(axes: Axes, grid: pandas.DataFrame, levels: Sequence[float], scale: Unit) -> None:
    from matplotlib.colors import LogNorm

    alphas, resolutions = grid.columns.to_list(), grid.index.to_list()
    counts = grid.to_numpy(dtype=float) / scale.factor
    norm = LogNorm(levels[0], levels[-1])
    bands = axes.contourf(alphas, resolutions, counts, levels=levels, cmap="cividis", norm=norm)
    lines = axes.contour(alphas, resolutions, counts, levels=levels[1:-1], colors="black", linewidths=1.6)
    if grid.size <= _MOST_DOTS:
        across, up = zip(*product(alphas, resolutions), strict=True)
        axes.plot(
            across, up, "o", color="white", markersize=4, markeredgecolor="black", markeredgewidth=0.7, clip_on=False
        )
    _label_lines(
        axes, [[point for part in line for point in part.tolist()] for line in lines.allsegs], levels[1:-1], scale
    )
    key = axes.figure.colorbar(bands, ax=axes, spacing="uniform", pad=0.03)
    key.set_ticks(list(levels[1:-1]), labels=[number(level) for level in levels[1:-1]])
    key.set_label(scale.label("multiply-adds"))


def _label_lines(axes: Axes, lines: Sequence[Sequence[Any]], budgets: Sequence[float], scale: Unit) -> None:
    """Name each line where it crosses the diagonal: there they are far apart. In the corners the bar has the names."""
    from matplotlib.patheffects import withStroke

    inside = axes.transLimits.transform
    last = 0.0
    for points, budget in zip(lines, budgets, strict=True):
        x, y = min(points, key=lambda point: abs(float(inside(point)[0] - inside(point)[1])))
        across = float(inside((x, y)).mean())
        if last + _LABEL < across < 1 - _LABEL:
            text = axes.text(x, y, f"{number(budget)} {scale.prefix}", ha="center", va="center", zorder=4)
            text.set_path_effects([withStroke(linewidth=5, foreground="white")])
            last = across


def _surface(frame: pandas.DataFrame) -> tuple[str, pandas.DataFrame]:
    """The model, and its multiply-adds with resolutions down and alphas across."""
    missing = [column for column in _COLUMNS if column not in frame.columns]
    if missing:
        raise CostModelError(f"the frame has no column {missing[0]}; a contour needs {', '.join(_COLUMNS)}")
    names = frame[["model", "variant"]].fillna("").drop_duplicates().agg(":".join, axis=1).str.rstrip(":").to_list()
    if len(names) != 1:
        raise CostModelError(f"a contour is of one model, the frame has {len(names)}; sweep one of {', '.join(names)}")
    pairs = frame[["alpha", "resolution"]].drop_duplicates()
    if len(pairs) != len(frame):
        raise CostModelError(
            "the frame has an alpha and resolution twice; a contour knows no other axis, sweep these alone"
        )
    if not all(isinstance(size, (int, float)) for size in frame["resolution"].tolist()):
        raise CostModelError("a contour is over square images; sweep whole numbers as resolutions")
    grid = frame.pivot(index="resolution", columns="alpha", values="multiply_adds")
    if min(grid.shape) < 2 or grid.size != len(frame):
        raise CostModelError(
            f"{len(frame)} designs do not fill a grid of {grid.shape[1]} alphas by {grid.shape[0]} resolutions;"
            " a contour needs every pair, of at least two each"
        )
    return names[0], grid
