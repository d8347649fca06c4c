"""GoogLeNet (arXiv:1409.4842, Table 1; document 003)."""

from __future__ import annotations

import math

from costmodel.core.graph import Node, apply
from costmodel.core.layers import (
    RELU,
    AdaptiveAveragePool,
    Concat,
    Dropout,
    Linear,
    Outputs,
    average_pool,
    conv,
    max_pool,
)
from costmodel.models.blocks import conv_activation, conv_bn, fixed_flatten, linear_activation, pooled_classifier
from costmodel.models.registry import register

#: Name of each inception module -> channels of the columns of the paper's table:
#: 1x1; 3x3 reduce, 3x3; 5x5 reduce, 5x5; pool projection.
ROWS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}

#: The auxiliary heads, in the order in which a forward pass returns them, and the modules that they read.
HEADS = {"aux2": "4d", "aux1": "4a"}
HEAD_CHANNELS = 128
HEAD_HIDDEN = 1024

#: A head's first linear layer was made for a map of 4x4.
HEAD_MAP = (4, 4)

POOL = max_pool(3, stride=2, ceil_mode=True)

VARIANTS = {
    "": "as in torchvision, at inference: batch norm, 3x3 where the paper has 5x5, auxiliary heads not run",
    "training": "as in torchvision, with the two auxiliary heads that run in training",
    "document": "the paper's 5x5, biases and no batch norm, at inference (document 003)",
    "document-training": "document 003 with its two auxiliary heads, which read a map of 4x4: sizes such as 224",
}


@register(
    "googlenet", "GoogLeNet, arXiv:1409.4842", 2014, "arXiv:1409.4842 Table 1", VARIANTS, (1_498_376_192, 6_624_904)
)
def _googlenet(x: Node, num_classes: int, variant: str) -> Node:
    """GoogLeNet (Inception v1) on square (or height, width) images.

    Raises :class:`~costmodel.errors.CostModelError` for sizes that a pool leaves nothing of, and for
    ``document-training`` wherever an auxiliary head has not 16 positions."""
    document = variant.startswith("document")
    x = _convolution(x, "features.conv1", 64, 7, document, stride=2)
    x = apply(x, "features.pool1", POOL)
    x = _convolution(x, "features.conv2", 64, 1, document)
    x = _convolution(x, "features.conv3", 192, 3, document)
    x = apply(x, "features.pool2", POOL)
    modules = {}
    for module, channels in ROWS.items():
        if module == "4a":
            x = apply(x, "features.pool3", POOL)
        if module == "5a":
            x = apply(x, "features.pool4", POOL if document else max_pool(2, stride=2, ceil_mode=True))
        x = modules[module] = _inception(x, f"features.inception{module}", channels, document)
    x = pooled_classifier(x, num_classes, dropout=True)
    if not variant.endswith("training"):
        return x
    heads = [_head(modules[module], f"heads.{name}", num_classes, document) for name, module in HEADS.items()]
    return apply((x, *heads), "outputs", Outputs())


def _convolution(x: Node, name: str, channels: int, kernel: int, document: bool, stride: int = 1) -> Node:
    """A convolution that keeps the size at stride 1: with a bias in the document, with batch norm in torchvision."""
    unit = conv_activation if document else conv_bn
    return unit(x, name, conv(channels, kernel, stride, kernel // 2, bias=document), RELU)


def _inception(x: Node, name: str, channels: tuple[int, ...], document: bool) -> Node:
    """Four branches side by side, of 1x1, 3x3, 5x5 (in torchvision 3x3) and a pool, stacked along the channels."""
    alone, reduced, expanded, reduced_more, expanded_more, projected = channels
    branch1 = _convolution(x, f"{name}.branch1", alone, 1, document)
    branch2 = _convolution(x, f"{name}.branch2.reduce", reduced, 1, document)
    branch2 = _convolution(branch2, f"{name}.branch2.expand", expanded, 3, document)
    branch3 = _convolution(x, f"{name}.branch3.reduce", reduced_more, 1, document)
    branch3 = _convolution(branch3, f"{name}.branch3.expand", expanded_more, 5 if document else 3, document)
    branch4 = apply(x, f"{name}.branch4.pool", max_pool(3, stride=1, padding=1))
    branch4 = _convolution(branch4, f"{name}.branch4.project", projected, 1, document)
    return apply((branch1, branch2, branch3, branch4), f"{name}.concat", Concat())


def _head(x: Node, name: str, num_classes: int, document: bool) -> Node:
    """An auxiliary classifier: a pool to 4x4, a 1x1 convolution, and two linear layers."""
    pool = average_pool(5, stride=3) if document else AdaptiveAveragePool(HEAD_MAP)
    x = _convolution(apply(x, f"{name}.pool", pool), f"{name}.reduce", HEAD_CHANNELS, 1, document)
    x = fixed_flatten(x, f"{name}.flatten", math.prod(HEAD_MAP), "use resolution 224, or googlenet:training")
    if document:
        x = apply(x, f"{name}.fc1.dropout", Dropout())
    x = linear_activation(x, f"{name}.fc1", HEAD_HIDDEN, RELU)
    return apply(apply(x, f"{name}.dropout", Dropout()), f"{name}.fc2", Linear(num_classes))
