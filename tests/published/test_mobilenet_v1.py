"""Tables 1 to 3 of the MobileNetV1 paper, and the table of TF-slim's docstring, row by row."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby

import pytest

import costmodel as cm
from costmodel import Network, apply, image
from costmodel.core.layers import Conv, Linear, Pool, conv, depthwise_conv
from costmodel.core.shape import Shape
from costmodel.models.blocks import bare, depthwise_separable
from costmodel.published.tables import (
    MILLION,
    PrintedNumber,
    Row,
    paper_table,
)

LAYERS = paper_table("mobilenet_v1_architecture")
PARTS = paper_table("mobilenet_v1_paper_tables_2_3")
PAPER = "arXiv:1704.04861 Table 1"
GROUPS = {
    (source.startswith(PAPER), alpha, resolution): list(rows)
    for (source, alpha, resolution), rows in groupby(LAYERS, key=lambda row: (row.source, row.alpha, row.resolution))
}
SLIM = [(row.alpha, row.resolution, row) for row in LAYERS if not row.source.startswith(PAPER)]

#: Order in Table 1 of the layer whose stride is a misprint, and of the softmax, which is no layer here.
MISPRINTED_STRIDE, SOFTMAX = 25, 29


def test_the_file_holds_the_paper_and_two_widths_of_slim() -> None:
    sizes = {group: len(rows) for group, rows in GROUPS.items()}
    assert sizes == {(True, 1.0, 224): 30, (False, 1.0, 224): 27, (False, 0.75, 128): 27}
    assert all(row.source for row in (*LAYERS, *PARTS))


def sizes_of(shape: Shape) -> tuple[int, int]:
    return shape.channels, shape.spatial[0] if shape.spatial else 1


def test_table_1_is_the_network_layer_by_layer() -> None:
    rows = GROUPS[True, 1.0, 224]
    # The variant of the paper's 7x7 window, whose pool has a kernel to compare.
    entries = [e for e in cm.mobilenet_v1(variant="plain").ledger if isinstance(e.layer, Conv | Pool | Linear)]
    assert [row.op for row in rows[SOFTMAX:]] == ["Softmax"]
    for row, entry in zip(rows[:SOFTMAX], entries, strict=True):
        assert sizes_of(entry.inputs[0]) == (row.in_channels, row.input_size)
        assert entry.output.channels == row.out_channels
        if isinstance(entry.layer, Linear):
            assert row.op == "FC"
            continue
        assert isinstance(entry.layer, Conv | Pool)
        assert entry.layer.kernel == (row.kernel, row.kernel)
        kinds = {"conv": "Conv", "depthwise_conv": "Conv dw", "average_pool": "Avg Pool"}
        assert kinds[entry.kind] == row.op
        if isinstance(entry.layer, Conv) and row.order != MISPRINTED_STRIDE:
            assert entry.layer.stride == (row.stride, row.stride)


def test_the_last_depthwise_stride_of_table_1_contradicts_the_table() -> None:
    printed, after = GROUPS[True, 1.0, 224][MISPRINTED_STRIDE : MISPRINTED_STRIDE + 2]
    assert (printed.op, printed.stride, printed.input_size, after.input_size) == ("Conv dw", 2, 7, 7)
    for stride, size in ((2, 4), (1, 7)):
        assert apply(image(1024, 7), "last", depthwise_conv(1024, 3, stride, 1)).shape.spatial == (size, size)


@pytest.mark.parametrize(("alpha", "resolution", "row"), SLIM, ids=[f"{a}-{row.op}" for a, _, row in SLIM])
def test_slims_layers_cost_what_its_docstring_prints(alpha: float, resolution: int, row: Row) -> None:
    # Conv2d_3_depthwise is our features.3.depthwise.conv
    name = ".".join([*row.op.replace("Conv2d", "features").split("_"), "conv"])
    (entry,) = (e for e in cm.mobilenet_v1(alpha, resolution).ledger if e.name == name)
    assert isinstance(entry.layer, Conv)
    assert entry.layer.kernel == (row.kernel, row.kernel)
    assert (entry.output.channels, entry.params.weight, entry.ops.mac) == (row.out_channels, row.weights, row.madds)


def test_slims_table_has_every_convolution_once() -> None:
    for (paper, alpha, resolution), rows in GROUPS.items():
        if not paper:
            convolutions = [e for e in cm.mobilenet_v1(alpha, resolution).ledger if isinstance(e.layer, Conv)]
            assert [row.madds for row in rows] == [e.ops.mac for e in convolutions]


def parts_of(table: int) -> list[Row]:
    return [row for row in PARTS if row.table == table]


def test_the_parts_are_tables_2_and_3() -> None:
    assert [len(parts_of(table)) for table in (2, 3)] == [4, 4]
    assert len(PARTS) == 8


TYPES = {
    "Conv 1x1": "conv 1x1",
    "Conv DW 3x3": "depthwise conv 3x3",
    "Conv 3x3": "conv 3x3",
    "Fully Connected": "linear",
}

#: Cells of Table 2 that are misprinted: (row, column) -> what stands there, and what it should be.
MISPRINTS = {("Conv 3x3", "madds"): ("1.19", "1.91")}


@pytest.mark.parametrize("row", parts_of(2), ids=lambda row: row.row)
def test_table_2_has_the_shares_of_each_type(row: Row) -> None:
    net = cm.mobilenet_v1()
    part = net.ledger.by("type")[TYPES[row.row]]
    assert (part.multiply_adds, part.weights) == (row.exact_madds, row.exact_params)
    for column, printed, exact, of, collected in (
        ("madds", row.published_madds, part.multiply_adds, net.multiply_adds, row.exact_madds_pct),
        ("params", row.published_params, part.weights, net.weights, row.exact_params_pct),
    ):
        share = Decimal(100 * exact) / of
        stands, right = MISPRINTS.get((row.row, column), (printed, printed))
        assert stands == printed
        assert round(share, 2) == Decimal(right)
        assert round(share, 4) == collected


def test_the_misprint_of_table_2_is_one_by_its_own_sum() -> None:
    column = [Decimal(row.published_madds) for row in parts_of(2)]
    assert abs(100 - sum(column)) > Decimal("0.7")
    corrected = [Decimal("1.91") if share == Decimal("1.19") else share for share in column]
    assert abs(100 - sum(corrected)) <= Decimal("0.02")


def separable(channels: int, size: int) -> Network:
    x = depthwise_separable(
        image(channels, size), "separable", depthwise_conv(channels, 3, padding=1), channels, unit=bare
    )
    return Network(x)


STEPS = {
    "Convolution": Network(apply(image(512, 14), "standard", conv(512, 3, padding=1))),
    "Depthwise Separable Conv": separable(512, 14),
    "alpha=0.75": separable(384, 14),
    "rho=0.714": separable(384, 10),
}


@pytest.mark.parametrize("row", parts_of(3), ids=lambda row: row.row)
def test_table_3_narrows_one_layer_step_by_step(row: Row) -> None:
    net = STEPS[row.row]
    assert row.unit == "millions"
    assert (net.multiply_adds, net.weights) == (row.exact_madds, row.exact_params)
    assert PrintedNumber.parse(row.published_madds, MILLION).rounds(net.multiply_adds)
    assert PrintedNumber.parse(row.published_params, MILLION).rounds(net.weights)
