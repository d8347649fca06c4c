"""``costmodel check``: every model of the project against its lock and its budgets."""

from __future__ import annotations

from pathlib import Path

import click

from costmodel.cli.guard import answer, failing_in, guard_format_option, project, shown
from costmodel.guard.check import Base, check, read_lock
from costmodel.guard.cost import ModelCost
from costmodel.report.guard.report import GuardReport


@click.command("check")
@click.option("--base", help="Measure growth from where HEAD parted from this branch, as in origin/main, by its lock.")
@guard_format_option
def command(base: str | None, style: str) -> None:
    """Count every model of the project and compare it with costmodel.lock and its budgets.

    The models are in pyproject.toml, as [tool.costmodel.models.NAME], or in costmodel.toml, as [models.NAME].

    Exit status: 0 in order, 1 over a budget or not as locked, 2 if anything cannot be counted or is misconfigured.
    """
    with failing_in(style):
        config = project()
        locked = read_lock(config.lock)
        past = None if base is None else Base(_costs_at(config.lock, base), base)
        report = GuardReport(check(config, locked, past), shown(config.lock), shown(config.path))
    answer(report, style)


def _costs_at(lock: Path, base: str) -> dict[str, ModelCost]:
    from costmodel.guard import history

    try:
        return history.at_merge_base(lock, base).models
    except history.NoLockError:  # the branch that adds the lock: nothing has grown yet
        return {}
