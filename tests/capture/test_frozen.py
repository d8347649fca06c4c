"""What training changes, what it leaves, and what is no parameter: told apart as PyTorch tells them apart."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import costmodel as cm
from costmodel.capture.torch.api import from_torch
from costmodel.report.count import CountReport
from costmodel.reproduction.explain import explain
from tests.capture.modules import Calls


def lora() -> nn.Module:
    """A frozen layer of 64 to 32 features, and one of rank 4 beside it."""
    return Calls(
        lambda module, x: module.base(x) + module.up(module.down(x)),
        base=nn.Linear(64, 32, bias=False).requires_grad_(False),
        down=nn.Linear(64, 4, bias=False),
        up=nn.Linear(4, 32, bias=False),
    )


def only_biases() -> nn.Module:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1))
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(name.endswith("bias"))
    return net


def tied() -> nn.Module:
    shared = nn.Linear(8, 8)
    shared.weight.requires_grad_(False)
    return nn.Sequential(shared, nn.ReLU(), shared)


def token() -> nn.Module:
    """A frozen table, a frozen parameter of its own, one that no operation reads, and a buffer."""

    def forward(module: Any, x: Tensor) -> Tensor:
        return torch.cat([module.table(torch.arange(5)), module.token + module.shift])

    unread = nn.Parameter(torch.zeros(7), requires_grad=False)
    return Calls(forward, table=nn.Embedding(5, 8).requires_grad_(False), unread=unread, shift=torch.zeros(1, 8),
                 token=nn.Parameter(torch.zeros(1, 8), requires_grad=False))  # fmt: skip


CASES: dict[str, tuple[Any, tuple[int, ...], int]] = {
    "lora": (lora, (64,), 0),
    "only biases": (only_biases, (3, 8, 8), 16),
    "tied": (tied, (8,), 0),
    "token": (token, (3,), 8),
    "all frozen": (lambda: nn.Linear(8, 8).requires_grad_(False), (8,), 0),
    "normal": (lambda: nn.Linear(8, 8), (8,), 0),
}


@pytest.mark.parametrize("case", CASES)
def test_trainable_and_frozen_are_what_requires_grad_says(case: str) -> None:
    make, sizes, buffers = CASES[case]
    module = make()
    network = from_torch(module, sizes)
    held = [(parameter.numel(), parameter.requires_grad) for parameter in module.parameters()]
    assert network.trainable_parameters == sum(count for count, trains in held if trains)
    assert network.frozen_parameters == sum(count for count, trains in held if not trains)
    assert network.parameters == sum(count for count, _ in held)
    assert network.buffers == buffers
    assert network.under("trainable") == network.trainable_parameters
    assert network.under("numel") == network.parameters
    assert network.under("keras") == network.parameters + buffers


def test_a_low_rank_adapter_trains_384_of_2432() -> None:
    network = from_torch(lora(), (64,))
    assert (network.trainable_parameters, network.parameters) == (384, 2432)
    assert "2,432 parameters, of which weights 2,432, trainable 384" in repr(network)
    table = network.table().set_index("name")
    assert list(table.trainable_parameters) == [0, 256, 128, 0]
    assert list(table.frozen_parameters) == [2048, 0, 0, 0]
    found = json.loads(json.dumps(CountReport(network).document()))
    assert (found["parameters"], found["trainable_parameters"], found["frozen_parameters"]) == (2432, 384, 2048)
    assert [layer["frozen_parameters"] for layer in found["layers"]] == [2048, 0, 0, 0]


def test_explain_finds_what_is_trained_and_what_is_held() -> None:
    network = from_torch(lora(), (64,))
    trained, stored = (explain(network, claim, "parameters").best for claim in ("384", "2432"))
    assert trained is not None
    assert str(trained.reading) == "the plain reading"
    # It has neither bias nor norm, so its weights are all that is stored: every rule that says so is named.
    assert stored is not None
    assert {str(reading) for reading in (stored.reading, *stored.alike)} == {
        "as weights counts", "as slim counts", "as numel counts", "as keras counts",
    }  # fmt: skip


def test_where_nothing_is_frozen_no_column_says_so() -> None:
    network = from_torch(nn.Linear(8, 8), (8,))
    assert "frozen_parameters" not in network.table().columns
    assert "trainable" not in repr(network)
    assert cm.mobilenet_v1().trainable_parameters == cm.mobilenet_v1().parameters == 4_231_976
