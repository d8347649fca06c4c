"""Costs of a search space in bins: several quantities at once, or one of so many costs that they are not held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import gcd
from typing import TYPE_CHECKING, Any, NamedTuple

from costmodel.errors import CostModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: More bins than this, over all quantities, are refused before they fill the memory.
MOST_BINS = 2**28

#: So many bins at a time stay near the processor.
_BLOCK = 1 << 17


class BinnedStep(NamedTuple):
    """A choice in bins: its place in its stage, its bins of each quantity, the states that it leads between."""

    place: int
    bins: tuple[int, ...]
    here: Hashable
    there: Hashable


class Axis(NamedTuple):
    """One quantity in bins: a network in bin k costs from ``start + width * k`` to ``spread`` more."""

    start: int
    width: int
    length: int
    spread: int

    def bins_within(self, most: int) -> tuple[int, int]:
        """The bins whose networks all cost at most ``most``, and those of which some may."""
        return tuple(
            [  # type: ignore[return-value]
                min(max((most - above - self.start) // self.width + 1, 0), self.length) for above in (self.spread, 0)
            ]
        )


def axis_of(stages: Sequence[Sequence[int]], width: int) -> tuple[Axis, list[list[int]]]:
    """The axis of one quantity, of its costs a stage; and the bin of each cost.

    Bins are whole multiples of what all differences have in common; ``width`` 0 is that itself, where bins are exact.

    >>> axis_of([[4, 10], [0, 6, 12]], 1)
    (Axis(start=4, width=6, length=4, spread=0), [[0, 1], [0, 1, 2]])
    """
    least = [min(costs) for costs in stages]
    common = gcd(*[cost - low for costs, low in zip(stages, least, strict=True) for cost in costs]) or 1
    width = -(-width // common) * common or common
    bins = [[(cost - low) // width for cost in costs] for costs, low in zip(stages, least, strict=True)]
    spread = sum(max((cost - low) % width for cost in costs) for costs, low in zip(stages, least, strict=True))
    return Axis(sum(least), width, sum(map(max, bins)) + 1, spread), bins


def numbers(
    name: str, stages: Sequence[Sequence[BinnedStep]], start: Hashable, networks: int, keep: bool = False
) -> list[dict[Hashable, NDArray[Any]]]:
    """For every stage and the end: state -> how many ways on have which bins. The first alone, unless all are kept.

    Sums are of 64 bits, and checked: where they do not add up to the ``networks`` that there are, the numbers are
    Python's own.
    """
    kept = _numbers(name, stages, keep, "uint64")
    if networks >= 2**64 and exact_sum(kept[0][start]) != networks:
        kept = _numbers(name, stages, keep, object)
    return kept


def exact_sum(array: NDArray[Any]) -> int:
    """The sum of numbers that are not negative, which 64 bits may not hold.

    >>> import numpy
    >>> exact_sum(numpy.array([2**64 - 1, 1], dtype=numpy.uint64)) == 2**64
    True
    """
    if array.dtype == object:
        return int(array.sum())
    return (int((array >> 32).sum()) << 32) + int((array & 0xFFFFFFFF).sum())


def _numbers(
    name: str, stages: Sequence[Sequence[BinnedStep]], keep: bool, kind: Any
) -> list[dict[Hashable, NDArray[Any]]]:
    import numpy

    rank = len(stages[0][0].bins)
    level: dict[Hashable, NDArray[Any]] = {step.there: numpy.ones((1,) * rank, dtype=kind) for step in stages[-1]}
    levels = [level]
    for stage in reversed(stages):
        steps: dict[Hashable, list[BinnedStep]] = {}
        for step in stage:
            if step.there in level:
                steps.setdefault(step.here, []).append(step)
        shapes = {
            state: tuple(max(s.bins[axis] + level[s.there].shape[axis] for s in several) for axis in range(rank))
            for state, several in steps.items()
        }
        if sum(int(numpy.prod(shape, dtype=object)) for shape in shapes.values()) > MOST_BINS:
            raise CostModelError(f"{name}: more than {MOST_BINS:,} bins are too many to hold; use wider bins")
        level = {state: _sums(several, level, shapes[state], kind) for state, several in steps.items()}
        # What comes after is read once more at most, to draw networks.
        levels = [
            level,
            *([{state: _compact(array) for state, array in levels[0].items()}, *levels[1:]] if keep else []),
        ]
    return levels


def _compact(array: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in half the memory, where they are small enough."""
    import numpy

    return array.astype(numpy.uint32) if array.dtype != object and int(array.max()) < 2**32 else array


