"""Which layer of one network is which layer of another: an alignment that sees renamed, added and removed layers.

Both networks are sequences of layers. The pairs found keep the order and make the whole edit as small as can be, where
an edit is one of these, from the smallest: a layer has another name; the same name, but another shape or choice; it was
added or removed; it has the same name but became another kind of layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple, TypeAlias

from costmodel.guard.cost import LayerCost

#: Places in the old and in the new sequence; None where there is no such layer.
Pair: TypeAlias = tuple[int | None, int | None]

#: What each edit weighs. An added and a removed layer together weigh more than one layer that changed its shape, and
#: less than one that changed name and kind, so that those are never taken for one another.
_RENAMED, _RENAMED_APART, _CHANGED, _BECAME, _CHANGED_RENAMED, _CHANGED_APART, _ADDED, _NEVER = 2, 3, 3, 5, 5, 6, 4, 9

#: More pairs to weigh than this would take over a second; then lines that are equal in all are paired first.
_MOST_CELLS = 1_000_000


class _Key(NamedTuple):
    """A layer as numbers, which compare faster than texts."""

    name: int
    last: int
    kind: int
    signature: int


def align(old: Sequence[LayerCost], new: Sequence[LayerCost]) -> list[Pair]:
    """Pairs of places, in order: every layer of both is in one pair.

    >>> a, b, c = (LayerCost(name, "conv", (), "3x8x8", "3x8x8", 1, 1) for name in "abc")
    >>> align([a, b], [a, c, b])
    [(0, 0), (None, 1), (1, 2)]
    """
    # Most edits are in one place: what is equal before and after it needs no weighing.
    start, most = 0, min(len(old), len(new))
    while start < most and old[start] == new[start]:
        start += 1
    end = 0
    while end < most - start and old[-1 - end] == new[-1 - end]:
        end += 1
    stop_old, stop_new = len(old) - end, len(new) - end
    return [
        *((place, place) for place in range(start)),
        *_gap(old, new, start, stop_old, start, stop_new),
        *zip(range(stop_old, len(old)), range(stop_new, len(new)), strict=True),
    ]


def _equal_runs(old: Sequence[object], new: Sequence[object]) -> list[tuple[int, int, int]]:
    return [(*run,) for run in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()]


def _gap(
    old: Sequence[LayerCost], new: Sequence[LayerCost], start_old: int, end_old: int, start_new: int, end_new: int
) -> list[Pair]:
    olds, news = old[start_old:end_old], new[start_new:end_new]
    pairs = _weighed(olds, news) if len(olds) * len(news) <= _MOST_CELLS else _by_equal_lines(olds, news)
    return [
        (None if mine is None else start_old + mine, None if theirs is None else start_new + theirs)
        for mine, theirs in pairs
    ]


def _by_equal_lines(old: Sequence[LayerCost], new: Sequence[LayerCost]) -> list[Pair]:
    """Equal lines first, and what lies between them by weight, or by name where that is too long as well."""
    names_old, names_new = ([layer.name for layer in layers] for layers in (old, new))
    runs = _equal_runs(old, new)
    longest = max(
        (after[0] - before[0] - before[2]) * (after[1] - before[1] - before[2])
        for before, after in zip([(0, 0, 0), *runs], runs, strict=False)
    )
    weighs = longest <= _MOST_CELLS
    pairs: list[Pair] = []
    at_old = at_new = 0
    for start_old, start_new, size in runs if weighs else _equal_runs(names_old, names_new):
        if weighs:
            pairs += _gap(old, new, at_old, start_old, at_new, start_new)
        else:
            pairs += [(place, None) for place in range(at_old, start_old)]
            pairs += [(None, place) for place in range(at_new, start_new)]
        pairs += [(start_old + step, start_new + step) for step in range(size)]
        at_old, at_new = start_old + size, start_new + size
    return pairs


def _weighed(old: Sequence[LayerCost], new: Sequence[LayerCost]) -> list[Pair]:
    """The lightest edit, by dynamic programming over all pairs of places (Needleman and Wunsch, 1970)."""
    numbers: dict[object, int] = {}
    olds = [_key(layer, numbers) for layer in old]
    news = [_key(layer, numbers) for layer in new]
    # weights[i][j]: the lightest edit from old[i:] to new[j:].
    below = [_ADDED * (len(news) - place) for place in range(len(news) + 1)]
    weights = [below]
    for place in range(len(olds) - 1, -1, -1):
        mine = olds[place]
        row = [0] * len(news) + [below[-1] + _ADDED]
        right = row[-1]
        for other in range(len(news) - 1, -1, -1):
            lone = (right if right < below[other] else below[other]) + _ADDED
            both = below[other + 1] + _weight(mine, news[other])
            right = row[other] = both if both <= lone else lone
        weights.append(row)
        below = row
    weights.reverse()
    return _trace(olds, news, weights)


def _trace(olds: list[_Key], news: list[_Key], weights: list[list[int]]) -> list[Pair]:
    pairs: list[Pair] = []
    i = j = 0
    while i < len(olds) or j < len(news):
        here = weights[i][j]
        if i < len(olds) and j < len(news) and here == weights[i + 1][j + 1] + _weight(olds[i], news[j]):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif i < len(olds) and here == weights[i + 1][j] + _ADDED:
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return pairs


def _key(layer: LayerCost, numbers: dict[object, int]) -> _Key:
    parts: tuple[object, ...] = (layer.name, layer.name.rpartition(".")[2], layer.kind, layer.signature)
    return _Key(*[numbers.setdefault((place, part), len(numbers)) for place, part in enumerate(parts)])


def _weight(old: _Key, new: _Key) -> int:
    if old.signature == new.signature:
        return 0 if old.name == new.name else _RENAMED if old.last == new.last else _RENAMED_APART
    if old.name == new.name:
        return _CHANGED if old.kind == new.kind else _BECAME
    if old.kind != new.kind:
        return _NEVER
    return _CHANGED_RENAMED if old.last == new.last else _CHANGED_APART
