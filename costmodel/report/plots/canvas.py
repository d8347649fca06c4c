"""What every plot shares: type sizes, colors, units, and a layout in which nothing is cut or covered."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from costmodel.errors import CostModelError

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Inches. At half of it, a column of a paper, TEXT has 8 points.
WIDTH = 6.8
TEXT = 16.0
_GAP = 0.14

#: Okabe and Ito's palette, which color-blind readers tell apart, darkest first; its yellow is too pale for a line.
COLORS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
#: Lines are told apart without color too.
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))

_STYLE: dict[Any, Any] = {
    "font.size": TEXT,
    "axes.labelsize": TEXT,
    "xtick.labelsize": TEXT,
    "ytick.labelsize": TEXT,
    "xtick.major.pad": 6,
    "legend.fontsize": TEXT,
    "axes.linewidth": 1.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.8,
    "legend.title_fontsize": TEXT,
    "legend.handlelength": 2.8,
    "lines.linewidth": 2.5,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,  # outlines that journals accept and readers can search
    "svg.hashsalt": "costmodel",  # names inside the file are the same every time
}


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's defaults and ours on top, whatever the user's settings are; afterwards, theirs again.

    Raises :class:`~costmodel.errors.CostModelError` where MPLBACKEND is no backend of matplotlib.
    """
    try:
        import matplotlib
    except ValueError as error:
        reason, _, _ = str(error).partition(";")  # after it come all the backends there are
        raise CostModelError(
            f"matplotlib does not load with MPLBACKEND={os.environ.get('MPLBACKEND')} ({reason}); unset it"
        ) from None

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """A figure with ``count`` axes side by side that share their vertical axis, ``height`` inches in all."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(WIDTH, height), dpi=100, layout=ConstrainedLayoutEngine(w_pad=0.1))
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(1, count, sharey=True, squeeze=False)[0])


def finish(figure: Figure, caption: str, handles: Sequence[Artist] = ()) -> Figure:
    """``figure`` with a legend of ``handles`` and ``caption`` in lines of their own below its axes; layout fixed."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.text import Text

    text = figure.text(0, 0, _wrapped(figure, caption), va="top", fontsize=TEXT, linespacing=1.15, color="#404040")
    below: list[Any] = [_legend(figure, handles), text] if handles else [text]
    for words in figure.findobj(Text):
        words.set_parse_math(False)  # a name may hold a dollar
    axes_height = figure.get_figheight()
    heights = [_inches(figure, part)[1] + _GAP for part in below]
    top = sum(heights)
    height = axes_height + top + _GAP
    figure.set_size_inches(WIDTH, height)
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(rect=(0, 1 - axes_height / height, 1, axes_height / height))
    for part, tall in zip(below, heights, strict=True):
        if part is text:
            text.set_position((_GAP / WIDTH, top / height))
        else:
            part.set_bbox_to_anchor((0.5, top / height), figure.transFigure)
        top -= tall
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure


def _legend(figure: Figure, handles: Sequence[Artist]) -> Artist:
    """A legend in as many columns as fit."""
    for columns in range(len(handles), 0, -1):
        legend = figure.legend(
            handles=handles, ncols=columns, loc="upper center", frameon=False, borderpad=0, borderaxespad=0,
            columnspacing=1.2, handletextpad=0.5, labelspacing=0.25,
        )  # fmt: skip
        if columns == 1 or _inches(figure, legend)[0] < WIDTH - 2 * _GAP:
            break
        legend.remove()
    return legend


def _inches(figure: Figure, artist: Artist) -> tuple[float, float]:
    box = artist.get_window_extent()
    return box.width / figure.dpi, box.height / figure.dpi


def _wrapped(figure: Figure, caption: str) -> str:
    """``caption`` in lines that fit the width; a word that does not is broken."""
    from matplotlib.text import Text

    probe = Text(fontsize=TEXT, parse_math=False, figure=figure)

    def fits(line: str) -> bool:
        probe.set_text(line)
        return _inches(figure, probe)[0] <= WIDTH - 2 * _GAP

    lines = [""]
    for word in caption.split():
        if fits(f"{lines[-1]} {word}".strip()):
            lines[-1] = f"{lines[-1]} {word}".strip()
            continue
        lines.append("")
        for char in word:
            if not fits(lines[-1] + char):
                lines.append("")
            lines[-1] += char
    return "\n".join(line for line in lines if line)


class Unit(NamedTuple):
    """What an axis counts in: 10^6 is M, as everywhere."""

    factor: int
    prefix: str

    def label(self, what: str) -> str:
        """``what``, with the unit in brackets."""
        return f"{what} ({self.prefix})" if self.prefix else what


#: The largest first.
_UNITS = tuple(Unit(10 ** (3 * power), prefix) for power, prefix in reversed([*enumerate("kMGTPEZYRQ", start=1)]))


def unit(largest: int) -> Unit:
    """The unit in which ``largest`` has a handful of digits: millions, as in the papers, from 10^6 to 10^10.

    >>> unit(300_774_272).label("multiply-adds"), unit(61_706).label("parameters"), unit(15_346_630_656).prefix
    ('multiply-adds (M)', 'parameters (k)', 'G')
    """
    if 10**6 <= largest < 10**10:
        return Unit(10**6, "M")
    return next((step for step in _UNITS if largest >= 10 * step.factor), Unit(1, ""))


def number(value: float) -> str:
    """A number on an axis: thousands with commas, a prefix from 100,000 on, no exponent.

    >>> number(2000.0), number(0.5), number(1e6)
    ('2,000', '0.5', '1 M')
    """
    scale = Unit(1, "") if value < 100_000 else next(step for step in _UNITS if value >= step.factor)
    return f"{value / scale.factor:,.10g} {scale.prefix}".strip()


def round_values(low: float, high: float) -> list[float]:
    """Round numbers from ``low`` to ``high`` that a logarithmic axis shows: 1, 2, 5, 10 ..., or more of them.

    >>> round_values(13, 569)
    [20.0, 50.0, 100.0, 200.0, 500.0]
    """
    from matplotlib.ticker import LogLocator, MaxNLocator

    spread = [float(value) for value in LogLocator(subs=(1, 2, 5), numticks=50).tick_values(low, high)]
    if high / low > 1000:
        spread = [float(value) for value in LogLocator(numticks=8).tick_values(low, high)]
    elif high / low < 8:
        spread = [float(value) for value in MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low, high)]
    return [value for value in spread if low <= value <= high]


def logarithmic(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis logarithmic from a little below ``low`` to a little above ``high``; round numbers."""
    margin = (high / low) ** 0.05 if high > low else 1.2
    axes.set_xscale("log")
    axes.set_xlim(low / margin, high * margin)
    ticks = round_values(low / margin, high * margin)
    axes.set_xticks(ticks, [number(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(visible=True)


def logarithmic_upward(axes: Axes, low: float, high: float) -> None:
    """Make the vertical axis logarithmic from ``low`` to ``high``; round numbers."""
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    ticks = round_values(low, high)
    axes.set_yticks(ticks, [number(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(visible=True)


def shortened(name: str, most: int = 26) -> str:
    """``name``, with its middle left out if it is longer than ``most``.

    >>> shortened("features.denseblock3.denselayer24.conv1")
    'features.dens…ayer24.conv1'
    """
    if len(name) <= most:
        return name
    return f"{name[: most // 2]}…{name[1 - most // 2 :]}"
