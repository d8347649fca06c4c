"""Layers of Keras that multiply: convolutions, dense layers, embeddings."""

from __future__ import annotations

import math

from costmodel.capture.keras.activations import activated
from costmodel.capture.keras.call import Handlers, LayerCall, Made, UndecidedError
from costmodel.core.counts import Ops
from costmodel.core.layers import Conv, Embedding, Linear, Padding, TransposedConv
from costmodel.core.layers.window import cut_and_added
from costmodel.core.shape import Shape


def _padding(name: str, kernel: tuple[int, ...], dilation: tuple[int, ...]) -> Padding:
    """``causal`` is as many zeros before as keep the size, and none after."""
    if name == "same":
        return "same"
    if name == "causal":
        return tuple([((size - 1) * step, 0) for size, step in zip(kernel, dilation, strict=True)])
    return ((0, 0),) * len(kernel)


def _window(call: LayerCall) -> tuple[tuple[int, ...], tuple[int, ...], Padding, tuple[int, ...]]:
    layer = call.keras
    kernel, dilation = tuple(layer.kernel_size), tuple(layer.dilation_rate)
    return kernel, tuple(layer.strides), _padding(layer.padding, kernel, dilation), dilation


def _conv(call: LayerCall) -> Made:
    layer = call.keras
    convolution = Conv(layer.filters, *_window(call), layer.groups, bool(layer.use_bias))
    made = call.add(convolution, (), (call.x.shape(call.feature_axis),), call.claim())
    return activated(call, made, layer.activation)


def _depthwise(call: LayerCall) -> Made:
    layer, x = call.keras, call.x.shape(call.feature_axis)
    out = x.channels * layer.depth_multiplier
    made = call.add(Conv(out, *_window(call), x.channels, bool(layer.use_bias)), (), (x,), call.claim())
    return activated(call, made, layer.activation)


def _separable(call: LayerCall) -> Made:
    """A depthwise convolution and a pointwise one, which has the bias."""
    layer, x = call.keras, call.x.shape(call.feature_axis)
    depthwise = Conv(x.channels * layer.depth_multiplier, *_window(call), x.channels, False)
    made = call.add(depthwise, (), (x,), call.claim(layer.depthwise_kernel), part="depthwise")
    one, rank = (1,) * len(x.spatial), len(x.spatial)
    pointwise = Conv(layer.filters, one, one, ((0, 0),) * rank, one, 1, bool(layer.use_bias))
    claimed = call.claim(layer.pointwise_kernel, layer.bias)
    made = call.add(pointwise, (made,), (made.shape(call.feature_axis),), claimed, part="pointwise")
    return activated(call, made, layer.activation)


def _transposed(call: LayerCall) -> Made:
    """Keras says the sizes of the output, and so what is cut from its edges or added to its end."""
    layer, x = call.keras, call.x.shape(call.feature_axis)
    kernel, stride, _, dilation = _window(call)
    made = Shape.of(call.sizes, call.feature_axis).spatial
    dilated = tuple([(size - 1) * step + 1 for size, step in zip(kernel, dilation, strict=True)])
    cut, added = cut_and_added(x.spatial, dilated, stride, made)
    convolution = TransposedConv(layer.filters, kernel, stride, cut, dilation, 1, bool(layer.use_bias), added)
    return activated(call, call.add(convolution, (), (x,), call.claim()), layer.activation)


def _dense(call: LayerCall) -> Made:
    layer = call.keras
    made = call.add(Linear(layer.units, bool(layer.use_bias)), (), (call.x.shape(-1),), call.claim())
    return activated(call, made, layer.activation)


def einsum_dense(call: LayerCall) -> Made:
    """The product of a tensor and a weight by an equation: a linear layer, if one weight is for all positions."""
    layer, sizes = call.keras, call.x.sizes
    read, kernel, made = _letters(layer.equation, len(sizes) + 1)
    contracted = [letter for letter in kernel if letter in read and letter not in made]
    fresh = [letter for letter in kernel if letter not in read]
    lost = [letter for letter in read if letter not in kernel and letter not in made]
    if lost or len({*read}) != len(read) or read[0] in kernel:
        raise UndecidedError(f"the equation {layer.equation} of an EinsumDense")
    size = dict(zip(kernel, layer.kernel.shape, strict=True))
    inner, outputs = math.prod(size[one] for one in contracted), math.prod(size[one] for one in fresh)
    bias = layer.bias_axes is not None
    if len(contracted) + len(fresh) < len(kernel):  # another matrix for each place along an axis
        work = Ops(mac=call.x.elements * outputs, add=call.elements if bias else 0)
        return activated(call, call.operation("einsum", work, claimed=call.claim()), layer.activation)
    last = list(read[len(read) - len(contracted) :]) == contracted
    places = sizes[: len(sizes) - len(contracted)] if last else (call.x.elements // inner,)
    linear = call.add(Linear(outputs, bias), (), (Shape.of((*places, inner), -1),), call.claim())
    return activated(call, call.seen_as(linear, call.sizes), layer.activation)


def _letters(equation: str, rank: int) -> tuple[str, str, str]:
    """The axes of what is read (of ``rank``), of the weight and of what is made, a letter each."""
    reads, _, made = equation.replace(" ", "").partition("->")
    read, _, kernel = reads.partition(",")
    spare = iter("ABCDEFGHIJKLMNOP")
    rest = "".join([next(spare) for _ in range(rank - len(read.replace("...", "")))]) if "..." in read else ""
    return read.replace("...", rest), kernel.replace("...", ""), made.replace("...", rest)


def _embedding(call: LayerCall) -> Made:
    layer = call.keras
    return call.add(Embedding(layer.input_dim, layer.output_dim), claimed=call.claim(), dtype=layer.compute_dtype)


PRODUCTS: Handlers = {
    **{f"Conv{rank}D": _conv for rank in (1, 2, 3)},
    **{f"DepthwiseConv{rank}D": _depthwise for rank in (1, 2)},
    **{f"SeparableConv{rank}D": _separable for rank in (1, 2)},
    **{f"Conv{rank}DTranspose": _transposed for rank in (1, 2, 3)},
    "Dense": _dense,
    "EinsumDense": einsum_dense,
    "Embedding": _embedding,
}
