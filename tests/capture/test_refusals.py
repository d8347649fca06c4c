"""Never a silent zero: what cannot be counted stops with operator, module and line, or says what is missing."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import costmodel as cm
from costmodel import CostModelError
from costmodel.capture.torch.api import from_torch
from tests.capture.modules import Calls

HERE = __file__.rpartition("/")[2]


@torch.library.custom_op("costmodel_tests::twice", mutates_args=())
def twice(x: Tensor) -> Tensor:
    """An operator of a user's own; on blanks it says its shape."""
    return x * 2


@twice.register_fake
def _shape_of_twice(x: Tensor) -> Tensor:
    return torch.empty_like(x)


@torch.library.custom_op("costmodel_tests::opaque", mutates_args=())
def opaque(x: Tensor) -> Tensor:
    """Another, that says nothing."""
    return x * 2


class Block(nn.Module):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(self.layer(x))


class Outer(nn.Module):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.ReLU(), Block(function))

    def forward(self, x: Tensor) -> Any:
        return self.body(x)


def refused(module: nn.Module, inputs: Any, kwargs: Any = None) -> str:
    with pytest.raises(CostModelError) as caught:
        from_torch(module, inputs, kwargs)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


@pytest.mark.parametrize(
    ("function", "operator"),
    [
        (lambda x: torch.linalg.svd(x)[1], "aten._linalg_svd"),
        (lambda x: twice(x), "costmodel_tests.twice"),
        (lambda x: torch.linalg.qr(x)[0], "aten.linalg_qr"),
    ],
)
def test_an_unknown_operator_stops_with_its_place(function: Any, operator: str) -> None:
    message = refused(Outer(function), (8, 8))
    assert f"what {operator} costs" in message
    assert "in body.1 (Block)" in message
    assert f"{HERE}:" in message
    assert "--allow-uncounted" in message


def test_an_operator_without_a_shape_stops_too() -> None:
    for allowed in (False, True):
        with pytest.raises(CostModelError) as caught:
            from_torch(Outer(lambda x: opaque(x)), (8, 8), allow_uncounted=allowed)
        message = str(caught.value)
        assert "opaque" in message
        assert "in body.1 (Block)" in message
        assert f"{HERE}:" in message
        assert "\n" not in message


@pytest.mark.parametrize("index", [0, 1, 2])
def test_allowed_it_is_in_the_network_and_all_after_it_is_counted(index: int) -> None:
    module = Outer(lambda x: torch.linalg.svd(x)[index].relu())
    network = from_torch(module, torch.ones(2, 8, 8), allow_uncounted=True)
    assert (network.multiply_adds, network.parameters) == (2 * 8 * 64, 72)
    kinds = {entry.kind: entry for entry in network.ledger}
    assert [read.name for read in kinds["uncounted"].node.inputs] == ["body.1.layer"]
    # Whichever of its results is read: what follows depends on the sample, and is counted.
    assert [read.name for read in kinds["relu"].node.inputs] == [kinds["uncounted"].name]
    assert kinds["relu"].ops.cmp == (2 * 8 if index == 1 else 2 * 8 * 8)
    assert "aten._linalg_svd" in kinds["uncounted"].label


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x * x.max().item(),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: torch.from_numpy(x.detach().cpu().numpy() + 1),
        lambda x: x[: int(x.sum())],
        lambda x: [value for value in x.tolist() if value],
    ],
)
def test_control_flow_that_depends_on_values(function: Any) -> None:
    message = refused(Outer(function), (8, 8))
    assert "in body.1 (Block)" in message
    assert f"{HERE}:" in message


@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        (nn.Bilinear(8, 8, 3), (8,)),
        (nn.Conv2d(3, 4, 3), (4, 8, 8)),
        (nn.Conv2d(3, 4, 3), (3, 2, 2)),
        (nn.Linear(8, 8), (9,)),
        (nn.Embedding(10, 4), (5,)),
        (nn.LazyLinear(8), (8,)),
    ],
)
def test_wrong_and_missing_inputs(module: nn.Module, inputs: Any) -> None:
    refused(module, inputs)


