"""``costmodel check``: every model of the project against its lock and its budgets."""

from __future__ import annotations

import click

from costmodel.cli.guard import (
    answer,
    base_named,
    base_option,
    failing_in,
    guard_format_option,
    harmless_output,
    project,
    shown,
)
from costmodel.guard.check import check, read_lock
from costmodel.report.guard.report import GuardReport

_UNJUDGED = "Not judged without --base: growth since the branch began, models and budgets that it took away."


@click.command("check")
@base_option
@guard_format_option
def command(base: str | None, style: str) -> None:
    """Count every model of the project and compare it with costmodel.lock and its budgets.

    The models are in pyproject.toml, as [tool.costmodel.models.NAME], or in costmodel.toml, as [models.NAME].

    With --base, editing the lock or the budgets in the same branch hides nothing: growth is measured from the lock of
    the base, and a model that is gone, or a budget that is gone or allows more, needs a reason in the lock.

    Exit status: 0 in order, 1 over a budget or not as locked, 2 if anything cannot be counted or is misconfigured.
    """
    with failing_in(style):
        config = project()
        locked = read_lock(config.lock)
        past = base_named(config, base)
        with harmless_output() as watch:
            verdicts = check(config, locked, past, watch)
        note = past.problem if past else _UNJUDGED
        report = GuardReport(verdicts, shown(config.lock), shown(config.path), note=note, base=base or "")
    answer(report, style)
