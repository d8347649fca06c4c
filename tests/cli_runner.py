"""Run the command line inside this process, as a shell would see it."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

from costmodel.cli import main


@dataclass(frozen=True)
class Answer:
    """What a command wrote, and its exit status."""

    out: str
    err: str
    status: int


def run(*arguments: str) -> Answer:
    """``costmodel ARGUMENTS``; anything but an orderly exit comes out as the exception it is."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(list(arguments))
        except SystemExit as stop:
            status = stop.code or 0
    assert isinstance(status, int)
    return Answer(out.getvalue(), err.getvalue(), status)


def refusal(*arguments: str) -> str:
    """The one line on the standard error of a command that must be refused, without its prefix."""
    answer = run(*arguments)
    assert answer.status == 2, answer
    assert answer.out == ""
    assert answer.err.count("\n") == 1
    assert answer.err.startswith("costmodel: error: ")
    return answer.err.removeprefix("costmodel: error: ").removesuffix("\n")
