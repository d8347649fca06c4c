"""Nodes, the order of a network, and its depth."""

from __future__ import annotations

import copy
import gc
import pickle

import pytest

import costmodel as cm
from costmodel import CostModelError, Network, Node, apply, image
from costmodel.layers import RELU, Add, conv


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


def test_errors_name_the_place() -> None:
    with pytest.raises(CostModelError, match=r"^features\.3\.depthwise: groups=5 does not divide 64 input channels"):
        apply(image(64, 56), "features.3.depthwise", conv(5, 3, groups=5))
    with pytest.raises(CostModelError, match=r"^input: size=0 must be"):
        image(3, (224, 0))


def test_depth_is_bounded_by_memory_alone() -> None:
    net = chain(100_000)
    assert net.multiply_adds == 100_000 * (8 * 8) * (16 * 9) * 16
    assert net.parameters == 100_000 * 16 * 9 * 16
    assert len(net.nodes) == 100_001
    assert len(repr(net.output)) < 300
    del net
    gc.collect()


def test_a_network_survives_pickling_and_copying_at_any_depth() -> None:
    for net in (cm.mobilenet_v2(alpha=0.5), chain(20_000)):
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


def test_a_network_reads_out_its_figures() -> None:
    net = cm.mobilenet_v2(resolution=(128, 256), in_channels=1)
    assert net.input.sizes == (1, 128, 256)
    assert net.flops == 2 * net.multiply_adds
    assert repr(net).startswith("<mobilenet_v2: ")
    assert f"{net.multiply_adds:,} multiply-adds" in repr(net)
