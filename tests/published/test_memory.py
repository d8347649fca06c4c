"""Table 3 of the MobileNetV2 paper, cell by cell: the most channels at each size, and the memory that they take.

The paper had two versions, which differ at 112x112 and in the last row. Memory is of 16-bit activations.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

import costmodel as cm
from costmodel import Network
from costmodel.core.ledger import Ledger
from costmodel.core.shape import Shape
from costmodel.published.tables import PrintedNumber, Row, paper_table

#: Columns of the table. The last is headed g=3, but 400, 800 and 1600 channels are those of two groups.
NETS = {
    "mobilenet_v1": cm.mobilenet_v1(),
    "mobilenet_v2": cm.mobilenet_v2(),
    "shufflenet_2x_g3": cm.shufflenet_v1(alpha=2.0, groups=2),
}
BYTES = 2
KILO = 1000
SIZES = ("112x112", "56x56", "28x28", "14x14", "7x7", "1x1")

NO_NUMBER = "no number: that version holds the layer to need a constant amount"

#: (version, size, column, printed) -> why it is not reproduced.
NOT_REPRODUCED = {
    **{("A", "112x112", column, "1/O(1)"): NO_NUMBER for column in NETS},
    ("B", "112x112", "shufflenet_2x_g3", "32/800"): "the stem at twice the width has 48 channels",
    **{(version, "7x7", "mobilenet_v1", "1024/199"): "1024 x 7 x 7 x 2 bytes are 100" for version in "AB"},
    **{(version, "7x7", "mobilenet_v2", "320/32"): "320 x 7 x 7 x 2 bytes are 31" for version in "AB"},
    ("B", "max", "shufflenet_2x_g3", "600K"): "the 800 of the same column are more",
}

CELLS = [(row.source[-1], row, column) for row in paper_table("mobilenet_v2_memory") for column in NETS]


def thousands(text: str) -> int:
    return int(text.removesuffix("K"))


def cut(kilobytes: int, exact: int) -> bool:
    """The table's rule: cut off after the last digit that is not zero."""
    zeros = len(str(kilobytes)) - len(str(kilobytes).rstrip("0"))
    return PrintedNumber(kilobytes * KILO, KILO * 10**zeros).truncates(exact)


def blocks(net: Network) -> list[Ledger]:
    return list(net.ledger.by("block").values())


def most_channels(net: Network, size: int) -> int:
    """The most channels that a block puts out at ``size``."""
    return max(b.output.channels for b in blocks(net) if b.output.positions == size * size)


def most_channels_of_bottlenecks(net: Network, size: int, side: Callable[[Ledger], Shape]) -> int:
    """The most channels that an inverted residual puts out whose ``side``, input or output, is of ``size``."""
    bottlenecks = [b for b in blocks(net) if ".depthwise." in " ".join(e.name for e in b)]
    return max(b.output.channels for b in bottlenecks if side(b).positions == size * size)


def channels(column: str, size: int) -> int:
    """What the column counts: what blocks put out at a size. MobileNetV2's leaves stem and head out, and below
    112x112 it counts what they put out from a map of the size.
    """
    net = NETS[column]
    if column != "mobilenet_v2" or size == 1:
        return most_channels(net, size)
    return most_channels_of_bottlenecks(net, size, (lambda b: b.output) if size == 112 else (lambda b: b.input))


def reproduced(version: str, row: Row, column: str) -> bool:
    cell = getattr(row, column)
    if row.size == "max":
        others = [getattr(other, column) for v, other, c in CELLS if (v, c) == (version, column) and other != row]
        known = [other.split("/")[1] for other in others if "O(1)" not in other]
        return thousands(cell) == max(map(thousands, known))
    wide, _, memory = cell.partition("/")
    if "O(1)" in memory:
        return False
    size = int(row.size.partition("x")[0])
    exact = Shape(int(wide), (size, size)).elements * BYTES
    return int(wide) == channels(column, size) and cut(thousands(memory), exact)


@pytest.mark.parametrize(("version", "row", "column"), CELLS, ids=[f"{v}-{row.size}-{c}" for v, row, c in CELLS])
def test_every_cell_is_reproduced_or_listed(version: str, row: Row, column: str) -> None:
    assert row.source == f"arXiv:1801.04381 Table 3, version {version}"
    place = (version, row.size, column, getattr(row, column))
    assert reproduced(version, row, column) is (place not in NOT_REPRODUCED)


def test_the_file_holds_each_version_once() -> None:
    assert [(row.source[-1], row.size) for row in paper_table("mobilenet_v2_memory")] == [
        (version, size) for version in "AB" for size in (*SIZES, "max")
    ]
    assert {(version, row.size, column, getattr(row, column)) for version, row, column in CELLS} >= set(NOT_REPRODUCED)


def test_the_cut_sees_one_more_and_one_less() -> None:
    assert [cut(310, exact) for exact in (309_999, 310_000, 319_999, 320_000)] == [False, True, True, False]
