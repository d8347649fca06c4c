"""Every model counted, and checked against its lock and its budgets. What fails to count does not stop the others."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from costmodel.errors import CostModelError
from costmodel.files import seen
from costmodel.guard import lockfile
from costmodel.guard.config import Config, Model
from costmodel.guard.cost import ModelCost, cost_of
from costmodel.guard.diff import Difference, difference
from costmodel.loading import load_with

IN_ORDER, VIOLATED, FAILED = 0, 1, 2


class Verdict(NamedTuple):
    """What was found of one model: how it differs from its lock, which budgets it breaks, or why it cannot be counted.

    ``difference`` is None where it could not be counted; ``line`` is where the lock has it, 0 where it does not;
    ``notes`` are what people should know and nothing fails for.
    """

    name: str
    difference: Difference | None = None
    violations: tuple[str, ...] = ()
    error: str = ""
    line: int = 0
    notes: tuple[str, ...] = ()

    @property
    def stale(self) -> bool:
        """Whether the lock says something else."""
        return self.difference is not None and self.difference.changed

    @property
    def status(self) -> int:
        """0 in order, 1 over a budget or not as locked, 2 not counted."""
        if self.error:
            return FAILED
        return VIOLATED if self.stale or self.violations else IN_ORDER


class Base(NamedTuple):
    """Locked costs that growth is measured from, and what people call the place that has them."""

    costs: Mapping[str, ModelCost]
    called: str


def status(verdicts: Iterable[Verdict]) -> int:
    """The exit status for all of them: the worst of any. What was not counted says nothing, so 2 is above 1."""
    return max((verdict.status for verdict in verdicts), default=IN_ORDER)


def check(config: Config, locked: Mapping[str, ModelCost], base: Base | None = None) -> tuple[Verdict, ...]:
    """A verdict on every model of ``config`` and on those that are locked and no longer listed, by name.

    Growth is measured against ``base``, the locked costs unless given; where that has no such model, a note says so.
    """
    listed = {model.name for model in config.models}
    gone = [
        Verdict(name, Difference(cost, None), line=cost.line) for name, cost in locked.items() if name not in listed
    ]
    with importable(config.folder):
        verdicts = [
            _verdict(model, locked.get(model.name), base or Base(locked, lockfile.NAME)) for model in config.models
        ]
    return tuple(sorted([*verdicts, *gone], key=lambda verdict: verdict.name))


def _verdict(model: Model, locked: ModelCost | None, base: Base) -> Verdict:
    line = locked.line if locked else 0
    try:
        network = load_with(model.build, model.kwargs, model.inputs)
        cost = cost_of(network, model.name)
        violations = model.budgets.violations(network)
        if model.budgets.growth and model.name in base.costs:
            violations += model.budgets.growth.violations(base.costs[model.name], cost)
    except CostModelError as error:
        return Verdict(model.name, error=str(error), line=line)
    notes = []
    if model.budgets.growth and locked and model.name not in base.costs:
        notes.append(f"growth not judged: not in the lock of {base.called}")
    return Verdict(model.name, difference(locked, cost), tuple(violations), line=line, notes=tuple(notes))


@contextlib.contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Modules in ``folder`` can be imported, if no installed one has their name."""
    place = os.fspath(folder)
    sys.path.append(place)
    try:
        yield
    finally:
        sys.path.remove(place)


def renewed(verdicts: Iterable[Verdict], reason: str = "") -> list[ModelCost]:
    """The costs to lock after ``verdicts``: as counted, with the reasons that still hold.

    ``reason`` is put down for every model that is new or changed, above its first layer that changed. A reason from
    before holds as long as the layer below it is as it was. All verdicts must have counted.
    """
    costs = []
    for verdict in verdicts:
        change = verdict.difference
        assert change is not None, f"{verdict.name} was not counted"
        if change.new is not None:
            costs.append(_with_reasons(change, change.new, reason))
    return costs


def _with_reasons(change: Difference, new: ModelCost, reason: str) -> ModelCost:
    kept = dict(change.kept)
    reasons = [(kept[place], text) for place, text in (change.old.reasons if change.old else ()) if place in kept]
    if reason and change.first is not None:
        reasons.append((change.first, reason))
    return ModelCost(new.name, new.layers, tuple(sorted(reasons, key=lambda entry: entry[0])))


def read_lock(path: Path, update: str = lockfile.UPDATE) -> dict[str, ModelCost]:
    """The models in the lock file at ``path``; none where there is no file. ``update`` is what writes it anew.

    Raises :class:`~costmodel.errors.CostModelError` where it cannot be read, and as :func:`lockfile.read` does.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CostModelError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None
    try:
        return lockfile.read(content, seen(path), update)
    except lockfile.LockError as error:
        error.path = path
        raise
