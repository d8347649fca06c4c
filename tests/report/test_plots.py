"""The plots, read back from what is drawn: the data are the counts, and everything can be read."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import matplotlib
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import costmodel as cm
from costmodel import CostModelError, Network, apply, image, load
from costmodel.core.layers import RELU, BatchNorm, conv, depthwise_conv, pointwise_conv
from costmodel.published.tables import paper_table, published
from costmodel.report import plots
from costmodel.report.plots.canvas import shortened
from costmodel.scaling.sweep import sweep
from tests.report.conftest import MODELS
from tests.test_structure import loaded


def legend(figure: Figure) -> dict[str, Line2D]:
    """Every entry of every legend of the plot."""
    legends = [*figure.legends, *(found for axes in figure.axes for found in axes.findobj(matplotlib.legend.Legend))]
    return {
        text.get_text(): handle
        for found in legends
        for handle, text in zip(found.legend_handles, found.get_texts(), strict=True)
    }


def edge(line: Line2D) -> str:
    return str(to_hex(line.get_markeredgecolor()))


def face(line: Line2D) -> str:
    return str(to_hex(line.get_markerfacecolor()))


def decoded(figure: Figure) -> dict[tuple[str, float, int], tuple[float, float]]:
    """(model, alpha, resolution) -> (x, y) of each point, told by outline, marker and color as a reader tells it."""
    entries = legend(figure)
    models = {edge(entry): name for name, entry in entries.items() if name.startswith("mobilenet")}
    alphas = {entry.get_marker(): float(name) for name, entry in entries.items() if "." in name}
    resolutions = {face(entry): int(name) for name, entry in entries.items() if name.isdigit()}
    points = [line for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    found = {
        (models[edge(line)], alphas[line.get_marker()], resolutions[face(line)]): tuple(*line.get_xydata())
        for line in points
    }
    assert len(found) == len(points)
    return found


#: Rows of published.csv that are of each model.
ROWS = {
    "mobilenet_v1": ("MobileNetV1", "float"),
    "mobilenet_v2": ("MobileNetV2", "checkpoint"),
    "mobilenet_v3_large:slim": ("MobileNetV3", "Large (float)"),
    "mobilenet_v3_small:wide-head": ("MobileNetV3", "Small (float)"),
}


@pytest.mark.parametrize("against", ["multiply_adds", "parameters"])
def test_the_trade_off_is_every_measured_design_at_its_count(grid: Any, against: str) -> None:
    swept = {row.variant: row for row in grid.itertuples()}
    assert set(swept) == {"", "slim", "wide-head"}
    expected = {}
    for model, (family, variant) in ROWS.items():
        for row in published():
            if (row.family, row.variant) == (family, variant) and row.alpha != 1.3:  # which was not swept
                assert row.alpha
                assert row.resolution
                assert row.top1
                net = load(model, alpha=row.alpha, resolution=row.resolution)
                expected[model, row.alpha, row.resolution] = (getattr(net, against) / 1e6, float(row.top1))
    found = decoded(plots.tradeoff(grid, against))
    assert len(expected) == 16 + 21 + 2 + 2
    assert found == {design: pytest.approx(point) for design, point in expected.items()}


def corners(line: Line2D) -> list[tuple[float, float]]:
    return [tuple(corner) for corner in line.get_xydata()]


def test_the_staircases_are_the_pareto_fronts(grid: Any) -> None:
    figure = plots.tradeoff(grid)
    points = decoded(figure)
    stairs = [line for line in figure.axes[0].lines if line.get_linestyle() != "None"]
    assert {line.get_drawstyle() for line in stairs} == {"steps-post"}

    def best(some: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return sorted(a for a in some if not any(b != a and b[0] <= a[0] and b[1] >= a[1] for b in some))

    color = to_hex(legend(figure)["Pareto front of all"].get_color())
    (wide,) = (line for line in stairs if to_hex(line.get_color()) == color)
    *front, last = corners(wide)
    assert front == best(list(points.values()))
    # It ends at the most expensive design, on the height of the best one.
    assert last == (max(cost for cost, _ in points.values()), front[-1][1])
    for model in MODELS:
        line_color = to_hex(legend(figure)[model].get_color())
        (own,) = (line for line in stairs if to_hex(line.get_color()) == line_color)
        assert corners(own) == best([point for (name, *_), point in points.items() if name == model])


def test_the_trade_off_has_units_a_logarithmic_axis_and_its_sources(grid: Any) -> None:
    for against, label in (("multiply_adds", "multiply-adds (M)"), ("parameters", "parameters (M)")):
        figure = plots.tradeoff(grid, against)
        axes = figure.axes[0]
        assert axes.get_xlabel() == label
        assert axes.get_ylabel() == "top-1 accuracy (%)"
        assert axes.get_xscale() == "log"
        shown = [float(tick.get_text()) for tick in axes.get_xticklabels()]
        assert shown == axes.get_xticks().tolist()
        assert len(shown) >= 3
        words = caption(figure)
        assert words.startswith(f"The 41 of {len(grid)} designs that were measured.")
        assert {row.source for row in published() if row.alpha and row.variant in ("float", "checkpoint")} == {
            source for source in grid.top1_source if source and source in words
        }


def caption(figure: Figure) -> str:
    """The text below the axes, its lines joined."""
    return figure.texts[0].get_text().replace("\n", " ")


def test_no_point_is_drawn_where_nobody_measured(grid: Any) -> None:
    assert grid.top1.isna().sum() == len(grid) - 41
    drawn = [line.get_xydata() for line in plots.tradeoff(grid).axes[0].lines]
    assert all(math.isfinite(number) for points in drawn for point in points for number in point)


def test_models_that_nobody_measured_are_marked_on_the_axis_of_cost() -> None:
    frame = sweep(["mobilenet_v1", "vgg16", "resnet18", "resnet50"])
    assert plots.unmeasured(frame) == ["resnet18", "resnet50", "vgg16"]  # by cost
    figure = plots.tradeoff(frame)
    (axes,) = figure.axes
    upright = axes.get_xaxis_transform()
    marks = [float(x) for line in axes.lines if line.get_transform() == upright for x in line.get_xdata()]
    # The counts of torchvision's documentation, in GFLOPS as it calls them.
    assert [round(mark, 2) for mark in marks] == [1.81, 4.09, 15.47]
    assert [text.get_text() for text in axes.texts] == ["resnet18", "resnet50", "vgg16"]
    assert "nobody measured them: resnet18, resnet50, vgg16." in caption(figure)
    low, high = axes.get_xlim()
    assert low < min(marks) < max(marks) < high


def test_a_point_of_ones_own_is_where_it_says(grid: Any) -> None:
    figure = plots.of_sweep(grid, "accuracy", ["my net:310M:72.4", "small:0.1 GFLOPs:50"])
    (axes,) = figure.axes
    drawn = [tuple(line.get_xydata()[0]) for line in axes.lines if line.get_marker() == "+"]
    assert drawn == [(310, 72.4), (50, 50)]  # 2 FLOPs are one multiply-add
    assert [text.get_text() for text in axes.texts] == ["my net", "small"]
    assert axes.get_xlim()[0] < 50
    message = refused(lambda: plots.of_sweep(grid, "accuracy", ["mine:72.4"]))
    assert message == "'mine:72.4' is no point; write NAME:COST:TOP1, as in mine:310M:72.4"
    assert refused(lambda: plots.of_sweep(grid, "accuracy", ["mine:3M:172"])).startswith(
        "'172' of the point mine is no"
    )
    assert refused(lambda: plots.of_sweep(grid, "contour", ["mine:3M:72"])).startswith("a point has an accuracy, which")


def test_models_differ_in_line_and_color_and_resolutions_in_lightness(grid: Any) -> None:
    entries = legend(plots.tradeoff(grid))
    lines = [entries[model] for model in MODELS]
    assert len({edge(line) for line in lines}) == len({line._unscaled_dash_pattern for line in lines}) == 4
    grey = [sum(to_rgb(face(entries[str(size)]))) for size in (96, 128, 160, 192, 224)]
    assert all(lighter - darker > 0.2 for darker, lighter in pairwise(grey))


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet50", "lenet", "densenet121"])
def test_bars_along_depth_are_the_costs_of_the_blocks(name: str) -> None:
    net = load(name)
    rows = [row for row in net.table(by="block").itertuples() if row.multiply_adds or row.parameters]
    work, stored = plots.depth(net).axes
    for axes, column in ((work, "multiply_adds"), (stored, "parameters")):
        what = column.replace("_", "-")
        factor = {f"{what} (k)": 1e3, f"{what} (M)": 1e6}[axes.get_xlabel()]
        assert [bar.get_width() * factor for bar in axes.patches] == pytest.approx(
            [getattr(row, column) for row in rows]
        )
        assert sum(bar.get_width() for bar in axes.patches) * factor == pytest.approx(getattr(net, column))
        heights = [bar.get_y() for bar in axes.patches]
        assert heights == sorted(heights)
    assert work.yaxis_inverted()
    named = dict(zip(work.get_yticks().tolist(), [label.get_text() for label in work.get_yticklabels()], strict=True))
    assert all(rows[int(row)].name == label for row, label in named.items())
    assert len(named) > len(rows) / 2 or len(rows) > 50


def test_of_very_many_bars_the_most_expensive_have_their_names() -> None:
    net = load("efficientnet_b7")
    work, _ = plots.depth(net, by="layer").axes
    rows = [entry for entry in net.ledger if entry.ops.mac or entry.params.parameters]
    named = [int(row) for row in work.get_yticks()]
    labels = [label.get_text() for label in work.get_yticklabels()]
    assert labels == [shortened(rows[row].name) for row in named]
    shares = [max(entry.ops.mac / net.multiply_adds, entry.params.parameters / net.parameters) for entry in rows]
    assert 25 < len(named) < len(rows) / 5
    room = max(1, len(rows) / len(named) / 2)
    for row, share in enumerate(shares):  # one without a name has one beside it that costs at least as much
        near = [other for other in named if abs(other - row) <= 2 * room]
        assert row in named or any(shares[other] >= share for other in near)


def test_bars_follow_the_grouping_and_the_batch() -> None:
    net = cm.mobilenet_v1()
    work, stored = plots.depth(net, by="stage", batch=3).axes
    assert len(work.patches) == len(net.ledger.by("stage"))
    assert sum(bar.get_width() for bar in work.patches) == pytest.approx(3 * 568.740352)
    assert sum(bar.get_width() for bar in stored.patches) == pytest.approx(4.231976)
    below = "input 3x224x224, batch 1, 1000 classes. Source: arXiv:1704.04861 Table 1."
    assert caption(plots.depth(net)).endswith(f"{below} 2 blocks have neither and are left out.")
    assert caption(plots.types(net)).endswith(f"{below} 4 types have neither and are left out.")
    assert caption(plots.depth(Network(net.output, "mine"))).startswith("mine: input 3x224x224, batch 1. 2 blocks")
    assert "batch 3" in caption(plots.depth(net, batch=3))


def test_shares_by_type_are_table_2_of_the_paper() -> None:
    axes = plots.types(cm.mobilenet_v1()).axes[0]
    bars = [container.patches for container in axes.containers]
    printed = [part for part in paper_table("mobilenet_v1_paper_tables_2_3") if part.table == 2]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "conv 1x1", "depthwise conv 3x3", "conv 3x3", "linear"
    ]  # fmt: skip
    for part, work, weights in zip(printed, *bars, strict=True):
        # Two digits of a figure are swapped in print: its column sums to 99.29.
        expected = {"1.19": 1.91}.get(part.published_madds, float(part.published_madds))
        assert work.get_width() == pytest.approx(expected, abs=0.005)
        assert weights.get_width() == pytest.approx(float(part.published_params), abs=0.005)
    assert axes.get_xlabel() == "share (%)"
    assert [text.get_text() for text in axes.texts][:4] == ["94.86 %", "3.06 %", "1.91 %", "0.18 %"]
    assert list(legend(axes.figure)) == ["multiply-adds", "weights"]  # type: ignore[arg-type]


def test_a_band_of_the_contour_holds_the_designs_within_its_budgets() -> None:
    alphas, resolutions, budgets = (
        [0.25, 0.5, 0.75, 1.0, 1.4],
        range(96, 321, 32),
        [50_000_000, 150_000_000, 600_000_000],
    )
    figure = plots.contour(sweep("mobilenet_v2", alpha=alphas, resolution=resolutions), budgets)
    axes, key = figure.axes
    bands, lines = (found for found in axes.collections if isinstance(found, matplotlib.contour.QuadContourSet))
    assert lines.levels.tolist() == [50, 150, 600]
    (dots,) = (line for line in axes.lines if line.get_marker() == "o")
    assert sorted(corners(dots)) == sorted((alpha, size) for alpha in alphas for size in resolutions)
    paths = bands.get_paths()
    inside = 0
    for alpha in alphas[1:-1]:
        for size in resolutions[1:-1]:  # on the rim, a point is neither in nor out
            count = load("mobilenet_v2", alpha=alpha, resolution=size).multiply_adds
            band = sum(count > budget for budget in budgets)
            assert [path.contains_point((alpha, size)) for path in paths] == [place == band for place in range(4)]
            inside += 1
    assert inside == 18
    assert axes.get_xlabel() == "width multiplier alpha"
    assert axes.get_ylabel() == "resolution (pixels)"
    assert key.get_ylabel() == "multiply-adds (M)"
    assert [tick.get_text() for tick in key.get_yticklabels()] == ["50", "150", "600"]
    assert "40 designs" in caption(figure)
    assert "arXiv:1801.04381" in caption(figure)


def test_budgets_of_a_contour_are_round_unless_given() -> None:
    figure = plots.contour(sweep("mobilenet_v2", alpha="0.25:1.4:0.05", resolution="96:320:32"))
    assert [text.get_text() for text in figure.axes[0].texts] == ["20 M", "50 M", "100 M", "200 M", "500 M"]
    assert [tick.get_text() for tick in figure.axes[1].get_yticklabels()] == [
        "10", "20", "50", "100", "200", "500", "1,000"
    ]  # fmt: skip


def test_the_separable_ratio_is_that_of_counted_layers() -> None:
    axes = plots.separable_ratio((3, (1, 7)), outputs=48).axes[0]
    curves = [line for line in axes.lines if len(line.get_xdata()) > 2]
    assert [line.get_label() for line in curves] == ["kernel 3x3", "kernel 1x7"]
    x = image(5, 8)
    for line, kernel in zip(curves, [(3, 3), (1, 7)], strict=True):
        assert min(line.get_xdata()) == 4
        assert max(line.get_xdata()) == 1024
        for outputs, ratio in corners(line)[::20]:
            standard = Network(apply(x, "standard", conv(int(outputs), kernel, padding="same")))
            depthwise = apply(x, "depthwise", depthwise_conv(5, kernel, padding="same"))
            separable = Network(apply(depthwise, "pointwise", pointwise_conv(int(outputs))))
            assert ratio == pytest.approx(separable.multiply_adds / standard.multiply_adds)
            assert ratio == pytest.approx(separable.weights / standard.weights)
    (mark,) = (line for line in axes.lines if line.get_marker() == "o")
    assert corners(mark) == [(48, pytest.approx(1 / 48 + 1 / 9))]
    assert f"{48 * 9 / (48 + 9):.2f} times fewer" in axes.texts[0].get_text()
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "output channels N"
    assert "1704.04861" in caption(axes.figure)  # type: ignore[arg-type]


def test_figure_of_a_sweep_by_name(grid: Any) -> None:
    v1 = grid[grid.model == "mobilenet_v1"].assign(peak_memory=1000, size=2000)
    labels = {name: plots.of_sweep(v1, name).axes[0].get_xlabel() for name in plots.SWEEP_PLOTS}
    assert labels == {
        "accuracy": "multiply-adds (M)",
        "parameters": "parameters (M)",
        "peak_memory": "bytes of peak memory",
        "size": "bytes of parameters",
        "contour": "width multiplier alpha",
        "time": "multiply-adds (M)",
    }


def without_cost() -> Network:
    return Network(apply(image(3, 8), "relu", RELU), "idle")


def refused(draw: Any) -> str:
    with pytest.raises(CostModelError) as error:
        draw()
    return str(error.value)


def test_what_cannot_be_drawn_is_one_line(grid: Any) -> None:
    unmeasured = grid[grid.top1.isna()]
    assert refused(lambda: plots.tradeoff(unmeasured)) == (
        f"none of the {len(unmeasured)} designs has a measured accuracy; sweep what was measured, such as"
        " mobilenet_v1 or mobilenet_v2 at alpha 0.5,0.75,1.0 and resolution 128,160,192,224"
    )
    assert refused(lambda: plots.tradeoff(grid, "latency")) == (
        "against='latency' is no cost of the trade-off; there are multiply_adds, parameters, peak_memory, size"
    )
    assert refused(lambda: plots.tradeoff(grid.drop(columns="top1"))).startswith("the frame has no column top1;")
    many = grid.assign(top1=1.0, alpha=range(1, len(grid) + 1))
    assert refused(lambda: plots.tradeoff(many)).startswith(
        f"designs of {len(grid)} alphas were measured, and a reader tells 14 apart;"
    )
    nameless = grid.assign(alpha=math.nan)
    assert refused(lambda: plots.tradeoff(nameless)).startswith(
        "a design with a measured accuracy has no single alpha above 0;"
    )
    assert refused(lambda: plots.contour(grid)).startswith("a contour is of one model, the frame has 4;")
    assert refused(lambda: plots.contour(grid.drop(columns="alpha"))).startswith("the frame has no column alpha;")
    v1 = grid[grid.model == "mobilenet_v1"]
    assert refused(lambda: plots.contour(v1[1:])).startswith("34 designs do not fill a grid of 7 alphas by 5")
    assert refused(lambda: plots.contour(v1[v1.alpha == 1])).startswith("5 designs do not fill a grid of 1 alphas")
    assert refused(lambda: plots.contour(v1.loc[[*v1.index, *v1.index]])).startswith(
        "the frame has an alpha and resolution twice;"
    )
    assert refused(lambda: plots.contour(v1.assign(alpha=math.nan))).startswith("the frame has an alpha and resolution")
    assert refused(lambda: plots.contour(v1[v1.alpha == 1].assign(alpha=math.nan))).startswith("5 designs do not fill")
    rectangular = v1.assign(resolution=[(8, size) for size in v1.resolution])
    assert refused(lambda: plots.contour(rectangular)).startswith("a contour is over square images;")
    assert refused(lambda: plots.contour(v1.assign(multiply_adds=0))) == (
        "mobilenet_v1 takes no multiply-adds; there is nothing to draw"
    )
    assert refused(lambda: plots.contour(v1, [1, 10**12])).startswith("no budget lies between ")
    assert refused(lambda: plots.of_sweep(grid, "pie")) == (
        "kind='pie' is no plot of a sweep; there are accuracy, parameters, peak_memory, size, contour, time"
    )
    for draw in (plots.depth, plots.types):
        assert refused(lambda draw=draw: draw(without_cost())) == (
            "idle has neither multiply-adds nor parameters; there is no cost to draw"
        )
    assert refused(lambda: plots.separable_ratio((0,))).startswith("kernel=0 must be a whole number")
    assert refused(lambda: plots.separable_ratio(outputs=0)).startswith("outputs=0 must be a whole number")


def test_a_network_without_weights_has_no_share_of_them() -> None:
    net = Network(apply(image(3, 8), "norm", BatchNorm()), "norm")
    assert [bar.get_width() for bar in plots.depth(net).axes[1].patches] == [6]
    assert refused(lambda: plots.types(net)).startswith("norm has neither")


@pytest.mark.slow
def test_drawing_needs_no_pyplot_and_nothing_is_loaded_before() -> None:
    assert loaded("import costmodel.report.plots").isdisjoint({"matplotlib", "numpy", "pandas"})
    script = "import sys; from costmodel.report import plots; plots.separable_ratio(); assert {} not in sys.modules"
    assert "matplotlib" in loaded(script.format("'matplotlib.pyplot'"))
