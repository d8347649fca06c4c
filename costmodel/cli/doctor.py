"""``costmodel doctor``: what costmodel has to work with on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from costmodel.cli.arguments import answer, format_option
from costmodel.report.doctor import DoctorReport


@click.command("doctor")
@format_option
def command(style: str) -> None:
    """Say which versions are installed, what each enables, and which configuration holds in this directory."""
    answer(DoctorReport(Path.cwd()), style)
