"""The space of ProxylessNAS (arXiv:1812.00332): 21 blocks of six kinds, most of which may be left out."""

from __future__ import annotations

from costmodel.core.graph import Node
from costmodel.core.layers import RELU6, depthwise_conv
from costmodel.models.blocks import inverted_residual as residual_block
from costmodel.scaling.spaces.rows import Rows, rows_of

#: Of each stage: its width, how many blocks it has, and the stride of its first (mit-han-lab/proxylessnas).
STAGES = ((24, 4, 2), (40, 4, 2), (80, 4, 2), (96, 4, 1), (192, 4, 2), (320, 1, 1))


def proxyless() -> Rows:
    """Kernels 3, 5 and 7 with expansions 3 and 6; a block that changes no shape may be left out: 6^6 * 7^15 networks.

    Where a block is left out is a choice of its own, as in the paper: networks that compute the same count apart.
    """
    searched = [
        {
            "block": "inverted_residual",
            "out": out,
            "stride": stride,
            "activation": "relu6",
            "kernel": [3, 5, 7],
            "expansion": [3, 6],
            "repeat": repeat,
            "skip": True,
        }
        for out, repeat, stride in STAGES
    ]
    stem = [{"block": "conv", "out": 32, "stride": 2, "activation": "relu6"}, {"block": _first}]
    head = [{"block": "conv", "out": 1280, "kernel": 1, "activation": "relu6"}, {"block": "classifier"}]
    return rows_of({"name": "proxyless", "input": "3x224x224", "stage": [*stem, *searched, *head]})


def _first(x: Node, name: str) -> Node:
    """An inverted residual without expansion."""
    return residual_block(x, name, depthwise_conv(x.shape.channels, 3, padding=1), 16, RELU6)
