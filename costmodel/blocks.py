"""Blocks that architectures are made of: functions from node to node, the tensor first, the name second."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from costmodel.layers import (
    Activation,
    Add,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    pointwise_conv,
)
from costmodel.network import Node, apply

#: A convolution with what comes after it: tensor, name, convolution, activation.
Unit: TypeAlias = Callable[[Node, str, Conv, Activation | None], Node]

_BATCH_NORM = BatchNorm()


def conv_bn(x: Node, name: str, convolution: Conv, activation: Activation | None = None) -> Node:
    """A convolution, batch norm, and the activation if there is one.

    >>> from costmodel.layers import RELU6, conv
    >>> from costmodel.network import image
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

    >>> from costmodel.layers import RELU, depthwise_conv
    >>> from costmodel.network import image
    >>> depthwise_separable(image(128, 56), "features.3", depthwise_conv(128, 3, stride=2, padding=1), 256, RELU).shape
    Shape(channels=256, spatial=(28, 28))
    """
    x = unit(x, f"{name}.depthwise", depthwise, activation)
    return unit(x, f"{name}.pointwise", _pointwise(out_channels, depthwise), activation)


def inverted_residual(
    x: Node, name: str, depthwise: Conv, out_channels: int, activation: Activation | None = None, unit: Unit = conv_bn
) -> Node:
    """Expand 1x1 to the channels of ``depthwise``, apply it, project 1x1 without activation (F9; 003, 004).

    No expansion where it would change nothing (the expansion factor 1). The input is added where the stride is 1
    and the channels in and out agree.

    >>> from costmodel.layers import RELU6, depthwise_conv
    >>> from costmodel.network import image
    >>> inverted_residual(image(24, 56), "features.3", depthwise_conv(6 * 24, 3, padding=1), 24, RELU6)
    Node('features.3.add', Add(), shape=24x56x56)
    """
    y = x
    if depthwise.out_channels != x.shape.channels:
        y = unit(y, f"{name}.expand", _pointwise(depthwise.out_channels, depthwise), activation)
    y = unit(y, f"{name}.depthwise", depthwise, activation)
    y = unit(y, f"{name}.project", _pointwise(out_channels, depthwise), None)
    # The rule is on the stride, not on the shape: on a 1x1 map a stride changes nothing and still forbids the sum.
    if out_channels == x.shape.channels and max(depthwise.stride) == 1:
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
