"""Every model counted, and checked against its lock and its budgets. What fails to count does not stop the others."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from costmodel.errors import CostModelError
from costmodel.files import read_regular, seen, write_whole
from costmodel.guard import lockfile
from costmodel.guard.base import Base, likeness, renamed, weaker
from costmodel.guard.builders import built
from costmodel.guard.config import Config, Model
from costmodel.guard.cost import ModelCost, cost_of, present
from costmodel.guard.diff import Difference, difference
from costmodel.quantities import precision

IN_ORDER, VIOLATED, FAILED = 0, 1, 2

#: Goes through the models, and shows somebody how far it is.
Watch: TypeAlias = Callable[[Sequence[Model]], Iterable[Model]]


class Verdict(NamedTuple):
    """What was found of one model: how it differs from its lock, which budgets it breaks, or why it cannot be counted.

    ``difference`` is None where it could not be counted, or is gone since the base; ``line`` is where the lock has it,
    0 where it does not; ``unguarded`` is what the base asked for and nothing does now, without a reason in the lock;
    ``notes`` are what people should know and nothing fails for.
    """

    name: str
    difference: Difference | None = None
    violations: tuple[str, ...] = ()
    error: str = ""
    line: int = 0
    notes: tuple[str, ...] = ()
    unguarded: tuple[str, ...] = ()

    @property
    def stale(self) -> bool:
        """Whether the lock says something else."""
        return self.difference is not None and self.difference.changed

    @property
    def status(self) -> int:
        """0 in order, 1 over a budget, not as locked or guarded less than at the base, 2 not counted."""
        if self.error:
            return FAILED
        return VIOLATED if self.stale or self.violations or self.unguarded else IN_ORDER


def status(verdicts: Iterable[Verdict]) -> int:
    """The exit status for all of them: the worst of any. What was not counted says nothing, so 2 is above 1."""
    return max((verdict.status for verdict in verdicts), default=IN_ORDER)


def check(
    config: Config, locked: Mapping[str, ModelCost], base: Base | None = None, watch: Watch = iter
) -> tuple[Verdict, ...]:
    """A verdict on every model of ``config`` and on those that are locked and no longer listed, by name.

    Growth is measured against ``base``, the locked costs unless given; where that has no such model, a note says so.
    With a base, a model that is gone since, and a budget that is gone or allows more, needs a reason in the lock. A new
    model that is like one that is gone is judged as that one. ``watch`` goes through the models as they are counted.
    """
    listed = [model.name for model in config.models]
    costs = present(locked)
    with importable(config.folder):
        verdicts = [_counted(model, costs.get(model.name), config.allow) for model in watch(config.models)]
    gone = [Verdict(name, Difference(cost, None), line=cost.line) for name, cost in costs.items() if name not in listed]
    if base is None:
        against = Base(costs, lockfile.NAME)
        verdicts = [_grown(model, verdict, against) for model, verdict in zip(config.models, verdicts, strict=True)]
    else:
        verdicts, gone = _since(config, verdicts, gone, locked, base)
    return tuple(sorted([*verdicts, *gone], key=lambda verdict: verdict.name))


def _counted(model: Model, locked: ModelCost | None, allowed: Collection[str]) -> Verdict:
    line = locked.line if locked else 0
    try:
        network = built(model, allowed)
        change = difference(locked, cost_of(network, model.name, model.dtype))
        return Verdict(model.name, change, tuple(model.budgets.violations(network)), line=line)
    except CostModelError as error:
        return Verdict(model.name, error=str(error), line=line)


def _grown(model: Model, verdict: Verdict, base: Base, before: str = "") -> Verdict:
    """``verdict`` with what ``model`` grew too much since ``base``, where it was called ``before``."""
    growth, change = model.budgets.growth, verdict.difference
    if growth is None or change is None or change.new is None:
        return verdict
    old = base.costs.get(before or model.name)
    if old is None:
        note = f"growth not judged: not in the lock of {base.called}"
        return verdict._replace(notes=(*verdict.notes, note)) if change.old else verdict
    try:
        new = change.new
        if old.bytes and new.network and (new.bytes is None or new.bytes.dtype != old.bytes.dtype):
            # At another type they would not be compared, and growth would escape.
            new = cost_of(new.network, new.name, old.bytes.dtype)
        return verdict._replace(violations=(*verdict.violations, *growth.violations(old, new)))
    except CostModelError as error:
        return Verdict(model.name, error=str(error), line=verdict.line)


def _since(
    config: Config, verdicts: list[Verdict], gone: list[Verdict], locked: Mapping[str, ModelCost], base: Base
) -> tuple[list[Verdict], list[Verdict]]:
    """The verdicts on what is listed, and on what is not, with what the base asked for."""
    listed = [model.name for model in config.models]
    costs = [verdict.difference.new for verdict in verdicts if verdict.difference and verdict.difference.new]
    before = renamed(base, costs, listed)
    gone_since = base.gone(listed)
    judged = []
    for model, verdict in zip(config.models, verdicts, strict=True):
        old = before.get(model.name, model.name)
        grown = _grown(model, verdict, base, old)
        if gone_since and model.name not in base.costs:
            like = f", where {old} was like it" * (old != model.name)
            grown = grown._replace(notes=(*grown.notes, f"new since {base.called}{like}"))
        judged.append(_with_budgets(config, model, grown, locked, base, old))
    now = {old: new for new, old in before.items()}
    stale = {verdict.name: verdict for verdict in gone}
    left = []
    for name in gone_since:
        verdict = stale.pop(name, Verdict(name))
        became = ""
        if name in now:
            became = f"; {now[name]} is like it ({_alike(base, costs, name, now[name])} % of the layers)"
        left.append(_excused(verdict, [f"gone since {base.called}{became}"], locked.get(name), None))
    return judged, [*left, *stale.values()]


def _alike(base: Base, costs: Iterable[ModelCost], old: str, new: str) -> int:
    return likeness(base.costs[old], next(cost for cost in costs if cost.name == new))


def _with_budgets(
    config: Config, model: Model, verdict: Verdict, locked: Mapping[str, ModelCost], base: Base, old: str
) -> Verdict:
    if verdict.difference is None or verdict.difference.new is None:
        return verdict
    network = verdict.difference.new.network
    assert network is not None, "it was counted just now"
    before = base.costs.get(old)
    try:
        lost = weaker(base.budgets(old), model.budgets, network, before)
        if before and before.bytes and not model.dtype:
            lost.append(f"bytes at {precision(before.bytes.dtype)} are locked no more")
        if model.build in config.allow and model.build not in base.allow:
            lost.append(f"build = {model.build!r} is allowed")
    except CostModelError as error:
        return Verdict(model.name, error=str(error), line=verdict.line)
    return _excused(verdict, [f"{sentence} since {base.called}" for sentence in lost], locked.get(model.name), before)


def _excused(verdict: Verdict, lost: list[str], cost: ModelCost | None, before: ModelCost | None) -> Verdict:
    """``verdict`` with what was ``lost``: as notes where the lock gives a reason that it did not give ``before``."""
    known = {text for _, text in before.reasons} if before else set()
    reasons = [text for _, text in cost.reasons if text not in known] if cost else []
    if not reasons:
        return verdict._replace(unguarded=(*verdict.unguarded, *lost))
    return verdict._replace(
        notes=(*verdict.notes, *(f"{sentence}; the lock says why: {'; '.join(reasons)}" for sentence in lost))
    )


@contextlib.contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Modules in ``folder`` can be imported, if no installed one has their name."""
    place = os.fspath(folder)
    sys.path.append(place)
    try:
        yield
    finally:
        sys.path.remove(place)