def _sums(steps: list[BinnedStep], following: dict[Hashable, Any], shape: tuple[int, ...], kind: Any) -> NDArray[Any]:
    """The numbers of one state: those after each step, moved by its bins; a block of the first axis at a time."""
    import numpy

    total = numpy.zeros(shape, dtype=kind)
    equal = Counter((step.bins, step.there) for step in steps)
    rows = max(1, _BLOCK // int(numpy.prod(shape[1:], dtype=numpy.int64)))
    for low in range(0, shape[0], rows):
        high = min(low + rows, shape[0])
        for (bins, there), number in equal.items():
            after, moved = following[there], bins[0]
            first, last = max(low, moved), min(high, moved + after.shape[0])
            if first < last:
                others = tuple(slice(b, b + n) for b, n in zip(bins[1:], after.shape[1:], strict=True))
                part = after[first - moved : last - moved]
                part = part if number == 1 else part.astype(kind) * number
                total[(slice(first, last), *others)] += part
    return total


class DenseChain:
    """A run of stages whose costs nearly fill their range: a number for every multiple of what they have in common.

    It answers what a :class:`~costmodel.scaling.spaces.chain.Chain` does about the ways on from a state.
    """

    def __init__(self, name: str, stages: Sequence[Sequence[BinnedStep]], axis: Axis) -> None:
        import numpy

        # No number is above that of all ways, whichever state they are from.
        ways: dict[Hashable, int] = {step.there: 1 for step in stages[-1]}
        for stage in reversed(stages):
            following, ways = ways, {}
            for step in stage:
                if step.there in following:
                    ways[step.here] = ways.get(step.here, 0) + following[step.there]
        kind = numpy.int64 if max(ways.values()) < 2**62 else object
        self._stages, self._axis = stages, axis
        self._levels = _numbers(name, stages, True, kind)
        self._totals = {state: numpy.cumsum(array) for state, array in self._levels[0].items()}

    @property
    def states(self) -> set[Hashable]:
        """Where it may start."""
        return {*self._totals}

    def within(self, state: Hashable, most: NDArray[Any]) -> NDArray[Any]:
        """How many ways from ``state`` cost at most each of ``most``."""
        import numpy

        totals = self._totals[state]
        places = (most - self._axis.start) // self._axis.width
        return numpy.where(places >= 0, totals[numpy.clip(places, 0, len(totals) - 1)], 0)

    def walk(self, state: Hashable, ranks: NDArray[Any]) -> list[NDArray[Any]]:
        """The places of the choices of the ways number ``ranks`` from ``state``, in order of cost: an array a stage."""
        import numpy

        totals = self._totals[state]
        places = numpy.searchsorted(totals, ranks, side="right")
        left = ranks - numpy.where(places > 0, totals[places - 1], 0)
        walked = [numpy.zeros(len(ranks), dtype=numpy.int32) for _ in self._stages]
        states, known = numpy.zeros(len(ranks), dtype=numpy.int32), [state]
        for stage, following, chosen in zip(self._stages, self._levels[1:], walked, strict=True):
            after = numpy.zeros(len(ranks), dtype=numpy.int32)
            reached: dict[Hashable, int] = {}
            for number, here in enumerate(known):
                waiting = numpy.flatnonzero(states == number)
                for step in stage:
                    array = following.get(step.there)
                    if step.here != here or array is None or not len(waiting):
                        continue
                    moved = places[waiting] - step.bins[0]
                    inside = (moved >= 0) & (moved < len(array))
                    count = numpy.where(inside, array[numpy.where(inside, moved, 0)], 0)
                    taken = left[waiting] < count
                    mine, waiting = waiting[taken], waiting[~taken]
                    left[waiting] -= count[~taken]
                    chosen[mine] = step.place
                    places[mine] -= step.bins[0]
                    after[mine] = reached.setdefault(step.there, len(reached))
            states, known = after, [*reached]
        return walked


class Walker:
    """Draws networks from those whose bins lie below ``lengths``: each of them is equally likely."""

    def __init__(
        self,
        stages: Sequence[Sequence[BinnedStep]],
        levels: Sequence[dict[Hashable, NDArray[Any]]],
        start: Hashable,
        lengths: tuple[int, ...],
    ) -> None:
        self._stages, self._start, self._lengths = stages, start, lengths
        self._sums = [{state: _cumulative(array) for state, array in level.items()} for level in levels]

    @property
    def total(self) -> int:
        """How many networks there are to draw from."""
        return self._within(0, self._start, self._lengths)

    def _within(self, level: int, state: Hashable, lengths: Sequence[int]) -> int:
        array = self._sums[level].get(state)
        if array is None or min(lengths) < 1:
            return 0
        return int(array[tuple(min(length, size) - 1 for length, size in zip(lengths, array.shape, strict=True))])

    def choices(self, rank: int) -> list[int]:
        """The place of the choice of each stage, of network number ``rank``."""
        state, lengths, places = self._start, self._lengths, []
        for level, stage in enumerate(self._stages, start=1):
            for step in stage:
                if step.here != state:
                    continue
                rest = tuple(length - moved for length, moved in zip(lengths, step.bins, strict=True))
                number = self._within(level, step.there, rest)
                if rank < number:
                    break
                rank -= number
            places.append(step.place)
            state, lengths = step.there, rest
        return places


def _cumulative(array: NDArray[Any]) -> NDArray[Any]:
    """Sums from the first bin on, along every axis, as Python's integers where 64 bits may not hold them."""
    import numpy

    if array.dtype != object and float(array.sum(dtype=numpy.float64)) > 2.0**63:
        array = array.astype(object)
    for axis in range(array.ndim):
        array = numpy.cumsum(array, axis=axis)
    return array
