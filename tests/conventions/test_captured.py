"""Conventions of captured modules: what a tool sees of a module is not always what the module computes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

import costmodel as cm
import reference_models
from costmodel import CostModelError
from costmodel.conventions import convention
from reference_models.oracles import image
from tests.conventions.peers import PEERS, measure
from tests.networks import descriptions, module_from

every_peer = pytest.mark.parametrize("name", PEERS)

SIZES = (3, 12, 12)


def hold(name: str, module: nn.Module, sizes: tuple[int, ...], batch: int = 1) -> None:
    """The tool's total of the module is ours of its capture; of ``batch`` samples at once, where there are more."""
    network = cm.from_torch(module, sizes if batch == 1 else image(sizes).expand(batch, *sizes))
    # ptflops runs one sample, whatever it is given.
    often = batch if name.startswith("ptflops") else 1
    given = image(sizes).expand(batch // often, *sizes)
    assert convention(name).of(network.ledger).total == often * measure(name, module, given).total


@every_peer
@settings(max_examples=settings.default.max_examples // 5)
@given(data=st.data())
def test_a_drawn_module_costs_what_the_tool_says(name: str, data: st.DataObject) -> None:
    description = data.draw(descriptions())
    try:
        hold(name, module_from(description), description.input.sizes, data.draw(st.integers(1, 3)))
    except CostModelError as error:
        # In floating point, of a batch: the one refusal.
        assert name == "thop"
        assert "no rule for adaptive pooling of a batch" in str(error)


@pytest.mark.parametrize("model", ["mobilenet_v2", "mobilenet_v3_small", "resnet18", "shufflenet_v2", "googlenet"])
def test_a_captured_reference_module_costs_what_the_tools_say(model: str) -> None:
    module = reference_models.build(model)
    for name in PEERS:
        hold(name, module, (3, 64, 64))


class Functional(nn.Module):
    """What hooks on modules do not see: everything but one convolution and the classifier is a functional call."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, bias=True)
        self.kernel = nn.Parameter(torch.zeros(8, 8, 3, 3))
        self.matrix = nn.Parameter(torch.zeros(6, 8))
        self.norm = nn.BatchNorm2d(8)
        self.classifier = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu6(self.norm(self.stem(x)))
        x = functional.max_pool2d(functional.relu(functional.conv2d(x, self.kernel)), 2, 1)
        x = functional.adaptive_avg_pool2d(x, 1).flatten(1)
        logits: Tensor = self.classifier(functional.linear(x, self.matrix))
        return logits


class Convolution(nn.Conv2d):
    """A subclass that changes nothing."""


class Tokens(nn.Module):
    """Attention written out over the positions of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.norm = nn.LayerNorm(8)
        self.query = nn.Linear(8, 8)
        self.key = nn.Linear(8, 8, bias=False)
        self.classifier = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.norm(self.patches(x).flatten(2).transpose(1, 2))
        scores = self.query(tokens) @ self.key(tokens).transpose(1, 2)
        logits: Tensor = self.classifier((scores.softmax(-1) @ tokens).mean(1))
        return logits


class Transposed(nn.Module):
    """A linear layer on what is not contiguous: PyTorch adds its bias in an operation of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.linear(x.flatten(2).transpose(1, 2))
        return made


@every_peer
def test_a_bias_that_is_added_apart_costs_what_the_tool_says(name: str) -> None:
    hold(name, Transposed(), SIZES)


class Halved(nn.Module):
    """A product with a number, and a mean over an axis."""

    def forward(self, x: Tensor) -> Tensor:
        return (x * 0.5).mean(3)


#: Operations that have no layer of their own.
OTHERS = {
    "instance norm": nn.InstanceNorm2d(3),
    "instance norm, affine": nn.InstanceNorm2d(3, affine=True),
    "prelu": nn.PReLU(),
    "prelu by channel": nn.PReLU(3),
    "bilinear upsampling": nn.Upsample(scale_factor=2, mode="bilinear"),
    "softmax": nn.Softmax(1),
    "arithmetic": Halved(),
}


@pytest.mark.parametrize("operation", OTHERS)
def test_an_operation_without_a_layer_costs_what_the_tools_say(operation: str) -> None:
    for name in PEERS:
        if (name, operation) != ("thop", "softmax"):
            hold(name, nn.Sequential(nn.Conv2d(3, 3, 3), OTHERS[operation]), SIZES)


@every_peer
def test_functional_calls_are_seen_or_not_as_the_tool_sees_them(name: str) -> None:
    hold(name, Functional(), SIZES)


not_torchinfo = pytest.mark.parametrize("name", [name for name in PEERS if name != "torchinfo"])


@not_torchinfo
def test_a_subclass_of_a_module_is_seen_or_not_as_the_tool_sees_it(name: str) -> None:
    hold(name, nn.Sequential(Convolution(3, 8, 3), nn.ReLU()), SIZES)


@pytest.mark.parametrize("name", [name for name in PEERS if name not in ("torchprofile", "torchinfo")])
def test_a_convolution_that_pads_itself_costs_what_the_tool_says(name: str) -> None:
    """Keras's stem. torchprofile also counts the two products of sizes in its Python, one each."""
    hold(name, reference_models.build("mobilenet_v2:keras"), (3, 64, 64))


@every_peer
def test_a_module_that_is_called_twice_counts_twice(name: str) -> None:
    shared = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU())
    hold(name, nn.Sequential(shared, nn.MaxPool2d(2), shared), SIZES)


@every_peer
def test_attention_that_is_written_out_costs_what_the_tool_says(name: str) -> None:
    hold(name, Tokens(), SIZES)


def test_parameters_in_a_class_of_somebody_s_own_are_refused_where_their_names_decide() -> None:
    network = cm.from_torch(nn.Sequential(Convolution(3, 8, 3), nn.ReLU()), SIZES)
    with pytest.raises(CostModelError, match=r"torchinfo: no rule for parameters of tests\..*\.Convolution, which"):
        convention("torchinfo").of(network.ledger)
