"""Text that fits a terminal: prose wraps, and a table gives way before a number would be broken.

A table that is too wide gets titles over several lines, then a last column of text that wraps, then blocks one below
the other, each with the first column in front.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

_GAP = 3
#: Text is not wrapped to less than this.
_NARROWEST = 24


class TextColumn(NamedTuple):
    """A title and cells, each in lines; ``right`` where they stand to the right."""

    title: list[str]
    cells: list[list[str]]
    right: bool

    @property
    def width(self) -> int:
        """Of the widest line."""
        return max(width_of(line) for lines in (self.title, *self.cells) for line in lines)


def width_of(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(not combining(letter) and 1 + (east_asian_width(letter) in "WF") for letter in text)


def prose(line: str, width: int) -> list[str]:
    """``line`` in lines of at most ``width``, longer words whole; 0 for no limit.

    >>> prose("  at the peak: one and two", 14)
    ['  at the peak:', '    one and', '    two']
    """
    if not width or width_of(line) <= width:
        return [line]
    from textwrap import wrap

    indent = line[: len(line) - len(line.lstrip())]
    return wrap(
        line, width, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def blocks(columns: Sequence[TextColumn], width: int) -> list[list[TextColumn]]:
    """The columns in blocks that fit ``width``; all in one where there is no limit."""
    if not width or _fits(columns, width):
        return [list(columns)]
    columns = [_with_short_title(column) for column in columns]
    if _fits(columns, width):
        return [columns]
    *others, last = columns
    room = width - sum(column.width + _GAP for column in others)
    if not last.right and room >= _NARROWEST:
        return [[*others, _wrapped(last, room)]]
    first, *rest = columns
    if first.width > width // 2:
        first = _cut(first, width // 2)
    room = width - first.width - _GAP
    parts: list[list[TextColumn]] = []
    left = width
    for column in rest:
        if not column.right and column.width > room:
            column = _wrapped(column, max(room, _NARROWEST))
        if not parts or left < column.width + _GAP:
            parts.append([first])
            left = width - first.width
        parts[-1].append(column)
        left -= column.width + _GAP
    return parts


def rows_of(columns: Sequence[TextColumn]) -> list[str]:
    """The lines of a block: title first, then the cells."""
    padded = [
        [_padded(lines, column.width, column.right) for lines in (column.title, *column.cells)] for column in columns
    ]
    rows = []
    for cells in zip(*padded, strict=True):
        blank = [" " * column.width for column in columns]
        lines = [
            (" " * _GAP).join(line or empty for line, empty in zip(parts, blank, strict=True))
            for parts in zip_longest(*cells)
        ]
        rows.append("\n".join(line.rstrip() for line in lines))
    return rows


def ruled(columns: Sequence[TextColumn]) -> str:
    """The rule below the titles of a block."""
    return "-" * (sum(column.width + _GAP for column in columns) - _GAP)


def _fits(columns: Sequence[TextColumn], width: int) -> bool:
    return len(ruled(columns)) <= width


def _padded(lines: Iterable[str], width: int, right: bool) -> list[str]:
    return [" " * (width - width_of(line)) + line if right else line + " " * (width - width_of(line)) for line in lines]


def _with_short_title(column: TextColumn) -> TextColumn:
    """The title in lines no wider than the widest cell, or its longest word."""
    (title,) = column.title
    words = title.split() if " " in title else re.findall(r"[^_]+_?|_", title)
    most = max([width_of(line) for lines in column.cells for line in lines] + [max(map(width_of, words), default=0)])
    lines = [""]
    for word in words:
        joined = f"{lines[-1]} {word}" if lines[-1] and not lines[-1].endswith("_") else f"{lines[-1]}{word}"
        if width_of(joined) <= most:
            lines[-1] = joined
        else:
            lines.append(word)
    return column._replace(title=[line for line in lines if line])


def _wrapped(column: TextColumn, width: int) -> TextColumn:
    return column._replace(cells=[[part for line in lines for part in prose(line, width)] for lines in column.cells])


def _cut(column: TextColumn, width: int) -> TextColumn:
    """Names that lose their front: the end tells them apart."""
    short = [
        [line if width_of(line) <= width else f"...{line[3 - width :]}" for line in lines] for lines in column.cells
    ]
    return column._replace(cells=short)
