"""Where in a network the cost sits: along its depth, and by type of layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from costmodel.core.ledger import operators_text
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.report.costs import subject
from costmodel.report.plots.canvas import COLORS, TEXT, finish, number, panels, shortened, style, unit
from costmodel.report.units import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Inches from one labeled row to the next, and for the axis below the rows.
_ROW = 1.2 * TEXT / 72
_AXIS = 0.95
_TALLEST = 12.0
_WORK, _STORED = COLORS[2], COLORS[5]


def depth(network: Network, by: str = "block", depth: int = 2, batch: int = 1) -> Figure:
    """Multiply-adds and parameters of each ``"block"``, ``"layer"`` or ``"stage"``, from the input down: a bar each.

    ``depth`` and ``batch`` as for :meth:`Network.table <costmodel.core.network.Network.table>`. Parts without any cost
    are left out. Raises :class:`~costmodel.errors.CostModelError` for a network that costs nothing.
    """
    parts = network.ledger.batched(batch).by(by, depth)
    costs = {name: (part.multiply_adds, part.parameters) for name, part in parts.items()}
    costs = _costly(network, costs)
    with style():
        figure, both = panels(2, height=_height(len(costs)))
        for axes, what, color, column in zip(
            both, ("multiply-adds", "parameters"), (_WORK, _STORED), zip(*costs.values(), strict=True), strict=True
        ):
            scale = unit(max(column))
            axes.barh(range(len(costs)), [value / scale.factor for value in column], color=color, height=0.8)
            axes.set_xlabel(scale.label(what))
            _from_zero(axes)
        _name_rows(both[0], costs)
        return finish(figure, _caption(network, batch, len(parts) - len(costs), by))


def types(network: Network) -> Figure:
    """Share of the multiply-adds and of the weights by type of layer, in percent: MobileNetV1's Table 2.

    Types that hold neither are left out, as there: norms, activations, pooling. Raises
    :class:`~costmodel.errors.CostModelError` for a network that costs nothing.
    """
    parts = network.ledger.by("type")
    costs = _costly(network, {name: (part.multiply_adds, part.weights) for name, part in parts.items()})
    costs = dict(sorted(costs.items(), key=lambda cost: cost[1], reverse=True))
    totals = (network.multiply_adds, network.weights)
    with style():
        figure, (axes,) = panels(1, height=_height(2 * len(costs)) + 0.4)
        for place, (what, color) in enumerate((("multiply-adds", _WORK), ("weights", _STORED))):
            shares = [cost[place] / totals[place] for cost in costs.values()]
            rows = [row + 0.4 * place - 0.2 for row in range(len(costs))]
            axes.barh(rows, [100 * share for share in shares], height=0.4, color=color, label=what)
            for row, share in zip(rows, shares, strict=True):
                axes.annotate(percent(share), (100 * share, row), (5, 0), textcoords="offset points", va="center")
        _name_rows(axes, costs)
        axes.set_xlabel("share (%)")
        _from_zero(axes)
        axes.set_xlim(right=130)  # room for the number next to a full bar
        axes.set_xticks(range(0, 101, 20))
        handles, _ = axes.get_legend_handles_labels()
        return finish(figure, _caption(network, 1, len(parts) - len(costs), "type"), handles)


def _costly(network: Network, costs: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    costly = {name: cost for name, cost in costs.items() if any(cost)}
    if not costly:
        raise CostModelError(f"{network.name} has neither multiply-adds nor parameters; there is no cost to draw")
    return costly


def _height(rows: int) -> float:
    return min(_ROW * rows, _TALLEST) + _AXIS


def _from_zero(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")


def _name_rows(axes: Axes, costs: Mapping[str, tuple[int, int]]) -> None:
    """Names next to the rows, the first on top; of very many, the most expensive for which there is room."""
    names = list(costs)
    apart = len(names) / int(_TALLEST / _ROW)  # rows that one name takes
    shown = list(range(len(names)))
    if apart > 1:
        totals = [sum(column) or 1 for column in zip(*costs.values(), strict=True)]
        shares = [max(cost / total for cost, total in zip(row, totals, strict=True)) for row in costs.values()]
        shown = []
        for row in sorted(range(len(names)), key=lambda row: -shares[row]):
            if all(abs(row - other) >= apart for other in shown):
                shown.append(row)
    axes.set_yticks(shown, [shortened(names[row]) for row in shown])
    axes.set_ylim(len(names) - 0.4, -0.6)


def _caption(network: Network, batch: int, empty: int, by: str) -> str:
    sentences = [subject(network, batch)]
    if missing := operators_text(network.ledger.not_counted):
        sentences.append(f"Not counted: {missing}; the true cost is higher")
    if network.source:
        sentences.append(f"Source: {network.source}")
    if empty:
        sentences.append(
            f"1 {by} has neither and is left out" if empty == 1 else f"{empty} {by}s have neither and are left out"
        )
    return " ".join(f"{sentence}." for sentence in sentences)
