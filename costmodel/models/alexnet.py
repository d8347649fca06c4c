"""AlexNet (Krizhevsky et al. 2012, arXiv:1404.5997; document 003)."""

from __future__ import annotations

import math

from costmodel.core.graph import apply, image
from costmodel.core.layers import RELU, AdaptiveAveragePool, Dropout, Flatten, Linear, conv, max_pool
from costmodel.core.network import Network
from costmodel.models.blocks import conv_activation, fixed_flatten, linear_activation
from costmodel.models.registry import Architecture, built, check_variant

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


def alexnet(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """AlexNet on square (or height, width) images.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 63, and in a variant without adaptive pool
    wherever the last map has not 36 positions.

    >>> net = alexnet()
    >>> net.multiply_adds, net.parameters
    (714188480, 61100840)
    """
    check_variant("alexnet", variant, VARIANTS)
    widths, groups, hidden = WIDTHS[variant]
    x = image(in_channels, resolution)
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
    x = apply(x, "classifier.fc3", Linear(num_classes))
    choices = {"resolution": resolution, "num_classes": num_classes, "in_channels": in_channels}
    return built(x, "alexnet", variant, VARIANTS, "Krizhevsky et al. 2012; arXiv:1404.5997", choices)


ARCHITECTURES = {
    "alexnet": Architecture(alexnet, "AlexNet, Krizhevsky et al. 2012 and arXiv:1404.5997", VARIANTS, 2012)
}
