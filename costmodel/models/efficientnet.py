"""EfficientNet-B0 to B7 (arXiv:1905.11946, Table 1, scaled by its compound coefficients), as torchvision has them."""

from __future__ import annotations

import math
from functools import partial

from costmodel.core.graph import image
from costmodel.core.layers import SIGMOID, SWISH, conv, depthwise_conv
from costmodel.core.network import Network
from costmodel.core.rounding import make_divisible
from costmodel.models.blocks import conv_bn, inverted_residual, pooled_classifier, squeeze_excite
from costmodel.models.registry import Architecture, built, check_variant

STEM = 32

#: (expansion factor, kernel, output channels, repeats, stride of the first repeat) of each stage of B0
ROWS = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)

VARIANTS = {"": "as in torchvision"}


def efficientnet_b0(
    resolution: int | tuple[int, int] = 224,
    num_classes: int = 1000,
    in_channels: int = 3,
    variant: str = "",
) -> Network:
    """EfficientNet-B0: the baseline, as wide and as deep as Table 1, on square (or height, width) images.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 1.

    >>> net = efficientnet_b0()
    >>> net.multiply_adds, net.parameters
    (385814752, 5288548)
    """
    return _efficientnet("efficientnet_b0", 1.0, 1.0, resolution, num_classes, in_channels, variant)


def efficientnet_b1(
    resolution: int | tuple[int, int] = 240,
    num_classes: int = 1000,
    in_channels: int = 3,
    variant: str = "",
) -> Network:
    """EfficientNet-B1: B0's widths, 1.1 times its depth, on square (or height, width) images.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 1.

    >>> net = efficientnet_b1()
    >>> net.multiply_adds, net.parameters
    (686802832, 7794184)
    """
    return _efficientnet("efficientnet_b1", 1.0, 1.1, resolution, num_classes, in_channels, variant)


def efficientnet_b2(
    resolution: int | tuple[int, int] = 260,
    num_classes: int = 1000,
    in_channels: int = 3,
    variant: str = "",
) -> Network:
    """EfficientNet-B2: 1.1 times the widths of B0, 1.2 times its depth, on square (or height, width) images.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 1.

    >>> net = efficientnet_b2()
    >>> net.multiply_adds, net.parameters
    (993561872, 9109994)
    """
    return _efficientnet("efficientnet_b2", 1.1, 1.2, resolution, num_classes, in_channels, variant)


def efficientnet_b3(
    resolution: int | tuple[int, int] = 300,
    num_classes: int = 1000,
    in_channels: int = 3,
    variant: str = "",
) -> Network:
    """EfficientNet-B3: 1.2 times the widths of B0, 1.4 times its depth, on square (or height, width) images.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 1.

    >>> net = efficientnet_b3()
    >>> net.multiply_adds, net.parameters
    (1827141392, 12233232)
    """
    return _efficientnet("efficientnet_b3", 1.2, 1.4, resolution, num_classes, in_channels, variant)


def efficientnet_b4(
    resolution: int | tuple[int, int] = 380,
    num_classes: int = 1000,
    in_channels: int = 3,
    variant: str = "",
) -> Network:
    """EfficientNet-B4: 1.4 times the widths of B0, 1.8 times its depth, on square (or height, width) images.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 1.

    >>> net = efficientnet_b4()
    >>> net.multiply_adds, net.parameters
    (4393771024, 19341616)
    """
    return _efficientnet("efficientnet_b4", 1.4, 1.8, resolution, num_classes, in_channels, variant)


def efficientnet_b5(
    resolution: int | tuple[int, int] = 456,
    num_classes: int = 1000,
    in_channels: int = 3,
    variant: str = "",
) -> Network:
    """EfficientNet-B5: 1.6 times the widths of B0, 2.2 times its depth, on square (or height, width) images.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 1.

    >>> net = efficientnet_b5()
    >>> net.multiply_adds, net.parameters
    (10266384752, 30389784)
    """
    return _efficientnet("efficientnet_b5", 1.6, 2.2, resolution, num_classes, in_channels, variant)


def efficientnet_b6(
    resolution: int | tuple[int, int] = 528,
    num_classes: int = 1000,
    in_channels: int = 3,
    variant: str = "",
) -> Network:
    """EfficientNet-B6: 1.8 times the widths of B0, 2.6 times its depth, on square (or height, width) images.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 1.

    >>> net = efficientnet_b6()
    >>> net.multiply_adds, net.parameters
    (19067593536, 43040704)
    """
    return _efficientnet("efficientnet_b6", 1.8, 2.6, resolution, num_classes, in_channels, variant)


def efficientnet_b7(
    resolution: int | tuple[int, int] = 600,
    num_classes: int = 1000,
    in_channels: int = 3,
    variant: str = "",
) -> Network:
    """EfficientNet-B7: 2.0 times the widths of B0, 3.1 times its depth, on square (or height, width) images.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 1.

    >>> net = efficientnet_b7()
    >>> net.multiply_adds, net.parameters
    (37745884192, 66347960)
    """
    return _efficientnet("efficientnet_b7", 2.0, 3.1, resolution, num_classes, in_channels, variant)


def _efficientnet(
    name: str,
    width: float,
    depth: float,
    resolution: int | tuple[int, int],
    num_classes: int,
    in_channels: int,
    variant: str,
) -> Network:
    """ROWS with every width times ``width``, rounded to 8, and every number of repeats times ``depth``, rounded up."""
    check_variant(name, variant, VARIANTS)
    x = image(in_channels, resolution)
    x = conv_bn(x, "features.0", conv(make_divisible(STEM * width), 3, 2, 1), SWISH)
    index = 1
    for expansion, kernel, channels, repeats, first_stride in ROWS:
        for repeat in range(math.ceil(repeats * depth)):
            stride = first_stride if repeat == 0 else 1
            depthwise = depthwise_conv(expansion * x.shape.channels, kernel, stride, kernel // 2)
            # A quarter of what enters the block, not of what the expansion makes of it as in MobileNetV3.
            attention = partial(squeeze_excite, squeezed=x.shape.channels // 4, activation=SWISH, gate=SIGMOID)
            out = make_divisible(channels * width)
            x = inverted_residual(x, f"features.{index}", depthwise, out, SWISH, attention=attention)
            index += 1
    x = conv_bn(x, f"features.{index}", conv(4 * x.shape.channels, 1), SWISH)
    x = pooled_classifier(x, num_classes, dropout=True)
    choices = {"resolution": resolution, "num_classes": num_classes, "in_channels": in_channels}
    return built(x, name, variant, VARIANTS, "arXiv:1905.11946 Table 1", choices)


ARCHITECTURES = {
    build.__name__: Architecture(build, f"EfficientNet-{build.__name__[-2:].upper()}, arXiv:1905.11946", VARIANTS)
    for build in (
        efficientnet_b0,
        efficientnet_b1,
        efficientnet_b2,
        efficientnet_b3,
        efficientnet_b4,
        efficientnet_b5,
        efficientnet_b6,
        efficientnet_b7,
    )
}
