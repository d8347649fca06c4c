"""ShuffleNet (arXiv:1707.01083, Table 1)."""

from __future__ import annotations

import math

from costmodel.core.graph import Node, apply
from costmodel.core.layers import (
    RELU,
    Add,
    ChannelShuffle,
    Concat,
    Flatten,
    GlobalAveragePool,
    Linear,
    average_pool,
    conv,
    depthwise_conv,
    max_pool,
)
from costmodel.core.rounding import WidthRule, make_divisible
from costmodel.errors import CostModelError, positive_int
from costmodel.models.blocks import conv_bn
from costmodel.models.registry import register

STEM = 24

#: Units in stages 2, 3 and 4; the first of each halves the map.
REPEATS = (4, 8, 4)

#: Groups of the 1x1 convolutions -> output channels of stages 2, 3 and 4.
ROWS = {
    1: (144, 288, 576),
    2: (200, 400, 800),
    3: (240, 480, 960),
    4: (272, 544, 1088),
    8: (384, 768, 1536),
}

#: Inside a unit, one channel of so many that it puts out.
BOTTLENECK = 4

VARIANTS = {
    "": "as the authors released it: the first convolution widens in whole steps, 24 channels at alpha 1.5 too",
    "scaled-stem": "every width scaled by alpha: 36 channels in the first convolution at alpha 1.5 (arXiv:1707.01083)",
}


@register(
    "shufflenet_v1",
    "ShuffleNet, arXiv:1707.01083",
    2017,
    "arXiv:1707.01083 Table 1",
    VARIANTS,
    (137_460_672, 1_864_728),
)
def _shufflenet_v1(
    x: Node,
    num_classes: int,
    variant: str,
    alpha: float = 1.0,
    groups: int = 3,
    round_width: WidthRule | None = None,
) -> Node:
    """ShuffleNet at scale factor ``alpha``, its 1x1 convolutions in ``groups``: 1, 2, 3, 4 or 8.

    Widths are rounded to multiples of what the groups divide, inside the units too. The classifier has no bias, as in
    the authors' release. Raises :class:`~costmodel.errors.CostModelError` for other groups, an alpha outside 0 to 100
    or so small that a stage is no wider than the one before, and for sizes below 1."""
    if positive_int(groups, "groups") not in ROWS:
        raise CostModelError(f"groups={groups} has no column in the paper's table; use {', '.join(map(str, ROWS))}")
    scale = alpha if variant == "scaled-stem" or alpha < 1 else math.floor(alpha)
    rounded = round_width or make_divisible
    x = conv_bn(x, "stem.conv1", conv(rounded(STEM * scale, groups), 3, 2, 1), RELU)
    x = apply(x, "stem.pool", max_pool(3, stride=2, padding=1))
    for stage, (channels, repeats) in enumerate(zip(ROWS[groups], REPEATS, strict=True), start=2):
        width = rounded(channels * alpha, BOTTLENECK * groups)
        for repeat in range(repeats):
            # The paper leaves the first 1x1 convolution of all whole: it reads few channels.
            first_groups = 1 if stage == 2 and repeat == 0 else groups
            x = _unit(x, f"stage{stage}.{repeat}", width, groups, first_groups, stride=2 if repeat == 0 else 1)
    x = apply(apply(x, "pool", GlobalAveragePool()), "flatten", Flatten())
    return apply(x, "classifier", Linear(num_classes, bias=False))


def _unit(x: Node, name: str, out_channels: int, groups: int, first_groups: int, stride: int) -> Node:
    """1x1, shuffle, depthwise, 1x1; the input is added, or at stride 2 pooled and put beside the rest (Figure 2)."""
    inner = out_channels // BOTTLENECK
    expanded = out_channels if stride == 1 else out_channels - x.shape.channels
    if expanded < 1:
        raise CostModelError(
            f"{name}: {out_channels} channels must be more than the {x.shape.channels} it reads, which it keeps;"
            " use a larger alpha"
        )
    shortcut = x if stride == 1 else apply(x, f"{name}.shortcut", average_pool(3, stride=2, padding=1))
    y = conv_bn(x, f"{name}.reduce", conv(inner, 1, groups=first_groups), RELU)
    if groups > 1:
        y = apply(y, f"{name}.shuffle", ChannelShuffle(groups))
    y = conv_bn(y, f"{name}.depthwise", depthwise_conv(inner, 3, stride, 1))
    y = conv_bn(y, f"{name}.expand", conv(expanded, 1, groups=groups))
    y = apply((y, x), f"{name}.add", Add()) if stride == 1 else apply((shortcut, y), f"{name}.concat", Concat())
    return apply(y, f"{name}.activation", RELU)
