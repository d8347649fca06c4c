"""``costmodel audit``: the published numbers, and what each counted."""

from __future__ import annotations

import click

from costmodel.cli.arguments import answer, format_option
from costmodel.report.audit import AuditReport
from costmodel.reproduction.audit import audit


@click.command("audit")
@format_option
def command(style: str) -> None:
    """Check every published number that costmodel has against the exact one, and say what it counted.

    Verdicts: exact, rounded, truncated, other scope, other variant; unexplained, not built, no figure.
    """
    answer(AuditReport(audit()), style)
