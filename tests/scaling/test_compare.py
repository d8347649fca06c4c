"""Comparisons: stages add up to the networks, and a shared budget is kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costmodel as cm
from costmodel import CostModelError
from costmodel.scaling.compare import compare
from tests.zoo import next_larger

NAMES = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "resnet18", "googlenet", "densenet121")


@settings(max_examples=max(10, settings.default.max_examples // 15))
@given(st.lists(st.sampled_from(NAMES), min_size=2, max_size=3), st.integers(64, 300))
def test_stages_add_up_and_are_aligned_by_what_they_put_out(names: list[str], resolution: int) -> None:
    found = compare(names, resolution=resolution)
    for place, name in enumerate(names):
        parts = [stage.parts[place] for stage in found.stages]
        network = cm.load(name, resolution=resolution)
        assert sum(part.multiply_adds for part in parts if part) == network.multiply_adds
        assert sum(part.parameters for part in parts if part) == network.parameters
        blocks = {".".join(node.name.split(".")[:2]): node.shape for node in network.nodes if node.inputs}
        last = {shape.spatial: shape.channels for shape in blocks.values()}
        for stage, part in zip(found.stages, parts, strict=True):
            assert part is None or part.channels == last[stage.output]
    outputs = [stage.output for stage in found.stages]
    assert len(set(outputs)) == len(outputs)
    assert outputs == [*sorted((output for output in outputs if output), reverse=True), ()]


def test_a_stage_that_one_network_lacks_is_empty() -> None:
    found = compare(["mobilenet_v1", "alexnet"], resolution=224)
    assert [stage.parts[1] is None for stage in found.stages if stage.output == (7, 7)] == [True]


def test_each_is_the_largest_within_the_budget() -> None:
    found = compare(["mobilenet_v1", "mobilenet_v2"], resolution=160, budget=("multiply_adds", 10**8))
    for network in found.networks:
        alpha = network.config["alpha"]
        assert isinstance(alpha, float)
        assert network.multiply_adds <= 10**8
        assert next_larger(network.name, alpha, resolution=160).multiply_adds > 10**8


@pytest.mark.parametrize(
    ("names", "choices", "message"),
    [
        (["lenet"], {}, "a comparison needs two models"),
        (["lenet", "resnet18"], {}, "lenet reads 32x32 and resnet18 224x224; give them one resolution"),
        (["mobilenet_v1", "resnet18"], {"alpha": 0.5}, "resnet18 takes no alpha"),
        (["mobilenet_v1", "resnet18"], {"budget": ("flops", 10**9)}, "resnet18 takes no alpha"),
        (["mobilenet_v1"] * 2, {"alpha": 0.5, "budget": ("flops", 1)}, "both decide the widths"),
        (["mobilenet_v1"] * 2, {"budget": ("flops", 10)}, "flops, more than 10; raise the budget"),
    ],
)
def test_what_cannot_be_compared_is_refused(names: list[str], choices: dict[str, Any], message: str) -> None:
    with pytest.raises(CostModelError) as error:
        compare(names, **choices)
    assert message in str(error.value)
