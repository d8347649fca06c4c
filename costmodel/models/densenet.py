"""DenseNet (arXiv:1608.06993, Table 1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import final

from costmodel.core.graph import Node, apply
from costmodel.core.layers import RELU, BatchNorm, Concat, Conv, average_pool, conv, max_pool, pointwise_conv
from costmodel.models.blocks import conv_bn, pooled_classifier
from costmodel.models.registry import register

#: The 1x1 convolution of a dense layer makes so many times the growth rate.
BOTTLENECK = 4

#: A transition keeps one channel of so many.
COMPRESSION = 2


@final
@dataclass(frozen=True, slots=True)
class DenseNetColumn:
    """A column of the paper's table: dense layers in each block; the growth rate, channels that each layer adds."""

    layers: tuple[int, int, int, int]
    #: What the network costs at its defaults.
    multiply_adds: int
    parameters: int
    growth: int = 32
    stem: int = 64


ROWS = {
    "densenet121": DenseNetColumn((6, 12, 24, 16), 2_834_161_664, 7_978_856),
    "densenet161": DenseNetColumn((6, 12, 36, 24), 7_727_907_072, 28_681_000, growth=48, stem=96),
    "densenet169": DenseNetColumn((6, 12, 32, 32), 3_359_843_328, 14_149_480),
    "densenet201": DenseNetColumn((6, 12, 48, 32), 4_291_365_888, 20_013_928),
}

_BATCH_NORM = BatchNorm()

VARIANTS = {"": "as in torchvision, with bottlenecks and compression by half: DenseNet-BC of the paper"}


def _densenet(row: DenseNetColumn, x: Node, num_classes: int, variant: str) -> Node:
    x = conv_bn(x, "stem.conv1", conv(row.stem, 7, 2, 3), RELU)
    x = apply(x, "stem.pool", max_pool(3, stride=2, padding=1))
    for block, layers in enumerate(row.layers, start=1):
        if block > 1:
            x = _transition(x, f"transition{block - 1}")
        x = _dense_block(x, f"block{block}", layers, row.growth)
    x = apply(apply(x, "norm", _BATCH_NORM), "activation", RELU)
    return pooled_classifier(x, num_classes)


def _dense_block(x: Node, name: str, layers: int, growth: int) -> Node:
    """Layers that each read all tensors before them, and add ``growth`` channels."""
    tensors = [x]
    for layer in range(1, layers + 1):
        place = f"{name}.layer{layer}"
        # The first layer reads one tensor, which is no concatenation.
        y = apply(tensors, f"{place}.concat", Concat()) if layer > 1 else x
        y = _norm_conv(y, f"{place}.conv1", pointwise_conv(BOTTLENECK * growth))
        tensors.append(_norm_conv(y, f"{place}.conv2", conv(growth, 3, 1, 1)))
    return apply(tensors, f"{name}.concat", Concat())


def _transition(x: Node, name: str) -> Node:
    """Half the channels at a quarter of the positions."""
    x = _norm_conv(x, f"{name}.conv", pointwise_conv(x.shape.channels // COMPRESSION))
    return apply(x, f"{name}.pool", average_pool(2, stride=2))


def _norm_conv(x: Node, name: str, convolution: Conv) -> Node:
    """Batch norm and ReLU before the convolution."""
    x = apply(x, f"{name}.norm", _BATCH_NORM)
    x = apply(x, f"{name}.activation", RELU)
    return apply(x, f"{name}.conv", convolution)


for _name, _row in ROWS.items():
    _title = f"DenseNet-{_name.removeprefix('densenet')}"
    _text = f"""{_title}, growth rate {_row.growth}.

    Raises :class:`~costmodel.errors.CostModelError` for resolutions below 29: the last transition pools 2x2 windows."""
    _costs = (_row.multiply_adds, _row.parameters)
    register(_name, f"{_title}, arXiv:1608.06993", 2016, "arXiv:1608.06993 Table 1", VARIANTS, _costs, text=_text)(
        partial(_densenet, _row)
    )
