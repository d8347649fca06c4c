"""A better order of the operations: one in which less memory is alive at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

from costmodel.analyses.lifetimes import Lifetimes, Size, run_order
from costmodel.analyses.policies import Policy, replaceable
from costmodel.core.graph import Node
from costmodel.core.layers import Input, Stored
from costmodel.core.network import Network

#: So many times a search decides between operations before it gives up.
MOST_STATES = 20_000


class Order(NamedTuple):
    """The nodes in the order in which they run; ``exact``, where no other order has a lower peak."""

    nodes: tuple[Node, ...]
    exact: bool


def best_order(network: Network, policy: Policy, size: Size) -> Order:
    """An order of the operations of ``network`` with the lowest peak under ``policy``.

    The search is over what has run so far, the lowest peak first. An operation that takes no more than the peak so far,
    and leaves no more alive than before, runs at once: no order is worse for it. A chain of operations stops only where
    it leaves less alive than before, or less than anywhere after its highest place: elsewhere nothing is gained by
    waiting (J. W. H. Liu, An application of generalized tree pebbling to sparse matrix factorization, 1987). So few
    sets are left wherever branches start at one operation and meet in another. After :data:`MOST_STATES` it gives up,
    and of an arena it knows the sizes alone, not the gaps; such an order is not called exact. What writes over a value
    stays before and after the operations that it was before and after.

    >>> import costmodel as cm
    >>> from costmodel.analyses.memory import value_size
    >>> from costmodel.analyses.policies import POLICIES
    >>> best_order(cm.lenet(), POLICIES["fused"], value_size()).exact
    True
    """
    plan = policy.plan(network, size, ())
    if plan.touched is not None:  # every operation is looked at by itself
        return Order(run_order(network), True)
    search = _Search(network, plan.lives, policy)
    steps = search.best()
    if steps is None:
        return Order(run_order(network), False)
    return Order(search.nodes(steps), not plan.offsets)


class _State(NamedTuple):
    """Where a search is; the lowest peak comes first, then whoever has run the most."""

    peak: int
    left: int
    number: int
    done: int
    alive: int
    ready: tuple[int, ...]
    ran: Any


class _Search:
    """What each operation needs, as sets of operations: bits of an integer."""

    def __init__(self, network: Network, lives: Lifetimes, policy: Policy) -> None:
        self._network, self._lives = network, lives
        self._sizes = [buffer.bytes for buffer in lives.buffers]
        numbers = {step.node: number for number, step in enumerate(lives.steps)}
        #: The operation that each node is part of.
        self._operation: dict[Node, int] = {}
        for node in run_order(network):
            if node in numbers:
                self._operation[node] = numbers[node]
            elif len(node.inputs) == 1 and node.inputs[0] in self._operation:
                self._operation[node] = self._operation[node.inputs[0]]
        self._after: list[set[int]] = [set() for _ in lives.steps]
        for number, step in enumerate(lives.steps):
            self._after[number] |= {self._operation[read] for read in step.node.inputs if read in self._operation}
        self._keep_writes()
        self._followers: list[list[int]] = [[] for _ in lives.steps]
        for number, before in enumerate(self._after):
            for other in before:
                self._followers[other].append(number)
        self._needs = [sum([1 << other for other in before]) for before in self._after]
        self._readers = [0] * len(lives.buffers)
        for number, step in enumerate(lives.steps):
            for place in step.reads:
                self._readers[place] |= 1 << number
        self._kept = {place for place, last in enumerate(lives.last) if last == len(lives.steps)}
        self._over = [replaceable(lives, step) if policy.in_place else () for step in lives.steps]
        self._next_in_chain = [self._following(number) for number in range(len(lives.steps))]
        self._runs: dict[int, tuple[int, ...]] = {}

    def _following(self, number: int) -> int | None:
        """The one operation after ``number`` that needs it alone, and whose memory depends on no other operation."""
        if len(self._followers[number]) != 1:
            return None
        (other,) = self._followers[number]
        alone = all(
            place in self._kept or self._readers[place] == 1 << other for place in self._lives.steps[other].reads
        )
        return other if alone and self._after[other] == {number} else None

    def _run_from(self, number: int) -> tuple[int, ...]:
        """``number`` and what follows it in its chain, up to the first place where it can be worth to stop."""
        if number not in self._runs:
            chain = [number]
            while (other := self._next_in_chain[chain[-1]]) is not None:
                chain.append(other)
            # What the first one frees depends on what has run: nothing, or all that it reads.
            stops = self._stops(chain, 0) | self._stops(chain, ~(1 << number))
            self._runs[number] = tuple(chain[: min(stops)])
        return self._runs[number]

    def _stops(self, chain: Sequence[int], done: int) -> set[int]:
        """After how many operations of ``chain`` it can be worth to stop, where ``done`` has run before the first."""
        peaks, levels = [], [0]
        for place, number in enumerate(chain):
            peak, alive = self._run(number, done if place == 0 else 0, levels[-1])
            peaks.append(peak)
            levels.append(alive)
        stops = {place for place in range(1, len(levels)) if levels[place] <= min(levels[:place])}
        start = 0
        while start < len(chain):
            highest = max(range(start, len(chain)), key=lambda place: (peaks[place], place))
            start = min(range(highest + 1, len(levels)), key=lambda place: (levels[place], -place))
            stops.add(start)
        return stops

    def _keep_writes(self) -> None:
        """What touches a value that is written over keeps its place before or after the write."""
        touching: dict[int, list[int]] = {}
        for number, step in enumerate(self._lives.steps):
            for place in {*step.reads, *step.makes}:
                touching.setdefault(place, []).append(number)
        for number, step in enumerate(self._lives.steps):
            if any(value.alias and value.alias.writes for value in step.node.values):
                for other in {other for place in step.reads for other in touching[place]}:
                    if other != number:
                        self._after[max(number, other)].add(min(number, other))

    def _run(self, number: int, done: int, alive: int) -> tuple[int, int]:
        """The bytes that are alive while an operation runs after ``done``, and after it."""
        step, here = self._lives.steps[number], done | 1 << number
        made = sum([self._sizes[place] for place in step.makes])
        ended = {place for place in step.reads if place not in self._kept and not self._readers[place] & ~here}
        unread = [place for place in step.makes if place not in self._kept and not self._readers[place]]
        inside = made if any(place in ended for place in self._over[number]) else 0
        freed = sum([self._sizes[place] for place in (*ended, *unread)])
        return alive + made - inside, alive + made - freed

    def _least(self) -> int:
        """What no order is below: an operation with all that it reads and makes."""
        needed = [
            sum([self._sizes[place] for place in (*step.reads, *(() if over else step.makes))])
            for step, over in zip(self._lives.steps, self._over, strict=True)
        ]
        return max(needed, default=0)

    def best(self) -> list[int] | None:
        """The operations in the best order; None where the search gave up."""
        steps = range(len(self._lives.steps))
        alive = sum([self._sizes[place] for place, first in enumerate(self._lives.first) if first < 0])
        unread = [place for place, first in enumerate(self._lives.first) if first < 0 and not self._readers[place]]
        unread = [place for place in unread if place not in self._kept]
        alive -= sum([self._sizes[place] for place in unread])
        ready = tuple([number for number in steps if not self._needs[number]])
        waiting = [_State(max(self._least(), alive), len(steps), 0, 0, alive, ready, None)]
        seen: set[int] = set()
        count = 0
        while waiting:
            state = self._ahead(heappop(waiting))
            if not state.ready:
                return list(_reversed(state.ran))
            if state.done in seen:
                continue
            seen.add(state.done)
            for number in state.ready:
                count += 1
                heappush(waiting, self._through(state, self._run_from(number))._replace(number=count))
            if count > MOST_STATES:
                return None
        return []

    def _ahead(self, state: _State) -> _State:
        """As far as there is nothing to decide."""
        while state.ready:
            for number in state.ready:
                after = self._through(state, self._run_from(number))
                if after.peak <= state.peak and (after.alive <= state.alive or len(state.ready) == 1):
                    state = after
                    break
            else:
                return state
        return state

    def _through(self, state: _State, numbers: Iterable[int]) -> _State:
        for number in numbers:
            state = self._next(state, number)
        return state

    def _next(self, state: _State, number: int) -> _State:
        peak, alive = self._run(number, state.done, state.alive)
        done = state.done | 1 << number
        new = [other for other in self._followers[number] if not self._needs[other] & ~done]
        ready = tuple(sorted([*[other for other in state.ready if other != number], *new]))
        return _State(max(state.peak, peak), state.left - 1, state.number, done, alive, ready, (state.ran, number))

    def nodes(self, steps: Iterable[int]) -> tuple[Node, ...]:
        """The nodes of all operations in this order; what is no operation, where nothing depends on its place."""
        parts: dict[int, list[Node]] = {}
        others: list[Node] = []
        for node in run_order(self._network):
            place = self._operation.get(node)
            (others if place is None else parts.setdefault(place, [])).append(node)
        first = [node for node in others if isinstance(node.layer, (Input, Stored))]
        last = [node for node in others if not isinstance(node.layer, (Input, Stored))]
        return (*first, *[node for step in steps for node in parts[step]], *last)


def _reversed(ran: Any) -> Sequence[int]:
    numbers: list[int] = []
    while ran is not None:
        ran, number = ran
        numbers.append(number)
    return numbers[::-1]
