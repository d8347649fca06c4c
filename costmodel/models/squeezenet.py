"""SqueezeNet 1.0 and 1.1 (arXiv:1602.07360, Table 1)."""

from __future__ import annotations

from costmodel.core.graph import Node, apply, image
from costmodel.core.layers import (
    RELU,
    Concat,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    conv,
    max_pool,
    pointwise_conv,
)
from costmodel.core.network import Network
from costmodel.models.blocks import conv_activation
from costmodel.models.registry import Architecture, built, check_variant

#: (squeeze channels, channels of each of the two expand convolutions) of a fire module.
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))

#: The first convolution, and the fire modules that a max pool comes before; they are numbered from 2, as in the paper.
STEMS: dict[str, tuple[Conv, tuple[int, ...]]] = {
    "squeezenet1_0": (conv(96, 7, stride=2, bias=True), (2, 5, 9)),
    "squeezenet1_1": (conv(64, 3, stride=2, bias=True), (2, 4, 6)),
}

POOL = max_pool(3, stride=2, ceil_mode=True)

VARIANTS = {"": "as in torchvision: no bypass connections, max pools in ceil mode"}


def squeezenet1_0(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """SqueezeNet 1.0 on square (or height, width) images.

    The paper's table says 224 and has the sizes of 227. Raises :class:`~costmodel.errors.CostModelError` for sizes that
    a convolution or a pool leaves nothing of.

    >>> net = squeezenet1_0()
    >>> net.multiply_adds, net.parameters
    (818924576, 1248424)
    """
    return _squeezenet("squeezenet1_0", resolution, num_classes, in_channels, variant)


def squeezenet1_1(
    resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> Network:
    """SqueezeNet 1.1: a smaller first convolution and earlier pools; sizes and errors as in :func:`squeezenet1_0`.

    >>> net = squeezenet1_1()
    >>> net.multiply_adds, net.parameters
    (349151936, 1235496)
    """
    return _squeezenet("squeezenet1_1", resolution, num_classes, in_channels, variant)


def _squeezenet(
    name: str, resolution: int | tuple[int, int], num_classes: int, in_channels: int, variant: str
) -> Network:
    check_variant(name, variant, VARIANTS)
    stem, pooled = STEMS[name]
    x = conv_activation(image(in_channels, resolution), "features.conv1", stem, RELU)
    for index, (squeezed, expanded) in enumerate(FIRES, start=2):
        if index in pooled:
            x = apply(x, f"features.pool{index - 1}", POOL)
        x = _fire(x, f"features.fire{index}", squeezed, expanded)
    x = apply(x, "dropout", Dropout())
    x = conv_activation(x, "classifier", pointwise_conv(num_classes, bias=True), RELU)
    x = apply(apply(x, "pool", GlobalAveragePool()), "flatten", Flatten())
    choices = {"resolution": resolution, "num_classes": num_classes, "in_channels": in_channels}
    return built(x, name, variant, VARIANTS, "arXiv:1602.07360 Table 1", choices)


def _fire(x: Node, name: str, squeezed: int, expanded: int) -> Node:
    """Squeeze 1x1 to few channels, and expand them 1x1 and 3x3 side by side."""
    x = conv_activation(x, f"{name}.squeeze", pointwise_conv(squeezed, bias=True), RELU)
    narrow = conv_activation(x, f"{name}.expand1x1", pointwise_conv(expanded, bias=True), RELU)
    wide = conv_activation(x, f"{name}.expand3x3", conv(expanded, 3, padding=1, bias=True), RELU)
    return apply((narrow, wide), f"{name}.concat", Concat())


ARCHITECTURES = {
    "squeezenet1_0": Architecture(squeezenet1_0, "SqueezeNet 1.0, arXiv:1602.07360", VARIANTS),
    "squeezenet1_1": Architecture(
        squeezenet1_1, "SqueezeNet 1.1, arXiv:1602.07360 and its authors' repository", VARIANTS
    ),
}
