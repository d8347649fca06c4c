"""Activations: what convolutions and linear layers make, checked against PyTorch's own outputs and timm's numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from torch import Tensor, nn

from costmodel import load, parse_budgets
from costmodel.published.tables import MILLION, PrintedNumber, Row, paper_table
from costmodel.scaling.solve import solve
from reference_models import build as build_module
from reference_models.oracles import image as sample
from tests.cli_runner import run


@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v3_small", "resnet18", "squeezenet1_0", "lenet5"])
def test_activations_are_the_outputs_of_convolutions_and_linear_layers(name: str) -> None:
    module = build_module(name).eval()
    made = []

    def record(part: nn.Module, read: Any, output: Tensor) -> None:
        made.append(output.numel())

    for part in module.modules():
        if isinstance(part, (nn.Conv2d, nn.Linear)):
            part.register_forward_hook(record)
    net = load(name)
    module(sample(net.input.sizes))
    assert net.activations == sum(made)
    assert net.ledger.batched(8).activations == 8 * sum(made)


#: timm keeps the first convolution of its narrowest small MobileNetV3 at 16 channels, where ours has 8.
OTHER_STEM = "mobilenetv3_small_050"
MEASURED = {(row.timm_model, row.resolution): row for row in paper_table("latency_timm")}


@pytest.mark.parametrize("row", MEASURED.values(), ids=lambda row: f"{row.timm_model}-{row.resolution}")
def test_activations_are_the_macts_that_timm_prints(row: Row) -> None:
    choices = {"resolution": row.resolution} | ({} if row.alpha is None else {"alpha": row.alpha})
    activations = load(row.costmodel, **choices).activations
    if row.timm_model == OTHER_STEM:
        activations += 8 * (112 * 112 + 56 * 56)  # of the first convolution, and of the depthwise one that reads it
    printed = PrintedNumber.parse(row.macts_millions, MILLION)
    assert abs(activations - printed.value) <= printed.step, "timm rounds to two digits, some of them twice"


def test_activations_are_a_key_a_budget_and_a_limit() -> None:
    document = json.loads(run("count", "mobilenet_v2", "--batch", "2", "--format", "json").out)
    assert document["activations"] == 2 * load("mobilenet_v2").activations
    assert document["activations"] == sum(layer["activations"] for layer in document["layers"])
    (design,) = solve("mobilenet_v2", {"activations": "5M"}, {"resolution": "224"}).designs
    below, above = (load("mobilenet_v2", alpha=alpha).activations for alpha in (design.alpha_from, design.alpha_below))
    assert below <= 5_000_000 < above
    assert parse_budgets({"activations": "<= 6 M"}).violations(load("mobilenet_v2")) == [
        "activations: 6,679,112 are over the budget <= 6 M (6,000,000) by 679,112"
    ]
