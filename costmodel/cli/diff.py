"""``costmodel diff``: what changed since a branch began, or between any two of models, lock files and commits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click

from costmodel.capture.input_spec import InputSpec
from costmodel.cli.arguments import INPUT
from costmodel.cli.guard import answer, failing_in, guard_format_option, harmless_output, project, shown
from costmodel.errors import CostModelError
from costmodel.guard import history, lockfile
from costmodel.guard.budget import Budgets
from costmodel.guard.builders import built
from costmodel.guard.check import Verdict, check, importable, read_lock
from costmodel.guard.config import Config, Model
from costmodel.guard.cost import ModelCost, cost_of, present
from costmodel.guard.diff import difference
from costmodel.loading import is_network_file
from costmodel.report.guard.report import GuardReport


class _Side(NamedTuple):
    costs: Mapping[str, ModelCost]
    called: str
    #: Whether it is one model, which is compared whatever its name.
    single: bool = False


@click.command("diff")
@click.argument("sides", metavar="[A B]", nargs=-1)
@click.option(
    "--base",
    help="The branch to compare with, where HEAD parted from it.  [default: the one that origin is on, as origin/main]",
)
@click.option(
    "--input", "inputs", type=INPUT, multiple=True, help="One sample of A and B, as `costmodel count` takes it."
)
@guard_format_option
def command(sides: tuple[str, ...], base: str | None, inputs: tuple[InputSpec, ...], style: str) -> None:
    """Show what became of the cost of every model, the largest change first, with the layer to blame.

    Without arguments: from the lock at the commit where HEAD parted from --base, to the models as they are now.
    A and B are each a model (of the project, or as for `costmodel count`), a lock file, or a commit that has one.

    Exit status: 0 whatever changed, 2 if anything cannot be counted or found.
    """
    if len(sides) not in (0, 2):
        raise CostModelError(f"diff compares two, or the project with --base; {len(sides)} given")
    if sides and base is not None:
        raise CostModelError(f"--base={base} is for diff without A and B; leave out one or the other")
    if inputs and not sides:
        raise CostModelError(f"--input={inputs[0]} is for a model as A or B; a project says its own")
    with failing_in(style):
        report = _between((sides[0], sides[1]), inputs) if sides else _since(base)
    answer(report, style)


def _since(branch: str | None) -> GuardReport:
    config = project()
    base = branch or history.default_base(config.lock.parent)
    note = ""
    try:
        past = history.at_merge_base(config.lock, base)
    except history.NoLockError as error:  # the branch that adds the lock
        past, note = history.Past({}, error.place, "", ""), f"No lock in {error.place}: every model is new."
    unlimited = config._replace(models=tuple(model._replace(budgets=Budgets()) for model in config.models))
    # The lines of a lock of the past are no places in the lock of today.
    with harmless_output() as watch:
        verdicts = [verdict._replace(line=0) for verdict in check(unlimited, past.models, watch=watch)]
    return GuardReport(verdicts, shown(config.lock), shown(config.path), False, past.place, "now", note)


def _between(sides: tuple[str, str], inputs: tuple[InputSpec, ...]) -> GuardReport:
    first, second = sides
    try:
        config = project()
    except CostModelError:
        config = None  # neither models by name nor a place for the lock are needed, if files are given
    old, new = _side(first, config, inputs), _side(second, config, inputs)
    pairs: dict[str, tuple[ModelCost | None, ModelCost | None]]
    if old.single and new.single:
        pairs = {f"{first} -> {second}": (old.costs[first], new.costs[second])}
    else:
        pairs = _matched(old, new)
    verdicts = [Verdict(name, difference(*costs)) for name, costs in sorted(pairs.items())]
    return GuardReport(verdicts, lockfile.NAME, judged=False, old=old.called, new=new.called)


def _matched(old: _Side, new: _Side) -> dict[str, tuple[ModelCost | None, ModelCost | None]]:
    """Models of two sides by name; where one side is a single model, the other's model of that name or its only one."""
    if not (old.single or new.single):
        return {name: (old.costs.get(name), new.costs.get(name)) for name in {**old.costs, **new.costs}}
    one, many = (old, new) if old.single else (new, old)
    (name,) = one.costs
    other = many.costs.get(name) or (next(iter(many.costs.values())) if len(many.costs) == 1 else None)
    if other is None:
        raise CostModelError(f"{many.called} has no model {name!r}; it has {', '.join(many.costs) or 'none'}")
    return {name: (one.costs[name], other) if one is old else (other, one.costs[name])}


def _side(text: str, config: Config | None, inputs: tuple[InputSpec, ...]) -> _Side:
    from costmodel.errors import nearest
    from costmodel.models.registry import FAMILIES, names

    if is_network_file(text):
        return _counted(Model(text, text, {}, inputs, Budgets()), config)
    if Path(text).is_file():
        ours = config is not None and config.lock.is_file() and Path(text).samefile(config.lock)
        update = lockfile.UPDATE if ours else "run `costmodel lock --update` in its project"
        return _Side(present(read_lock(Path(text), update)), text)
    for model in config.models if config else ():
        if model.name == text:
            return _counted(model, config)
    if ":" in text or text in FAMILIES:
        return _counted(Model(text, text, {}, inputs, Budgets()), config)
    lock = config.lock if config else Path.cwd() / lockfile.NAME
    if not history.is_commit(lock.parent, text) and "/" not in text:
        near = nearest(text, [*(model.name for model in config.models), *names()] if config else names())
        raise CostModelError(f"{text!r} is no file, no model and no commit; {near}`costmodel models` lists the models")
    past = history.at_commit(lock, text)
    return _Side(past.models, past.place)


def _counted(model: Model, config: Config | None) -> _Side:
    allowed = config.allow if config and model in config.models else (model.build,)  # what was typed is meant
    with harmless_output(), importable(config.folder if config else Path.cwd()):
        cost = cost_of(built(model, allowed), model.name, model.dtype)
    return _Side({model.name: cost}, model.name, single=True)
