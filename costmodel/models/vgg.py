"""VGG-11, 13, 16 and 19 (arXiv:1409.1556, Table 1: configurations A, B, D and E; document 003)."""

from __future__ import annotations

import math
from functools import partial

from costmodel.core.graph import Node, apply
from costmodel.core.layers import RELU, AdaptiveAveragePool, Dropout, Flatten, Linear, conv, max_pool
from costmodel.models.blocks import conv_activation, conv_bn, fixed_flatten, linear_activation
from costmodel.models.registry import register

#: Channels of each of the five blocks; a max pool ends a block.
WIDTHS = (64, 128, 256, 512, 512)

#: Number of 3x3 convolutions in each block; the configuration; multiply-adds and parameters at the defaults.
ROWS = {
    "vgg11": ((1, 1, 2, 2, 2), "configuration A", (7_609_090_048, 132_863_336)),
    "vgg13": ((2, 2, 2, 2, 2), "configuration B", (11_308_466_176, 133_047_848)),
    "vgg16": ((2, 2, 3, 3, 3), "configuration D", (15_470_264_320, 138_357_544)),
    "vgg19": ((2, 2, 4, 4, 4), "configuration E", (19_632_062_464, 143_667_240)),
}

POOL = max_pool(2, stride=2)
HIDDEN = 4096

#: The first linear layer was made for a last map of 7x7.
LAST_MAP = (7, 7)

VARIANTS = {
    "": "as in torchvision: an adaptive pool before the classifier, so any resolution from 32 on",
    "bn": "with batch norm after every convolution, as in torchvision",
    "plain": "no adaptive pool: an input whose last map is 7x7, such as 224 (the paper, document 003)",
}


def _vgg(name: str, repeats: tuple[int, ...], x: Node, num_classes: int, variant: str) -> Node:
    unit = conv_bn if variant == "bn" else conv_activation
    for block, (width, times) in enumerate(zip(WIDTHS, repeats, strict=True), start=1):
        for repeat in range(1, times + 1):
            x = unit(x, f"features.{block}.conv{repeat}", conv(width, 3, padding=1, bias=True), RELU)
        x = apply(x, f"features.{block}.pool", POOL)
    if variant == "plain":
        fix = f"use a last map of 7x7, as at resolution 224, or {name}"
        x = fixed_flatten(x, "flatten", math.prod(LAST_MAP), fix)
    else:
        x = apply(apply(x, "pool", AdaptiveAveragePool(LAST_MAP)), "flatten", Flatten())
    for layer in ("classifier.fc1", "classifier.fc2"):
        x = apply(linear_activation(x, layer, HIDDEN, RELU), f"{layer}.dropout", Dropout())
    return apply(x, "classifier.fc3", Linear(num_classes))


for _name, (_repeats, _configuration, _costs) in ROWS.items():
    _title = f"VGG-{_name[-2:]}"
    _text = f"""{_title}, {_configuration} of the paper, on square (or height, width) images.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 32, and for ``plain`` wherever the last map has
    not 49 positions."""
    register(
        _name,
        f"{_title}, arXiv:1409.1556 {_configuration}",
        2014,
        "arXiv:1409.1556 Table 1",
        VARIANTS,
        _costs,
        text=_text,
    )(partial(_vgg, _name, _repeats))
