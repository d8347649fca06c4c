"""ResNet (arXiv:1512.03385, Table 1; document 003)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import final

from costmodel.core.graph import Node, apply
from costmodel.core.layers import RELU, Add, conv, max_pool, pointwise_conv
from costmodel.models.blocks import conv_bn, pooled_classifier
from costmodel.models.registry import register

STEM = 64

#: Width of each stage. Every stage but the first halves the map in its first block.
WIDTHS = (64, 128, 256, 512)

#: A bottleneck puts out so many times the width of its stage.
EXPANSION = 4


@final
@dataclass(frozen=True, slots=True)
class ResNetColumn:
    """A column of the papers' tables: blocks a stage, and what the 3x3 convolution of a bottleneck is divided into.

    ``group_width`` is the channels of one group in the first stage, where a ResNet has a single group of 64.
    """

    repeats: tuple[int, int, int, int]
    bottleneck: bool
    #: What the network costs at its defaults.
    multiply_adds: int
    parameters: int
    groups: int = 1
    group_width: int = 64


ROWS = {
    "resnet18": ResNetColumn((2, 2, 2, 2), False, 1_814_073_344, 11_689_512),
    "resnet34": ResNetColumn((3, 4, 6, 3), False, 3_663_761_408, 21_797_672),
    "resnet50": ResNetColumn((3, 4, 6, 3), True, 4_089_184_256, 25_557_032),
    "resnet101": ResNetColumn((3, 4, 23, 3), True, 7_801_405_440, 44_549_160),
    "resnet152": ResNetColumn((3, 8, 36, 3), True, 11_513_626_624, 60_192_808),
}

VARIANTS = {
    "": "as in torchvision: a bottleneck strides in its 3x3 convolution",
    "paper-stride": "a bottleneck strides in its first 1x1 convolution: the 3.8 G of ResNet-50 (arXiv:1512.03385)",
    "slim-stride": "the last bottleneck of the first three stages strides, as in TF-slim (tensorflow/models@0ba83cf0"
    " research/slim/nets/resnet_v1.py)",
}

BASIC_VARIANTS = {"": "a 1x1 convolution on the shortcut where the shape changes (document 003, torchvision)"}


def residual_networks(
    title: str, columns: Mapping[str, ResNetColumn], variants: Mapping[str, str], paper: str, year: int
) -> None:
    """Registers the networks of ``columns``; in ``title``, the rest of their names stands."""
    for name, column in columns.items():
        depth, _, groups = name.removeprefix(title.replace("-", "").lower()).partition("_")
        blocks = ", ".join(map(str, column.repeats))
        kind = "bottlenecks" if column.bottleneck else "basic blocks"
        grouped = f", with {column.groups} groups of {column.group_width} channels" if column.groups > 1 else ""
        text = f"""{title}{depth}: {blocks} {kind} in its four stages{grouped}.

    Images are square, or (height, width). Raises :class:`~costmodel.errors.CostModelError` for sizes below 1."""
        register(
            name,
            f"{title}{depth}{groups and f' {groups}'}, {paper}",
            year,
            f"{paper} Table 1",
            variants if column.bottleneck else BASIC_VARIANTS,
            (column.multiply_adds, column.parameters),
            text=text,
        )(partial(_residual_network, column))


def _residual_network(column: ResNetColumn, x: Node, num_classes: int, variant: str) -> Node:
    x = conv_bn(x, "stem.conv1", conv(STEM, 7, 2, 3), RELU)
    x = apply(x, "stem.pool", max_pool(3, stride=2, padding=1))
    for stage, (width, repeats) in enumerate(zip(WIDTHS, column.repeats, strict=True), start=1):
        for block in range(repeats):
            first, last = stage > 1 and block == 0, stage < len(WIDTHS) and block == repeats - 1
            stride = 2 if (last if variant == "slim-stride" else first) else 1
            if column.bottleneck:
                x = _bottleneck(x, f"layer{stage}.{block}", column, width, stride, variant == "paper-stride")
            else:
                x = _basic(x, f"layer{stage}.{block}", width, stride)
    return pooled_classifier(x, num_classes)


def _basic(x: Node, name: str, width: int, stride: int) -> Node:
    """Two 3x3 convolutions."""
    y = conv_bn(x, f"{name}.conv1", conv(width, 3, stride, 1), RELU)
    y = conv_bn(y, f"{name}.conv2", conv(width, 3, 1, 1))
    return _residual(x, y, name, stride)


def _bottleneck(x: Node, name: str, column: ResNetColumn, width: int, stride: int, stride_first: bool) -> Node:
    """1x1 down, 3x3 in groups, 1x1 up."""
    inner = column.groups * (column.group_width * width // WIDTHS[0])
    strides = (stride, 1) if stride_first else (1, stride)
    y = conv_bn(x, f"{name}.conv1", conv(inner, 1, strides[0]), RELU)
    y = conv_bn(y, f"{name}.conv2", conv(inner, 3, strides[1], 1, groups=column.groups), RELU)
    y = conv_bn(y, f"{name}.conv3", pointwise_conv(EXPANSION * width))
    return _residual(x, y, name, stride)


def _residual(x: Node, y: Node, name: str, stride: int) -> Node:
    """The sum of what a block made, ``y``, and what it read, ``x``: through a 1x1 convolution where the widths differ.

    Where the sizes alone differ, every second position of it.
    """
    if x.shape.channels != y.shape.channels:
        x = conv_bn(x, f"{name}.downsample", conv(y.shape.channels, 1, stride))
    elif stride != 1:
        x = apply(x, f"{name}.downsample", max_pool(1, stride=stride))
    return apply(apply((y, x), f"{name}.add", Add()), f"{name}.activation", RELU)


residual_networks("ResNet-", ROWS, VARIANTS, "arXiv:1512.03385", 2015)
