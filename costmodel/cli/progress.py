"""The one progress bar: on the standard error, where somebody watches it, and for work that takes a while."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TextIO, TypeAlias, TypeVar

import click

from costmodel.cli.arguments import on_a_terminal

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

T = TypeVar("T")

#: Called with how much is done, of how much in all.
Report: TypeAlias = Callable[[int, int], None]

#: What is done before is not worth a bar.
PATIENCE_SECONDS = 0.5


@contextmanager
def progress(label: str, stream: TextIO | None = None) -> Iterator[Report]:
    """A bar on ``stream``, the standard error unless given, which what is done inside calls; it never goes back.

    It goes with whatever ends what is done inside.
    """
    with ExitStack() as stack:
        start = time.monotonic()
        bars: list[ProgressBar[int]] = []
        screen = stream or sys.stderr
        watched = on_a_terminal(screen)

        def report(done: int, total: int) -> None:
            if not watched or (not bars and time.monotonic() - start < PATIENCE_SECONDS):
                return
            if not bars:
                bar = click.progressbar(length=total, label=label, file=screen, update_min_steps=max(total // 200, 1))
                bars.append(stack.enter_context(bar))
            bars[0].length = max(total, bars[0].pos)
            bars[0].update(max(done - bars[0].pos, 0))

        yield report


def each(items: Sequence[T], label: str, stream: TextIO | None = None) -> Iterator[T]:
    """``items`` one after the other, with a bar."""
    with progress(label, stream) as report:
        for number, item in enumerate(items):
            report(number, len(items))
            yield item
        report(len(items), len(items))
