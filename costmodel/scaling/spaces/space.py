"""A search space as stages of choices whose costs add up: every question about its networks, answered exactly."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from math import ceil
from typing import NamedTuple, final

from costmodel.core.network import Network
from costmodel.errors import CostModelError

#: More distinct costs of one stage than this are refused before they fill the memory.
MOST_DISTINCT = 2_000_000


class Choice(NamedTuple):
    """One choice of a stage: what it costs, the state it may follow and the state it leaves behind."""

    name: str
    cost: int
    before: Hashable = None
    after: Hashable = None


class _Costs(NamedTuple):
    """Costs in order, and how many networks cost at most each."""

    costs: list[int]
    totals: list[int]

    def within(self, most: int) -> int:
        place = bisect_right(self.costs, most)
        return self.totals[place - 1] if place else 0


@final
@dataclass(frozen=True)
class Space:
    """Every way to take one choice a stage, from the state ``start``; a network costs ``fixed`` and its choices.

    ``build`` makes the network of the names of its choices. Costs are exact integers of one ``quantity``.

    Raises :class:`~costmodel.errors.CostModelError` for a space without choices and for states that do not connect.

    >>> space = Space("two", (((Choice("a", 1), Choice("b", 3)),) * 2))
    >>> space.networks, space.smallest, space.largest, space.distinct, space.within(4)
    (4, 2, 6, 3, 3)
    """

    name: str
    stages: tuple[tuple[Choice, ...], ...]
    fixed: int = 0
    start: Hashable = None
    quantity: str = "multiply_adds"
    build: Callable[[tuple[str, ...]], Network] | None = None

    def __post_init__(self) -> None:
        if not self.stages or not all(self.stages):
            raise CostModelError(f"{self.name}: a stage without choices has no network; give every stage a choice")
        for choice in (choice for stage in self.stages for choice in stage):
            if type(choice.cost) is not int or choice.cost < 0:
                raise CostModelError(
                    f"{self.name}: {choice.name} costs {choice.cost!r}; use a whole number that is not negative"
                )
        states = {self.start}
        for number, stage in enumerate(self.stages, start=1):
            after = {choice.after for choice in stage if choice.before in states}
            if not after:
                texts = ", ".join(sorted(map(str, states)))
                raise CostModelError(f"{self.name}: no choice of stage {number} follows {texts}; add one that does")
            states = after

    @cached_property
    def _rest(self) -> tuple[dict[Hashable, _Costs], ...]:
        """For every stage, and the end: state -> the costs of what follows."""
        numbers: dict[Hashable, Counter[int]] = {choice.after: Counter({0: 1}) for choice in self.stages[-1]}
        rests = [numbers]
        for stage in reversed(self.stages):
            numbers = self._before(stage, numbers)
            rests.append(numbers)
        return tuple({state: _sorted(costs) for state, costs in rest.items()} for rest in reversed(rests))

    def _before(self, stage: Sequence[Choice], following: dict[Hashable, Counter[int]]) -> dict[Hashable, Counter[int]]:
        numbers: dict[Hashable, Counter[int]] = {}
        for choice in stage:
            if choice.after not in following:
                continue
            costs = numbers.setdefault(choice.before, Counter())
            for cost, number in following[choice.after].items():
                costs[cost + choice.cost] += number
            if len(costs) > MOST_DISTINCT:
                raise CostModelError(
                    f"{self.name}: more than {MOST_DISTINCT:,} distinct costs are too many to hold;"
                    " use fewer choices or stages"
                )
        return numbers

    @property
    def _all(self) -> _Costs:
        return self._rest[0][self.start]

    @property
    def networks(self) -> int:
        """How many networks there are."""
        return self._all.totals[-1]

    @property
    def smallest(self) -> int:
        """The least that a network costs."""
        return self.fixed + self._all.costs[0]

    @property
    def largest(self) -> int:
        """The most that a network costs."""
        return self.fixed + self._all.costs[-1]

    @property
    def distinct(self) -> int:
        """How many different costs there are."""
        return len(self._all.costs)

    def within(self, most: int) -> int:
        """How many networks cost at most ``most``."""
        return self._all.within(most - self.fixed)

    def histogram(self) -> Iterator[tuple[int, int]]:
        """Every cost, in order, and how many networks have it."""
        costs, totals = self._all
        numbers = (total - less for less, total in zip([0, *totals], totals, strict=False))
        return zip((self.fixed + cost for cost in costs), numbers, strict=True)

    def quantile(self, share: float | Fraction) -> int:
        """The least cost that at least ``share`` of the networks do not exceed, 0 to 1.

        Raises :class:`~costmodel.errors.CostModelError` for another share.
        """
        if not 0 <= share <= 1:
            raise CostModelError(f"{self.name}: {share} is no share of the networks; use 0 to 1, as in 0.5")
        # As it is written: the float 0.8 is a little more than 4/5, and would be a rank too high.
        rank = max(1, ceil(self.networks * Fraction(str(share))))
        costs, totals = self._all
        return self.fixed + costs[bisect_right(totals, rank - 1)]

    def sample(self, number: int, seed: int = 0, most: int | None = None) -> list[tuple[str, ...]]:
        """The choices of ``number`` networks, each drawn evenly from those that cost at most ``most``.

        Exact: a rank is drawn, and counting backwards finds its network; nothing is rejected.
        Raises :class:`~costmodel.errors.CostModelError` where none costs so little.
        """
        if number < 1:
            raise CostModelError(f"{self.name}: {number} is no number of samples; use 1 or more")
        most = self.largest if most is None else most
        fit = self.within(most)
        if not fit:
            raise CostModelError(
                f"{self.name}: no network has at most {most:,} {self.quantity}; the smallest has {self.smallest:,}"
            )
        draw = random.Random(seed)
        return [self._of_rank(draw.randrange(fit), -1, most - self.fixed) for _ in range(number)]

    def at(self, share: float | Fraction) -> tuple[str, ...]:
        """The choices of one network whose cost is the quantile ``share``: 0.5 for a median network."""
        cost = self.quantile(share) - self.fixed
        return self._of_rank(0, cost - 1, cost)

    def network(self, choices: tuple[str, ...]) -> Network:
        """The network of ``choices``."""
        if self.build is None:
            raise CostModelError(f"{self.name} does not say how a network is built; give it build=")
        return self.build(choices)

    def _of_rank(self, rank: int, above: int, most: int) -> tuple[str, ...]:
        """The choices of network number ``rank`` among those that cost more than ``above``, at most ``most``."""
        state, names = self.start, []
        for stage, rest in zip(self.stages, self._rest[1:], strict=True):
            for choice in stage:
                if choice.before != state or choice.after not in rest:
                    continue
                costs = rest[choice.after]
                number = costs.within(most - choice.cost) - costs.within(above - choice.cost)
                if rank < number:
                    break
                rank -= number
            names.append(choice.name)
            state, above, most = choice.after, above - choice.cost, most - choice.cost
        return tuple(names)


def _sorted(numbers: Counter[int]) -> _Costs:
    costs = sorted(numbers)
    return _Costs(costs, list(accumulate(numbers[cost] for cost in costs)))
