"""Whether people can read the plots: size of type, nothing cut, nothing covered."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import costmodel as cm
from costmodel import Network, apply, image, load
from costmodel.core.layers import conv
from costmodel.report import plots
from costmodel.scaling.sweep import sweep


def words(figure: Figure) -> Iterator[tuple[Text, Bbox]]:
    """Every text that is seen, and the box around it."""
    unseen = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        unseen |= {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text() and text not in unseen:
            yield text, text.get_window_extent()


def drawn(grid: Any) -> Iterator[Figure]:
    yield plots.tradeoff(grid)
    yield plots.tradeoff(grid, "parameters")
    yield plots.tradeoff(grid[grid.model == "mobilenet_v1"])
    for name in ("mobilenet_v2", "lenet", "densenet201", "googlenet", "mobilenet_v3_large"):
        yield plots.depth(load(name))
        yield plots.types(load(name))
    yield plots.depth(cm.mobilenet_v2(), by="layer")
    yield plots.depth(cm.mobilenet_v2(), by="stage", batch=10**18)
    yield plots.contour(grid[grid.model == "mobilenet_v2"])
    yield plots.contour(sweep("mobilenet_v2", alpha="0.25:1.4:0.01", resolution="96:320:4"))
    yield plots.contour(sweep("mobilenet_v1", alpha="0.25:1:0.25", resolution="128:224:32"), [10**8])
    for name, device in (("mobilenet_v2", "rtx-4090"), ("googlenet", "t4"), ("vgg16", "core-i9-10940x")):
        yield plots.roofline(load(name).roofline(device))
    yield plots.roofline(cm.lenet().roofline(peak="1 GFLOPS", bandwidth="1 GB/s"))
    timed = sweep(["mobilenet_v1", "mobilenet_v2", "resnet50"], resolution="160,224,256")
    yield plots.latency(timed)
    yield plots.latency(timed, "rtx_4090_ms")
    yield plots.separable_ratio()
    for outputs in (1, 256, 10**18):
        yield plots.separable_ratio((3, 5, 7, 9), outputs)


def flaws(figure: Figure) -> list[str]:
    """Words that are too small at half width, cut at the rim of the plot, or run into each other."""
    half, page, seen = 3.4 / figure.get_figwidth(), figure.bbox, list(words(figure))
    found = [f"small: {text}" for text, _ in seen if text.get_fontsize() * half < 8]
    found += [f"cut: {text}" for text, box in seen if not (page.contains(*box.min) and page.contains(*box.max))]
    # A box is a line high, and leaves room above and below the letters.
    return found + [
        f"{one} on {other}"
        for (one, box), (other, beside) in combinations(seen, 2)
        if box.padded(-2).overlaps(beside.padded(-2))
    ]


@pytest.mark.slow
def test_every_word_can_be_read_at_half_width(grid: Any) -> None:
    assert [flaw for figure in drawn(grid) for flaw in flaws(figure)] == []


def test_the_check_of_words_sees_small_cut_and_covered_ones() -> None:
    figure = plots.separable_ratio()
    figure.text(0.5, 0.5, "tiny", fontsize=15)
    figure.text(0.9, 0.7, "too far to the right", fontsize=16)
    figure.text(0.5, 0.01, "on the caption", fontsize=16)
    assert [flaw.split()[0] for flaw in flaws(figure)][:2] == ["small:", "cut:"]
    assert any("on the caption" in flaw for flaw in flaws(figure))


def test_names_that_are_long_or_hold_a_dollar_are_drawn_as_they_are() -> None:
    x = apply(image(3, 8), "a$\\frac$." + "very_long_name_of_a_block" * 3, conv(4, 1))
    figure = plots.depth(Network(x, "$net_1$"))
    (label,) = figure.axes[0].get_yticklabels()
    assert label.get_text().startswith("a$\\frac$.")
    assert len(label.get_text()) == 26
    assert figure.texts[0].get_text().startswith("$net_1$:")
