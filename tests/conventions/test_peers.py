"""Every convention equals the tool that it stands for, exactly and by operation, on random networks and modules."""

from __future__ import annotations

from collections import OrderedDict

import pytest
from hypothesis import given, settings
from torch import nn

import reference_models
from costmodel import CostModelError, Network, Node, apply, load
from costmodel.conventions import CONVENTIONS, convention
from costmodel.core.layers import Input
from reference_models.oracles import image
from tests.conventions.peers import PEERS, measure
from tests.conventions.singles import TABLE, Single, single_layers
from tests.networks import Description, descriptions, module_from, network_of
from tests.zoo import RUN_IN_PYTORCH

#: Of a profile's examples, for each of seven tools.
HALF = settings.default.max_examples // 2

every_peer = pytest.mark.parametrize("name", PEERS)


#: They look for the exact type of a module, so that a subclass of a convolution is none.
BLIND_TO_SUBCLASSES = ("ptflops", "thop")

#: It counts products of sizes that a module takes in Python while it is traced.
COUNTS_SIZES = ("torchprofile",)


def hold(name: str, network: Network, module: nn.Module) -> None:
    """The tool's figure is ours: in all, for each operation by its path, and as a bag where it gives no paths."""
    rule, measured = convention(name), measure(name, module, image(network.input.sizes))
    figures = {entry.name: rule.count(entry) for entry in network.ledger}
    if measured.modules:
        assert figures.items() <= measured.modules.items()
    if measured.operations is not None:
        assert sorted(filter(None, figures.values())) == sorted(filter(None, measured.operations))
    assert rule.of(network.ledger).total == measured.total


@every_peer
@settings(max_examples=HALF)
@given(description=descriptions())
def test_a_drawn_network_costs_what_the_tool_says(name: str, description: Description) -> None:
    hold(name, network_of(description), module_from(description))


@every_peer
@settings(max_examples=HALF)
@given(single=single_layers())
def test_a_convolution_or_linear_layer_on_its_own_costs_what_the_tool_says(name: str, single: Single) -> None:
    hold_single(name, single)


@every_peer
def test_every_norm_and_activation_costs_what_the_tool_says(name: str) -> None:
    for single in TABLE.values():
        hold_single(name, single)


def hold_single(name: str, single: Single) -> None:
    x = Node("input", Input(single.input), (), (), single.input)
    network = Network(apply(x, "layer", single.layer), "single")
    hold(name, network, nn.Sequential(OrderedDict(layer=single.module)))


@pytest.mark.parametrize("model", RUN_IN_PYTORCH)
def test_every_reference_module_costs_what_the_tools_say(model: str) -> None:
    network, module = small(model), reference_models.build(model)
    subclasses = [leaf for leaf in module.modules() if isinstance(leaf, nn.Conv2d) and type(leaf) is not nn.Conv2d]
    for name in PEERS:
        if not subclasses or name not in (*BLIND_TO_SUBCLASSES, *COUNTS_SIZES):
            hold(name, network, module)


def test_a_subclass_of_a_convolution_is_not_seen_by_a_tool_that_asks_for_the_type() -> None:
    """Keras's stem, which pads itself, is the one such layer in the reference modules."""
    network, module = small("mobilenet_v2:keras"), reference_models.build("mobilenet_v2:keras")
    stem = network.ledger.entries[0].ops.mac
    for name in BLIND_TO_SUBCLASSES:
        measured = measure(name, module, image(network.input.sizes))
        assert convention(name).of(network.ledger).total - stem == measured.total


def small(model: str) -> Network:
    """The network at a resolution that spares the tools most of the forward pass, where the model takes another."""
    for resolution in (32, 64):
        try:
            return load(model, resolution=resolution)
        except CostModelError:  # too small for its windows, or for the classifier that it was published with
            continue
    return load(model)


def test_all_that_is_said_to_be_held_against_its_tool_is() -> None:
    assert set(PEERS) == {name for name, found in CONVENTIONS.items() if found.verified_against_tool}
