"""``costmodel audit``: the published numbers, and what each counted."""

from __future__ import annotations

import click

from costmodel.cli.arguments import answer, format_option
from costmodel.report.audit import AuditReport
from costmodel.reproduction.audit import audit, selected
from costmodel.reproduction.audit_result import VERDICTS


@click.command("audit")
@click.option("--source", metavar="TEXT", default="", help="Rows whose source has this in it: arXiv:1704.04861.")
@click.option("--verdict", type=click.Choice(VERDICTS), help="Rows of this verdict.")
@click.option("--model", metavar="TEXT", default="", help="Rows whose name has this in it: MobileNetV2.")
@format_option
def command(source: str, verdict: str | None, model: str, style: str) -> None:
    """Check every published number that costmodel has against the exact one, and say what it counted.

    Verdicts: exact, rounded, truncated, other scope, other variant; unexplained, not built, no figure. As text, all
    rows are a line a source; what you choose of them is a row a number, and so is all in every other format.

    \b
    costmodel audit --source arXiv:1704.04861 --verdict unexplained
    costmodel audit --model MobileNetV2
    """
    chosen = selected(audit(), source, verdict, model)
    answer(AuditReport(chosen, everything=not (source or verdict or model)), style)
