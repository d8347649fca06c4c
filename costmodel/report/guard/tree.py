"""What changed in one model, as lines: the causes, the largest first, and the layers that each of them changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from costmodel.guard.base import likeness
from costmodel.guard.cost import ModelCost
from costmodel.guard.diff import Cause, Difference, LayerChange
from costmodel.report.guard.safe import code, plain
from costmodel.report.guard.words import bytes_lines, costs, gain, subject, what
from costmodel.report.units import si

#: More causes than a person reads, and more layers of one cause; the rest is summed up. JSON has them all.
MOST_CAUSES = 20
MOST_LAYERS = 5
#: Networks of more layers than a few, of which a smaller share agrees, are two networks and not one that changed.
FEW_LAYERS = 10
UNRELATED_PERCENT = 30


def lines(difference: Difference) -> list[str]:
    """The whole tree: what became of the bytes, then each cause, and below it, indented, the layers that it changed.

    Only layers whose cost changed, and only if they are several.
    """
    texts = [plain(line) for line in bytes_lines(difference)]
    if stages := _by_size(difference):
        return [*texts, *stages]
    for cause in difference.causes[:MOST_CAUSES]:
        texts.append(_cause_line(cause, difference, plain))
        texts += [f"  {line}" for line in _layers(cause, difference)]
    return [*texts, *_rest(difference.causes[MOST_CAUSES:])]


def causes(difference: Difference, most: int = MOST_CAUSES, quoted: Callable[[str], str] = plain) -> list[str]:
    """A line for each of the ``most`` largest causes and one for the others, below what became of the bytes.

    ``quoted`` makes names harmless.
    """
    shown = [quoted(line) for line in bytes_lines(difference)]
    if stages := _by_size(difference):
        return [*shown, *stages]
    shown += [_cause_line(cause, difference, quoted) for cause in difference.causes[:most]]
    return [*shown, *_rest(difference.causes[most:])]


def _by_size(difference: Difference) -> list[str]:
    """Of two networks that have little in common: a line for all layers that make maps of one size; else nothing."""
    old, new = difference.old, difference.new
    if old is None or new is None or min(len(old.layers), len(new.layers)) < FEW_LAYERS:
        return []
    alike = likeness(old, new)
    if alike >= UNRELATED_PERCENT:
        return []
    parts = _sizes(old), _sizes(new)
    largest = sorted({**parts[0], **parts[1]}, key=lambda sizes: (math.prod(sizes), sizes), reverse=True)
    lines = [f"{alike} % of the layers agree, so the two are compared by the size of the maps that layers make:"]
    for sizes in largest:
        before, after = (part.get(sizes, (0, 0)) for part in parts)
        if any((*before, *after)):
            name = "x".join(map(str, sizes)) or "vectors and sequences"
            counts = zip(before, after, ("multiply-adds", "parameters"), strict=True)
            lines.append(f"{name}: {', '.join(f'{si(was)} -> {si(now)} {what}' for was, now, what in counts)}")
    return lines


def _sizes(cost: ModelCost) -> dict[tuple[int, ...], tuple[int, int]]:
    """Multiply-adds and parameters of the layers by the spatial sizes that they make."""
    sums: dict[tuple[int, ...], tuple[int, int]] = {}
    for layer in cost.layers:
        _, *spatial = map(int, layer.makes.split("x"))
        sizes = tuple(spatial) if len(spatial) > 1 else ()
        macs, stored = sums.get(sizes, (0, 0))
        sums[sizes] = macs + layer.multiply_adds, stored + layer.parameters
    return sums


def _cause_line(cause: Cause, difference: Difference, quoted: Callable[[str], str]) -> str:
    """The layer to blame, what became of it, and what that costs."""
    # Of an added or removed layer, nothing is quoted; what else became of one is plain, and may quote a name.
    became = quoted(what(cause)) if quoted is code and cause.kind in ("changed", "renamed") else what(cause)
    others = f" (some of it perhaps by {quoted(', '.join(cause.perhaps))})" if cause.perhaps else ""
    return f"{quoted(subject(cause))} {became}: {costs(cause, difference)}{others}"


def _rest(others: Sequence[Cause]) -> list[str]:
    """A line for all of ``others``, if there are any."""
    return [f"{_counted(others, 'smaller change')}: {_sums(others)}"] if others else []


def _layers(cause: Cause, difference: Difference) -> list[str]:
    costed = [change for change in cause.layers if change.multiply_adds or change.parameters]
    if len(costed) < 2:
        return []
    # Norms that store a few numbers more come last, and are summed up.
    shown = [change for change in costed[:MOST_LAYERS] if change.multiply_adds] or costed[:1]
    others = costed[len(shown) :]
    texts = [f"{plain((change.old or change.layer).name)}: {costs(change, difference)}" for change in shown]
    return [*texts, f"{_counted(others, 'other layer')}: {_sums(others)}"] if others else texts


def _counted(things: Sequence[object], word: str) -> str:
    return f"{len(things)} {word}{'s' if len(things) > 1 else ''}"


def _sums(changes: Sequence[Cause | LayerChange]) -> str:
    adds, stored = sum(change.multiply_adds for change in changes), sum(change.parameters for change in changes)
    return ", ".join([gain(adds)] * bool(adds) + [f"{gain(stored)} parameters"] * bool(stored)) or "no change in cost"
