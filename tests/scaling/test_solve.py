"""Solving: the largest within budgets, to the float; checked against scans that know nothing of bisection."""

from __future__ import annotations

import math
from contextlib import suppress
from decimal import ROUND_CEILING, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costmodel as cm
from costmodel import CostModelError
from costmodel.scaling.measured import measured
from costmodel.scaling.solve import RESOLUTIONS, solve

NAMES = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v2:keras", "mobilenet_v3_small", "shufflenet_v1")


def operations(name: str, alpha: float, **choices: Any) -> list[tuple[Any, ...]]:
    """All that makes a network itself."""
    network = cm.load(name, alpha=alpha, **choices)
    return [(node.name, node.layer, node.shape) for node in network.nodes]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=max(4, settings.default.max_examples // 30))
@given(millions=st.integers(30, 2000), resolution=st.integers(64, 256), classes=st.integers(1, 1000))
def test_the_largest_alpha_its_interval_and_the_next_network_are_exact(
    name: str, millions: int, resolution: int, classes: int
) -> None:
    choices = {"resolution": resolution, "num_classes": classes}
    budget = millions * 10**6
    found = solve(name, {"multiply_adds": budget}, at=choices)
    alphas = [0.01 * step for step in range(5, 400, 3)]
    if name in ("shufflenet_v1", "mobilenet_v2:keras"):
        alphas = alphas[10:]  # a smaller one leaves a layer without channels
    if not found.designs:
        assert all(cm.load(name, alpha=alpha, **choices).multiply_adds > budget for alpha in alphas)
        return
    (design,) = found.designs
    network = cm.load(name, alpha=design.alpha, **choices)
    assert (network.multiply_adds, network.parameters) == (design.multiply_adds, design.parameters)
    assert network.multiply_adds <= budget
    assert design.resolution == resolution
    same = operations(name, design.alpha, **choices)
    assert design.alpha_from <= design.alpha
    assert operations(name, design.alpha_from, **choices) == same
    with suppress(CostModelError):  # the interval may begin where the family does
        assert operations(name, math.nextafter(design.alpha_from, 0), **choices) != same
    if design.alpha_below is None:
        assert design.alpha == 100
        assert not design.breaches
        return
    assert design.alpha < design.alpha_below
    assert operations(name, math.nextafter(design.alpha_below, 0), **choices) == same
    assert operations(name, design.alpha_below, **choices) != same
    shorter = Decimal(1).scaleb(Decimal(repr(design.alpha)).as_tuple().exponent + 1)  # a step of one digit less
    next_shorter = (Decimal(repr(design.alpha_from)) / shorter).to_integral_value(ROUND_CEILING) * shorter
    assert float(next_shorter) >= design.alpha_below, "a shorter alpha makes the same network"
    (breach,) = design.breaches
    assert breach.alpha == design.alpha_below
    assert breach.cost == cm.load(name, alpha=breach.alpha, **choices).multiply_adds == budget + breach.over
    assert breach.over > 0
    for alpha in alphas:
        assert (cm.load(name, alpha=alpha, **choices).multiply_adds <= budget) == (alpha < design.alpha_below)


def test_each_budget_has_the_network_that_breaks_it() -> None:
    budgets = {"multiply_adds": "100M", "parameters": "3M", "weights": "2.9M", "flops": "1G"}
    found = solve("mobilenet_v2", budgets, at={"resolution": [96, 160]})
    assert [design.resolution for design in found.designs] == [160, 96]
    for design in found.designs:
        assert {breach.quantity for breach in design.breaches} == set(budgets)
        assert design.alpha_below == min(breach.alpha for breach in design.breaches)
        for breach in design.breaches:
            before, after = (
                getattr(cm.mobilenet_v2(alpha=alpha, resolution=design.resolution), breach.quantity)
                for alpha in (math.nextafter(breach.alpha, 0), breach.alpha)
            )
            assert before <= found.budgets[breach.quantity] < after == breach.cost


@pytest.mark.slow
def test_without_a_resolution_many_are_tried_and_ranked() -> None:
    by_cost = solve("mobilenet_v1", {"multiply_adds": "200M"})
    assert by_cost.resolutions == RESOLUTIONS == (96, 128, 160, 192, 224, 256, 288, 320)
    costs = [design.multiply_adds for design in by_cost.designs]
    assert costs == sorted(costs, reverse=True)
    alphas = [design.alpha for design in solve("mobilenet_v1", {"multiply_adds": "200M"}, maximize="alpha").designs]
    assert alphas == sorted(alphas, reverse=True)
    assert sorted(alphas) == sorted(design.alpha for design in by_cost.designs)


@pytest.mark.slow
def test_the_most_accurate_are_the_published_ones_that_fit() -> None:
    found = solve("mobilenet_v1", {"multiply_adds": "200M", "parameters": "3M"}, maximize="accuracy")
    fitting = []
    for (alpha, resolution), known in measured("mobilenet_v1").items():
        network = cm.mobilenet_v1(alpha=alpha, resolution=resolution)
        if network.multiply_adds <= 200_000_000 and network.parameters <= 3_000_000:
            fitting.append((known.top1, alpha, resolution))
    got = [(design.accuracy.top1, design.alpha, design.resolution) for design in found.designs if design.accuracy]
    assert len(got) == len(found.designs) == len(fitting) > 3
    assert sorted(got) == sorted(fitting)
    assert [top1 for top1, *_ in got] == sorted((top1 for top1, *_ in fitting), reverse=True)


def test_an_accuracy_is_of_the_network_so_any_alpha_of_it_will_do() -> None:
    exact = cm.mobilenet_v2(alpha=0.75, resolution=160).multiply_adds
    (design,) = solve("mobilenet_v2", {"multiply_adds": exact}, at={"resolution": 160}).designs
    assert design.alpha_from < design.alpha == 0.75 < design.alpha_below
    assert design.accuracy == measured("mobilenet_v2")[0.75, 160]
    (other,) = solve("mobilenet_v2", {"multiply_adds": exact}, at={"resolution": 160, "num_classes": 999}).designs
    assert other.accuracy is None


@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_fits_the_smallest_proves_it(name: str) -> None:
    found = solve(name, {"multiply_adds": "100k", "parameters": 10}, at={"resolution": "96:224:64"})
    assert found.designs == ()
    for least in found.smallest:
        for alpha in (0.5, 1.0):
            network = cm.load(name, alpha=alpha, resolution=least.resolution)
            assert 100_000 < least.costs["multiply_adds"] <= network.multiply_adds
            assert 10 < least.costs["parameters"] <= network.parameters
    assert [least.resolution for least in found.smallest] == [96, 160, 224]


def test_a_budget_above_everything_ends_at_the_largest_alpha() -> None:
    (design,) = solve("mobilenet_v1", {"parameters": "1T"}, at={"resolution": 32}).designs
    assert (design.alpha, design.alpha_below, design.breaches) == (100.0, None, ())
    assert design.parameters == cm.mobilenet_v1(alpha=100).parameters


@pytest.mark.parametrize(
    ("name", "budgets", "more", "message"),
    [
        ("mobilenet_v1", {}, {}, "no budget is given; name at least one, as in multiply_adds=100M"),
        ("mobilenet_v1", {"cost": 1}, {}, "no quantity is called 'cost'"),
        ("mobilenet_v1", {"flops": -1}, {}, "-1 must be a whole number of at least 0"),
        ("mobilenet_v1", {"flops": 1}, {"maximize": "acuracy"}, "cannot maximize 'acuracy'; did you mean accuracy?"),
        ("shufflenet_v1", {"flops": 1}, {"maximize": "accuracy"}, "no source measured the accuracy of shufflenet_v1"),
        ("resnet50", {"flops": 1}, {}, "resnet50 takes no alpha, which is what is solved for"),
        ("shufflenet_v2", {"flops": "1G"}, {}, "shufflenet_v2 has no continuous alpha, sweep the ones it has"),
        ("mobilenet_v1", {"flops": 1}, {"at": {"alpha": 1}}, "alpha is what is solved for"),
        ("mobilenet_v1", {"flops": 1}, {"at": {"variant": "plain"}}, "a variant is part of the name"),
        ("mobilenet_v1", {"flops": 1}, {"at": {"num_classes": "10,20"}}, "num_classes is fixed at 2 values; give one"),
        ("mobilenet_v1", {"flops": 1}, {"at": {"resolutoin": 1}}, "mobilenet_v1 takes no resolutoin"),
        ("mobilenet_v1:plain", {"flops": "1G"}, {"at": {"resolution": 96}}, "a 7x7 kernel does not fit on a 3x3 input"),
    ],
)
def test_what_cannot_be_solved_is_refused(
    name: str, budgets: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(CostModelError) as error:
        solve(name, budgets, **more)
    assert message in str(error.value)
