"""The space of FBNet (arXiv:1812.03443, Tables 1 and 2): 22 blocks of nine kinds."""

from __future__ import annotations

from costmodel.core.graph import Node, apply
from costmodel.core.layers import RELU, Add, ChannelShuffle, conv, depthwise_conv
from costmodel.models.blocks import conv_bn
from costmodel.scaling.spaces.rows import Rows, rows_of

#: Of each stage: its width, how many blocks it has, and the stride of its first.
STAGES = ((16, 1, 1), (24, 4, 2), (32, 4, 2), (64, 4, 2), (112, 4, 1), (184, 4, 2), (352, 1, 1))

#: Kernel, expansion and groups of the 1x1 convolutions.
BLOCKS = tuple(
    (kernel, expansion, groups) for kernel in (3, 5) for expansion, groups in ((1, 1), (1, 2), (3, 1), (6, 1))
)


def fbnet() -> Rows:
    """9^22 networks: kernel 3 or 5, expansion 1 (also in two groups), 3 or 6, or skip.

    Where a block changes the shape, skip is a 1x1 convolution, as facebookresearch/mobile-vision builds it.
    """
    searched = [
        {
            "block": fbnet_block,
            "out": out,
            "stride": stride,
            "repeat": repeat,
            "choices": [
                *(
                    {"kernel": k, "expansion": e, "groups": g, "name": f"k{k}_e{e}{'_g2' * (g > 1)}"}
                    for k, e, g in BLOCKS
                ),
                {"block": fbnet_skip, "name": "skip"},
            ],
        }
        for out, repeat, stride in STAGES
    ]
    stem = [{"block": "conv", "out": 16, "stride": 2}]
    head = [{"block": "conv", "out": 1504, "kernel": 1}, {"block": "classifier"}]
    return rows_of({"name": "fbnet", "input": "3x224x224", "stage": [*stem, *searched, *head]})


def fbnet_block(x: Node, name: str, kernel: int, expansion: int, groups: int, out: int = 0, stride: int = 1) -> Node:
    """1x1, also at expansion 1, depthwise, 1x1; channels are shuffled between groups; a sum where the shape stays."""
    read, out = x.shape.channels, out or x.shape.channels
    y = conv_bn(x, f"{name}.expand", conv(expansion * read, 1, groups=groups), RELU)
    if groups > 1:
        y = apply(y, f"{name}.shuffle", ChannelShuffle(groups))
    y = conv_bn(y, f"{name}.depthwise", depthwise_conv(expansion * read, kernel, stride, kernel // 2), RELU)
    y = conv_bn(y, f"{name}.project", conv(out, 1, groups=groups))
    return apply((y, x), f"{name}.add", Add()) if y.shape == x.shape else y


def fbnet_skip(x: Node, name: str, out: int = 0, stride: int = 1) -> Node:
    """Nothing, or a 1x1 convolution where the shape changes."""
    if stride == 1 and out in (0, x.shape.channels):
        return x
    return conv_bn(x, name, conv(out or x.shape.channels, 1, stride), RELU)
