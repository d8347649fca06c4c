"""A figure into a file: PNG, SVG or PDF, whole or not at all, the same bytes every time."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from costmodel.errors import CostModelError
from costmodel.files import write_whole
from costmodel.report.plots.canvas import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Suffix -> the date that the format would write into the file, left out.
_DATES: dict[str, dict[str, None]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def plot_path(path: str | Path) -> Path:
    """``path``, if its suffix names a format that plots can be saved in.

    >>> plot_path("tradeoff.jpg")
    Traceback (most recent call last):
        ...
    costmodel.errors.CostModelError: 'tradeoff.jpg' is no plot file; end its name in .png, .svg or .pdf
    """
    target = Path(path)
    if target.suffix.lower() not in _DATES:
        raise CostModelError(f"{str(path)!r} is no plot file; end its name in .png, .svg or .pdf")
    return target


def save(figure: Figure, path: str | Path) -> None:
    """Write ``figure`` to ``path`` in the format of its suffix: png, svg or pdf. A file that is there is replaced.

    Raises :class:`~costmodel.errors.CostModelError` for another suffix and for a path that cannot be written.
    """
    target = plot_path(path)
    suffix = target.suffix.lower()
    drawn = BytesIO()
    with style():
        figure.savefig(drawn, format=suffix[1:], metadata=_DATES[suffix])
    write_whole(target, drawn.getvalue())
