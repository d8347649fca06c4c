"""LeNet (LeCun et al. 1998; document 003)."""

from __future__ import annotations

import math

from costmodel.core.graph import Node, apply
from costmodel.core.layers import RELU, Linear, Pool, average_pool, conv, max_pool
from costmodel.models.blocks import conv_activation, fixed_flatten, linear_activation
from costmodel.models.registry import register

HIDDEN = (120, 84)

#: The first linear layer was made for a last map of 5x5.
LAST_MAP = (5, 5)

LENET = {"": "color images, 16 and 32 channels, max pools (document 003)"}
LENET5 = {"": "grey images, 6 and 16 channels, average pools: LeNet-5 as it is built today (C3 dense, ReLU)"}


@register(
    "lenet", "LeNet, document 003", 1998, "document 003", LENET, (2_327_720, 121_182), resolution=32, num_classes=10
)
def _color(x: Node, num_classes: int, variant: str) -> Node:
    """The LeNet of document 003, on images whose last map has 25 positions, such as 32x32.

    Raises :class:`~costmodel.errors.CostModelError` for other resolutions and for sizes below 1."""
    return _lenet(x, (16, 32), max_pool(2, stride=2), num_classes)


@register(
    "lenet5",
    "LeNet-5, LeCun et al. 1998",
    1998,
    "LeCun et al. 1998, Fig. 2",
    LENET5,
    (416_520, 61_706),
    resolution=32,
    num_classes=10,
    in_channels=1,
)
def _grey(x: Node, num_classes: int, variant: str) -> Node:
    """LeNet-5 on images whose last map has 25 positions, such as 32x32.

    Today's form: the paper's partly connected C3 is dense, its trainable pools are means, its tanh is ReLU. Raises
    :class:`~costmodel.errors.CostModelError` for other resolutions and for sizes below 1."""
    return _lenet(x, (6, 16), average_pool(2, stride=2), num_classes)


def _lenet(x: Node, widths: tuple[int, int], pool: Pool, num_classes: int) -> Node:
    """Two 5x5 convolutions without padding, each with ``pool`` after it, and three linear layers."""
    for index, width in enumerate(widths, start=1):
        x = conv_activation(x, f"features.conv{index}", conv(width, 5, bias=True), RELU)
        x = apply(x, f"features.pool{index}", pool)
    x = fixed_flatten(x, "flatten", math.prod(LAST_MAP), "use a last map of 5x5, as at resolutions 32 to 35")
    for index, width in enumerate(HIDDEN, start=1):
        x = linear_activation(x, f"classifier.fc{index}", width, RELU)
    return apply(x, "classifier.fc3", Linear(num_classes))