@pytest.mark.parametrize(
    "inputs",
    [None, "3x", 8, (), (0,), (-1,), (8.0,), (True,), {"x": 1}, object()],
)  # fmt: skip
def test_what_is_no_input(inputs: Any) -> None:
    refused(nn.Linear(8, 8), inputs)


def test_what_is_no_module() -> None:
    for thing in (nn.Linear, lambda x: x, None, cm.mobilenet_v1()):
        with pytest.raises(CostModelError, match=r"torch\.nn\.Module"):
            from_torch(thing, (8,))  # type: ignore[arg-type]


def test_a_model_that_fails_is_one_line() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        raise ValueError("first\nsecond")

    message = refused(Calls(forward), (8,))
    assert "ValueError: first" in message
    assert f"{HERE}:" in message


def test_a_model_that_leaves_is_refused() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        raise SystemExit(0)

    assert "SystemExit" in refused(Calls(forward), (8,))


@dataclass
class Pair:
    left: Tensor
    right: Tensor


class Plain:
    """Holds tensors as attributes, which nothing but the model knows of."""

    def __init__(self, left: Tensor, right: Tensor) -> None:
        self.left, self.right = left, right


@pytest.mark.parametrize("kind", [Pair, Plain])
def test_example_tensors_in_an_object_are_inputs_without_numbers(kind: type) -> None:
    devices = []

    def forward(module: Any, pair: Pair) -> Tensor:
        devices.append(pair.left.device.type)
        return pair.left.relu() @ pair.right

    network = from_torch(Calls(forward), (kind(torch.ones(2, 8), torch.ones(8, 3)),))
    assert network.multiply_adds == 48
    assert [entry.kind for entry in network.ledger] == ["relu", "matmul"]
    # A product of matrices reads the features from the last axis.
    assert network.inputs == (cm.Shape(8, (2,), axis=1), cm.Shape(3, (8,), axis=1))
    assert set(devices) == {"meta"}


def test_a_scripted_module_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(nn.Sequential(nn.Linear(8, 8)))
    assert "is a scripted module" in refused(scripted, (8,))


def test_a_conditional_operator_is_refused() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        result: Tensor = torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (x,))
        return result

    assert "cannot choose the branch" in refused(Calls(forward), (8,))


def names_behind(network: cm.Network) -> set[str]:
    """All that the last node depends on: reached along the edges from it."""
    reached = {network.nodes[-1]}
    for node in reversed(network.nodes):
        if node in reached:
            reached.update(node.inputs)
    return {node.name for node in reached}


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.complex(x, x).abs(),
        lambda x: torch.bernoulli(x.sigmoid()).relu(),
        lambda x: torch.zeros(1, 8, 8).copy_(x).relu(),
        lambda x: torch.zeros(1, 8, 8).add_(x).relu(),
    ],
)
@pytest.mark.parametrize("constants", ["blank", "real"])
def test_what_comes_of_a_sample_is_no_constant(function: Any, constants: str) -> None:
    def forward(x: Tensor) -> Tensor:
        if constants == "real":  # control flow that reads a constant of the model
            assert torch.linspace(0, 1, 3).tolist()[0] == 0
        made: Tensor = function(x)
        return made

    network = from_torch(Outer(forward), (8, 8))
    last = network.nodes[-1]
    assert last.kind in ("relu", "abs")
    assert {"input", "body.1.layer"} <= names_behind(network)


def test_a_write_into_a_part_of_a_constant_is_followed() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        assert torch.linspace(0, 1, 3).tolist()[0] == 0
        kept = torch.zeros(1, 4, 8)
        kept[:, 0] = x
        return F.relu(kept)

    network = from_torch(Calls(forward), (8,))
    last = network.nodes[-1]
    assert last.kind == "relu"
    assert "input" in names_behind(network)
