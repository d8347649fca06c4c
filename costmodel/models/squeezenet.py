"""SqueezeNet 1.0 and 1.1 (arXiv:1602.07360, Table 1)."""

from __future__ import annotations

from functools import partial

from costmodel.core.graph import Node, apply
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
from costmodel.models.blocks import conv_activation
from costmodel.models.registry import register

#: (squeeze channels, channels of each of the two expand convolutions) of a fire module.
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))

#: The first convolution, and the fire modules that a max pool comes before; they are numbered from 2, as in the paper.
#: Then the multiply-adds and parameters at the defaults, and where else than in the paper it is from.
STEMS: dict[str, tuple[Conv, tuple[int, ...], tuple[int, int], str]] = {
    "1.0": (conv(96, 7, stride=2, bias=True), (2, 5, 9), (818_924_576, 1_248_424), ""),
    "1.1": (conv(64, 3, stride=2, bias=True), (2, 4, 6), (349_151_936, 1_235_496), " and its authors' repository"),
}

POOL = max_pool(3, stride=2, ceil_mode=True)

VARIANTS = {"": "as in torchvision: no bypass connections, max pools in ceil mode"}


def _squeezenet(stem: Conv, pooled: tuple[int, ...], x: Node, num_classes: int, variant: str) -> Node:
    x = conv_activation(x, "features.conv1", stem, RELU)
    for index, (squeezed, expanded) in enumerate(FIRES, start=2):
        if index in pooled:
            x = apply(x, f"features.pool{index - 1}", POOL)
        x = _fire(x, f"features.fire{index}", squeezed, expanded)
    x = apply(x, "dropout", Dropout())
    x = conv_activation(x, "classifier", pointwise_conv(num_classes, bias=True), RELU)
    return apply(apply(x, "pool", GlobalAveragePool()), "flatten", Flatten())


def _fire(x: Node, name: str, squeezed: int, expanded: int) -> Node:
    """Squeeze 1x1 to few channels, and expand them 1x1 and 3x3 side by side."""
    x = conv_activation(x, f"{name}.squeeze", pointwise_conv(squeezed, bias=True), RELU)
    narrow = conv_activation(x, f"{name}.expand1x1", pointwise_conv(expanded, bias=True), RELU)
    wide = conv_activation(x, f"{name}.expand3x3", conv(expanded, 3, padding=1, bias=True), RELU)
    return apply((narrow, wide), f"{name}.concat", Concat())


for _version, (_stem, _pooled, _costs, _also) in STEMS.items():
    _text = f"""SqueezeNet {_version} on square (or height, width) images.

    The paper's table says 224 and has the sizes of 227. Raises :class:`~costmodel.errors.CostModelError` for sizes that
    a convolution or a pool leaves nothing of."""
    register(
        f"squeezenet{_version.replace('.', '_')}",
        f"SqueezeNet {_version}, arXiv:1602.07360{_also}",
        2016,
        "arXiv:1602.07360 Table 1",
        VARIANTS,
        _costs,
        text=_text,
    )(partial(_squeezenet, _stem, _pooled))
