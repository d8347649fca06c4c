"""What ``lock``, ``check`` and ``diff`` share: the project they are run in, and how they answer."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from costmodel.cli.arguments import formats
from costmodel.errors import CostModelError
from costmodel.files import seen
from costmodel.guard import config
from costmodel.guard.base import Base
from costmodel.guard.check import FAILED
from costmodel.guard.config import ConfigError
from costmodel.guard.lockfile import LockError
from costmodel.report.guard.failure import FailureReport
from costmodel.report.guard.report import GuardReport

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
