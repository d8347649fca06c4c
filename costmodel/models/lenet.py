"""LeNet (LeCun et al. 1998; document 003)."""

from __future__ import annotations

import math

from costmodel.core.graph import Node, apply, image
from costmodel.core.layers import RELU, Linear, Pool, average_pool, conv, max_pool
from costmodel.core.network import Network
from costmodel.models.blocks import conv_activation, fixed_flatten, linear_activation
from costmodel.models.registry import Architecture, built, check_variant

HIDDEN = (120, 84)

#: The first linear layer was made for a last map of 5x5.
LAST_MAP = (5, 5)

LENET = {"": "color images, 16 and 32 channels, max pools (document 003)"}
LENET5 = {"": "grey images, 6 and 16 channels, average pools: LeNet-5 as it is built today (C3 dense, ReLU)"}


def lenet(
    resolution: int | tuple[int, int] = 32, num_classes: int = 10, in_channels: int = 3, variant: str = ""
) -> Network:
    """The LeNet of document 003, on images whose last map has 25 positions, such as 32x32.

    Raises :class:`~costmodel.errors.CostModelError` for other resolutions and for sizes below 1.

    >>> net = lenet()
    >>> net.multiply_adds, net.parameters
    (2327720, 121182)
    """
    check_variant("lenet", variant, LENET)
    x = _lenet(image(in_channels, resolution), (16, 32), max_pool(2, stride=2), num_classes)
    choices = {"resolution": resolution, "num_classes": num_classes, "in_channels": in_channels}
    return built(x, "lenet", variant, LENET, "document 003", choices)


def lenet5(
    resolution: int | tuple[int, int] = 32, num_classes: int = 10, in_channels: int = 1, variant: str = ""
) -> Network:
    """LeNet-5 on images whose last map has 25 positions, such as 32x32.

    Today's form: the paper's partly connected C3 is dense, its trainable pools are means, its tanh is ReLU. Raises
    :class:`~costmodel.errors.CostModelError` for other resolutions and for sizes below 1.

    >>> net = lenet5()
    >>> net.multiply_adds, net.parameters
    (416520, 61706)
    """
    check_variant("lenet5", variant, LENET5)
    x = _lenet(image(in_channels, resolution), (6, 16), average_pool(2, stride=2), num_classes)
    choices = {"resolution": resolution, "num_classes": num_classes, "in_channels": in_channels}
    return built(x, "lenet5", variant, LENET5, "LeCun et al. 1998, Fig. 2", choices)


def _lenet(x: Node, widths: tuple[int, int], pool: Pool, num_classes: int) -> Node:
    """Two 5x5 convolutions without padding, each with ``pool`` after it, and three linear layers."""
    for index, width in enumerate(widths, start=1):
        x = conv_activation(x, f"features.conv{index}", conv(width, 5, bias=True), RELU)
        x = apply(x, f"features.pool{index}", pool)
    x = fixed_flatten(x, "flatten", math.prod(LAST_MAP), "use a last map of 5x5, as at resolutions 32 to 35")
    for index, width in enumerate(HIDDEN, start=1):
        x = linear_activation(x, f"classifier.fc{index}", width, RELU)
    return apply(x, "classifier.fc3", Linear(num_classes))


ARCHITECTURES = {
    "lenet": Architecture(lenet, "LeNet, document 003", LENET, 1998),
    "lenet5": Architecture(lenet5, "LeNet-5, LeCun et al. 1998", LENET5, 1998),
}
