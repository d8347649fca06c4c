"""The size search space of NATS-Bench (arXiv:2009.00437): a cell of NAS-Bench-201, five widths of 8 to 64."""

from __future__ import annotations

from costmodel.core.graph import Node
from costmodel.core.layers import conv
from costmodel.models.blocks import conv_bn
from costmodel.scaling.spaces.nas_bench_201 import cell, last, reduction
from costmodel.scaling.spaces.rows import Rows, rows_of

#: The best cell of the topology space on CIFAR-100 (D-X-Y/AutoDL-Projects#103), edge by edge.
OPERATIONS = ("nor_conv_3x3", "nor_conv_3x3", "nor_conv_3x3", "skip_connect", "nor_conv_3x3", "nor_conv_3x3")

WIDTHS = [*range(8, 65, 8)]


def nats_bench_size() -> Rows:
    """8^5 networks for CIFAR-10: a cell, a residual block of stride 2, a cell, another block, a cell; a width each.

    A cell that changes the width has a 1x1 convolution where its edge is a skip connection.
    """
    blocks = [_first, reduction_to, cell_of, reduction_to, cell_of]
    searched = [{"block": block, "out": WIDTHS, "name": f"layer{number}"} for number, block in enumerate(blocks)]
    return rows_of({"name": "nats_bench_size", "input": "3x32x32", "stage": [*searched, {"block": _head}]})


def _first(x: Node, name: str, out: int) -> Node:
    return cell_of(conv_bn(x, "stem", conv(out, 3, padding=1)), name, out)


def cell_of(x: Node, name: str, out: int) -> Node:
    """The cell, of ``out`` channels."""
    return cell(x, name, OPERATIONS, out)


def reduction_to(x: Node, name: str, out: int) -> Node:
    """A residual block of stride 2, of ``out`` channels."""
    return reduction(x, name, out)


def _head(x: Node, name: str) -> Node:
    return last(x, 10)
