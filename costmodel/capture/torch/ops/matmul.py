"""Operators that multiply: convolutions, products of matrices and vectors, attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from costmodel.capture.operator_costs import REDUCTIONS
from costmodel.capture.torch.ops.handler_utils import (
    Arguments,
    Handler,
    also,
    arithmetic,
    batched,
    computed_ones,
    each,
    stored_ones,
)
from costmodel.capture.torch.tape import sample, tensors
from costmodel.core.layers import Conv, Layer, Linear, MatMul, Operation, TransposedConv
from costmodel.core.values import Ops, Shape

if TYPE_CHECKING:
    from costmodel.capture.torch.dispatch import Recorder


def _convolution(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    x, weight, bias = a["input"], a["weight"], a["bias"]
    rank = weight.dim() - 2
    stride, padding, dilation = (each(a[what], rank) for what in ("stride", "padding", "dilation"))
    kernel, sides = tuple(weight.shape[2:]), tuple((size, size) for size in padding)
    times, shape = batched(x, rank)
    layer: Layer
    if a["transposed"]:
        extra = each(a["output_padding"], rank)
        channels = weight.shape[1] * a["groups"]
        layer = TransposedConv(channels, kernel, stride, sides, dilation, a["groups"], bias is not None, extra)
    else:
        layer = Conv(weight.shape[0], kernel, stride, sides, dilation, a["groups"], bias is not None)
    computed = computed_ones(recorder, weight, bias)
    stored = stored_ones(recorder, weight, bias)
    recorder.add("conv", layer, [x, *computed], out, shapes=[shape], stored=stored, times=times)


def _mm(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    left, right = (a["mat1"], a["mat2"]) if name == "addmm" else (a["self"], a["mat2"])
    bias = a["self"] if name == "addmm" else None
    # Weights: what the module holds, or what it makes of that alone.
    linear = recorder.is_held(right) or (recorder.is_constant(right) and not recorder.is_constant(left))
    own_bias = linear and bias is not None and bias.dim() == 1 and recorder.is_constant(bias)
    # A matrix of one row is a vector.
    shapes = [sample(left.shape), Shape.of(tuple(right.shape))]
    if linear:
        layer = Linear(right.shape[1], own_bias, features_last=left.shape[0] != 1)
        own = bias if own_bias else None
        computed = computed_ones(recorder, right, own)
        recorder.add(
            "linear", layer, [left, *computed], out, shapes=shapes[:1], stored=stored_ones(recorder, right, own)
        )
    else:
        recorder.add("matmul", MatMul(), [left, right], out, shapes=shapes)
    if bias is not None and not own_bias:
        arithmetic(recorder, "add", (out, bias), out)


def _bmm(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    left, right = (a["self"], a["mat2"]) if name == "bmm" else (a["batch1"], a["batch2"])
    one = left.shape[0] == 1
    shapes = [Shape.of(tuple(tensor.shape)[1:] if one else tuple(tensor.shape)) for tensor in (left, right)]
    recorder.add("matmul", MatMul(), [left, right], out, shapes=shapes)
    if name != "bmm":
        arithmetic(recorder, "add", (out, a["self"]), out)


def _vector(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    """Products with a vector: the vector is a matrix of one column."""
    if name in ("dot", "vdot"):
        left, right = a["self"], a["tensor"] if "tensor" in a else a["other"]
        shapes = [Shape(1, (left.shape[0],)), Shape(left.shape[0], (1,))]
    else:
        left, right = (a["mat"], a["vec"]) if name == "addmv" else (a["self"], a["vec"])
        shapes = [Shape.of(tuple(left.shape)), Shape(right.shape[0], (1,))]
    recorder.add("matmul", MatMul(), [left, right], out, shapes=shapes)
    if name == "addmv":
        arithmetic(recorder, "add", (out, a["self"]), out)


def _distances(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    """Squared distances as |x|^2 + |y|^2 - 2xy: the product is what multiplies. Other norms have no product."""
    x1, x2 = a["x1"], a["x2"]
    products = out.numel() * x1.shape[-1]
    if a.get("p", 2) == 2:
        work = Ops(mac=products, add=2 * out.numel(), mul=x1.numel() + x2.numel(), exp=out.numel())
    else:
        work = Ops(add=2 * products, cmp=products)
    recorder.add("cdist", Operation("cdist", sample(out.shape), work), [x1, x2], out)


def _trilinear(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    """nn.Bilinear: each pair of features times its weight, one product and sum a weight."""
    first, weight, second = a["i1"], a["i2"], a["i3"]
    places = out.numel() // weight.shape[0]
    work = Ops(mac=places * weight.numel(), mul=places * weight.shape[1] * weight.shape[2])
    stored = recorder.claim("weight", weight)
    reads = [first, second, *computed_ones(recorder, weight)]
    recorder.add("bilinear", Operation("bilinear", sample(out.shape), work), reads, out, stored=stored)


def _attention(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    """Fused attention: queries by keys, a softmax, the result by values.

    On meta PyTorch takes it apart; this is for a kernel that some version or device keeps whole.
    """
    made = tensors(out)[0]
    query, key, value = a["query"], a["key"], a["value"]
    scores = query.numel() // query.shape[-1] * key.shape[-2]
    softmax = REDUCTIONS["_softmax"] * scores
    work = Ops(mac=scores * (query.shape[-1] + value.shape[-1]), mul=scores) + softmax
    recorder.add("attention", Operation("attention", sample(made.shape), work), [query, key, value], made)
    also(recorder, out, made)


def _addbmm(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    """Products of pairs of matrices, all added up."""
    left, right = a["batch1"], a["batch2"]
    work = Ops(mac=left.numel() * right.shape[2], add=out.numel())
    recorder.add(name, Operation(name, sample(out.shape), work), [a["self"], left, right], out)


PRODUCTS: dict[str, Handler] = {
    "convolution": _convolution,
    **dict.fromkeys(("mm", "addmm"), _mm),
    **dict.fromkeys(("bmm", "baddbmm"), _bmm),
    **dict.fromkeys(("mv", "addmv", "dot", "vdot"), _vector),
    **dict.fromkeys(("_euclidean_dist", "_cdist_forward"), _distances),
    "_trilinear": _trilinear,
    **dict.fromkeys(
        (
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_cudnn_attention",
            "_scaled_dot_product_fused_attention_overrideable",
        ),
        _attention,
    ),
    "addbmm": _addbmm,
}
