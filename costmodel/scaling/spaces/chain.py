"""Half of a search space, stage by stage: every cost, how many ways lead to it, and which way a number means."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from costmodel.errors import CostModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: More costs after one stage than this are refused before they fill the memory.
MOST_COSTS = 8_000_000

#: Numbers of ways below this are 64-bit integers, and their sums too; larger ones are Python's.
_SAFE = 2**62


class ChainStep(NamedTuple):
    """Choices as a chain walks over them: their places in the stage, their cost, the states that they lead between."""

    places: tuple[int, ...]
    cost: int
    here: Hashable
    there: Hashable


class Ways(NamedTuple):
    """The ways on from one state: their costs in order, and how many ways cost at most each.

    Ways are numbered from 0 in the order of their costs. ``edges`` says of each step, and each cost after it, at which
    number its ways end; ``steps`` and ``entries`` say which of the state's steps that is, and which cost after it.
    """

    costs: NDArray[Any]
    totals: NDArray[Any]
    edges: NDArray[Any]
    steps: NDArray[Any]
    entries: NDArray[Any]

    @property
    def numbers(self) -> NDArray[Any]:
        """How many ways have each cost."""
        import numpy

        return numpy.diff(self.totals, prepend=self.totals[:1] * 0)

    def within(self, most: NDArray[Any]) -> NDArray[Any]:
        """How many ways cost at most each of ``most``."""
        import numpy

        places = numpy.searchsorted(self.costs, most, side="right")
        return numpy.where(places > 0, self.totals[places - 1], 0)


class Chain:
    """A run of stages that ends in the states of ``ends``; :meth:`extend` puts a stage in front of it."""

    def __init__(self, name: str, ends: Iterable[Hashable]) -> None:
        import numpy

        one, none = numpy.ones(1, dtype=numpy.int64), numpy.zeros(1, dtype=numpy.int64)
        self._name = name
        self._stages: list[dict[Hashable, list[ChainStep]]] = []
        self._levels: list[dict[Hashable, Ways]] = [{end: Ways(none, one, one, none, none) for end in ends}]

    @property
    def first(self) -> Mapping[Hashable, Ways]:
        """State -> the ways on from it."""
        return self._levels[-1]

    @property
    def states(self) -> set[Hashable]:
        """Where it may start."""
        return {*self.first}

    def within(self, state: Hashable, most: NDArray[Any]) -> NDArray[Any]:
        """How many ways from ``state`` cost at most each of ``most``."""
        return self.first[state].within(most)

    def costs_with(self, stage: tuple[ChainStep, ...]) -> int:
        """How many costs there would be with this stage in front, equal ones counted apart."""
        return sum(len(self.first[step.there].costs) for step in stage if step.there in self.first)

    def extend(self, stage: tuple[ChainStep, ...]) -> None:
        """Put a stage in front. Raises :class:`~costmodel.errors.CostModelError` for more costs than can be held."""
        steps: dict[Hashable, list[ChainStep]] = {}
        for step in stage:
            if step.there in self.first:
                steps.setdefault(step.here, []).append(step)
        self._levels.append({state: self._ways(several) for state, several in steps.items()})
        self._stages.append(steps)

    def _ways(self, steps: list[ChainStep]) -> Ways:
        import numpy

        following = [self.first[step.there] for step in steps]
        sizes = [len(ways.costs) for ways in following]
        if sum(sizes) > MOST_COSTS:
            raise CostModelError(
                f"{self._name}: more than {MOST_COSTS:,} costs after one stage are too many to hold;"
                " count in bins, as with --bin 4096, or use fewer choices"
            )
        costs = numpy.concatenate([ways.costs + step.cost for step, ways in zip(steps, following, strict=True)])
        total = sum(int(ways.totals[-1]) * len(step.places) for step, ways in zip(steps, following, strict=True))
        kind = numpy.int64 if total < _SAFE else object
        numbers = numpy.concatenate(
            [ways.numbers.astype(kind) * len(step.places) for step, ways in zip(steps, following, strict=True)]
        )
        order = numpy.argsort(costs, kind="stable")
        costs = costs[order]
        edges = numpy.cumsum(numbers[order])
        last = numpy.append(costs[1:] != costs[:-1], True)  # of each cost, its last edge
        which = numpy.repeat(numpy.arange(len(steps), dtype=numpy.int32), sizes)
        entries = numpy.concatenate([numpy.arange(size, dtype=numpy.int32) for size in sizes])
        return Ways(costs[last], edges[last], edges, which[order], entries[order])

    def walk(self, state: Hashable, ranks: NDArray[Any]) -> list[NDArray[Any]]:
        """The places of the choices of the ways number ``ranks`` from ``state``: an array a stage."""
        import numpy

        walked = [numpy.zeros(len(ranks), dtype=numpy.int32) for _ in self._stages]
        groups = [(state, numpy.arange(len(ranks)), ranks)]
        for depth, (stage, chosen) in enumerate(zip(reversed(self._stages), walked, strict=True), start=1):
            parts: dict[Hashable, list[tuple[NDArray[Any], NDArray[Any]]]] = {}
            for here, which, numbers in groups:
                ways = self._levels[-depth][here]
                edge = numpy.searchsorted(ways.edges, numbers, side="right")
                steps, entries = ways.steps[edge], ways.entries[edge]
                # From the end of the edge backwards: both number their ways alike within one cost.
                left = ways.edges[edge] - numbers - 1
                for index in numpy.unique(steps).tolist():
                    step, mine = stage[here][index], steps == index
                    after = self._levels[-1 - depth][step.there]
                    number = _number(after, entries[mine])  # of Python's integers too, which divmod is not for
                    several, rest = left[mine] // number, left[mine] % number
                    chosen[which[mine]] = numpy.array(step.places)[several.astype(numpy.int64)]
                    parts.setdefault(step.there, []).append((which[mine], after.totals[entries[mine]] - 1 - rest))
            groups = [
                (after, numpy.concatenate([which for which, _ in several]), numpy.concatenate([r for _, r in several]))
                for after, several in parts.items()
            ]
        return walked


def _number(ways: Ways, entries: NDArray[Any]) -> NDArray[Any]:
    """How many ways have the costs of some entries."""
    import numpy

    number: NDArray[Any] = ways.totals[entries] - numpy.where(entries > 0, ways.totals[entries - 1], 0)
    return number


def exact_dot(left: NDArray[Any], right: NDArray[Any]) -> int:
    """The sum of products of numbers that are not negative, exactly.

    >>> import numpy
    >>> exact_dot(numpy.array([2**61, 3]), numpy.array([2**61, 5])) == 2**122 + 15
    True
    """
    import numpy

    if left.dtype == object or right.dtype == object:
        return int((left.astype(object) * right.astype(object)).sum())
    total, mask = 0, (1 << 20) - 1
    # Twenty bits at a time: a million products of forty bits fit 64.
    for start in range(0, len(left), 1 << 20):
        parts = [
            [(array[start : start + (1 << 20)] >> shift) & mask for shift in (0, 20, 40, 60)] for array in (left, right)
        ]
        for i, one in enumerate(parts[0]):
            if one.any():
                total += sum(int(numpy.dot(one, other)) << 20 * (i + j) for j, other in enumerate(parts[1]))
    return total
