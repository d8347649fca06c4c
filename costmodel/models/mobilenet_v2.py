"""MobileNetV2 (arXiv:1801.04381, Table 2; documents 002, 003, 004)."""

from __future__ import annotations

from costmodel.core.graph import Node, apply
from costmodel.core.layers import RELU6, Add, ZeroPad, conv, depthwise_conv, pointwise_conv
from costmodel.core.rounding import WidthRule, make_divisible, truncate
from costmodel.models.blocks import conv_bn, inverted_residual, pooled_classifier
from costmodel.models.registry import register

STEM = 32
HEAD = 1280

#: (expansion factor t, output channels c, repeats n, stride s of the first repeat)
ROWS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)

VARIANTS = {
    "": "as in torchvision: the last 1x1 convolution never gets narrower than 1280 (document 004)",
    "scaled-head": "the last 1x1 convolution is scaled by alpha below 1 too (document 003)",
    "biased": "a bias in every convolution, a projection on every shortcut of stride 1 (document 002, PyTorch)",
    "keras": "block widths cut to whole numbers, stride 2 on padded maps, no dropout (document 002, Keras)",
}


@register(
    "mobilenet_v2",
    "MobileNetV2, arXiv:1801.04381",
    2018,
    "arXiv:1801.04381 Table 2",
    VARIANTS,
    (300_774_272, 3_504_872),
)
def _mobilenet_v2(
    x: Node, num_classes: int, variant: str, alpha: float = 1.0, round_width: WidthRule | None = None
) -> Node:
    """MobileNetV2 at width multiplier ``alpha`` on square (or height, width) images.

    Widths are rounded with :func:`~costmodel.core.rounding.make_divisible`, those of the blocks of ``keras`` with
    :func:`~costmodel.core.rounding.truncate`, or all with ``round_width``. Document 002 lists blocks alone:
    ``biased`` takes the rest from the paper, with a bias in each convolution; ``keras`` takes it from
    keras.applications, where the first and the last convolution are rounded to 8, the first is padded as ``"same"``
    and there is no dropout.

    Raises :class:`~costmodel.errors.CostModelError` for an alpha outside 0 to 100, for sizes below 1, and for an alpha
    of ``keras`` that leaves a block no channel."""
    bias, keras = variant == "biased", variant == "keras"
    rounded = round_width or make_divisible
    head = rounded(HEAD * (alpha if variant == "scaled-head" else max(1.0, alpha)))
    stem = conv(rounded(STEM * alpha), 3, 2, "same" if keras else 1, bias=bias)
    block = _BLOCKS.get(variant, _inverted_residual)
    x = conv_bn(x, "features.0", stem, RELU6)
    index = 1
    for expansion, channels, repeats, first_stride in ROWS:
        width = (round_width or truncate)(channels * alpha, 1) if keras else rounded(channels * alpha)
        for repeat in range(repeats):
            x = block(x, f"features.{index}", expansion, width, first_stride if repeat == 0 else 1)
            index += 1
    x = conv_bn(x, f"features.{index}", pointwise_conv(head, bias), RELU6)
    return pooled_classifier(x, num_classes, dropout=not keras)


def _inverted_residual(x: Node, name: str, expansion: int, width: int, stride: int) -> Node:
    """The paper's block."""
    return inverted_residual(x, name, depthwise_conv(expansion * x.shape.channels, 3, stride, 1), width, RELU6)


def _biased_block(x: Node, name: str, expansion: int, width: int, stride: int) -> Node:
    """Document 002, PyTorch: expands by 1 too, and projects the shortcut even where it could be the input itself."""
    hidden = expansion * x.shape.channels
    y = conv_bn(x, f"{name}.expand", pointwise_conv(hidden, bias=True), RELU6)
    y = conv_bn(y, f"{name}.depthwise", depthwise_conv(hidden, 3, stride, 1, bias=True), RELU6)
    y = conv_bn(y, f"{name}.project", pointwise_conv(width, bias=True))
    if stride > 1:
        return y
    shortcut = conv_bn(x, f"{name}.shortcut", pointwise_conv(width, bias=True))
    return apply((y, shortcut), f"{name}.add", Add())


def _keras_block(x: Node, name: str, expansion: int, width: int, stride: int) -> Node:
    """Document 002, Keras: expands by 1 too, and pads before a convolution of stride 2 rather than in it."""
    hidden = expansion * x.shape.channels
    y = conv_bn(x, f"{name}.expand", pointwise_conv(hidden), RELU6)
    if stride > 1:
        # An even size needs a zero at its end alone: with one in front too, the last would never be read.
        y = apply(y, f"{name}.pad", ZeroPad(tuple((size % 2, 1) for size in y.shape.spatial)))
    y = conv_bn(y, f"{name}.depthwise", depthwise_conv(hidden, 3, stride, 0 if stride > 1 else 1), RELU6)
    y = conv_bn(y, f"{name}.project", pointwise_conv(width))
    # The listing leaves this to its caller; keras.applications adds under the paper's conditions.
    return apply((y, x), f"{name}.add", Add()) if stride == 1 and width == x.shape.channels else y


_BLOCKS = {"biased": _biased_block, "keras": _keras_block}
