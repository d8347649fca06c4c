"""The blocks that a row of a search space may name: those of :mod:`costmodel.models.blocks`, their choices as words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from costmodel.core.graph import Node, apply
from costmodel.core.layers import (
    HARD_SWISH,
    RELU,
    RELU6,
    SWISH,
    Activation,
    Add,
    average_pool,
    conv,
    depthwise_conv,
    max_pool,
    pointwise_conv,
)
from costmodel.core.rounding import make_divisible
from costmodel.errors import LARGEST_ALPHA, CostModelError, nearest
from costmodel.models import blocks

ACTIVATIONS = {"relu": RELU, "relu6": RELU6, "hard_swish": HARD_SWISH, "swish": SWISH}


def _activation(name: str) -> Activation | None:
    if name and name not in ACTIVATIONS:
        near = nearest(name, ACTIVATIONS)
        raise CostModelError(f"no activation is called {name!r}; {near}there are {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS.get(name)


def convolution(
    x: Node, name: str, out: int = 0, kernel: int = 3, stride: int = 1, groups: int = 1, activation: str = "relu"
) -> Node:
    """A convolution, batch norm and an activation; as many channels as it reads, where ``out`` says none.

    >>> from costmodel.core.graph import image
    >>> str(convolution(image(3, 224), "stem", 32, stride=2).shape)
    '32x112x112'
    """
    layer = conv(out or x.shape.channels, kernel, stride, kernel // 2, groups=groups)
    return blocks.conv_bn(x, name, layer, _activation(activation))


def separable(x: Node, name: str, out: int = 0, kernel: int = 3, stride: int = 1, activation: str = "relu") -> Node:
    """A depthwise separable convolution, each part with batch norm and an activation."""
    channels = x.shape.channels
    depthwise = depthwise_conv(channels, kernel, stride, kernel // 2)
    return blocks.depthwise_separable(x, name, depthwise, out or channels, _activation(activation))


def inverted_residual(
    x: Node,
    name: str,
    out: int = 0,
    kernel: int = 3,
    expansion: float = 6,
    stride: int = 1,
    activation: str = "relu",
    squeeze_excite: bool = False,
) -> Node:
    """Expand, depthwise, project; a sum where the stride is 1 and the channels stay. Widths are multiples of 8.

    Squeeze-excite has a quarter of the expanded channels.

    >>> from costmodel.core.graph import image
    >>> inverted_residual(image(24, 56), "stage2.2", kernel=5).name
    'stage2.2.add'
    """
    channels = x.shape.channels
    if not 0 < expansion <= LARGEST_ALPHA:
        raise CostModelError(f"{name}: expansion={expansion!r} must be above 0 and at most {LARGEST_ALPHA:.0f}")
    expanded = channels if expansion == 1 else make_divisible(channels * expansion)
    depthwise = depthwise_conv(expanded, kernel, stride, kernel // 2)
    attention = partial(blocks.squeeze_excite, squeezed=make_divisible(expanded // 4)) if squeeze_excite else None
    return blocks.inverted_residual(x, name, depthwise, out or channels, _activation(activation), attention=attention)


def bottleneck(x: Node, name: str, out: int = 0, ratio: float = 0.25, stride: int = 1) -> Node:
    """1x1 to ``ratio`` of the channels, 3x3, 1x1 up, and the sum, pooled and through a 1x1 where shapes differ.

    >>> from costmodel.core.graph import image
    >>> str(bottleneck(image(64, 56), "stage2.1", 256).shape)
    '256x56x56'
    """
    channels = out or x.shape.channels
    inner = make_divisible(round(channels * ratio))
    y = blocks.conv_bn(x, f"{name}.conv1", pointwise_conv(inner), RELU)
    y = blocks.conv_bn(y, f"{name}.conv2", conv(inner, 3, stride, 1), RELU)
    y = blocks.conv_bn(y, f"{name}.conv3", pointwise_conv(channels))
    if stride != 1:
        x = apply(x, f"{name}.pool", average_pool(stride, stride=stride, ceil_mode=True))
    if stride != 1 or channels != x.shape.channels:
        x = blocks.conv_bn(x, f"{name}.downsample", pointwise_conv(channels))
    return apply(apply((y, x), f"{name}.add", Add()), f"{name}.activation", RELU)


def maximum(x: Node, name: str, kernel: int = 3, stride: int = 2) -> Node:
    """A max pool."""
    return apply(x, name, max_pool(kernel, stride=stride, padding=kernel // 2))


def classifier(x: Node, name: str, classes: int = 1000) -> Node:
    """Global average pool and a linear layer."""
    return blocks.pooled_classifier(x, classes)


#: What a row may say in ``block``.
BLOCKS: dict[str, Callable[..., Node]] = {
    "conv": convolution,
    "separable": separable,
    "inverted_residual": inverted_residual,
    "bottleneck": bottleneck,
    "max_pool": maximum,
    "classifier": classifier,
}
