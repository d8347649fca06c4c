"""The primitive layers: frozen choices, thin over :mod:`costmodel.formulas`.

A layer stores what its author chose (kernel, stride, output channels); everything else follows from the shape
of what it reads. Each answers four questions about its inputs: ``output`` (the shape it makes), ``ops``
(arithmetic for one sample), ``params`` (stored numbers) and ``kind`` (its name in a report).
"""

from costmodel.core.layers.base import Alias, Choices, Input, Layer, Shapes, Sizes
from costmodel.core.layers.convolution import (
    Conv,
    Linear,
    TransposedConv,
    conv,
    depthwise_conv,
    pointwise_conv,
    transposed_conv,
)
from costmodel.core.layers.elementwise import (
    HARD_SIGMOID,
    HARD_SWISH,
    RELU,
    RELU6,
    SIGMOID,
    SWISH,
    Activation,
    BatchNorm,
    Dropout,
    GroupNorm,
    LayerNorm,
)
from costmodel.core.layers.matmul import MatMul
from costmodel.core.layers.merge import Add, Concat, Outputs, Scale
from costmodel.core.layers.operation import Move, Operation, Uncounted
from costmodel.core.layers.pool import AdaptiveAveragePool, GlobalAveragePool, Pool, average_pool, max_pool
from costmodel.core.layers.reshape import ChannelShuffle, ChannelSlice, Flatten, ZeroPad
from costmodel.core.layers.stored import Embedding, Stored
from costmodel.core.layers.window import Padding

__all__ = [
    "HARD_SIGMOID",
    "HARD_SWISH",
    "RELU",
    "RELU6",
    "SIGMOID",
    "SWISH",
    "Activation",
    "AdaptiveAveragePool",
    "Add",
    "Alias",
    "BatchNorm",
    "ChannelShuffle",
    "ChannelSlice",
    "Choices",
    "Concat",
    "Conv",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePool",
    "GroupNorm",
    "Input",
    "Layer",
    "LayerNorm",
    "Linear",
    "MatMul",
    "Move",
    "Operation",
    "Outputs",
    "Padding",
    "Pool",
    "Scale",
    "Shapes",
    "Sizes",
    "Stored",
    "TransposedConv",
    "Uncounted",
    "ZeroPad",
    "average_pool",
    "conv",
    "depthwise_conv",
    "max_pool",
    "pointwise_conv",
    "transposed_conv",
]
