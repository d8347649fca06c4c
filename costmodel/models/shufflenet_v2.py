"""ShuffleNetV2 (arXiv:1807.11164, Table 5)."""

from __future__ import annotations

from costmodel.core.graph import Node, apply
from costmodel.core.layers import (
    RELU,
    ChannelShuffle,
    ChannelSlice,
    Concat,
    conv,
    depthwise_conv,
    max_pool,
    pointwise_conv,
)
from costmodel.errors import CostModelError
from costmodel.models.blocks import conv_bn, pooled_classifier
from costmodel.models.registry import register

STEM = 24

#: Units in stages 2, 3 and 4; the first of each halves the map.
REPEATS = (4, 8, 4)

#: Scale factor -> output channels of stages 2, 3 and 4, and of the last 1x1 convolution. No rule makes them all.
ROWS = {
    0.5: (48, 96, 192, 1024),
    1.0: (116, 232, 464, 1024),
    1.5: (176, 352, 704, 1024),
    2.0: (244, 488, 976, 2048),
}

VARIANTS = {"": "as in torchvision"}


@register(
    "shufflenet_v2",
    "ShuffleNetV2, arXiv:1807.11164",
    2018,
    "arXiv:1807.11164 Table 5",
    VARIANTS,
    (144_907_992, 2_278_604),
)
def _shufflenet_v2(x: Node, num_classes: int, variant: str, alpha: float = 1.0) -> Node:
    """ShuffleNetV2 at scale factor ``alpha``: 0.5, 1.0, 1.5 or 2.0.

    Raises :class:`~costmodel.errors.CostModelError` for another alpha and for sizes below 1."""
    if alpha not in ROWS:
        raise CostModelError(f"alpha={alpha} has no widths in the paper's table; use {', '.join(map(str, ROWS))}")
    *widths, head = ROWS[alpha]
    x = conv_bn(x, "stem.conv1", conv(STEM, 3, 2, 1), RELU)
    x = apply(x, "stem.pool", max_pool(3, stride=2, padding=1))
    for stage, (width, repeats) in enumerate(zip(widths, REPEATS, strict=True), start=2):
        x = _reducing_unit(x, f"stage{stage}.0", width)
        for repeat in range(1, repeats):
            x = _unit(x, f"stage{stage}.{repeat}")
    x = conv_bn(x, "head.conv5", pointwise_conv(head), RELU)
    return pooled_classifier(x, num_classes)


def _unit(x: Node, name: str) -> Node:
    """Half the channels pass by, the other half goes through a branch (Figure 3c)."""
    channels = x.shape.channels
    passing = apply(x, f"{name}.first_half", ChannelSlice(0, channels // 2))
    y = apply(x, f"{name}.second_half", ChannelSlice(channels // 2, channels))
    return _joined(passing, _branch(y, f"{name}.branch2", channels // 2, stride=1), name)


def _reducing_unit(x: Node, name: str, out_channels: int) -> Node:
    """Stride 2: both branches read all channels, and each makes half of the output (Figure 3d)."""
    y = conv_bn(x, f"{name}.branch1.depthwise", depthwise_conv(x.shape.channels, 3, 2, 1))
    y = conv_bn(y, f"{name}.branch1.pointwise", pointwise_conv(out_channels // 2), RELU)
    return _joined(y, _branch(x, f"{name}.branch2", out_channels // 2, stride=2), name)


def _branch(x: Node, name: str, channels: int, stride: int) -> Node:
    """1x1, depthwise without activation, 1x1."""
    x = conv_bn(x, f"{name}.pointwise1", pointwise_conv(channels), RELU)
    x = conv_bn(x, f"{name}.depthwise", depthwise_conv(channels, 3, stride, 1))
    return conv_bn(x, f"{name}.pointwise2", pointwise_conv(channels), RELU)


def _joined(first: Node, second: Node, name: str) -> Node:
    """The two halves stacked, and shuffled so that the next split takes from both."""
    return apply(apply((first, second), f"{name}.concat", Concat()), f"{name}.shuffle", ChannelShuffle(2))
