"""What the benchmark prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from benchmarks.depth import Depth
from benchmarks.rows import BARE, OURS, Row, fastest_peer, named

NOTES = """\
costmodel builds its network anew in every timed call, and counts parameters as well as multiply-adds. Generous to
the peers, when warm: their module is built and their image made beforehand, untimed, as is the copy of the module for
those that change it (ptflops, thop). They need not count parameters. Not generous: one thread, though a peer that runs
the network could use more. Evaluation mode, no gradients, warnings off. The figures differ because the tools count
different things and call them what they like. Python's garbage collector is on unless the table says off."""

MISSING = "not installed: pip install nn-costmodel[peers]"


def _table(title: str, rows: Sequence[Sequence[str]]) -> str:
    """Rows under a title, the first one as the head: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    return "\n".join([title, lines[0], "-" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])


def _ran(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.missing is None]


def _figure(row: Row) -> list[str]:
    return ["", ""] if row.figure is None else [f"{row.figure:,}", row.unit]


def _times(value: float, unit: float) -> str:
    ratio = value / unit
    return f"{ratio:,.2f} x" if ratio < 10 else f"{ratio:,.1f} x"


def warm_table(rows: list[Row]) -> str:
    """One line a contender, and the fastest peer."""
    ours = named(rows, OURS)
    head = ["warm", "figure", "calls it", "min ms", "median ms", "to ours"]
    body = [
        [
            row.name,
            *_figure(row),
            f"{min(row.seconds) * 1e3:.3f}",
            f"{row.median * 1e3:.3f}",
            _times(row.median, ours.median),
        ]
        for row in _ran(rows)
    ]
    title = f"Warm: one MobileNetV2 in a warm process, median of {len(ours.seconds)}."
    return _table(title, [head, *body]) + _fastest(rows, ours)


def cold_table(rows: list[Row]) -> str:
    """One line a contender, and the fastest peer."""
    bare, ours = named(rows, BARE), named(rows, OURS)
    head = ["cold", "figure", "seconds", "to bare", "to ours", "peak MiB", "to bare", "to ours"]
    body = [
        [
            row.name,
            _figure(row)[0],
            f"{row.median:.4f}",
            _times(row.median, bare.median),
            _times(row.median, ours.median),
            f"{row.peak / 2**20:.1f}",
            _times(row.peak, bare.peak),
            _times(row.peak, ours.peak),
        ]
        for row in _ran(rows)
    ]
    runs = min(len(row.seconds) for row in _ran(rows))
    title = f"Cold: the whole process, medians of at least {runs} ({len(ours.seconds)} of bare and ours)."
    return _table(title, [head, *body]) + _fastest(rows, ours)


def depth_table(depths: list[Depth]) -> str:
    """One line a length, with and without the garbage collector."""
    head = ["layers", "collector", "build ms", "count ms", "us a layer"]
    body = [
        [
            f"{depth.layers:,}",
            "on" if depth.collector else "off",
            f"{median(depth.build_seconds) * 1e3:,.2f}",
            f"{median(depth.count_seconds) * 1e3:,.2f}",
            f"{depth.microseconds_a_layer:.2f}",
        ]
        for depth in depths
    ]
    return _table(f"Depth: a chain of convolutions, median of {len(depths[0].build_seconds)}.", [head, *body])


def missing_lines(*tables: list[Row]) -> list[str]:
    """One line for every peer that could not run."""
    names = dict.fromkeys(row.name for rows in tables for row in rows if row.missing is not None)
    return [f"{name}: {MISSING}" for name in names]


def _fastest(rows: list[Row], ours: Row) -> str:
    row = fastest_peer(rows)
    return (
        "" if row is None else f"\nFastest peer: {row.name}, {_times(row.median, ours.median)} the time of costmodel."
    )
