"""ResNet (arXiv:1512.03385, Table 1; document 003) and ResNeXt (arXiv:1611.05431, Table 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from costmodel.core.graph import Node, apply, image
from costmodel.core.layers import RELU, Add, conv, max_pool, pointwise_conv
from costmodel.core.network import Network
from costmodel.models.blocks import conv_bn, pooled_classifier
from costmodel.models.registry import Architecture, built, check_variant

STEM = 64

#: Width of each stage. Every stage but the first halves the map in its first block.
WIDTHS = (64, 128, 256, 512)

#: A bottleneck puts out so many times the width of its stage.
EXPANSION = 4

RESNET = "arXiv:1512.03385 Table 1"
RESNEXT = "arXiv:1611.05431 Table 1"


@final
@dataclass(frozen=True, slots=True)
class Row:
    """A column of the papers' tables: blocks a stage, and what the 3x3 convolution of a bottleneck is divided into.

    ``group_width`` is the channels of one group in the first stage, where a ResNet has a single group of 64.
    """

    repeats: tuple[int, int, int, int]
    bottleneck: bool
    source: str
    groups: int = 1
    group_width: int = 64


ROWS = {
    "resnet18": Row((2, 2, 2, 2), False, RESNET),
    "resnet34": Row((3, 4, 6, 3), False, RESNET),
    "resnet50": Row((3, 4, 6, 3), True, RESNET),
    "resnet101": Row((3, 4, 23, 3), True, RESNET),
    "resnet152": Row((3, 8, 36, 3), True, RESNET),
    "resnext50_32x4d": Row((3, 4, 6, 3), True, RESNEXT, 32, 4),
    "resnext101_32x4d": Row((3, 4, 23, 3), True, RESNEXT, 32, 4),
    "resnext101_32x8d": Row((3, 4, 23, 3), True, RESNEXT, 32, 8),
    "resnext101_64x4d": Row((3, 4, 23, 3), True, RESNEXT, 64, 4),
}

VARIANTS = {
    "": "as in torchvision: a bottleneck strides in its 3x3 convolution",
    "paper-stride": "a bottleneck strides in its first 1x1 convolution: the 3.8 G of ResNet-50 (arXiv:1512.03385)",
}

BASIC_VARIANTS = {"": "a 1x1 convolution on the shortcut where the shape changes (document 003, torchvision)"}

RESNEXT_VARIANTS = {"": "as in torchvision: a bottleneck strides in its grouped 3x3 convolution"}


def resnet18(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """ResNet-18: two basic blocks a stage. Raises CostModelError for sizes below 1.

    >>> net = resnet18()
    >>> net.multiply_adds, net.parameters
    (1814073344, 11689512)
    """
    return _network("resnet18", resolution, num_classes, in_channels, variant)


def resnet34(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """ResNet-34: 3, 4, 6 and 3 basic blocks (document 003). Raises CostModelError for sizes below 1.

    >>> net = resnet34()
    >>> net.multiply_adds, net.parameters
    (3663761408, 21797672)
    """
    return _network("resnet34", resolution, num_classes, in_channels, variant)


def resnet50(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """ResNet-50: 3, 4, 6 and 3 bottlenecks. Raises CostModelError for sizes below 1.

    >>> net = resnet50()
    >>> net.multiply_adds, net.parameters
    (4089184256, 25557032)
    """
    return _network("resnet50", resolution, num_classes, in_channels, variant)


def resnet101(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """ResNet-101: 3, 4, 23 and 3 bottlenecks. Raises CostModelError for sizes below 1.

    >>> net = resnet101()
    >>> net.multiply_adds, net.parameters
    (7801405440, 44549160)
    """
    return _network("resnet101", resolution, num_classes, in_channels, variant)


def resnet152(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """ResNet-152: 3, 8, 36 and 3 bottlenecks. Raises CostModelError for sizes below 1.

    >>> net = resnet152()
    >>> net.multiply_adds, net.parameters
    (11513626624, 60192808)
    """
    return _network("resnet152", resolution, num_classes, in_channels, variant)


def resnext50_32x4d(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """ResNeXt-50: ResNet-50 with 32 groups of 4 channels. Raises CostModelError for sizes below 1.

    >>> net = resnext50_32x4d()
    >>> net.multiply_adds, net.parameters
    (4230479872, 25028904)
    """
    return _network("resnext50_32x4d", resolution, num_classes, in_channels, variant)


def resnext101_32x4d(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """ResNeXt-101 with 32 groups of 4 channels, the paper's. Raises CostModelError for sizes below 1.

    >>> net = resnext101_32x4d()
    >>> net.multiply_adds, net.parameters
    (7969996800, 44177704)
    """
    return _network("resnext101_32x4d", resolution, num_classes, in_channels, variant)


def resnext101_32x8d(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """ResNeXt-101 with 32 groups of 8 channels. Raises CostModelError for sizes below 1.

    >>> net = resnext101_32x8d()
    >>> net.multiply_adds, net.parameters
    (16414015488, 88791336)
    """
    return _network("resnext101_32x8d", resolution, num_classes, in_channels, variant)


def resnext101_64x4d(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """ResNeXt-101 with 64 groups of 4 channels. Raises CostModelError for sizes below 1.

    >>> net = resnext101_64x4d()
    >>> net.multiply_adds, net.parameters
    (15460270080, 83455272)
    """
    return _network("resnext101_64x4d", resolution, num_classes, in_channels, variant)


def _network(name: str, resolution: int | tuple[int, int], num_classes: int, in_channels: int, variant: str) -> Network:
    check_variant(name, variant, ARCHITECTURES[name].variants)
    row = ROWS[name]
    x = image(in_channels, resolution)
    x = conv_bn(x, "stem.conv1", conv(STEM, 7, 2, 3), RELU)
    x = apply(x, "stem.pool", max_pool(3, stride=2, padding=1))
    for stage, (width, repeats) in enumerate(zip(WIDTHS, row.repeats, strict=True), start=1):
        for block in range(repeats):
            stride = 2 if stage > 1 and block == 0 else 1
            if row.bottleneck:
                x = _bottleneck(x, f"layer{stage}.{block}", row, width, stride, variant == "paper-stride")
            else:
                x = _basic(x, f"layer{stage}.{block}", width, stride)
    x = pooled_classifier(x, num_classes)
    choices = {"resolution": resolution, "num_classes": num_classes, "in_channels": in_channels}
    return built(x, name, variant, ARCHITECTURES[name].variants, row.source, choices)


def _basic(x: Node, name: str, width: int, stride: int) -> Node:
    """Two 3x3 convolutions."""
    y = conv_bn(x, f"{name}.conv1", conv(width, 3, stride, 1), RELU)
    y = conv_bn(y, f"{name}.conv2", conv(width, 3, 1, 1))
    return _residual(x, y, name, stride)


def _bottleneck(x: Node, name: str, row: Row, width: int, stride: int, stride_first: bool) -> Node:
    """1x1 down, 3x3 in groups, 1x1 up."""
    inner = row.groups * (row.group_width * width // WIDTHS[0])
    strides = (stride, 1) if stride_first else (1, stride)
    y = conv_bn(x, f"{name}.conv1", conv(inner, 1, strides[0]), RELU)
    y = conv_bn(y, f"{name}.conv2", conv(inner, 3, strides[1], 1, groups=row.groups), RELU)
    y = conv_bn(y, f"{name}.conv3", pointwise_conv(EXPANSION * width))
    return _residual(x, y, name, stride)


def _residual(x: Node, y: Node, name: str, stride: int) -> Node:
    """The sum of what a block made, ``y``, and what it read, ``x``: through a 1x1 convolution where they differ."""
    # The rule is on the stride, not on the shape: on a 1x1 map a stride changes nothing and still gets a projection.
    if stride != 1 or x.shape.channels != y.shape.channels:
        x = conv_bn(x, f"{name}.downsample", conv(y.shape.channels, 1, stride))
    return apply(apply((y, x), f"{name}.add", Add()), f"{name}.activation", RELU)


ARCHITECTURES = {
    "resnet18": Architecture(resnet18, "ResNet-18, arXiv:1512.03385", BASIC_VARIANTS),
    "resnet34": Architecture(resnet34, "ResNet-34, arXiv:1512.03385", BASIC_VARIANTS),
    "resnet50": Architecture(resnet50, "ResNet-50, arXiv:1512.03385", VARIANTS),
    "resnet101": Architecture(resnet101, "ResNet-101, arXiv:1512.03385", VARIANTS),
    "resnet152": Architecture(resnet152, "ResNet-152, arXiv:1512.03385", VARIANTS),
    "resnext50_32x4d": Architecture(resnext50_32x4d, "ResNeXt-50 32x4d, arXiv:1611.05431", RESNEXT_VARIANTS),
    "resnext101_32x4d": Architecture(resnext101_32x4d, "ResNeXt-101 32x4d, arXiv:1611.05431", RESNEXT_VARIANTS),
    "resnext101_32x8d": Architecture(resnext101_32x8d, "ResNeXt-101 32x8d, arXiv:1611.05431", RESNEXT_VARIANTS),
    "resnext101_64x4d": Architecture(resnext101_64x4d, "ResNeXt-101 64x4d, arXiv:1611.05431", RESNEXT_VARIANTS),
}
