"""Small networks that a test can widen, rename, cut and stretch by an argument."""

from __future__ import annotations

import sys

from costmodel import Network, Node, apply, image
from costmodel.core.layers import RELU, Add, conv, depthwise_conv, pointwise_conv
from costmodel.models.blocks import conv_bn, pooled_classifier


def student(
    hidden: int = 48, stride: int = 1, blocks: int = 3, trunk: str = "body", resolution: int = 16, in_channels: int = 3
) -> Network:
    """A stem, blocks of expand, depthwise, project and sum, and a classifier.

    ``hidden`` is the width inside block 1, ``stride`` that of its depthwise convolution; all else is constant.
    """
    x = conv_bn(image(in_channels, resolution), "stem", conv(8, 3, padding=1), RELU)
    for number in range(blocks):
        width, step = (hidden, stride) if number == 1 else (48, 1)
        x = _block(x, f"{trunk}.{number}", width, step)
    return Network(pooled_classifier(x, 10), "student")


def _block(x: Node, name: str, hidden: int, stride: int) -> Node:
    y = apply(x, f"{name}.expand", pointwise_conv(hidden))
    y = apply(y, f"{name}.depthwise", depthwise_conv(hidden, 3, stride, 1))
    y = apply(y, f"{name}.project", pointwise_conv(8))
    return apply((y, x), f"{name}.add", Add()) if stride == 1 else y


def called(name: str) -> Network:
    """One layer, called ``name``."""
    return Network(apply(image(1, 2), name, conv(1, 1)), "one")


def broken() -> Network:
    """What raises when it is built."""
    raise RuntimeError("no weights here")


def noisy() -> Network:
    """What prints while it is built."""
    sys.stdout.write("::error::from the model\n")
    return student()


def module(width: int = 4) -> object:
    """A PyTorch module, which costs nothing to name here: torch is loaded when it is built."""
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU(), nn.Flatten(), nn.Linear(width * 4, 2))
