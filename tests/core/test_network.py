"""Nodes, the order of a network, and its depth."""

from __future__ import annotations

import copy
import dataclasses
import gc
import pickle
from collections.abc import Callable

import pytest

import costmodel as cm
from costmodel import CostModelError, Network, Node, apply, image
from costmodel.core.layers import RELU, Add, conv


def chain(length: int) -> Network:
    x = image(16, 8)
    for index in range(length):
        x = apply(x, f"layers.{index}", conv(16, 3, padding=1))
    return Network(x)


def test_order_is_depth_first_inputs_from_left_to_right() -> None:
    #      a - b - c ┐
    #   x ┤          add
    #      d ────────┘
    x = image(4, 4)
    a = apply(x, "a", RELU)
    d = apply(x, "d", RELU)
    c = apply(apply(a, "b", RELU), "c", RELU)
    net = Network(apply((c, d), "add", Add()))
    assert [node.name for node in net.nodes] == ["input", "a", "b", "c", "d", "add"]
    swapped = Network(apply((d, c), "add", Add()))
    assert [node.name for node in swapped.nodes] == ["input", "d", "a", "b", "c", "add"]


def test_a_node_read_twice_stands_once() -> None:
    x = image(4, 4)
    a = apply(x, "a", RELU)
    net = Network(apply((a, a), "add", Add()))
    assert [node.name for node in net.nodes] == ["input", "a", "add"]
    assert [entry.ops.add for entry in net.ledger] == [0, 4 * 4 * 4]


def test_a_table_refuses_two_layers_with_one_name() -> None:
    x = apply(apply(image(3, 8), "relu", RELU), "relu", RELU)
    with pytest.raises(CostModelError, match="2 layers are called 'relu'; a table could not tell them apart"):
        Network(x).table()


@pytest.mark.parametrize(
    ("inputs", "layer", "message"),
    [
        (1, Add(), r"sum: Add\(\) reads several inputs, 1 given"),
        (2, RELU, r"sum: Activation\(name='relu'\) reads one input, 2 given"),
        (0, RELU, r"sum: Activation\(name='relu'\) reads one input, 0 given"),
    ],
)
def test_a_layer_with_the_wrong_number_of_inputs_is_named(inputs: int, layer: cm.network.Layer, message: str) -> None:
    with pytest.raises(CostModelError, match=message):
        apply([image(3, 8)] * inputs, "sum", layer)


def test_a_wrong_call_says_what_apply_takes() -> None:
    x = image(3, 8)
    for wrong in (lambda: apply(x, "relu", "relu"), lambda: apply("relu", x, RELU), lambda: apply(x, "conv", conv)):
        with pytest.raises(TypeError, match="apply takes nodes, a name and a layer"):
            wrong()
    with pytest.raises(TypeError, match="a network is made of its output node, not of str"):
        Network("x")  # type: ignore[arg-type]


def test_several_inputs_have_names_of_their_own() -> None:
    left, right = image(3, 8, "left"), image(3, 8, "right")
    net = Network(apply((left, right), "add", Add()), "two")
    assert [node.name for node in net.nodes] == ["left", "right", "add"]
    assert [shape.sizes for shape in net.inputs] == [(3, 8, 8), (3, 8, 8)]
    with pytest.raises(CostModelError, match="two reads 2 inputs; ask for `inputs`"):
        _ = net.input


def test_the_choices_of_a_network_cannot_be_changed_behind_its_back() -> None:
    with pytest.raises(TypeError):
        cm.mobilenet_v1().config["alpha"] = 3  # type: ignore[index]


def test_a_join_of_one_node_given_alone_is_refused_too() -> None:
    with pytest.raises(CostModelError, match=r"sum: Add\(\) reads several inputs, 1 given"):
        apply(image(3, 8), "sum", Add())


def test_errors_name_the_place() -> None:
    with pytest.raises(CostModelError, match=r"^features\.3\.depthwise: groups=5 does not divide 64 input channels"):
        apply(image(64, 56), "features.3.depthwise", conv(5, 3, groups=5))
    with pytest.raises(CostModelError, match=r"^input: size=0 must be"):
        image(3, (224, 0))


@pytest.mark.slow
def test_depth_is_bounded_by_memory_alone() -> None:
    net = chain(100_000)
    assert net.multiply_adds == 100_000 * (8 * 8) * (16 * 9) * 16
    assert net.parameters == 100_000 * 16 * 9 * 16
    assert len(net.nodes) == 100_001
    assert len(repr(net.output)) < 300
    del net
    gc.collect()


@pytest.mark.slow
@pytest.mark.parametrize("make", [lambda: cm.mobilenet_v2(alpha=0.5), lambda: chain(20_000)], ids=["branching", "deep"])
def test_a_network_survives_pickling_and_copying_at_any_depth(make: Callable[[], Network]) -> None:
    net = make()
    for twin in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert [node.name for node in twin.nodes] == [node.name for node in net.nodes]
        assert (twin.multiply_adds, twin.parameters) == (net.multiply_adds, net.parameters)
        assert (twin.name, twin.config, twin.source) == (net.name, net.config, net.source)
        assert [[read.name for read in node.inputs] for node in twin.nodes] == [
            [read.name for read in node.inputs] for node in net.nodes
        ]


def test_nodes_are_themselves_and_frozen() -> None:
    x = image(3, 8)
    assert apply(x, "a", RELU) != apply(x, "a", RELU)
    with pytest.raises(AttributeError):
        x.name = "other"  # type: ignore[misc]
    assert isinstance(x, Node)


def test_networks_are_themselves_and_frozen() -> None:
    x = apply(image(3, 8), "a", RELU)
    net, twin = Network(x), Network(x)
    assert net != twin
    assert len({net, twin}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        net.name = "other"  # type: ignore[misc]


def test_a_table_by_block_cuts_names_at_two_parts() -> None:
    names = list(cm.mobilenet_v2().table(by="block").name)
    assert names[:3] == ["features.0", "features.1", "features.2"]
    assert len(names) == len(set(names))


def test_a_network_reads_out_its_figures() -> None:
    net = cm.mobilenet_v2(resolution=(128, 256), in_channels=1)
    assert net.input.sizes == (1, 128, 256)
    assert net.flops == 2 * net.multiply_adds
    assert repr(net).startswith("<mobilenet_v2: ")
    assert f"{net.multiply_adds:,} multiply-adds" in repr(net)
