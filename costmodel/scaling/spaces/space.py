"""A search space as stages of choices whose costs add up: every question about its networks, answered exactly."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple, final

from costmodel.core.network import Network
from costmodel.errors import LARGEST_SIZE, CostModelError, nearest, positive_int
from costmodel.scaling.spaces.bins import MOST_BINS, Axis, BinnedStep, DenseChain, Walker, axis_of, exact_sum, numbers
from costmodel.scaling.spaces.chain import Chain, ChainStep, Ways, exact_dot

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Spaces of at most so many networks are held cost by cost, whatever the costs are.
_FEW = 1_000_000

#: Half a space is held cost by cost up to so many; where both halves have more, the second is one array of numbers.
_MOST_HELD = 4_000_000

#: And then the first half has at most so many costs.
_MOST_BACK = 2_500_000

#: A set of costs is the bits of one number, up to a gigabyte of it.
_MOST_BITS = 2**33

#: Bins of all quantities together, where nobody says how wide they are: to count in, and to draw from.
_BINS, _BINS_TO_DRAW = 1 << 22, 1 << 16

#: Networks are drawn so many at a time.
_BATCH = 1 << 19

#: Where none of so many networks on the border of several budgets fits, none is said to.
_PATIENCE = 100_000


class Choice(NamedTuple):
    """One choice of a stage: what it costs of each quantity, the state it may follow and the state it leaves behind.

    A choice without a name is none: nothing else is in its stage, and it is left out of what is chosen.
    """

    name: str
    costs: tuple[int, ...]
    before: Hashable = None
    after: Hashable = None


class Between(NamedTuple):
    """How many networks fit some budgets: at least ``low`` and at most ``high``, in bins of such widths."""

    low: int
    high: int
    bins: dict[str, int]


class Histogram(NamedTuple):
    """How many networks cost how much: ``numbers`` of them cost from ``costs`` to ``spread`` more, in order."""

    costs: NDArray[Any]
    numbers: NDArray[Any]
    width: int
    spread: int


@final
@dataclass(frozen=True)
class Space:
    """Every way to take one choice a stage, from the state ``start``; the costs of a network are those of its choices.

    Costs are exact integers of each of ``quantities``; questions about one cost are about the first. ``build`` makes
    the network of the names of its choices.

    Raises :class:`~costmodel.errors.CostModelError` for a space without choices and for states that do not connect.

    >>> space = Space("two", (((Choice("a", (1,)), Choice("b", (3,))),) * 2))
    >>> space.networks, space.smallest, space.largest, space.distinct, space.within(4)
    (4, 2, 6, 3, 3)
    """

    name: str
    stages: tuple[tuple[Choice, ...], ...]
    start: Hashable = None
    quantities: tuple[str, ...] = ("multiply_adds",)
    build: Callable[[tuple[str, ...]], Network] | None = None

    def __post_init__(self) -> None:
        if not self.stages or not all(self.stages):
            raise CostModelError(f"{self.name}: a stage without choices has no network; give every stage a choice")
        for choice in (choice for stage in self.stages for choice in stage):
            for cost in choice.costs:
                if type(cost) is not int or cost < 0:
                    raise CostModelError(
                        f"{self.name}: {choice.name} costs {cost!r}; use a whole number that is not negative"
                    )
            if len(choice.costs) != len(self.quantities):
                asked = ", ".join(self.quantities)
                raise CostModelError(f"{self.name}: {choice.name} costs {choice.costs}; give one of each of {asked}")
        states = {self.start}
        for number, stage in enumerate(self.stages, start=1):
            after = {choice.after for choice in stage if choice.before in states}
            if not after:
                texts = ", ".join(sorted(map(str, states)))
                raise CostModelError(f"{self.name}: no choice of stage {number} follows {texts}; add one that does")
            states = after
        for quantity in self.quantities:
            if self._extreme(quantity, max) > LARGEST_SIZE:
                raise CostModelError(f"{self.name}: {quantity} beyond 64 bits; use smaller costs")

    @property
    def quantity(self) -> str:
        """What questions about one cost are about."""
        return self.quantities[0]

    @cached_property
    def networks(self) -> int:
        """How many networks there are."""
        return int(self._fold(1, lambda choice, rest: rest, sum))

    @cached_property
    def smallest(self) -> int:
        """The least that a network costs."""
        return self._extreme(self.quantity, min)

    @cached_property
    def largest(self) -> int:
        """The most that a network costs."""
        return self._extreme(self.quantity, max)

    def _extreme(self, quantity: str, which: Callable[[Sequence[int]], int]) -> int:
        place = self.quantities.index(quantity)
        return int(self._fold(0, lambda choice, rest: choice.costs[place] + rest, which))

    def _fold(self, end: Any, add: Callable[[Choice, Any], Any], join: Callable[[Sequence[Any]], Any]) -> Any:
        """From the end to the start: ``join`` of what each choice of a state adds to what comes after it."""
        level = {choice.after: end for choice in self.stages[-1]}
        for stage in reversed(self.stages):
            parts: dict[Hashable, list[Any]] = {}
            for choice in stage:
                if choice.after in level:
                    parts.setdefault(choice.before, []).append(add(choice, level[choice.after]))
            level = {state: join(several) for state, several in parts.items()}
        return level[self.start]

    @cached_property
    def distinct(self) -> int:
        """How many different costs there are.

        Raises :class:`~costmodel.errors.CostModelError` where they are too many to tell apart.
        """
        costs = [[choice.costs[0] for choice in stage] for stage in self.stages]
        axis = self._axis
        if self.networks <= _FEW or axis.length > _MOST_BITS:
            return len(self._whole.costs)
        # Bit k of a number: there is a network of k widths above the least. Adding a cost to all is a shift.
        level = {choice.after: 1 for choice in self.stages[-1]}
        for stage, low in zip(reversed(self.stages), map(min, reversed(costs)), strict=True):
            following, level = level, {}
            for cost, before, after in {(choice.costs[0], choice.before, choice.after) for choice in stage}:
                if after in following:
                    level[before] = level.get(before, 0) | following[after] << (cost - low) // axis.width
        return level[self.start].bit_count()

    @cached_property
    def _whole(self) -> Ways:
        """The costs of all networks, from one chain over all stages."""
        chain = Chain(self.name, {choice.after for choice in self.stages[-1]})
        for stage in reversed(self.stages):
            chain.extend(self._steps(stage))
        return chain.first[self.start]

    def _steps(self, stage: Sequence[Choice], reverse: bool = False) -> tuple[ChainStep, ...]:
        """A stage as a chain walks over it, from the end to the start or in ``reverse``."""
        places: dict[tuple[Any, ...], list[int]] = {}
        for place, choice in enumerate(stage):
            ends = (choice.after, choice.before) if reverse else (choice.before, choice.after)
            places.setdefault((choice.costs[0], *ends), []).append(place)
        return tuple(ChainStep(tuple(several), *key) for key, several in places.items())

    @cached_property
    def _halves(self) -> tuple[Chain, Chain | DenseChain]:
        """The stages from the start, and those to the end, up to a stage in the middle.

        Both halves have far fewer costs than the whole. Costs near the start are few, and are held one by one; towards
        the end they fill their range, and are held as one array, where it is short enough.
        """
        back, on = Chain(self.name, [self.start]), Chain(self.name, {choice.after for choice in self.stages[-1]})
        low, high = 0, len(self.stages)
        while low < high:
            first, last = self._steps(self.stages[low], reverse=True), self._steps(self.stages[high - 1])
            costs = on.costs_with(last)
            if self.networks > _FEW and back.costs_with(first) <= costs:
                if back.costs_with(first) > _MOST_HELD and self._axis.length <= MOST_BINS:
                    return self._dense_halves()
                back.extend(first)
                low += 1
            else:
                if costs > _MOST_HELD and self._axis.length <= MOST_BINS:
                    return self._dense_halves()
                on.extend(last)
                high -= 1
        return back, on

    def _dense_halves(self) -> tuple[Chain, DenseChain]:
        back, low = Chain(self.name, [self.start]), 0
        for stage in self.stages[:-1]:
            if back.costs_with(first := self._steps(stage, reverse=True)) > _MOST_BACK:
                break
            back.extend(first)
            low += 1
        (axis,), binned = self._binned([self.quantity], {self.quantity: 0})
        least = sum(min(choice.costs[0] for choice in stage) for stage in self.stages[low:])
        return back, DenseChain(self.name, binned[low:], axis._replace(start=least))

    @cached_property
    def _axis(self) -> Axis:
        """The costs in units of what their differences have in common."""
        return axis_of([[choice.costs[0] for choice in stage] for stage in self.stages], 0)[0]

    @cached_property
    def _middle(self) -> list[Hashable]:
        """The states in which both halves meet."""
        back, on = self._halves
        return [state for state in back.first if state in on.states]

    def within(self, most: int) -> int:
        """How many networks cost at most ``most``.

        Exact: of each way to the middle of the space, how many ways on from there the rest of the budget pays.
        """
        back, on = self._halves
        most = min(most, self.largest)
        fit = 0
        for state in self._middle:
            ways, other = back.first[state], on
            # It makes no difference which half is looked up in the other; the shorter one is faster.
            if isinstance(on, Chain) and len(on.first[state].costs) < len(ways.costs):
                ways, other = on.first[state], back
            fit += exact_dot(ways.numbers, other.within(state, most - ways.costs))
        return fit

    def quantile(self, share: float | Fraction) -> int:
        """The least cost that at least ``share`` of the networks do not exceed, 0 to 1.

        Raises :class:`~costmodel.errors.CostModelError` for another share.
        """
        rank = self._rank(share)
        low, high = self.quantile_between(share, max(2, (self.largest - self.smallest) >> 20))
        while low < high:
            half = (low + high) // 2
            if self.within(half) >= rank:
                high = half
            else:
                low = half + 1
        return low

    def quantile_between(self, share: float | Fraction, width: int) -> tuple[int, int]:
        """Two costs that a quantile lies between, counted in bins that are about ``width`` wide.

        Raises :class:`~costmodel.errors.CostModelError` as :meth:`quantile` and :meth:`histogram` do.
        """
        import numpy

        rank = self._rank(share)
        if width not in self._binned_totals:
            counted = self.histogram(width)
            self._binned_totals[width] = counted._replace(numbers=numpy.cumsum(counted.numbers.astype(object)))
        bins = self._binned_totals[width]
        # A network costs at least the start of its bin, and at most the spread more.
        low = max(self.smallest, int(bins.costs[int(numpy.searchsorted(bins.numbers, rank))]))
        return low, min(self.largest, low + bins.spread)

    def _rank(self, share: float | Fraction) -> int:
        if not 0 <= share <= 1:
            raise CostModelError(f"{self.name}: {share} is no share of the networks; use 0 to 1, as in 0.5")
        # As it is written: the float 0.8 is a little more than 4/5, and would be a rank too high.
        return max(1, ceil(self.networks * Fraction(str(share))))

    @cached_property
    def _binned_totals(self) -> dict[int, Histogram]:
        """Histograms by the width of their bins, with how many networks there are up to each bin."""
        return {}

    def at(self, share: float | Fraction) -> tuple[str, ...]:
        """The choices of one network whose cost is the quantile ``share``: 0.5 for a median network."""
        cost = self.quantile(share)
        return self._of_ranks([0], cost - 1, cost)[0]

    def sample(
        self, number: int, seed: int = 0, most: int | Mapping[str, int] | None = None, width: int = 0
    ) -> list[tuple[str, ...]]:
        """The choices of ``number`` networks, each drawn evenly from those that cost at most ``most``.

        Exact: a number of a network is drawn, and counting backwards finds it; nothing is rejected. With budgets of
        several quantities, or in bins about ``width`` wide, those networks are drawn from that the bins do not rule
        out, and the few of them that do not fit are drawn again. Raises :class:`~costmodel.errors.CostModelError` where
        none fits.
        """
        if number < 1:
            raise CostModelError(f"{self.name}: {number} is no number of samples; use 1 or more")
        if isinstance(most, Mapping) and {*most} - {self.quantity}:
            return self._sample_between(number, seed, most, {})
        limit = most.get(self.quantity) if isinstance(most, Mapping) else most
        limit = self.largest if limit is None else limit
        if width:
            return self._sample_between(number, seed, {self.quantity: limit}, {self.quantity: width})
        self.check_budgets({self.quantity: limit})
        fit = self.within(limit)
        draw = random.Random(seed).getrandbits
        networks: list[tuple[str, ...]] = []
        while len(networks) < number:
            ranks: list[int] = []
            while batch := min(_BATCH, number - len(networks)) - len(ranks):
                # What Random.randrange does, for many numbers at once.
                ranks += [rank for rank in map(draw, [fit.bit_length()] * batch) if rank < fit]
            networks += self._of_ranks(ranks, -1, limit)
        return networks

    def check_budgets(self, most: Mapping[str, int]) -> None:
        """Raises :class:`~costmodel.errors.CostModelError` for a budget that even the smallest network breaks."""
        for quantity, limit in most.items():
            if quantity not in self.quantities:
                near = nearest(quantity, self.quantities)
                raise CostModelError(
                    f"{self.name} is not counted in {quantity}; {near}it is in {', '.join(self.quantities)}"
                )
            smallest = self._extreme(quantity, min)
            if limit < smallest:
                raise CostModelError(
                    f"{self.name}: no network has at most {limit:,} {quantity}; the smallest has {smallest:,}"
                )

    def _of_ranks(self, ranks: list[int], above: int, most: int) -> list[tuple[str, ...]]:
        """The choices of networks number ``ranks`` among those that cost more than ``above``, at most ``most``."""
        import numpy

        back, on = self._halves
        most = min(most, self.largest)
        ways = [back.first[state] for state in self._middle]
        less = [on.within(state, above - way.costs) for state, way in zip(self._middle, ways, strict=True)]
        each = [
            on.within(state, most - way.costs) - few for state, way, few in zip(self._middle, ways, less, strict=True)
        ]
        ends = [*accumulate(exact_dot(way.numbers, number) for way, number in zip(ways, each, strict=True))]
        places = numpy.zeros(len(ranks), dtype=numpy.int64)
        if len(ends) > 1:
            places += numpy.array([bisect_right(ends, rank) for rank in ranks])
        chosen = [numpy.empty(len(ranks), dtype=numpy.int32) for _ in self.stages]
        for place, (state, way) in enumerate(zip(self._middle, ways, strict=True)):
            which = numpy.flatnonzero(places == place)
            if not len(which):
                continue
            start = ends[place] - exact_dot(way.numbers, each[place])
            entries, before, after = _pairs(
                way.numbers, each[place], [ranks[index] - start for index in which.tolist()]
            )
            walked = [
                *_in_order(back, state, way.totals[entries] - 1 - before)[::-1],
                *_in_order(on, state, less[place][entries] + after),
            ]
            for column, taken in zip(chosen, walked, strict=True):
                column[which] = taken
        return self._names(chosen)

    def _names(self, chosen: Sequence[NDArray[Any]]) -> list[tuple[str, ...]]:
        """The names of the choices at these places, a tuple a network."""
        import numpy

        columns = [
            numpy.array([choice.name for choice in stage], dtype=object)[places].tolist()
            for stage, places in zip(self.stages, chosen, strict=True)
            if any(choice.name for choice in stage)
        ]
        return list(zip(*columns, strict=True)) if columns else [()] * len(chosen[0])

    def network(self, choices: Sequence[str]) -> Network:
        """The network of ``choices``.

        Raises :class:`~costmodel.errors.CostModelError` for choices that are not of this space.
        """
        if self.build is None:
            raise CostModelError(f"{self.name} does not say how a network is built; give it build=")
        return self.build(tuple(choices))

    def histogram(self, width: int = 1) -> Histogram:
        """How many networks cost how much: every cost there is, or bins that are about ``width`` wide.

        A network in a bin costs from its start to the ``spread`` more. Raises
        :class:`~costmodel.errors.CostModelError` for more costs than can be held, and for a width below 1.
        """
        import numpy

        positive_int(width, "width")
        (axis,), stages = self._binned([self.quantity], {self.quantity: 0 if width == 1 else width})
        if width == 1 and (self.networks <= _FEW or axis.length > MOST_BINS):
            return Histogram(self._whole.costs, self._whole.numbers, 1, 0)
        counted = numbers(self.name, stages, self.start, self.networks)[0][self.start]
        places = numpy.flatnonzero(counted)
        return Histogram(axis.start + axis.width * places, counted[places], axis.width, axis.spread)

    def between(self, most: Mapping[str, int], bins: Mapping[str, int] | None = None) -> Between:
        """How many networks keep every budget of ``most``, in bins that are about as wide as ``bins`` says.

        Without ``bins``, there are four million of them. Exact, with both bounds equal, where there are at most a
        million networks, or a bin is what all costs have in common. Raises
        :class:`~costmodel.errors.CostModelError` for more bins than can be held.
        """
        self.check_budgets(most)
        if bins is None and self.networks <= _FEW:
            fit = self._listed_within(most)
            return Between(fit, fit, dict.fromkeys(most, 1))
        axes, stages = self._binned(list(most), bins or {})
        counted = numbers(self.name, stages, self.start, self.networks)[0][self.start]
        lengths = [axis.bins_within(limit) for axis, limit in zip(axes, most.values(), strict=True)]
        low, high = (exact_sum(counted[tuple(slice(length[which]) for length in lengths)]) for which in (0, 1))
        return Between(low, high, {quantity: axis.width for quantity, axis in zip(most, axes, strict=True)})

    def _binned(
        self, quantities: Sequence[str], widths: Mapping[str, int], in_all: int = _BINS
    ) -> tuple[list[Axis], list[list[BinnedStep]]]:
        """The axes of some quantities, and the stages in bins of them."""
        axes, places = [], []
        for quantity in quantities:
            index = self.quantities.index(quantity)
            costs = [[choice.costs[index] for choice in stage] for stage in self.stages]
            spread = self._extreme(quantity, max) - self._extreme(quantity, min)
            axis, bins = axis_of(costs, widths.get(quantity, int(spread / in_all ** (1 / len(quantities)))))
            axes.append(axis)
            places.append(bins)
        stages = [
            [
                BinnedStep(place, tuple(bins[number][place] for bins in places), choice.before, choice.after)
                for place, choice in enumerate(stage)
            ]
            for number, stage in enumerate(self.stages)
        ]
        return axes, stages

    def _listed_within(self, most: Mapping[str, int]) -> int:
        """How many networks keep every budget, from the list of all."""
        import numpy

        places = [self.quantities.index(quantity) for quantity in most]
        end = numpy.zeros((1, len(places)), dtype=numpy.int64)

        def add(choice: Choice, rest: Any) -> Any:
            return rest + numpy.array([choice.costs[place] for place in places])

        listed = self._fold(end, add, numpy.concatenate)
        return int((listed <= numpy.array([*most.values()])).all(axis=1).sum())

    def _sample_between(
        self, number: int, seed: int, most: Mapping[str, int], bins: Mapping[str, int]
    ) -> list[tuple[str, ...]]:
        import numpy

        self.check_budgets(most)
        axes, stages = self._binned(list(most), bins, _BINS_TO_DRAW)
        lengths = tuple(axis.bins_within(limit)[1] for axis, limit in zip(axes, most.values(), strict=True))
        levels = numbers(self.name, stages, self.start, self.networks, keep=True)
        walker = Walker(stages, levels, self.start, lengths)
        draw = random.Random(seed).randrange
        chosen: list[list[int]] = []
        for tried in range(number * _PATIENCE if walker.total else 0):
            places = walker.choices(draw(walker.total))
            if self._keeps(places, most):
                chosen.append(places)
            if len(chosen) == number or (tried > _PATIENCE and not chosen):
                break
        if len(chosen) < number:
            limits = " and ".join(f"{limit:,} {quantity}" for quantity, limit in most.items())
            raise CostModelError(f"{self.name}: no network that was drawn has at most {limits}; use larger budgets")
        return self._names([*numpy.array(chosen).T])

    def _keeps(self, places: Sequence[int], most: Mapping[str, int]) -> bool:
        for quantity, limit in most.items():
            index = self.quantities.index(quantity)
            costs = [stage[place].costs[index] for stage, place in zip(self.stages, places, strict=True)]
            if sum(costs) > limit:
                return False
        return True


def _in_order(half: Chain | DenseChain, state: Hashable, ranks: NDArray[Any]) -> list[NDArray[Any]]:
    """What ``half`` walks, told in the order of its costs: neighbors in memory are read one after the other."""
    import numpy

    order = numpy.argsort(ranks)
    back = numpy.empty_like(order)
    back[order] = numpy.arange(len(order))
    return [places[back] for places in half.walk(state, ranks[order])]


def _pairs(
    numbers: NDArray[Any], each: NDArray[Any], ranks: list[int]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Of entries with ``numbers * each`` pairs, one after the other: the entry of each rank, and its pair there."""
    import numpy

    ends = numpy.cumsum(numbers.astype(object) * each)
    # The upper bits find the entry, as 64-bit integers; where they tie, the whole numbers do.
    shift = max(int(ends[-1]).bit_length() - 62, 0)
    upper, high = (ends >> shift).astype(numpy.int64), numpy.array([rank >> shift for rank in ranks], dtype=numpy.int64)
    entries = numpy.searchsorted(upper, high, side="left")
    for index in numpy.flatnonzero(upper[entries] == high).tolist():
        entries[index] = bisect_right(ends, ranks[index])
    left = numpy.array(ranks, dtype=object) - numpy.where(entries > 0, ends[entries - 1], 0)
    before, after = left // each[entries], left % each[entries]
    return entries, before.astype(numbers.dtype), after.astype(each.dtype)
