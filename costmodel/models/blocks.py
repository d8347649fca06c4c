"""Blocks that architectures are made of: functions from node to node, the tensor first, the name second."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from costmodel.core.graph import Node, apply
from costmodel.core.layers import (
    HARD_SIGMOID,
    RELU,
    Activation,
    Add,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    Scale,
    pointwise_conv,
)
from costmodel.errors import CostModelError

#: A convolution with what comes after it: tensor, name, convolution, activation.
Unit: TypeAlias = Callable[[Node, str, Conv, Activation | None], Node]

#: What weighs the channels of a tensor: tensor, name. :func:`squeeze_excite` with its choices made.
Attention: TypeAlias = Callable[[Node, str], Node]

_BATCH_NORM = BatchNorm()


def conv_bn(x: Node, name: str, convolution: Conv, activation: Activation | None = None) -> Node:
    """A convolution, batch norm, and the activation if there is one.

    >>> from costmodel.core.layers import RELU6, conv
    >>> from costmodel.core.graph import image
    >>> conv_bn(image(3, 224), "stem", conv(32, kernel=3, stride=2, padding=1), RELU6)
    Node('stem.activation', Activation(name='relu6'), shape=32x112x112)
    """
    x = apply(x, f"{name}.conv", convolution)
    x = apply(x, f"{name}.norm", _BATCH_NORM)
    return apply(x, f"{name}.activation", activation) if activation else x


def bare(x: Node, name: str, convolution: Conv, activation: Activation | None = None) -> Node:
    """The convolution alone, where a block would add norm and activation: what the documents' formulas count."""
    return apply(x, name, convolution)


def depthwise_separable(
    x: Node, name: str, depthwise: Conv, out_channels: int, activation: Activation | None = None, unit: Unit = conv_bn
) -> Node:
    """``depthwise`` and a pointwise convolution, each with batch norm and activation (F3; 000, 001, 004).

    ``unit`` says what comes with each convolution: :func:`conv_bn` or :func:`bare`. The pointwise convolution has a
    bias where the depthwise one has.

    >>> from costmodel.core.layers import RELU, depthwise_conv
    >>> from costmodel.core.graph import image
    >>> depthwise_separable(image(128, 56), "features.3", depthwise_conv(128, 3, stride=2, padding=1), 256, RELU).shape
    Shape(channels=256, spatial=(28, 28))
    """
    x = unit(x, f"{name}.depthwise", depthwise, activation)
    return unit(x, f"{name}.pointwise", _pointwise(out_channels, depthwise), activation)


def inverted_residual(
    x: Node,
    name: str,
    depthwise: Conv,
    out_channels: int,
    activation: Activation | None = None,
    unit: Unit = conv_bn,
    attention: Attention | None = None,
) -> Node:
    """Expand 1x1 to the channels of ``depthwise``, apply it, project 1x1 without activation (F9; 003, 004).

    No expansion where it would change nothing (the expansion factor 1). The input is added where the stride is 1
    and the channels in and out agree. ``attention``, if any, comes after the depthwise convolution (arXiv:1905.02244).

    >>> from costmodel.core.layers import RELU6, depthwise_conv
    >>> from costmodel.core.graph import image
    >>> inverted_residual(image(24, 56), "features.3", depthwise_conv(6 * 24, 3, padding=1), 24, RELU6)
    Node('features.3.add', Add(), shape=24x56x56)
    """
    y = x
    if depthwise.out_channels != x.shape.channels:
        y = unit(y, f"{name}.expand", _pointwise(depthwise.out_channels, depthwise), activation)
    y = unit(y, f"{name}.depthwise", depthwise, activation)
    if attention:
        y = attention(y, f"{name}.squeeze_excite")
    y = unit(y, f"{name}.project", _pointwise(out_channels, depthwise), None)
    # The rule is on the stride, not on the shape: on a 1x1 map a stride changes nothing and still forbids the sum.
    if max(depthwise.stride) == 1 and out_channels == x.shape.channels:
        y = apply((x, y), f"{name}.add", Add())
    return y


def _pointwise(out_channels: int, depthwise: Conv) -> Conv:
    return pointwise_conv(out_channels, depthwise.bias, len(depthwise.kernel))


def pooled_classifier(x: Node, num_classes: int, dropout: bool = False) -> Node:
    """Global average pool, flatten, dropout if wanted, and a linear classifier."""
    x = apply(x, "pool", GlobalAveragePool())
    x = apply(x, "flatten", Flatten())
    if dropout:
        x = apply(x, "dropout", Dropout())
    return apply(x, "classifier", Linear(num_classes))


def conv_activation(x: Node, name: str, convolution: Conv, activation: Activation | None = None) -> Node:
    """A convolution and its activation, without a norm: the networks from before batch norm.

    >>> from costmodel.core.layers import RELU, conv
    >>> from costmodel.core.graph import image
    >>> conv_activation(image(3, 224), "conv1", conv(64, kernel=3, padding=1, bias=True), RELU)
    Node('conv1.activation', Activation(name='relu'), shape=64x224x224)
    """
    x = apply(x, f"{name}.conv", convolution)
    return apply(x, f"{name}.activation", activation) if activation else x


def linear_activation(x: Node, name: str, out_features: int, activation: Activation) -> Node:
    """A linear layer with bias, and its activation: one hidden layer of a classifier."""
    return apply(apply(x, f"{name}.linear", Linear(out_features)), f"{name}.activation", activation)


def fixed_flatten(x: Node, name: str, positions: int, fix: str) -> Node:
    """Flatten, for a linear layer that was made for a map of so many ``positions``.

    Raises :class:`~costmodel.errors.CostModelError`, which ends with ``fix``, where the map has another number.

    >>> from costmodel.core.graph import image
    >>> fixed_flatten(image(512, 6), "flatten", 7 * 7, "use 224")
    Traceback (most recent call last):
        ...
    costmodel.errors.CostModelError: flatten: the linear layer reads 49 positions, a 512x6x6 map has 36; use 224
    """
    if x.shape.positions != positions:
        raise CostModelError(
            f"{name}: the linear layer reads {positions} positions, a {x.shape} map has {x.shape.positions}; {fix}"
        )
    return apply(x, name, Flatten())


def squeeze_excite(
    x: Node, name: str, squeezed: int, activation: Activation = RELU, gate: Activation = HARD_SIGMOID
) -> Node:
    """Each channel of ``x`` times a weight: its mean, through ``squeezed`` channels and back, gated (arXiv:1709.01507).

    The two 1x1 convolutions have biases and no batch norm.

    >>> from costmodel.core.graph import image
    >>> from costmodel.core.network import Network
    >>> net = Network(squeeze_excite(image(72, 28), "squeeze_excite", 24))
    >>> net.output, net.parameters
    (Node('squeeze_excite.scale', Scale(), shape=72x28x28), 3552)
    """
    rank = len(x.shape.spatial)
    y = apply(x, f"{name}.pool", GlobalAveragePool())
    y = apply(y, f"{name}.reduce", pointwise_conv(squeezed, True, rank))
    y = apply(y, f"{name}.activation", activation)
    y = apply(y, f"{name}.expand", pointwise_conv(x.shape.channels, True, rank))
    y = apply(y, f"{name}.gate", gate)
    return apply((x, y), f"{name}.scale", Scale())
