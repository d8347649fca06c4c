"""Table 2 of the MobileNetV2 paper, and Tables 1 and 2 of the MobileNetV3 paper, row by row."""

from __future__ import annotations

import pytest

import costmodel as cm
from costmodel import Entry, Network
from costmodel.core.graph import image
from costmodel.core.layers import Activation, Conv, Linear
from costmodel.models.blocks import squeeze_excite
from costmodel.published.tables import MILLION, PrintedNumber, Row, paper_table

V2_ROWS = paper_table("mobilenet_v2_architecture")
V3_ROWS = paper_table("mobilenet_v3_architecture")


def under(net: Network, prefix: str) -> list[Entry]:
    """The operations of the block called ``prefix``."""
    entries = [entry for entry in net.ledger if entry.name == prefix or entry.name.startswith(f"{prefix}.")]
    assert entries
    return entries


def depthwise_of(block: list[Entry]) -> tuple[Conv, Entry]:
    (entry,) = (entry for entry in block if entry.kind == "depthwise_conv")
    assert isinstance(entry.layer, Conv)
    return entry.layer, entry


def reads(block: list[Entry]) -> tuple[int, int]:
    """(size, channels) of what a block reads; a vector is of size 1."""
    shape = block[0].inputs[0]
    return shape.spatial[0] if shape.spatial else 1, shape.channels


# MobileNetV2


def v2_blocks() -> list[tuple[Row, list[list[Entry]]]]:
    """Each row, and the blocks that it stands for: every one of the network, in order."""
    net = cm.mobilenet_v2()
    names = [f"features.{index}" for index in range(19)] + ["pool", "classifier"]
    blocks = iter([under(net, name) for name in names])
    rows = [(row, [next(blocks) for _ in range(row.n or 1)]) for row in V2_ROWS]
    assert next(blocks, None) is None
    return rows


@pytest.mark.parametrize(
    ("row", "blocks"), v2_blocks(), ids=[f"{row.input_size}-{row.operator}-{row.c}" for row, _ in v2_blocks()]
)
def test_table_2_of_v2_is_the_network_stage_by_stage(row: Row, blocks: list[list[Entry]]) -> None:
    assert row.source == "arXiv:1801.04381 Table 2"
    assert reads(blocks[0]) == (row.input_size, row.in_channels)
    for index, block in enumerate(blocks):
        stride = row.s if index == 0 else 1
        first, last = block[0], block[-1]
        if row.operator == "bottleneck":
            depthwise, entry = depthwise_of(block)
            assert row.t is not None
            assert entry.output.channels == row.t * first.inputs[0].channels
            assert (depthwise.kernel, depthwise.stride) == ((3, 3), (stride, stride))
            assert last.output.channels == int(row.c)
        elif row.operator == "avgpool 7x7":
            assert (first.kind, row.input_size) == ("global_average_pool", 7)
        elif row.c == "k":  # of a single position: a linear layer
            assert isinstance(first.layer, Linear)
        else:
            assert isinstance(first.layer, Conv)
            assert f"conv2d {first.label.removeprefix('conv ')}" == row.operator
            assert (first.layer.stride, last.output.channels) == ((stride, stride), int(row.c))


def test_every_row_of_v2_is_held() -> None:
    assert [row for row, _ in v2_blocks()] == list(V2_ROWS)
    assert len(V2_ROWS) == 11


# MobileNetV3

NETS = {
    "MobileNetV3-Large": cm.mobilenet_v3_large(),
    "MobileNetV3-Small (1024 head)": cm.mobilenet_v3_small(),
    "MobileNetV3-Small (1280 head)": cm.mobilenet_v3_small(variant="wide-head"),
}

NONLINEARITIES = {"relu": "RE", "hard_swish": "HS"}

#: Squeeze-excite is ticked for Small's last convolution, in both versions; see the test of that name.
MISPRINTED_TICKS = {(net, 12) for net in NETS if "Small" in net}


def block_of(row: Row) -> list[Entry]:
    net = NETS[row.net]
    convolutions = len({entry.name.split(".")[1] for entry in under(net, "features")})
    tail = ("pool", "head", "classifier")
    return under(net, f"features.{row.order}" if row.order < convolutions else tail[row.order - convolutions])


@pytest.mark.parametrize("row", V3_ROWS, ids=lambda row: f"{row.net}-{row.order}")
def test_tables_of_v3_are_the_networks_block_by_block(row: Row) -> None:
    block = block_of(row)
    operator, *kernel = row.operator.split()
    convolution = block[0].layer
    if operator == "bneck":
        convolution, entry = depthwise_of(block)
        assert entry.output.channels == row.exp_size
    if operator == "pool":
        assert block[0].kind == "global_average_pool"
        assert (kernel, row.stride) == ([f"{row.input_size}x{row.input_size}"], 1)
    elif "NBN" in kernel:  # no batch norm, of a single position: a linear layer
        assert isinstance(convolution, Linear)
        assert (kernel, row.stride) == (["1x1", "NBN"], 1)
    else:
        assert isinstance(convolution, Conv)
        # Large's stem is printed without a kernel.
        assert ["x".join(map(str, convolution.kernel))] == (kernel or ["3x3"])
        assert convolution.stride == (row.stride, row.stride)
    assert reads(block) == (row.input_size, row.in_channels)
    if row.out:
        assert block[-1].output.channels == (1000 if row.out == "k" else int(row.out))
    activations = [e.layer for e in block if isinstance(e.layer, Activation) and ".squeeze_excite." not in e.name]
    assert {NONLINEARITIES[activation.name] for activation in activations} == ({row.nl} if row.nl else set())
    attentive = any(".squeeze_excite." in entry.name for entry in block)
    ticked = row.se == 1 and (row.net, row.order) not in MISPRINTED_TICKS
    assert attentive == ticked


def test_every_row_of_v3_is_of_a_network_and_every_block_has_a_row() -> None:
    orders = {net: [row.order for row in V3_ROWS if row.net == net] for net in NETS}
    assert {net: len(rows) for net, rows in orders.items()} == dict(zip(NETS, (20, 16, 16), strict=True))
    assert all(rows == list(range(len(rows))) for rows in orders.values())
    assert len(V3_ROWS) == 52
    assert all(row.source for row in V3_ROWS)


def test_the_tick_at_smalls_last_convolution_contradicts_the_papers_parameters() -> None:
    ticked = {(row.net, row.order) for row in V3_ROWS if row.se and row.operator == "conv2d 1x1"}
    assert ticked == MISPRINTED_TICKS
    attention = Network(squeeze_excite(image(576, 7), "squeeze_excite", 144))
    for net, printed in (
        (NETS["MobileNetV3-Small (1024 head)"], "2.5"),
        (NETS["MobileNetV3-Small (1280 head)"], "2.9"),
    ):
        figure = PrintedNumber.parse(printed, MILLION)
        assert figure.rounds(net.parameters)
        assert not figure.rounds(net.parameters + attention.parameters)
