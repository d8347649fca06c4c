"""What ``lock``, ``check`` and ``diff`` share: the project they are run in, and how they answer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from costmodel.checks import CostModelError
from costmodel.guard import config
from costmodel.report.guard.report import GuardReport

guard_format_option = click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "markdown", "github", "junit"]),
    default="text",
    show_default=True,
    help="How to print the answer; markdown prints nothing where nothing changed, github writes the job summary too.",
)


def project() -> config.Config:
    """The configuration of the project that the current directory is in."""
    return config.load(config.find(Path.cwd()))


def shown(path: Path) -> str:
    """``path`` as the root of a GitHub checkout sees it, or as the current directory does."""
    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
    return Path(os.path.relpath(path, root if path.is_relative_to(root) else Path.cwd())).as_posix()


def answer(report: GuardReport, style: str) -> None:
    """Print ``report`` in the format asked for, and leave with its status."""
    text: str = getattr(report, style)()
    if text:
        print(text)
    if style == "github" and (place := os.environ.get("GITHUB_STEP_SUMMARY")):
        _append(place, f"{report.summary()}\n")
    sys.stdout.flush()
    sys.exit(report.status)


def _append(place: str, text: str) -> None:
    try:
        with open(place, "ab") as file:
            file.write(text.encode("utf-8", "replace"))
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise CostModelError(f"cannot write the summary to {place}: {reason}; mend GITHUB_STEP_SUMMARY") from None
