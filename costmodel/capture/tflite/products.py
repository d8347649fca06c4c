"""Operators that multiply: convolutions, fully connected layers, products of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from costmodel.capture.tflite.builder import Call, Role, Written
from costmodel.core.layers import Conv, Linear, MatMul, Padding, TransposedConv
from costmodel.core.layers.window import cut_and_added
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError

#: What an operator is, of one call of it.
Handler: TypeAlias = Callable[[Call], Written]


def batched(sizes: tuple[int, ...]) -> tuple[int, Shape]:
    """How many samples there are, and the shape as a layer of images reads it, its features last."""
    return sizes[0], Shape.of(sizes[1:] if sizes[0] == 1 else sizes, axis=-1)


def steps(call: Call, rank: int, front: str, back: str = "") -> tuple[int, ...]:
    """One number an axis: the strides, the dilation factors, a window."""
    return tuple([int(call.operator.option(f"{front}{axis}{back}")) for axis in "DHW"[3 - rank :]])


def weights(call: Call, weight: int, bias: int) -> dict[int, Role]:
    """The inputs that are a layer's weight and its bias, where it has one."""
    return {weight: "weight", bias: "bias"} if call.has(bias) else {weight: "weight"}


def _conv(call: Call) -> Written:
    out, *kernel, inner = call.sizes(1, 4)
    return _convolved(call, out, tuple(kernel), inner)


def _conv_3d(call: Call) -> Written:
    *kernel, inner, out = call.sizes(1, 5)
    return _convolved(call, out, tuple(kernel), inner)


def _depthwise_conv(call: Call) -> Written:
    _, *kernel, out = call.sizes(1, 4)
    return _convolved(call, out, tuple(kernel), 1)


def _convolved(call: Call, out: int, kernel: tuple[int, ...], inner: int) -> Written:
    """``inner``: how many channels each filter reads."""
    rank = len(kernel)
    sizes = call.sizes(0, rank + 2)
    times, shape = batched(sizes)
    if sizes[-1] % inner:
        raise CostModelError(f"filters of {inner} channels do not divide the {sizes[-1]} of the input")
    stride, dilation = steps(call, rank, "Stride"), steps(call, rank, "Dilation", "Factor")
    roles = weights(call, 1, 2)
    padding: Padding = "same" if call.operator.same_padding else ((0, 0),) * rank
    layer = Conv(out, kernel, stride, padding, dilation, sizes[-1] // inner, len(roles) > 1)
    return Written(layer, (0,), (shape,), roles, times)


def _transpose_conv(call: Call) -> Written:
    out, *kernel, _ = call.sizes(1, 4)
    return _transposed(call, out, tuple(kernel), steps(call, 2, "Stride"), weights(call, 1, 3), 2)


def _conv_3d_transpose(call: Call) -> Written:
    *kernel, out, _ = call.sizes(1, 5)
    return _transposed(call, out, tuple(kernel), steps(call, 3, "Stride"), weights(call, 1, 3), 2)


def _mediapipe_transpose_conv(call: Call) -> Written:
    """``Convolution2DTransposeBias`` of MediaPipe: input, weights, bias; its options are opaque, its sizes say it."""
    out, *kernel, _ = call.sizes(1, 4)
    made = zip(call.made_sizes[1:3], call.sizes(0, 4)[1:3], strict=True)
    return _transposed(
        call, out, tuple(kernel), tuple([large // small or 1 for large, small in made]), weights(call, 1, 2), 0
    )


def _transposed(
    call: Call, out: int, kernel: tuple[int, ...], stride: tuple[int, ...], roles: Mapping[int, Role], read: int
) -> Written:
    """The file says the sizes of the output, and so what is cut from its edges or added to its end."""
    sizes = call.sizes(read, len(kernel) + 2)
    times, shape = batched(sizes)
    cut, added = cut_and_added(sizes[1:-1], kernel, stride, call.made_sizes[1:-1])
    layer = TransposedConv(out, kernel, stride, cut, (1,) * len(kernel), 1, len(roles) > 1, added)
    return Written(layer, (read,), (shape,), roles, times)


def _fully_connected(call: Call) -> Written:
    """Each row of the input, however its sizes group them, times the weights: outputs x inputs."""
    outputs, inputs = call.sizes(1, 2)
    rows, rest = divmod(math.prod(call.sizes(0)), inputs)
    if rest:
        raise CostModelError(f"weights of {inputs} inputs do not divide the {call.shape(0)} that they read")
    x = Shape.of((rows, inputs), -1) if rows > 1 else Shape(inputs)
    roles = weights(call, 1, 2)
    layer = Linear(outputs, len(roles) > 1)
    if call.constant[1]:
        return Written(layer, (0,), (_like(x, call, inputs),), roles)
    return Written(MatMul(), (0, 1), (Shape.of((rows, inputs), -1), Shape.of((inputs, outputs), -1)))


def _like(x: Shape, call: Call, inputs: int) -> Shape:
    """``x`` with the sizes that its output has in the file, where that keeps the positions apart."""
    made = call.made
    return Shape(inputs, made.spatial, len(made.spatial)) if made.positions == x.positions else x


def _batch_matmul(call: Call) -> Written:
    left, right = call.sizes(0), call.sizes(1)
    if min(len(left), len(right)) < 2:
        raise CostModelError(f"a product of matrices needs two sizes of each, not {call.shape(0)} and {call.shape(1)}")
    left = (*left[:-2], left[-1], left[-2]) if call.operator.option("AdjX") else left
    right = (*right[:-2], right[-1], right[-2]) if call.operator.option("AdjY") else right
    if call.constant[1] and not call.constant[0] and len(right) == 2:
        return Written(Linear(right[1], False), (0,), (Shape.of(_first(left), -1),), {1: "weight"})
    left = (*call.made_sizes[:-2], *left[-2:])  # repeated for each matrix of the other
    return Written(MatMul(), (0, 1), (Shape.of(_first(left), -1), Shape.of(_first(right), -1)))


def _first(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return sizes[1:] if len(sizes) > 2 and sizes[0] == 1 else sizes


PRODUCTS: dict[str, Handler] = {
    "CONV_2D": _conv,
    "CONV_3D": _conv_3d,
    "DEPTHWISE_CONV_2D": _depthwise_conv,
    "TRANSPOSE_CONV": _transpose_conv,
    "CONV_3D_TRANSPOSE": _conv_3d_transpose,
    "Convolution2DTransposeBias": _mediapipe_transpose_conv,
    "FULLY_CONNECTED": _fully_connected,
    "BATCH_MATMUL": _batch_matmul,
}