def renewed(
    verdicts: Iterable[Verdict], reason: str = "", locked: Mapping[str, ModelCost] | None = None
) -> list[ModelCost]:
    """The costs to lock after ``verdicts``: as counted, with the reasons that still hold.

    ``reason`` is put down for every model that is new, changed, guarded less or gone, above its first layer that
    changed. A reason from before holds as long as the layer below it is as it was, and that of a model which was
    removed as long as none has its name. All verdicts must have counted.
    """
    kept = {name: cost for name, cost in (locked or {}).items() if cost.removed}
    for verdict in verdicts:
        change = verdict.difference
        assert not verdict.error, f"{verdict.name} was not counted"
        if change is not None and change.new is not None:
            kept[verdict.name] = _with_reasons(change, change.new, reason, bool(verdict.unguarded))
        elif reason and verdict.status:
            kept[verdict.name] = ModelCost(verdict.name, (), ((0, reason),))
    return list(kept.values())


def _with_reasons(change: Difference, new: ModelCost, reason: str, unguarded: bool) -> ModelCost:
    kept = dict(change.kept)
    reasons = [(kept[place], text) for place, text in (change.old.reasons if change.old else ()) if place in kept]
    if reason and (change.first is not None or unguarded):
        reasons.append((change.first or 0, reason))
    return ModelCost(new.name, new.layers, tuple(sorted(reasons, key=lambda entry: entry[0])), bytes=new.bytes)


def read_lock(path: Path, update: str = lockfile.UPDATE) -> dict[str, ModelCost]:
    """The models in the lock file at ``path``; none where there is no file. ``update`` is what writes it anew.

    Raises :class:`~costmodel.errors.CostModelError` where it cannot be read, and as :func:`lockfile.read` does.
    """
    try:
        return lockfile.read(lock_content(path), seen(path), update)
    except FileNotFoundError:
        return {}
    except lockfile.LockError as error:
        error.path = path
        raise


def lock_content(path: Path) -> bytes:
    """What is in the lock file at ``path``.

    Raises :class:`FileNotFoundError` where there is none, and :class:`~costmodel.errors.CostModelError` for a link that
    leaves its folder, and as :func:`~costmodel.files.read_regular` does.
    """
    _in_its_folder(path)
    return read_regular(path, lockfile.LARGEST)


def write_lock(path: Path, content: bytes) -> bool:
    """Put ``content`` at ``path``, whole; whether it was anything else before.

    Raises :class:`~costmodel.errors.CostModelError` where that cannot be done, and as :func:`lock_content` does: what a
    link points to is not ours to write.
    """
    with contextlib.suppress(FileNotFoundError):
        if lock_content(path) == content:
            return False
    write_whole(path, content)
    return True


def _in_its_folder(path: Path) -> None:
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(path.parent)):
        raise CostModelError(f"{seen(path)} is a link out of its folder; put a regular file there")
