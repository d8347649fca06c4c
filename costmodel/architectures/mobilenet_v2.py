"""MobileNetV2 (arXiv:1801.04381, Table 2; documents 002, 003, 004)."""

from __future__ import annotations

from costmodel.architectures import Architecture, check_variant
from costmodel.blocks import conv_bn, inverted_residual, pooled_classifier
from costmodel.checks import width_multiplier
from costmodel.layers import RELU6, conv, depthwise_conv
from costmodel.network import Network, image
from costmodel.scaling import make_divisible

STEM = 32
HEAD = 1280

#: (expansion factor t, output channels c, repeats n, stride s of the first repeat)
ROWS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)

VARIANTS = {
    "": "as in torchvision: the last 1x1 convolution never gets narrower than 1280 (document 004)",
    "scaled-head": "the last 1x1 convolution is scaled by alpha below 1 too (document 003)",
}


def mobilenet_v2(
    alpha: float = 1.0,
    resolution: int | tuple[int, int] = 224,
    num_classes: int = 1000,
    in_channels: int = 3,
    variant: str = "",
) -> Network:
    """MobileNetV2 at width multiplier ``alpha`` on square (or height, width) images.

    Widths are rounded with :func:`~costmodel.scaling.make_divisible`. Raises
    :class:`~costmodel.checks.CostModelError` for an alpha outside 0 to 100 and for sizes below 1.

    >>> net = mobilenet_v2()
    >>> net.multiply_adds, net.parameters
    (300774272, 3504872)
    """
    width_multiplier(alpha)
    check_variant("mobilenet_v2", variant, VARIANTS)
    head = make_divisible(HEAD * (alpha if variant == "scaled-head" else max(1.0, alpha)))
    x = image(in_channels, resolution)
    x = conv_bn(x, "features.0", conv(make_divisible(STEM * alpha), 3, 2, 1), RELU6)
    index = 1
    for expansion, channels, repeats, first_stride in ROWS:
        width = make_divisible(channels * alpha)
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            depthwise = depthwise_conv(expansion * x.shape.channels, 3, stride, 1)
            x = inverted_residual(x, f"features.{index}", depthwise, width, RELU6)
            index += 1
    x = conv_bn(x, f"features.{index}", conv(head, 1), RELU6)
    x = pooled_classifier(x, num_classes, dropout=True)
    config = {"alpha": alpha, "resolution": resolution, "num_classes": num_classes, "in_channels": in_channels}
    return Network(x, f"mobilenet_v2:{variant}".rstrip(":"), config, "arXiv:1801.04381 Table 2")


ARCHITECTURES = {"mobilenet_v2": Architecture(mobilenet_v2, "MobileNetV2, arXiv:1801.04381", VARIANTS)}
