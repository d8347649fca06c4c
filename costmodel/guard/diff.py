"""What changed between two costs of a model, and which layer is to blame for it.

A layer that grew makes the layers after it read more, and those cost more too. Such a layer follows; it is put down to
the layer whose own choices changed: :class:`Cause`. Where the new network is at hand, its edges name the layer that is
followed. Between two locks, which hold shapes alone, it is the last layer before it that made such a shape of such a
shape; where several did, the others are named as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias, final

from costmodel.guard.align import align
from costmodel.guard.cost import LayerCost, ModelCost

Kind: TypeAlias = Literal["changed", "added", "removed", "renamed"]


class LayerChange(NamedTuple):
    """One layer before and after; None where it was not there. ``place`` is where it is in the new network."""

    old: LayerCost | None
    new: LayerCost | None
    place: int

    @property
    def layer(self) -> LayerCost:
        """The layer as it is now, or was."""
        layer = self.new or self.old
        assert layer is not None
        return layer

    @property
    def multiply_adds(self) -> int:
        """How many more multiply-adds than before."""
        return (self.new.multiply_adds if self.new else 0) - (self.old.multiply_adds if self.old else 0)

    @property
    def parameters(self) -> int:
        """How many more parameters than before."""
        return (self.new.parameters if self.new else 0) - (self.old.parameters if self.old else 0)


class Cause(NamedTuple):
    """Layers that were changed, added, removed or renamed, and the layers that cost something else because of it.

    One layer in ``own`` if it was changed; a run of layers if they were added, removed or renamed together.
    ``perhaps`` are layers that some of ``followers`` may follow instead: they made the same shape of the same shape.
    """

    kind: Kind
    own: tuple[LayerChange, ...]
    followers: tuple[LayerChange, ...] = ()
    perhaps: tuple[str, ...] = ()

    @property
    def multiply_adds(self) -> int:
        """How many more multiply-adds all of them cost than before."""
        return sum(change.multiply_adds for change in (*self.own, *self.followers))

    @property
    def parameters(self) -> int:
        """How many more parameters all of them have than before."""
        return sum(change.parameters for change in (*self.own, *self.followers))

    @property
    def layers(self) -> list[LayerChange]:
        """All of them, the largest change first."""
        return sorted((*self.own, *self.followers), key=_size)


def _size(change: Cause | LayerChange) -> tuple[int, int]:
    return -abs(change.multiply_adds), -abs(change.parameters)


@final
@dataclass(frozen=True)
class Difference:
    """All that changed from ``old`` to ``new``; None where there is no such model.

    ``causes`` have the largest change first; ``kept`` maps the layers that are as they were, or have another name
    alone, from their old place to the new one.
    """

    old: ModelCost | None
    new: ModelCost | None
    causes: tuple[Cause, ...] = ()
    kept: tuple[tuple[int, int], ...] = ()

    @property
    def name(self) -> str:
        """The model."""
        cost = self.new or self.old
        assert cost is not None
        return cost.name

    @property
    def changed(self) -> bool:
        """Whether anything did."""
        return bool(self.causes) or self.old is None or self.new is None or self.old.bytes != self.new.bytes

    @cached_property
    def multiply_adds(self) -> int:
        """How many more multiply-adds than before."""
        return (self.new.multiply_adds if self.new else 0) - (self.old.multiply_adds if self.old else 0)

    @cached_property
    def parameters(self) -> int:
        """How many more parameters than before."""
        return (self.new.parameters if self.new else 0) - (self.old.parameters if self.old else 0)

    @property
    def first(self) -> int | None:
        """The first layer of the new network that changed or stands where one was removed; None if none did."""
        if self.new is None or not self.changed:
            return None
        last = len(self.new.layers) - 1
        return min((min(change.place, last) for cause in self.causes for change in cause.own), default=0)


def difference(old: ModelCost | None, new: ModelCost | None) -> Difference:
    """What changed from ``old`` to ``new``; either may be None.

    >>> import costmodel as cm
    >>> from costmodel.guard.cost import cost_of
    >>> narrow, wide = (cost_of(cm.mobilenet_v1(num_classes=classes), "v1") for classes in (1000, 1001))
    >>> [(cause.kind, cause.own[0].layer.name, cause.multiply_adds) for cause in difference(narrow, wide).causes]
    [('changed', 'classifier', 1024)]
    """
    if old is None or new is None or old.layers == new.layers:
        kept = tuple((place, place) for place in range(len(old.layers))) if old and new else ()
        return Difference(old, new, (), kept)
    changes: list[LayerChange] = []
    kept_places = []
    place = 0
    for mine, theirs in align(old.layers, new.layers):
        place = place if theirs is None else theirs
        before = None if mine is None else old.layers[mine]
        after = None if theirs is None else new.layers[theirs]
        if mine is not None and theirs is not None and old.layers[mine].signature == new.layers[theirs].signature:
            kept_places.append((mine, theirs))
        changes.append(LayerChange(before, after, place))
        place += theirs is not None
    causes = _causes(changes, _producers(new))
    return Difference(old, new, tuple(sorted(causes, key=_size)), tuple(kept_places))


def _producers(cost: ModelCost) -> list[list[int]] | None:
    """The places of what each layer reads; None for a lock, which does not tell."""
    if cost.network is None:
        return None
    nodes = cost.network.nodes
    places = {id(node): place for place, node in enumerate(nodes)}
    return [[places[id(read)] for read in node.inputs] for node in nodes]


def _kind(change: LayerChange) -> Kind | None:
    if change.old is None:
        return "added"
    if change.new is None:
        return "removed"
    if change.old.signature != change.new.signature:
        return "changed"
    return None if change.old.name == change.new.name else "renamed"


def _causes(changes: Iterable[LayerChange], producers: list[list[int]] | None) -> list[Cause]:
    causes: list[_Found] = []
    blame = _Blame(producers)
    for (kind, _), run in groupby(changes, key=_together):
        if kind is None:
            continue
        group = tuple(run)
        leaders = blame.leaders(group[0]) if kind == "changed" else []
        if leaders:
            *others, leader = leaders
            leader.followers.append(group[0])
            leader.perhaps.update(dict.fromkeys(other.own[0].layer.name for other in others))
        else:
            leader = _Found(kind, group, [], {})
            causes.append(leader)
        for change in group:
            blame.put(change, leader)
    return [Cause(kind, own, tuple(followers), tuple(perhaps)) for kind, own, followers, perhaps in causes]


def _together(change: LayerChange) -> tuple[Kind | None, object]:
    """Layers with the same answer in a row are one change: a block that was added, a module with another name."""
    kind = _kind(change)
    if kind == "renamed":
        return kind, renaming(change)
    if kind == "changed":
        return kind, id(change)
    return kind, change.layer.name.split(".")[:2]


def renaming(change: LayerChange) -> tuple[str, str]:
    """The parts of the old and of the new name that differ at their front.

    >>> from costmodel.guard.cost import LayerCost
    >>> renaming(LayerChange(*(LayerCost(f"{top}.1.conv", "conv", (), "", "", 1, 1) for top in ("body", "trunk")), 0))
    ('body', 'trunk')
    """
    olds, news = (layer.name.split(".") if layer else [] for layer in (change.old, change.new))
    while len(olds) > 1 and len(news) > 1 and olds[-1] == news[-1]:
        olds, news = olds[:-1], news[:-1]
    return ".".join(olds), ".".join(news)


class _Found(NamedTuple):
    """A cause while its followers are collected."""

    kind: Kind
    own: tuple[LayerChange, ...]
    followers: list[LayerChange]
    perhaps: dict[str, None]


class _Blame:
    """Which cause made what, as the layers go by; ``producers`` are the places that each new layer reads."""

    def __init__(self, producers: list[list[int]] | None) -> None:
        self._producers = producers
        #: The place of a new layer -> its cause.
        self._at: dict[int, _Found] = {}
        #: A shape before and after -> the causes that made the one of the other, the last one last.
        self._made: dict[tuple[str, str], list[_Found]] = {}

    def put(self, change: LayerChange, cause: _Found) -> None:
        """Notes that ``cause`` is why ``change`` is what it is."""
        before, after = (layer.makes if layer else "" for layer in (change.old, change.new))
        others = [other for other in self._made.get((before, after), ()) if other is not cause]
        self._made[before, after] = [*others, cause]
        if change.new is not None:
            self._at[change.place] = cause

    def leaders(self, change: LayerChange) -> list[_Found]:
        """The causes that ``change`` may follow, the likeliest last; none if it changed by a choice of its own."""
        old, new = change.old, change.new
        if old is None or new is None or old.reads == new.reads or _chose(old, new):
            return []
        for number, before, after in _read_anew(old, new):
            if self._producers is None:
                keys = [(before, after), ("", after), (before, "")]
            else:
                reads = self._producers[change.place]
                if number < len(reads) and reads[number] in self._at:
                    return [self._at[reads[number]]]
                keys = [(before, "")]  # what it read was removed
            for key in keys:
                if key in self._made:
                    # Of layers that came or went in a row, it is the last one that was read.
                    return self._made[key] if all(key) else self._made[key][-1:]
        return []


def _read_anew(old: LayerCost, new: LayerCost) -> Iterator[tuple[int, str, str]]:
    olds, news = old.reads.split(","), new.reads.split(",")
    for place in range(max(len(olds), len(news))):
        before = olds[place] if place < len(olds) else ""
        after = news[place] if place < len(news) else ""
        if before != after:
            yield place, before, after


def _chose(old: LayerCost, new: LayerCost) -> bool:
    """Whether something changed that its author chose, and not only what it reads."""
    if old.kind != new.kind:
        return True
    if not old.kind.endswith("conv"):
        return old.choices != new.choices
    if old.kind.startswith("depthwise"):
        # Its groups are the channels it reads, and its filters are as many again.
        olds, news = (dict(layer.choices) | {"groups": _multiplier(layer)} for layer in (old, new))
        return olds != news
    return old.choices != new.choices or channels(old.makes) != channels(new.makes)


def _multiplier(layer: LayerCost) -> tuple[int, int]:
    return divmod(channels(layer.makes), channels(layer.reads))


def channels(shape: str) -> int:
    """The channels of a shape as it is written.

    >>> channels("64x14x14"), channels("10")
    (64, 10)
    """
    return int(shape.partition("x")[0])
