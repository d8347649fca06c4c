"""Search spaces: every answer against the list of all networks, and the published figures of NAS-Bench-201."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costmodel as cm
from costmodel.scaling.spaces.nas_bench_201 import network
from costmodel.scaling.spaces.space import Choice, Space
from tests.cli_runner import refusal, run

CELL_0 = ("avg_pool_3x3", "nor_conv_1x1", "skip_connect", "nor_conv_1x1", "skip_connect", "skip_connect")


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """Up to four stages of choices between states 0, 1 and 2; the first choice of each stage keeps state 0."""
    state = st.integers(0, 2)
    stages = []
    for _ in range(draw(st.integers(1, 4))):
        drawn = draw(st.lists(st.tuples(st.integers(0, 9), state, state), max_size=4))
        rows = [(draw(st.integers(0, 9)), 0, 0), *drawn]
        stages.append(tuple(Choice(str(place), *row) for place, row in enumerate(rows)))
    return Space("random", tuple(stages), draw(st.integers(0, 5)), start=0)


def enumerated(space: Space) -> dict[tuple[str, ...], int]:
    """Choices -> cost of every network, from nested loops."""
    networks = {}
    for choices in itertools.product(*space.stages):
        states = [space.start, *(choice.after for choice in choices)]
        if all(choice.before == state for choice, state in zip(choices, states, strict=False)):
            networks[tuple(choice.name for choice in choices)] = space.fixed + sum(c.cost for c in choices)
    return networks


@given(spaces(), st.integers(0, 40), st.fractions(0, 1, max_denominator=64))
def test_every_answer_equals_the_list_of_all_networks(space: Space, most: int, share: Fraction) -> None:
    networks = enumerated(space)
    costs = sorted(networks.values())
    assert (space.networks, space.smallest, space.largest) == (len(costs), costs[0], costs[-1])
    assert dict(space.histogram()) == Counter(costs)
    assert space.distinct == len(set(costs))
    assert space.within(most) == sum(cost <= most for cost in costs)
    quantile = next(cost for place, cost in enumerate(costs, start=1) if place >= share * len(costs))
    assert space.quantile(share) == networks[space.at(share)] == quantile


def test_a_share_means_the_decimal_that_is_written() -> None:
    """The float 0.8 is more than 4/5; four of five networks are still enough."""
    space = Space("five", (tuple(Choice(str(cost), cost) for cost in range(1, 6)),))
    assert [space.quantile(share) for share in (0, 0.2, 0.4, 0.6, 0.8, 1)] == [1, 1, 2, 3, 4, 5]


@given(spaces(), st.integers(0, 40))
def test_the_ranks_under_a_budget_are_the_networks_that_fit_each_once(space: Space, most: int) -> None:
    ranks = [space._of_rank(rank, -1, most - space.fixed) for rank in range(space.within(most))]
    assert sorted(ranks) == sorted(names for names, cost in enumerated(space).items() if cost <= most)


def test_samples_under_a_budget_pass_a_chi_square_test() -> None:
    stage = tuple(Choice(str(cost), cost) for cost in range(4))
    space = Space("small", (stage,) * 3)
    fit = [names for names, cost in enumerated(space).items() if cost <= 5]
    drawn = Counter(space.sample(200 * len(fit), seed=1, most=5))
    assert drawn.keys() == set(fit)
    freedom = len(fit) - 1
    chi_square = sum((number - 200) ** 2 / 200 for number in drawn.values())
    assert abs(chi_square - freedom) < 4 * (2 * freedom) ** 0.5


@pytest.mark.parametrize(
    ("resolution", "classes", "printed"), [(32, 10, 15_647_370), (32, 100, 15_653_220), (16, 120, 3_919_480)]
)
def test_cell_0_of_nas_bench_201_costs_what_is_printed(resolution: int, classes: int, printed: int) -> None:
    """D-X-Y/NATS-Bench#24: multiply-adds and the bias of the classifier."""
    assert network(CELL_0, resolution, classes).multiply_adds + classes == printed


@pytest.mark.parametrize("quantity", ["multiply_adds", "parameters"])
def test_a_network_of_nas_bench_201_costs_the_sum_of_its_choices(quantity: str) -> None:
    space = cm.space("nas_bench_201", quantity)
    draw = random.Random(1)
    for _ in range(20):
        choices = [draw.choice(stage) for stage in space.stages]
        built = space.network(tuple(choice.name for choice in choices))
        assert getattr(built, quantity) == space.fixed + sum(choice.cost for choice in choices)


def test_the_command_answers_in_exact_numbers() -> None:
    answer = run("space", "nas_bench_201", "--max", "multiply_adds=50M", "--sample", "3", "--format", "json")
    document = json.loads(answer.out)
    assert (document["networks"], document["smallest"], document["distinct"]) == (15_625, 7_783_040, 28)
    assert document["within"] == {"most": 50_000_000, "networks": 7984}
    assert len(document["chosen"]) == 3
    assert all(row["multiply_adds"] <= 50_000_000 for row in document["chosen"])


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("nas_bench_20",), "did you mean nas_bench_201"),
        (("nas_bench_201", "--max", "multiply_adds=1M"), "the smallest has 7,783,040"),
        (("nas_bench_201", "--max", "peak_memory=1MB"), "does not add up"),
        (("nas_bench_201", "--at", "2"), "use 0 to 1"),
        (("nas_bench_201", "--at", "nan"), "use 0 to 1"),
        (("nas_bench_201", "--at", "0.5", "--sample", "1"), "ask for one of them"),
    ],
)
def test_bad_input_ends_in_one_line(arguments: tuple[str, ...], rule: str) -> None:
    assert rule in refusal("space", *arguments)


@pytest.mark.parametrize(
    ("stages", "rule"),
    [
        ((), "without choices"),
        (((),), "without choices"),
        (((Choice("a", 1, None, 1),), (Choice("b", 1, 2, 2),)), "no choice of stage 2 follows 1"),
        (((Choice("a", -1),),), "not negative"),
        (((Choice("a", 0.5),),), "whole number"),  # type: ignore[arg-type]
    ],
)
def test_a_space_that_has_no_networks_is_refused(stages: tuple[tuple[Choice, ...], ...], rule: str) -> None:
    with pytest.raises(cm.CostModelError, match=rule):
        Space("bad", stages)
