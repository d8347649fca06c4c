"""MobileNetV3, large and small (arXiv:1905.02244, Tables 1 and 2).

Padding is symmetric in every variant: TensorFlow pads one side more, which changes neither a size nor a count.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from costmodel.core.graph import Node, apply
from costmodel.core.layers import HARD_SWISH, RELU, Dropout, Flatten, GlobalAveragePool, Linear, conv, depthwise_conv
from costmodel.core.rounding import WidthRule, make_divisible
from costmodel.models.blocks import conv_bn, inverted_residual, squeeze_excite
from costmodel.models.registry import register

STEM = 16


class Bottleneck(NamedTuple):
    """A line of the paper's tables, at width multiplier 1."""

    kernel: int
    expanded: int
    out: int
    squeeze_excite: bool
    hard_swish: bool
    stride: int


LARGE = (
    Bottleneck(3, 16, 16, False, False, 1),
    Bottleneck(3, 64, 24, False, False, 2),
    Bottleneck(3, 72, 24, False, False, 1),
    Bottleneck(5, 72, 40, True, False, 2),
    Bottleneck(5, 120, 40, True, False, 1),
    Bottleneck(5, 120, 40, True, False, 1),
    Bottleneck(3, 240, 80, False, True, 2),
    Bottleneck(3, 200, 80, False, True, 1),
    Bottleneck(3, 184, 80, False, True, 1),
    Bottleneck(3, 184, 80, False, True, 1),
    Bottleneck(3, 480, 112, True, True, 1),
    Bottleneck(3, 672, 112, True, True, 1),
    Bottleneck(5, 672, 160, True, True, 2),
    Bottleneck(5, 960, 160, True, True, 1),
    Bottleneck(5, 960, 160, True, True, 1),
)
SMALL = (
    Bottleneck(3, 16, 16, True, False, 2),
    Bottleneck(3, 72, 24, False, False, 2),
    Bottleneck(3, 88, 24, False, False, 1),
    Bottleneck(5, 96, 40, True, True, 2),
    Bottleneck(5, 240, 40, True, True, 1),
    Bottleneck(5, 240, 40, True, True, 1),
    Bottleneck(5, 120, 48, True, True, 1),
    Bottleneck(5, 144, 48, True, True, 1),
    Bottleneck(5, 288, 96, True, True, 2),
    Bottleneck(5, 576, 96, True, True, 1),
    Bottleneck(5, 576, 96, True, True, 1),
)

VARIANTS = {
    "": "as in torchvision: every width is scaled by alpha, the head's too",
    "slim": "as in TF-slim in its finegrain mode: the head is not scaled, expansions are ratios to the scaled input",
    "keras": "as in Keras: as slim, but the stem always has 16 channels and the head grows with an alpha above 1",
    "minimalistic": "as slim, without squeeze-excite, 5x5 kernels and hard swish (TF-slim)",
}
SMALL_VARIANTS = VARIANTS | {"wide-head": "as slim, with a head of 1280: the paper's other version of Table 2"}


def _mobilenet_v3(
    rows: tuple[Bottleneck, ...],
    x: Node,
    num_classes: int,
    variant: str,
    alpha: float = 1.0,
    round_width: WidthRule | None = None,
) -> Node:
    rounded = round_width or make_divisible
    width = _head_width(1280 if rows is LARGE or variant == "wide-head" else 1024, alpha, variant, rounded)
    return _head(_features(rows, alpha, x, variant, rounded), width, num_classes, variant)


def _features(rows: tuple[Bottleneck, ...], alpha: float, x: Node, variant: str, rounded: WidthRule) -> Node:
    """The stem, the blocks of ``rows``, and the last convolution, six times as wide as what it reads."""
    minimalistic = variant == "minimalistic"
    swish = RELU if minimalistic else HARD_SWISH
    x = conv_bn(x, "features.0", conv(STEM if variant == "keras" else rounded(STEM * alpha), 3, 2, 1), swish)
    read = STEM
    for index, row in enumerate(rows, start=1):
        # torchvision scales the table's expansion, the others keep its ratio to the channels that the block reads.
        expanded = row.expanded * alpha if variant == "" else row.expanded / read * x.shape.channels
        kernel = 3 if minimalistic else row.kernel
        depthwise = depthwise_conv(rounded(expanded), kernel, row.stride, kernel // 2)
        attention = None
        if row.squeeze_excite and not minimalistic:
            attention = partial(squeeze_excite, squeezed=rounded(depthwise.out_channels / 4))
        activation = swish if row.hard_swish else RELU
        width = rounded(row.out * alpha)
        x = inverted_residual(x, f"features.{index}", depthwise, width, activation, attention=attention)
        read = row.out
    slim = variant not in ("", "keras")
    last = rounded(6 * read * alpha) if slim else 6 * x.shape.channels
    return conv_bn(x, f"features.{len(rows) + 1}", conv(last, 1), swish)


def _head_width(width: int, alpha: float, variant: str, rounded: WidthRule) -> int:
    """Channels of the first layer after the pool."""
    if variant == "":
        return rounded(width * alpha)
    return rounded(width * max(1.0, alpha)) if variant == "keras" else width


def _head(x: Node, width: int, num_classes: int, variant: str) -> Node:
    """The last stage after the pool, where the paper moved it: a 1x1 convolution of one position is a linear layer."""
    x = apply(apply(x, "pool", GlobalAveragePool()), "flatten", Flatten())
    x = apply(x, "head.linear", Linear(width))
    x = apply(x, "head.activation", RELU if variant == "minimalistic" else HARD_SWISH)
    return apply(apply(x, "dropout", Dropout()), "classifier", Linear(num_classes))


for _size, _rows, _variants, _table, _costs in (
    ("Large", LARGE, VARIANTS, 1, (216_589_760, 5_483_032)),
    ("Small", SMALL, SMALL_VARIANTS, 2, (56_510_400, 2_542_856)),
):
    _text = f"""MobileNetV3-{_size} at width multiplier ``alpha`` on square (or height, width) images.

    Widths are rounded with :func:`~costmodel.core.rounding.make_divisible`, or ``round_width``. Raises
    :class:`~costmodel.errors.CostModelError` for an alpha outside 0 to 100 and for sizes below 1."""
    register(
        f"mobilenet_v3_{_size.lower()}",
        f"MobileNetV3-{_size}, arXiv:1905.02244",
        2019,
        f"arXiv:1905.02244 Table {_table}",
        _variants,
        _costs,
        text=_text,
    )(partial(_mobilenet_v3, _rows))
