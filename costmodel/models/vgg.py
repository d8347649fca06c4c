"""VGG-11, 13, 16 and 19 (arXiv:1409.1556, Table 1: configurations A, B, D and E; document 003)."""

from __future__ import annotations

import math

from costmodel.core.graph import apply, image
from costmodel.core.layers import RELU, AdaptiveAveragePool, Dropout, Flatten, Linear, conv, max_pool
from costmodel.core.network import Network
from costmodel.models.blocks import conv_activation, conv_bn, fixed_flatten, linear_activation
from costmodel.models.registry import Architecture, built, check_variant

#: Channels of each of the five blocks; a max pool ends a block.
WIDTHS = (64, 128, 256, 512, 512)

#: Number of 3x3 convolutions in each block.
ROWS = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}

POOL = max_pool(2, stride=2)
HIDDEN = 4096

#: The first linear layer was made for a last map of 7x7.
LAST_MAP = (7, 7)

VARIANTS = {
    "": "as in torchvision: an adaptive pool before the classifier, so any resolution from 32 on",
    "bn": "with batch norm after every convolution, as in torchvision",
    "plain": "no adaptive pool: an input whose last map is 7x7, such as 224 (the paper, document 003)",
}


def vgg11(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """VGG-11, the paper's configuration A, on square (or height, width) images.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 32, and for ``plain`` wherever the last map has
    not 49 positions.

    >>> net = vgg11()
    >>> net.multiply_adds, net.parameters
    (7609090048, 132863336)
    """
    return _vgg("vgg11", resolution, num_classes, in_channels, variant)


def vgg13(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """VGG-13, the paper's configuration B; sizes and errors as in :func:`vgg11`.

    >>> net = vgg13()
    >>> net.multiply_adds, net.parameters
    (11308466176, 133047848)
    """
    return _vgg("vgg13", resolution, num_classes, in_channels, variant)


def vgg16(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """VGG-16, the paper's configuration D; sizes and errors as in :func:`vgg11`.

    >>> net = vgg16()
    >>> net.multiply_adds, net.parameters
    (15470264320, 138357544)
    """
    return _vgg("vgg16", resolution, num_classes, in_channels, variant)


def vgg19(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """VGG-19, the paper's configuration E; sizes and errors as in :func:`vgg11`.

    >>> net = vgg19()
    >>> net.multiply_adds, net.parameters
    (19632062464, 143667240)
    """
    return _vgg("vgg19", resolution, num_classes, in_channels, variant)


def _vgg(name: str, resolution: int | tuple[int, int], num_classes: int, in_channels: int, variant: str) -> Network:
    check_variant(name, variant, VARIANTS)
    unit = conv_bn if variant == "bn" else conv_activation
    x = image(in_channels, resolution)
    for block, (width, repeats) in enumerate(zip(WIDTHS, ROWS[name], strict=True), start=1):
        for repeat in range(1, repeats + 1):
            x = unit(x, f"features.{block}.conv{repeat}", conv(width, 3, padding=1, bias=True), RELU)
        x = apply(x, f"features.{block}.pool", POOL)
    if variant == "plain":
        x = fixed_flatten(x, "flatten", math.prod(LAST_MAP), f"use a last map of 7x7, as at resolution 224, or {name}")
    else:
        x = apply(apply(x, "pool", AdaptiveAveragePool(LAST_MAP)), "flatten", Flatten())
    for layer in ("classifier.fc1", "classifier.fc2"):
        x = apply(linear_activation(x, layer, HIDDEN, RELU), f"{layer}.dropout", Dropout())
    x = apply(x, "classifier.fc3", Linear(num_classes))
    choices = {"resolution": resolution, "num_classes": num_classes, "in_channels": in_channels}
    return built(x, name, variant, VARIANTS, "arXiv:1409.1556 Table 1", choices)


ARCHITECTURES = {
    "vgg11": Architecture(vgg11, "VGG-11, arXiv:1409.1556 configuration A", VARIANTS),
    "vgg13": Architecture(vgg13, "VGG-13, arXiv:1409.1556 configuration B", VARIANTS),
    "vgg16": Architecture(vgg16, "VGG-16, arXiv:1409.1556 configuration D", VARIANTS),
    "vgg19": Architecture(vgg19, "VGG-19, arXiv:1409.1556 configuration E", VARIANTS),
}
