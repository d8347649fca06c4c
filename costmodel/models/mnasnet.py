"""MnasNet (arXiv:1807.11626, Figure 7), as torchvision has it."""

from __future__ import annotations

from functools import partial

from costmodel.core.graph import Node
from costmodel.core.layers import RELU, SIGMOID, conv, depthwise_conv
from costmodel.core.rounding import WidthRule, make_divisible
from costmodel.models.blocks import conv_bn, inverted_residual, pooled_classifier, squeeze_excite
from costmodel.models.registry import register

STEM = 32
SEPARABLE = 16
HEAD = 1280

#: (kernel, expansion factor, output channels, repeats, stride of the first repeat, squeeze-excite) of each stage
B1 = (
    (3, 3, 24, 3, 2, False),
    (5, 3, 40, 3, 2, False),
    (5, 6, 80, 3, 2, False),
    (3, 6, 96, 2, 1, False),
    (5, 6, 192, 4, 2, False),
    (3, 6, 320, 1, 1, False),
)
A1 = (
    (3, 6, 24, 2, 2, False),
    (5, 3, 40, 3, 2, True),
    (3, 6, 80, 4, 2, False),
    (3, 6, 112, 2, 1, True),
    (5, 6, 160, 3, 2, True),
    (3, 6, 320, 1, 1, False),
)

VARIANTS = {
    "": "MnasNet-B1, without squeeze-excite, as in torchvision",
    "a1": "MnasNet-A1, with squeeze-excite in three of its stages (arXiv:1807.11626 Figure 7a)",
}


@register("mnasnet", "MnasNet, arXiv:1807.11626", 2018, "arXiv:1807.11626 Figure 7", VARIANTS, (314_415_872, 4_383_312))
def _mnasnet(x: Node, num_classes: int, variant: str, alpha: float = 1.0, round_width: WidthRule | None = None) -> Node:
    """MnasNet at width multiplier ``alpha`` on square (or height, width) images.

    Every width but the last 1280 is rounded with ``round_width`` or
    :func:`~costmodel.core.rounding.make_divisible`, which is torchvision's rounding to 8 with a bias of 0.9 in other
    words. Raises :class:`~costmodel.errors.CostModelError` for an alpha outside 0 to 100 and for sizes below 1."""
    rounded = round_width or make_divisible
    x = conv_bn(x, "features.0", conv(rounded(STEM * alpha), 3, 2, 1), RELU)
    # Not an inverted residual: there is no sum, even where a small alpha makes both widths 8.
    x = conv_bn(x, "features.1.depthwise", depthwise_conv(x.shape.channels, 3, 1, 1), RELU)
    x = conv_bn(x, "features.1.project", conv(rounded(SEPARABLE * alpha), 1))
    index = 2
    for kernel, expansion, channels, repeats, first_stride, attentive in A1 if variant == "a1" else B1:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            depthwise = depthwise_conv(expansion * x.shape.channels, kernel, stride, kernel // 2)
            attention = partial(squeeze_excite, squeezed=x.shape.channels // 4, gate=SIGMOID) if attentive else None
            width = rounded(channels * alpha)
            x = inverted_residual(x, f"features.{index}", depthwise, width, RELU, attention=attention)
            index += 1
    x = conv_bn(x, f"features.{index}", conv(HEAD, 1), RELU)
    return pooled_classifier(x, num_classes, dropout=True)
