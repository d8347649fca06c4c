"""Search spaces: every answer against the list of all networks, and the published figures of NAS-Bench-201."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costmodel as cm
from costmodel.scaling.spaces import space as module
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
        choices = (
            Choice(str(place), (cost, draw(st.integers(0, 9))), before, after)
            for place, (cost, before, after) in enumerate(rows)
        )
        stages.append(tuple(choices))
    return Space("random", tuple(stages), start=0, quantities=("multiply_adds", "parameters"))


def enumerated(space: Space, quantity: int = 0) -> dict[tuple[str, ...], int]:
    """Choices -> cost of every network, from nested loops."""
    networks = {}
    for choices in itertools.product(*space.stages):
        states = [space.start, *(choice.after for choice in choices)]
        if all(choice.before == state for choice, state in zip(choices, states, strict=False)):
            networks[tuple(choice.name for choice in choices)] = sum(c.costs[quantity] for c in choices)
    return networks


@given(spaces(), st.integers(0, 40), st.fractions(0, 1, max_denominator=64))
def test_every_answer_equals_the_list_of_all_networks(space: Space, most: int, share: Fraction) -> None:
    networks = enumerated(space)
    costs = sorted(networks.values())
    assert (space.networks, space.smallest, space.largest) == (len(costs), costs[0], costs[-1])
    histogram = space.histogram()
    assert dict(zip(histogram.costs.tolist(), histogram.numbers.tolist(), strict=True)) == Counter(costs)
    assert space.distinct == len(set(costs))
    assert space.within(most) == sum(cost <= most for cost in costs)
    quantile = next(cost for place, cost in enumerate(costs, start=1) if place >= share * len(costs))
    assert space.quantile(share) == networks[space.at(share)] == quantile


@given(spaces(), st.integers(0, 40), st.integers(0, 40), st.integers(1, 5), st.integers(1, 5))
def test_several_budgets_are_counted_between_two_bounds(
    space: Space, adds: int, parameters: int, one: int, two: int
) -> None:
    most = {
        "multiply_adds": space.smallest + adds,
        "parameters": min(enumerated(space, 1).values()) + parameters,
    }
    pairs = [*zip(enumerated(space).values(), enumerated(space, 1).values(), strict=True)]
    fit = sum(cost <= most["multiply_adds"] and stored <= most["parameters"] for cost, stored in pairs)
    low, high, bins = space.between(most, {"multiply_adds": one, "parameters": two})
    assert low <= fit <= high
    assert bins["multiply_adds"] >= one or max(cost for cost, _ in pairs) - space.smallest < one
    assert space.between(most, {"multiply_adds": 0, "parameters": 0})[:2] == (fit, fit)
    assert space.between(most)[:2] == (fit, fit)


@given(spaces(), st.integers(1, 7))
def test_a_bin_holds_the_networks_that_cost_so_much_more_than_its_start(space: Space, width: int) -> None:
    costs = sorted(enumerated(space).values())
    histogram = space.histogram(width)
    bins = [*zip(histogram.costs.tolist(), histogram.numbers.tolist(), strict=True)]
    assert sum(number for _, number in bins) == len(costs)
    for start, _ in bins:
        below = sum(number for other, number in bins if other <= start)
        assert sum(cost <= start for cost in costs) <= below <= sum(cost <= start + histogram.spread for cost in costs)


@given(spaces(), st.integers(0, 40), st.booleans())
@settings(max_examples=50)
def test_large_spaces_are_counted_as_small_ones_are(space: Space, most: int, dense: bool) -> None:
    """Two halves, and a second half as one array of numbers: the ways of spaces that no test enumerates."""
    costs = sorted(enumerated(space).values())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_FEW", 0)
        patch.setattr(module, "_MOST_HELD", 0 if dense else 10**6)
        patch.setattr(module, "_MOST_BACK", 3)
        patch.setattr(module, "MOST_BINS", 10**6 if dense else 0)
        fit = space.within(most)
        assert fit == sum(cost <= most for cost in costs)
        assert space.distinct == len(set(costs))
        assert space.quantile(0.5) == costs[(len(costs) - 1) // 2]
        ranks = space._of_ranks([*range(fit)], -1, most) if fit else []
        assert sorted(ranks) == sorted(names for names, cost in enumerated(space).items() if cost <= most)


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("stages", [40, 70, 200])
def test_numbers_beyond_64_bits_are_exact(stages: int, dense: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of n stages with the costs 0 and 1, n choose k ways cost k."""
    if dense:
        monkeypatch.setattr(module, "_MOST_HELD", 0)
        monkeypatch.setattr(module, "_MOST_BACK", 30)
    space = Space("binary", ((Choice("a", (0,)), Choice("b", (1,))),) * stages)
    assert space.networks == 2**stages
    assert space.within(stages // 3) == sum(math.comb(stages, k) for k in range(stages // 3 + 1))
    numbers = space.histogram().numbers.tolist()
    assert numbers == [math.comb(stages, k) for k in range(stages + 1)]
    assert space.quantile(0.5) == stages // 2
    low, high, _ = space.between({"multiply_adds": stages // 3})
    assert low == high == space.within(stages // 3)
    ranks = [0, 1, space.within(5) - 1]
    drawn = [sum(name == "b" for name in names) for names in space._of_ranks(ranks, -1, 5)]
    assert len({*space._of_ranks([*range(100)], 4, 5)}) == 100
    assert max(drawn) <= 5
    assert all(sum(name == "b" for name in names) <= 5 for names in space.sample(20, seed=3, most=5))


def test_a_number_of_ways_beyond_64_bits_at_one_cost_is_exact() -> None:
    space = Space("equal", ((Choice("a", (1,)), Choice("b", (1,)), Choice("c", (2,))),) * 80)
    assert space.histogram().numbers.tolist() == [math.comb(80, k) * 2 ** (80 - k) for k in range(81)]
    low, high, _ = space.between({"multiply_adds": 100})
    assert low == high == space.within(100) == sum(math.comb(80, k) * 2 ** (80 - k) for k in range(21))


@pytest.mark.parametrize("bins", [1, 4, 1000])
def test_samples_under_two_budgets_pass_a_chi_square_test(bins: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However wide the bins are that they are drawn from: those on the border are drawn again."""
    monkeypatch.setattr(module, "_BINS_TO_DRAW", bins)
    stage = tuple(Choice(str(cost), (cost, 3 - cost)) for cost in range(4))
    space = Space("small", (stage,) * 3, quantities=("multiply_adds", "parameters"))
    fit = [names for names, cost in enumerated(space).items() if cost <= 5 and enumerated(space, 1)[names] <= 7]
    drawn = Counter(space.sample(200 * len(fit), seed=1, most={"multiply_adds": 5, "parameters": 7}))
    assert drawn.keys() == set(fit)
    freedom = len(fit) - 1
    chi_square = sum((number - 200) ** 2 / 200 for number in drawn.values())
    assert abs(chi_square - freedom) < 4 * (2 * freedom) ** 0.5


def test_a_share_means_the_decimal_that_is_written() -> None:
    """The float 0.8 is more than 4/5; four of five networks are still enough."""
    space = Space("five", (tuple(Choice(str(cost), (cost,)) for cost in range(1, 6)),))
    assert [space.quantile(share) for share in (0, 0.2, 0.4, 0.6, 0.8, 1)] == [1, 1, 2, 3, 4, 5]


@given(spaces(), st.integers(0, 40))
def test_the_ranks_under_a_budget_are_the_networks_that_fit_each_once(space: Space, most: int) -> None:
    fit = space.within(most)
    ranks = space._of_ranks([*range(fit)], -1, most) if fit else []
    assert sorted(ranks) == sorted(names for names, cost in enumerated(space).items() if cost <= most)


def test_samples_under_a_budget_pass_a_chi_square_test() -> None:
    stage = tuple(Choice(str(cost), (cost,)) for cost in range(4))
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
        built = space.network(tuple(choice.name for choice in choices if choice.name))
        assert getattr(built, quantity) == sum(choice.costs[0] for choice in choices)


def test_the_command_answers_in_exact_numbers() -> None:
    answer = run("space", "nas_bench_201", "--max", "multiply_adds=50M", "--sample", "3", "--format", "json")
    document = json.loads(answer.out)
    assert (document["networks"], document["smallest"], document["distinct"]) == (15_625, 7_783_040, 28)
    assert (document["within"]["at_least"], document["within"]["at_most"]) == (7984, 7984)
    assert document["within"]["most"] == {"multiply_adds": "50M"}
    assert len(document["chosen"]) == 3
    assert all(row["multiply_adds"] <= 50_000_000 for row in document["chosen"])


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("nas_bench_20",), "did you mean nas_bench_201"),
        (("nas_bench_201", "--max", "multiply_adds=1M"), "the smallest has 7,783,040"),
        (("nas_bench_201", "--max", "peak_memory=1MB at int8"), "this one has none"),
        (("proxyless", "--max", "peak_memory=1KB at int8"), "no network has at most 1,000 bytes of peak_memory"),
        (("nas_bench_201", "--max", "multiply_adds=50M", "--max", "multiply_adds=60M"), "give each once"),
        (("nas_bench_201", "--max", "size=1MB at int8"), "does not add up"),
        (("there_is_none.toml",), "there is no file"),
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
        (((Choice("a", (1,), None, 1),), (Choice("b", (1,), 2, 2),)), "no choice of stage 2 follows 1"),
        (((Choice("a", (-1,)),),), "not negative"),
        (((Choice("a", (0.5,)),),), "whole number"),  # type: ignore[arg-type]
        (((Choice("a", (1, 2)),),), "give one of each of multiply_adds"),
        (((Choice("a", (2**62,)), Choice("b", (0,))),) * 2, "beyond 64 bits"),
    ],
)
def test_a_space_that_has_no_networks_is_refused(stages: tuple[tuple[Choice, ...], ...], rule: str) -> None:
    with pytest.raises(cm.CostModelError, match=rule):
        Space("bad", stages)


@pytest.mark.parametrize(
    ("name", "networks"),
    [
        pytest.param("once_for_all_mobilenet_v3", 21_758_655_492_572_485_851, marks=pytest.mark.slow),
        ("once_for_all_resnet50", 2 * 2 * 3 * (3 * (3**2 + 3**3 + 3**4)) ** 3 * 3 * (3**4 + 3**5 + 3**6)),
        ("proxyless", 6**6 * 7**15),
        pytest.param("mnasnet", 432**5, marks=pytest.mark.slow),
        ("fbnet", 9**22),
        ("nas_bench_201", 15_625),
        ("nats_bench_size", 32_768),
    ],
)
def test_a_named_space_has_the_networks_that_its_paper_says(name: str, networks: int) -> None:
    """Printed: 7371^5 for once-for-all, about 10^13 for MnasNet, about 10^21 for FBNet."""
    space = cm.space(name, ["multiply_adds", "parameters"])
    assert space.networks == networks
    for choices in [*space.sample(3, seed=2), space.at(0.5)]:
        built = space.network(choices)
        assert space.smallest <= built.multiply_adds <= space.largest
    assert space.network(space.at(0)).multiply_adds == space.smallest
    assert space.network(space.at(1)).multiply_adds == space.largest
    assert space.network(space.at(0.5)).multiply_adds == space.quantile(0.5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["once_for_all_mobilenet_v3", "once_for_all_resnet50", "fbnet", "nats_bench_size"])
def test_a_network_costs_the_sum_of_its_choices_and_its_peak_is_the_largest_of_theirs(name: str) -> None:
    quantities = ["multiply_adds", "parameters", "activations"]
    space = cm.space(name, quantities)
    for choices in space.sample(5, seed=5):
        built = space.network(choices)
        names, state, costs = list(choices), space.start, [0, 0, 0]
        for stage in space.stages:
            name_here = names.pop(0) if any(choice.name for choice in stage) else ""
            (taken,) = [choice for choice in stage if choice.before == state and choice.name == name_here]
            state = taken.after
            costs = [cost + more for cost, more in zip(costs, taken.costs, strict=True)]
        assert costs == [getattr(built, quantity) for quantity in quantities]
        peak = built.memory("int8").peak_bytes
        assert _within_peak(name, peak, choices)
        assert not _within_peak(name, peak - 1, choices)


def _within_peak(name: str, peak: int, choices: tuple[str, ...]) -> bool:
    """Whether the space of networks with at most so much memory has these choices."""
    try:
        space = cm.space(name, peak_memory=f"{peak} bytes at int8")
    except cm.CostModelError as refused:
        assert "no network has at most" in str(refused)
        return False
    states, names = {space.start}, list(choices)
    for stage in space.stages:
        name = names.pop(0) if any(choice.name for choice in stage) else ""
        states = {choice.after for choice in stage if choice.name == name and choice.before in states}
    return bool(states)
