"""SqueezeNet 1.0 and 1.1 (arXiv:1602.07360, Table 1)."""

from __future__ import annotations

from collections.abc import Callable

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
from costmodel.models.registry import Architecture, built, check_variant, named

#: (squeeze channels, channels of each of the two expand convolutions) of a fire module.
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))

#: The first convolution, and the fire modules that a max pool comes before; they are numbered from 2, as in the paper.
STEMS: dict[str, tuple[Conv, tuple[int, ...]]] = {
    "squeezenet1_0": (conv(96, 7, stride=2, bias=True), (2, 5, 9)),
    "squeezenet1_1": (conv(64, 3, stride=2, bias=True), (2, 4, 6)),
}

POOL = max_pool(3, stride=2, ceil_mode=True)

VARIANTS = {"": "as in torchvision: no bypass connections, max pools in ceil mode"}


def _squeezenet(version: str, multiply_adds: int, parameters: int) -> Callable[..., Network]:
    name = f"squeezenet{version.replace('.', '_')}"
    stem, pooled = STEMS[name]

    def network(
        resolution: int | tuple[int, int] = 224, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
    ) -> Network:
        check_variant(name, variant, VARIANTS)
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

    text = f"""SqueezeNet {version} on square (or height, width) images.

    The paper's table says 224 and has the sizes of 227. Raises :class:`~costmodel.errors.CostModelError` for sizes that
    a convolution or a pool leaves nothing of."""
    return named(network, name, text, multiply_adds, parameters)


def _fire(x: Node, name: str, squeezed: int, expanded: int) -> Node:
    """Squeeze 1x1 to few channels, and expand them 1x1 and 3x3 side by side."""
    x = conv_activation(x, f"{name}.squeeze", pointwise_conv(squeezed, bias=True), RELU)
    narrow = conv_activation(x, f"{name}.expand1x1", pointwise_conv(expanded, bias=True), RELU)
    wide = conv_activation(x, f"{name}.expand3x3", conv(expanded, 3, padding=1, bias=True), RELU)
    return apply((narrow, wide), f"{name}.concat", Concat())


ARCHITECTURES = {
    "squeezenet1_0": Architecture(
        _squeezenet("1.0", 818_924_576, 1_248_424), "SqueezeNet 1.0, arXiv:1602.07360", VARIANTS, 2016
    ),
    "squeezenet1_1": Architecture(
        _squeezenet("1.1", 349_151_936, 1_235_496),
        "SqueezeNet 1.1, arXiv:1602.07360 and its authors' repository",
        VARIANTS,
        2016,
    ),
}
