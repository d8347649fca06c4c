"""AlexNet (Krizhevsky et al. 2012, arXiv:1404.5997; document 003)."""

from __future__ import annotations

import math

from costmodel.core.graph import Node, apply
from costmodel.core.layers import RELU, AdaptiveAveragePool, Dropout, Flatten, Linear, conv, max_pool
from costmodel.models.blocks import conv_activation, fixed_flatten, linear_activation
from costmodel.models.registry import register

#: (kernel, stride, padding, whether a pool follows) of each convolution.
ROWS = ((11, 4, 2, True), (5, 1, 2, True), (3, 1, 1, False), (3, 1, 1, False), (3, 1, 1, True))

#: Output channels and groups of each convolution, and the width of the two hidden linear layers.
WIDTHS = {
    "": ((64, 192, 384, 256, 256), (1, 1, 1, 1, 1), 4096),
    "halved": ((48, 128, 192, 192, 128), (1, 1, 1, 1, 1), 2048),
    "two-gpu": ((96, 256, 384, 384, 256), (1, 2, 1, 2, 2), 4096),
}

POOL = max_pool(3, stride=2)

#: The first linear layer was made for a last map of 6x6.
LAST_MAP = (6, 6)

VARIANTS = {
    "": "one tower, as in torchvision (arXiv:1404.5997), with an adaptive pool before the classifier",
    "halved": "one of the two towers of 2012, and no adaptive pool (document 003)",
    "two-gpu": "both towers of 2012, as two groups; without its local response normalization",
}


@register(
    "alexnet",
    "AlexNet, Krizhevsky et al. 2012 and arXiv:1404.5997",
    2012,
    "Krizhevsky et al. 2012; arXiv:1404.5997",
    VARIANTS,
    (714_188_480, 61_100_840),
)
def _alexnet(x: Node, num_classes: int, variant: str) -> Node:
    """AlexNet on square (or height, width) images.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 63, and in a variant without adaptive pool
    wherever the last map has not 36 positions."""
    widths, groups, hidden = WIDTHS[variant]
    for index, (kernel, stride, padding, pooled) in enumerate(ROWS):
        name = f"features.conv{index + 1}"
        convolution = conv(widths[index], kernel, stride, padding, groups=groups[index], bias=True)
        x = conv_activation(x, name, convolution, RELU)
        x = apply(x, f"features.pool{index + 1}", POOL) if pooled else x
    if variant:
        x = fixed_flatten(x, "flatten", math.prod(LAST_MAP), "use a last map of 6x6, as at resolution 224, or alexnet")
    else:
        x = apply(apply(x, "pool", AdaptiveAveragePool(LAST_MAP)), "flatten", Flatten())
    for name in ("classifier.fc1", "classifier.fc2"):
        x = linear_activation(apply(x, f"{name}.dropout", Dropout()), name, hidden, RELU)
    return apply(x, "classifier.fc3", Linear(num_classes))
