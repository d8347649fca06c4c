"""``costmodel lock``: write down what every model of the project costs."""

from __future__ import annotations

import sys

import click

from costmodel.cli.guard import base_named, base_option, harmless_output, project, shown
from costmodel.errors import CostModelError
from costmodel.guard import lockfile, recover_reasons
from costmodel.guard.check import FAILED, Verdict, check, lock_content, read_lock, renewed, write_lock
from costmodel.guard.config import Config
from costmodel.guard.cost import ModelCost
from costmodel.report.guard.report import GuardReport
from costmodel.report.guard.safe import plain


@click.command("lock")
@click.option("--update", is_flag=True, help="Overwrite what changed.")
@click.option("--reason", default="", metavar="TEXT", help="Why it changed; kept in the lock, above what changed.")
@base_option
def command(update: bool, reason: str, base: str | None) -> None:
    """Write what every model costs into costmodel.lock, beside the file that lists the models.

    New models are added. Where a locked model has changed or is no longer listed, --update must say that this is
    meant; without it, the changes are printed, nothing is written, and the exit status is 1.

    With --base, the reason also stands for the models that are gone since, and the budgets that are gone or allow more.
    """
    reason = " ".join(reason.split())
    if base is not None and not reason:
        raise CostModelError(f"--base={base} says what the reason is for; add --reason TEXT, or leave it out")
    config = project()
    locked, salvaged = _locked(config, update)
    past = base_named(config, base)
    with harmless_output() as watch:
        verdicts = check(config, locked, past, watch)
    report = GuardReport(verdicts, shown(config.lock), shown(config.path), base=base or "")
    failed = [verdict for verdict in verdicts if verdict.status == FAILED]
    overwrites = [verdict for verdict in verdicts if _overwrites(verdict)]
    if failed or (overwrites and not update):
        print(report.text())
        print(f"{report.lock} is left as it was{': every model must be counted for it' if failed else ''}.")
        sys.stdout.flush()
        sys.exit(FAILED if failed else 1)
    costs, lost = recover_reasons.reattached(renewed(verdicts, reason, locked), salvaged)
    count = len(config.models)
    content, models = lockfile.write(costs).encode(), f"{count} model{'s' if count != 1 else ''}"
    if not write_lock(config.lock, content):
        print(f"{report.lock} is up to date: {models}{', so no reason is needed' if reason else ''}")
    else:
        if overwrites:
            print(GuardReport(overwrites, report.lock, judged=False, old=report.lock, new="now").text())
        print(f"{report.lock} is written: {models}")
    if lost:
        texts = "; ".join(plain(f"{reason.text} ({reason.model or 'no model'})") for reason in lost)
        print(f"{len(lost)} reason{'s' if len(lost) > 1 else ''} could not be kept: {texts}")
    for verdict in verdicts:
        for violation in verdict.violations:
            print(f"{plain(verdict.name)} is over budget: {plain(violation)}")
    sys.stdout.flush()


def _locked(config: Config, update: bool) -> tuple[dict[str, ModelCost], list[recover_reasons.Reason]]:
    try:
        return read_lock(config.lock), []
    except lockfile.NewerFormatError:
        raise
    except lockfile.LockError:
        # What is damaged is written anew, from the models; what people wrote in it is kept where it can be.
        if update:
            return {}, recover_reasons.reasons(lock_content(config.lock))
        raise


def _overwrites(verdict: Verdict) -> bool:
    return verdict.stale and verdict.difference is not None and verdict.difference.old is not None
