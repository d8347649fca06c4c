"""DenseNet (arXiv:1608.06993, Table 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from costmodel.core.graph import Node, apply, image
from costmodel.core.layers import RELU, BatchNorm, Concat, Conv, average_pool, conv, max_pool, pointwise_conv
from costmodel.core.network import Network
from costmodel.models.blocks import conv_bn, pooled_classifier
from costmodel.models.registry import Architecture, built, check_variant

#: The 1x1 convolution of a dense layer makes so many times the growth rate.
BOTTLENECK = 4

#: A transition keeps one channel of so many.
COMPRESSION = 2


@final
@dataclass(frozen=True, slots=True)
class Row:
    """A column of the paper's table: dense layers in each block; the growth rate, channels that each layer adds."""

    layers: tuple[int, int, int, int]
    growth: int = 32
    stem: int = 64


ROWS = {
    "densenet121": Row((6, 12, 24, 16)),
    "densenet161": Row((6, 12, 36, 24), growth=48, stem=96),
    "densenet169": Row((6, 12, 32, 32)),
    "densenet201": Row((6, 12, 48, 32)),
}

_BATCH_NORM = BatchNorm()

VARIANTS = {"": "as in torchvision, with bottlenecks and compression by half: DenseNet-BC of the paper"}


def densenet121(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """DenseNet-121, growth rate 32.

    Raises :class:`~costmodel.errors.CostModelError` for resolutions below 29: the last transition pools 2x2 windows.

    >>> net = densenet121()
    >>> net.multiply_adds, net.parameters
    (2834161664, 7978856)
    """
    return _network("densenet121", resolution, num_classes, in_channels, variant)


def densenet161(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """DenseNet-161, growth rate 48. Raises CostModelError as :func:`densenet121` does.

    >>> net = densenet161()
    >>> net.multiply_adds, net.parameters
    (7727907072, 28681000)
    """
    return _network("densenet161", resolution, num_classes, in_channels, variant)


def densenet169(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """DenseNet-169, growth rate 32. Raises CostModelError as :func:`densenet121` does.

    >>> net = densenet169()
    >>> net.multiply_adds, net.parameters
    (3359843328, 14149480)
    """
    return _network("densenet169", resolution, num_classes, in_channels, variant)


def densenet201(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """DenseNet-201, growth rate 32. Raises CostModelError as :func:`densenet121` does.

    >>> net = densenet201()
    >>> net.multiply_adds, net.parameters
    (4291365888, 20013928)
    """
    return _network("densenet201", resolution, num_classes, in_channels, variant)


def _network(name: str, resolution: int | tuple[int, int], num_classes: int, in_channels: int, variant: str) -> Network:
    check_variant(name, variant, VARIANTS)
    row = ROWS[name]
    x = image(in_channels, resolution)
    x = conv_bn(x, "stem.conv1", conv(row.stem, 7, 2, 3), RELU)
    x = apply(x, "stem.pool", max_pool(3, stride=2, padding=1))
    for block, layers in enumerate(row.layers, start=1):
        if block > 1:
            x = _transition(x, f"transition{block - 1}")
        x = _dense_block(x, f"block{block}", layers, row.growth)
    x = apply(apply(x, "norm", _BATCH_NORM), "activation", RELU)
    x = pooled_classifier(x, num_classes)
    choices = {"resolution": resolution, "num_classes": num_classes, "in_channels": in_channels}
    return built(x, name, variant, VARIANTS, "arXiv:1608.06993 Table 1", choices)


def _dense_block(x: Node, name: str, layers: int, growth: int) -> Node:
    """Layers that each read all tensors before them, and add ``growth`` channels."""
    tensors = [x]
    for layer in range(1, layers + 1):
        place = f"{name}.layer{layer}"
        # The first layer reads one tensor, which is no concatenation.
        y = apply(tensors, f"{place}.concat", Concat()) if layer > 1 else x
        y = _norm_conv(y, f"{place}.conv1", pointwise_conv(BOTTLENECK * growth))
        tensors.append(_norm_conv(y, f"{place}.conv2", conv(growth, 3, 1, 1)))
    return apply(tensors, f"{name}.concat", Concat())


def _transition(x: Node, name: str) -> Node:
    """Half the channels at a quarter of the positions."""
    x = _norm_conv(x, f"{name}.conv", pointwise_conv(x.shape.channels // COMPRESSION))
    return apply(x, f"{name}.pool", average_pool(2, stride=2))


def _norm_conv(x: Node, name: str, convolution: Conv) -> Node:
    """Batch norm and ReLU before the convolution."""
    x = apply(x, f"{name}.norm", _BATCH_NORM)
    x = apply(x, f"{name}.activation", RELU)
    return apply(x, f"{name}.conv", convolution)


ARCHITECTURES = {
    "densenet121": Architecture(densenet121, "DenseNet-121, arXiv:1608.06993", VARIANTS),
    "densenet161": Architecture(densenet161, "DenseNet-161, arXiv:1608.06993", VARIANTS),
    "densenet169": Architecture(densenet169, "DenseNet-169, arXiv:1608.06993", VARIANTS),
    "densenet201": Architecture(densenet201, "DenseNet-201, arXiv:1608.06993", VARIANTS),
}
