"""MobileNetV1 (arXiv:1704.04861, Table 1; documents 000, 001, 004), and two nets that it is compared with there."""

from __future__ import annotations

from costmodel.core.graph import Node, apply
from costmodel.core.layers import RELU, RELU6, Flatten, Linear, average_pool, conv, depthwise_conv
from costmodel.core.rounding import WidthRule, make_divisible
from costmodel.errors import CostModelError
from costmodel.models.blocks import conv_bn, depthwise_separable, pooled_classifier
from costmodel.models.registry import register

STEM = 32

#: (output channels, stride) of each depthwise separable block. The paper prints stride 2 for the last one too, but
#: its input and output are both 7x7.
ROWS = (
    (64, 1),
    (128, 2), (128, 1),
    (256, 2), (256, 1),
    (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
)  # fmt: skip

#: ROWS without the five blocks that keep 512 channels at 14x14.
SHALLOW = tuple(row for row in ROWS if row != (512, 1))

VARIANTS = {
    "": "with a width multiplier, ReLU, global average pool: any resolution (document 004)",
    "plain": "average pool of 7x7, so an input whose last map is 7x7 to 13x13, such as 224 (document 001)",
    "biased": "a bias in every convolution, ReLU6 (document 000, its listing completed from the paper)",
    "standard": "a standard 3x3 convolution for each separable block (arXiv:1704.04861 Table 4)",
    "shallow": "without the five equal blocks of 512 at 14x14 (arXiv:1704.04861 Table 5)",
}


@register(
    "mobilenet_v1",
    "MobileNetV1, arXiv:1704.04861",
    2017,
    "arXiv:1704.04861 Table 1",
    VARIANTS,
    (568_740_352, 4_231_976),
)
def _mobilenet_v1(
    x: Node, num_classes: int, variant: str, alpha: float = 1.0, round_width: WidthRule | None = None
) -> Node:
    """MobileNetV1 at width multiplier ``alpha`` on square (or height, width) images.

    Widths are rounded with :func:`~costmodel.core.rounding.make_divisible`, or ``round_width``. Raises
    :class:`~costmodel.errors.CostModelError` for an alpha outside 0 to 100 and for sizes below 1."""
    bias = variant == "biased"
    activation = RELU6 if bias else RELU
    rounded = round_width or make_divisible
    x = conv_bn(x, "features.0", conv(rounded(STEM * alpha), 3, 2, 1, bias=bias), activation)
    for index, (channels, stride) in enumerate(SHALLOW if variant == "shallow" else ROWS, start=1):
        name, width = f"features.{index}", rounded(channels * alpha)
        if variant == "standard":
            x = conv_bn(x, name, conv(width, 3, stride, 1), activation)
        else:
            depthwise = depthwise_conv(x.shape.channels, 3, stride, 1, bias=bias)
            x = depthwise_separable(x, name, depthwise, width, activation)
    return _windowed_classifier(x, num_classes) if variant == "plain" else pooled_classifier(x, num_classes)


def _windowed_classifier(x: Node, num_classes: int) -> Node:
    """Document 001's ending: a 7x7 window, then a classifier that takes one position's channels."""
    x = apply(x, "pool", average_pool(7, stride=7))
    if x.shape.positions != 1:
        raise CostModelError(
            f"pool: a 7x7 average pool leaves {x.shape}, and the classifier reads a single position;"
            " use a last map of 7x7 to 13x13, as at resolution 224, or mobilenet_v1"
        )
    return apply(apply(x, "flatten", Flatten()), "classifier", Linear(num_classes))
