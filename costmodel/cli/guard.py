"""What ``lock``, ``check`` and ``diff`` share: the project they are run in, and how they answer."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from costmodel.cli.arguments import formats
from costmodel.cli.progress import each
from costmodel.errors import CostModelError
from costmodel.files import seen
from costmodel.guard import config
from costmodel.guard.base import Base
from costmodel.guard.check import FAILED, Watch
from costmodel.guard.config import ConfigError
from costmodel.guard.lockfile import LockError
from costmodel.report.guard.failure import FailureReport
from costmodel.report.guard.report import GuardReport
from costmodel.report.guard.safe import plain

guard_format_option = formats(
    "text", "json", "markdown", "github", "junit",
    note="; markdown prints nothing where nothing changed, github writes the job summary too",
)  # fmt: skip

base_option = click.option(
    "--base",
    metavar="BRANCH",
    help="Compare with the lock and the budgets where HEAD parted from it, as in origin/main.",
)


def base_named(project: config.Config, base: str | None) -> Base | None:
    """The lock and the budgets where HEAD parted from the branch ``base``; None where none is named."""
    if base is None:
        return None
    from costmodel.guard import history

    return history.base_of(project.lock, base)


@contextlib.contextmanager
def harmless_output() -> Iterator[Watch]:
    """What is written inside, by Python, a library or a program that the models start, ends on the standard error.

    It comes when all is counted, and line by line so that no CI reads a command in it: runners look at both streams.
    Gives what shows a bar for models, on the standard error itself.
    """
    import tempfile

    with tempfile.TemporaryFile() as file, contextlib.ExitStack() as stack:
        saved = {stream: os.dup(stream) for stream in (1, 2)}
        screen = stack.enter_context(open(os.dup(2), "w", encoding="utf-8", errors="replace"))
        text = open(os.dup(file.fileno()), "w", errors="backslashreplace", buffering=1)  # noqa: SIM115
        try:
            with text, contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
                for stream in saved:
                    os.dup2(file.fileno(), stream)
                yield lambda models: each(models, "counting", screen)
        finally:
            for stream, copy in saved.items():
                os.dup2(copy, stream)
                os.close(copy)
            file.seek(0)
            for line in file:
                print(plain(line.decode("utf-8", "backslashreplace").rstrip("\r\n")), file=sys.stderr)


def project() -> config.Config:
    """The configuration of the project that the current directory is in."""
    return config.load(config.find(Path.cwd()))


def shown(path: Path) -> str:
    """``path`` as the root of a GitHub checkout sees it, or as the current directory does."""
    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else seen(path)


@contextlib.contextmanager
def failing_in(style: str) -> Iterator[None]:
    """Whatever error ends what is done in it is also answered in the format asked for, so that nobody parses nothing.

    GitHub shows an annotation in its log as well, so the line on the standard error would be there twice.
    """
    try:
        yield
    except CostModelError as error:
        place = (isinstance(error, (LockError, ConfigError)) and error.path) or None
        line = error.line if isinstance(error, (LockError, ConfigError)) else 0
        failure = FailureReport(str(error), shown(place.absolute()) if place else "", line)
        if style == "text":
            raise
        print(getattr(failure, style)())
        if style != "github":
            raise
        _summarize(failure.markdown())
        sys.stdout.flush()
        sys.exit(FAILED)


def answer(report: GuardReport, style: str) -> None:
    """Print ``report`` in the format asked for, and leave with its status."""
    text: str = getattr(report, style)()
    if text:
        print(text)
    if style == "github":
        _summarize(report.summary())
    sys.stdout.flush()
    sys.exit(report.status)


def _summarize(text: str) -> None:
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        return
    try:
        with open(place, "ab") as file:
            file.write(f"{text}\n".encode("utf-8", "replace"))
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise CostModelError(f"cannot write the summary to {place}: {reason}; fix GITHUB_STEP_SUMMARY") from None
