"""A better order of the operations, checked against every order that there is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from costmodel import Network, Node, apply, image
from costmodel.analyses import order
from costmodel.core import layers
from costmodel.core.layers import Add, Concat, conv
from tests.analyses import heap
from tests.analyses.test_memory import bytes_of, graphs
from tests.cli_runner import run
from tests.networks import Description, descriptions, network_of

ORDERS = 3000


def orders(network: Network) -> Iterator[tuple[Node, ...]]:
    """Every order in which a node follows all that it reads; inputs and what is stored come first, the outputs last."""
    fixed = (layers.Input, layers.Stored)
    first = tuple(node for node in network.nodes if isinstance(node.layer, fixed))
    last = tuple(node for node in network.nodes if isinstance(node.layer, layers.Outputs))

    def further(ran: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
        left = [node for node in network.nodes if node not in ran and node not in last]
        if not left:
            yield (*ran, *last)
        for node in left:
            if all(read in ran for read in node.inputs):
                yield from further((*ran, node))

    yield from further(first)


def lowest(network: Network, fused: bool, in_place: bool) -> int:
    peaks = []
    for ran in orders(network):
        assume(len(peaks) < ORDERS)
        peaks.append(heap.peak(network, bytes_of, fused=fused, in_place=in_place, order=ran))
    return min(peaks)


@settings(max_examples=60)
@given(graphs(6, False))
def test_no_order_of_any_graph_is_better(network: Network) -> None:
    assume(network.memory().plan.lives.steps)
    found = network.memory(policy="separate", best_order=True)
    assert found.order is not None
    assert found.order.exact
    assert found.peak_bytes == lowest(network, fused=False, in_place=False)
    assert found.peak_bytes == heap.peak(network, bytes_of, order=found.order.nodes)


@settings(max_examples=60)
@given(descriptions())
@pytest.mark.parametrize("policy", ["fused", "in-place"])
def test_no_order_is_better_where_operations_share_memory(policy: str, described: Description) -> None:
    network = network_of(described)
    found = network.memory(policy=policy, best_order=True)
    assert found.order is not None
    assert found.order.exact
    in_place = policy == "in-place"
    assert found.peak_bytes == lowest(network, fused=True, in_place=in_place)
    assert found.peak_bytes == heap.peak(network, bytes_of, fused=True, in_place=in_place, order=found.order.nodes)
    assert found.gain == network.memory(policy=policy).peak_bytes - found.peak_bytes


def branches(widths: list[int]) -> Network:
    """Branches that widen and become thin again, the first value of each last kept: the widest had better run first."""
    x = image(4, 8)
    ends = []
    for number, width in enumerate(widths):
        wide = apply(x, f"wide{number}", conv(width, kernel=1))
        ends.append(apply(wide, f"thin{number}", conv(2, kernel=1)))
    return Network(apply(ends, "all", Concat()))


def test_the_widest_branch_runs_first() -> None:
    network = branches([8, 16, 64])
    found = network.memory("int8", best_order=True)
    place = 8 * 8
    # The image, and the widest with nothing kept beside them; in the order of the graph two thin values were there.
    assert (found.peak_bytes, found.gain) == ((4 + 64 + 2) * place, 2 * place)
    assert [row.name for row in found.rows][:2] == ["wide2", "thin2"]


def test_nine_branches_are_searched_to_the_end() -> None:
    found = branches([*range(2, 10), 64]).memory("int8", best_order=True)
    assert found.order is not None
    assert found.order.exact
    assert found.gain > 0


def chains(widths: Sequence[Sequence[int]], end: int) -> Network:
    """Chains of 1x1 convolutions on one value, each ending in ``end`` channels; added up at the end."""
    x = apply(image(2, 8), "in", conv(2, kernel=1))
    ends = []
    for number, chain in enumerate(widths):
        y = x
        for place, width in enumerate((*chain, end)):
            y = apply(y, f"chain{number}.{place}", conv(width, kernel=1))
        ends.append(y)
    return Network(apply(tuple(ends), "sum", Add()))


def lowest_peak(widths: Sequence[Sequence[int]], end: int) -> int:
    """By every order: the least that any needs in channels, over how far each chain has come."""
    lengths = [len(chain) + 1 for chain in widths]
    values = [[0, *chain, end] for chain in widths]
    best = {(0,) * len(widths): 0}
    for state in itertools.product(*(range(length + 1) for length in lengths)):
        for number, place in enumerate(state):
            if place == 0:
                continue
            before = (*state[:number], place - 1, *state[number + 1 :])
            waiting = sum(values[other][at] for other, at in enumerate(before))
            shared = 2 * (min(before) == 0)  # the value that all of them begin from
            peak = max(best[before], waiting + shared + values[number][place])
            best[state] = min(best.get(state, peak), peak)
    # The image and the shared value; the ends and their sum.
    return max(best[tuple(lengths)], 2 + 2, end * (len(widths) + 1))


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 30), max_size=5), min_size=2, max_size=4), st.integers(1, 30))
def test_chains_stop_only_where_it_is_worth(widths: list[list[int]], end: int) -> None:
    found = chains(widths, end).memory("int8", best_order=True)
    assert found.order is not None
    assert found.order.exact
    assert found.peak_bytes == 64 * lowest_peak(widths, end)


def test_eight_long_chains_are_searched_to_the_end() -> None:
    widths = [[(7 * number + 11 * place) % 64 + 1 for place in range(8)] for number in range(8)]
    found = chains(widths, 2).memory("int8", best_order=True)
    assert found.order is not None
    assert found.order.exact


def test_a_search_that_gives_up_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "MOST_STATES", 0)
    x = image(2, 8)
    one, two = (apply(x, name, conv(width, kernel=1)) for name, width in (("one", 9), ("two", 3)))
    ends = [apply(one, "thin", conv(1, kernel=1)), apply(two, "wide", conv(7, kernel=1))]
    found = Network(apply(ends, "all", Concat())).memory("int8", best_order=True)
    assert found.order is not None
    assert (found.order.exact, found.gain) == (False, 0)


def test_the_answer_says_what_is_gained_and_whether_it_can_be_beaten() -> None:
    text = run("memory", "tests.analyses.test_order:widening", "--dtype", "int8", "--best-order").out
    assert "Best order: 128 bytes less at the peak than in the order of the graph (4,608); no order is better." in text
    document = json.loads(
        run("memory", "tests.analyses.test_order:widening", "--dtype", "int8", "--best-order", "--format", "json").out
    )
    assert document["best_order"] == {"gain": 128, "exact": True}
    assert [row["name"] for row in document["rows"]][:2] == ["wide2", "thin2"]
    assert "best_order" not in json.loads(run("memory", "lenet", "--format", "json").out)
    arena = run("memory", "lenet", "--policy", "arena", "--best-order").out
    assert "Best order: none was found that is better than the order of the graph; there may be one." in arena


widening = branches([8, 16, 64])


def test_an_addition_of_equal_branches_gains_nothing() -> None:
    x = image(4, 8)
    found = Network(apply([apply(x, name, conv(4, kernel=1)) for name in "ab"], "sum", Add())).memory(best_order=True)
    assert found.gain == 0
