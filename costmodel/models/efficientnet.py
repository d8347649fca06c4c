"""EfficientNet-B0 to B7 (arXiv:1905.11946, Table 1, scaled by its compound coefficients), as torchvision has them."""

from __future__ import annotations

import math
from functools import partial

from costmodel.core.graph import Node
from costmodel.core.layers import SIGMOID, SWISH, conv, depthwise_conv
from costmodel.core.rounding import WidthRule, make_divisible
from costmodel.models.blocks import conv_bn, inverted_residual, pooled_classifier, squeeze_excite
from costmodel.models.registry import register

STEM = 32

#: (expansion factor, kernel, output channels, repeats, stride of the first repeat) of each stage of B0
ROWS = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)

#: Width and depth beside those of B0, and the usual resolution; multiply-adds and parameters at the defaults.
SCALES = {
    "efficientnet_b0": (1.0, 1.0, 224, 385_814_752, 5_288_548),
    "efficientnet_b1": (1.0, 1.1, 240, 686_802_832, 7_794_184),
    "efficientnet_b2": (1.1, 1.2, 260, 993_561_872, 9_109_994),
    "efficientnet_b3": (1.2, 1.4, 300, 1_827_141_392, 12_233_232),
    "efficientnet_b4": (1.4, 1.8, 380, 4_393_771_024, 19_341_616),
    "efficientnet_b5": (1.6, 2.2, 456, 10_266_384_752, 30_389_784),
    "efficientnet_b6": (1.8, 2.6, 528, 19_067_593_536, 43_040_704),
    "efficientnet_b7": (2.0, 3.1, 600, 37_745_884_192, 66_347_960),
}

VARIANTS = {"": "as in torchvision"}


def _efficientnet(
    width: float, depth: float, x: Node, num_classes: int, variant: str, round_width: WidthRule | None = None
) -> Node:
    """ROWS with every width times ``width``, rounded to 8, and every number of repeats times ``depth``, rounded up."""
    rounded = round_width or make_divisible
    x = conv_bn(x, "features.0", conv(rounded(STEM * width), 3, 2, 1), SWISH)
    index = 1
    for expansion, kernel, channels, repeats, first_stride in ROWS:
        for repeat in range(math.ceil(repeats * depth)):
            stride = first_stride if repeat == 0 else 1
            depthwise = depthwise_conv(expansion * x.shape.channels, kernel, stride, kernel // 2)
            # A quarter of what enters the block, not of what the expansion makes of it as in MobileNetV3.
            attention = partial(squeeze_excite, squeezed=x.shape.channels // 4, activation=SWISH, gate=SIGMOID)
            out = rounded(channels * width)
            x = inverted_residual(x, f"features.{index}", depthwise, out, SWISH, attention=attention)
            index += 1
    x = conv_bn(x, f"features.{index}", conv(4 * x.shape.channels, 1), SWISH)
    return pooled_classifier(x, num_classes, dropout=True)


for _name, (_width, _depth, _usual, *_costs) in SCALES.items():
    _title = f"EfficientNet-{_name[-2:].upper()}"
    _text = f"""{_title}: {_width} times the widths of B0 and {_depth} times its depth.

    Images are square, or (height, width). Raises :class:`~costmodel.errors.CostModelError` for sizes below 1."""
    register(
        _name,
        f"{_title}, arXiv:1905.11946",
        2019,
        "arXiv:1905.11946 Table 1",
        VARIANTS,
        (_costs[0], _costs[1]),
        text=_text,
        resolution=_usual,
    )(partial(_efficientnet, _width, _depth))
