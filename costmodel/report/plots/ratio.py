"""What a depthwise separable convolution saves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from costmodel import formulas
from costmodel.errors import positive_int
from costmodel.report.plots.canvas import COLORS, DASHES, finish, logarithmic, number, panels, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FEWEST, _MOST = 4, 1024


def separable_ratio(kernels: Sequence[int | tuple[int, ...]] = (3, 5, 7), outputs: int | None = None) -> Figure:
    """Cost of a depthwise separable convolution over a standard one, ``1/N + 1/K^2``, against its outputs N.

    A line a kernel: 3 is 3x3, a tuple has a size an axis. ``outputs`` marks that N on the first of them. Raises
    :class:`~costmodel.errors.CostModelError` for sizes below 1.

    >>> separable_ratio(outputs=256).axes[0].get_xlabel()
    'output channels N'
    """
    windows = [kernel if isinstance(kernel, tuple) else (kernel, kernel) for kernel in kernels]
    for size in (size for window in windows for size in window):
        positive_int(size, "kernel")
    marked = [] if outputs is None else [positive_int(outputs, "outputs")]
    low, high = min(_FEWEST, *marked, _MOST), max(_FEWEST, *marked, _MOST)
    channels = sorted({round(low * (high / low) ** (step / 200)) for step in range(201)} | set(marked))
    with style():
        figure, (axes,) = panels(1, height=4.6)
        for place, window in enumerate(windows):
            color = COLORS[(place + 1) % len(COLORS)]
            ratios = [_ratio(count, window) for count in channels]
            name = "x".join(map(str, window))
            axes.plot(channels, ratios, color=color, linestyle=DASHES[place % len(DASHES)], label=f"kernel {name}")
            axes.axhline(1 / math.prod(window), color=color, linewidth=0.8, zorder=1)
        for count in marked:
            ratio = _ratio(count, windows[0])
            axes.plot([count], [ratio], "o", color=COLORS[0], markersize=9, zorder=4)
            _note(axes, count, ratio, math.log(count / low, high / low))
        logarithmic(axes, low, high)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("output channels N")
        axes.set_ylabel("separable / standard")
        caption = (
            "Multiply-adds, and weights, of a depthwise separable convolution over those of the standard one:"
            " 1/N + 1/K², above 1/K² (thin lines) for every N. Documents 000, 004; arXiv:1704.04861, section 3.1."
        )
        return finish(figure, caption, axes.get_legend_handles_labels()[0])


def _note(axes: Axes, outputs: int, ratio: float, across: float) -> None:
    """The numbers of the marked layer above it, whole even at the ends of the axis."""
    from matplotlib.patheffects import withStroke

    fewer = f",\n{1 / ratio:.2f} times fewer" if ratio < 1 else ""
    side = "left" if across < 0.3 else "right" if across > 0.8 else "center"
    note = f"N = {number(outputs)}: {ratio:.4f}{fewer}"
    text = axes.annotate(note, (outputs, ratio), (0, 14), textcoords="offset points", ha=side, va="bottom")
    text.set_path_effects([withStroke(linewidth=4, foreground="white")])


def _ratio(outputs: int, window: tuple[int, ...]) -> float:
    numerator, denominator = formulas.separable_ratio(outputs, math.prod(window))
    return numerator / denominator
