"""A small image classifier as a costmodel architecture: it is counted without a framework."""

from __future__ import annotations

from costmodel import Network, apply, image
from costmodel.core.layers import RELU6, Add, conv, depthwise_conv, pointwise_conv
from costmodel.models.blocks import conv_bn, pooled_classifier

#: Of each block: the channels that it expands to, the channels that it makes, its stride.
BLOCKS = (
    (64, 24, 2),
    (144, 24, 1),
    (144, 40, 2),
    (240, 40, 1),
    (160, 40, 1),
)


def student(resolution: int = 96, in_channels: int = 3, num_classes: int = 10) -> Network:
    """A stem, the blocks, a last convolution, and a classifier."""
    x = conv_bn(image(in_channels, resolution), "stem", conv(16, 3, stride=2, padding=1), RELU6)
    for number, (expanded, made, stride) in enumerate(BLOCKS):
        name = f"body.{number}"
        y = conv_bn(x, f"{name}.expand", pointwise_conv(expanded), RELU6)
        y = conv_bn(y, f"{name}.depthwise", depthwise_conv(expanded, 3, stride, 1), RELU6)
        y = conv_bn(y, f"{name}.project", pointwise_conv(made))
        x = apply((x, y), f"{name}.add", Add()) if y.shape == x.shape else y
    x = conv_bn(x, "head", pointwise_conv(160), RELU6)
    return Network(pooled_classifier(x, num_classes), "student")
