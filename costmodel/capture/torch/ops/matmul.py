"""Operators that multiply: convolutions, products of matrices and vectors, attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from costmodel.capture.operator_costs import REDUCTIONS
from costmodel.capture.torch.ops.handler_utils import (
    Arguments,
    Handler,
    arithmetic,
    batched,
    computed_ones,
    each,
    rest,
    stored_ones,
)
from costmodel.capture.torch.tape import sample
from costmodel.capture.torch.tensors import tensors
from costmodel.core.counts import Ops
from costmodel.core.layers import Conv, Layer, Linear, MatMul, Operation, TransposedConv
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError

if TYPE_CHECKING:
    from costmodel.capture.torch.tape import Tape


def _convolution(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    x, weight, bias = args["input"], args["weight"], args["bias"]
    rank = weight.dim() - 2
    stride, padding, dilation = (each(args[what], rank) for what in ("stride", "padding", "dilation"))
    kernel, sides = tuple(weight.shape[2:]), tuple((size, size) for size in padding)
    times, shape = batched(x, rank)
    layer: Layer
    if args["transposed"]:
        extra = each(args["output_padding"], rank)
        channels = weight.shape[1] * args["groups"]
        layer = TransposedConv(channels, kernel, stride, sides, dilation, args["groups"], bias is not None, extra)
    else:
        layer = Conv(weight.shape[0], kernel, stride, sides, dilation, args["groups"], bias is not None)
    computed = computed_ones(tape, weight, bias)
    stored = stored_ones(tape, weight, bias)
    tape.add("conv", layer, [x, *computed], output, shapes=[shape], stored=stored, times=times)


def _mm(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    left, right = (args["mat1"], args["mat2"]) if name == "addmm" else (args["self"], args["mat2"])
    bias = args["self"] if name == "addmm" else args.get("bias")
    # Weights: what the module holds, or what it makes of that alone.
    linear = tape.is_stored(right) or (tape.is_constant(right) and not tape.is_constant(left))
    own_bias = linear and bias is not None and bias.dim() == 1 and tape.is_constant(bias)
    # A matrix of one row is a vector.
    shapes = [Shape.of(sample(left.shape).sizes, -1), Shape.of(tuple(right.shape), -1)]
    if linear:
        layer = Linear(right.shape[1], own_bias)
        own = bias if own_bias else None
        computed = computed_ones(tape, right, own)
        tape.add("linear", layer, [left, *computed], output, shapes=shapes[:1], stored=stored_ones(tape, right, own))
    else:
        tape.add("matmul", MatMul(), [left, right], output, shapes=shapes)
    for scale in (args.get("scale_a"), args.get("scale_b")):  # of values in eight bits: one product a value each
        if scale is not None:
            arithmetic(tape, "mul", (output, scale), output)
    if bias is not None and not own_bias:
        arithmetic(tape, "add", (output, bias), output)


def _bmm(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    left, right = (args["self"], args["mat2"]) if name == "bmm" else (args["batch1"], args["batch2"])
    one = left.shape[0] == 1
    shapes = [Shape.of(tuple(tensor.shape)[1:] if one else tuple(tensor.shape), -1) for tensor in (left, right)]
    tape.add("matmul", MatMul(), [left, right], output, shapes=shapes)
    if name != "bmm":
        arithmetic(tape, "add", (output, args["self"]), output)


def _vector(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    """Products with a vector: the vector is a matrix of one column."""
    if name in ("dot", "vdot"):
        left, right = args["self"], args["tensor"] if "tensor" in args else args["other"]
        shapes = [Shape.of((1, left.shape[0]), -1), Shape.of((left.shape[0], 1), -1)]
    else:
        left, right = (args["mat"], args["vec"]) if name == "addmv" else (args["self"], args["vec"])
        shapes = [Shape.of(tuple(left.shape), -1), Shape.of((right.shape[0], 1), -1)]
    tape.add("matmul", MatMul(), [left, right], output, shapes=shapes)
    if name == "addmv":
        arithmetic(tape, "add", (output, args["self"]), output)


def _distances(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    """Squared distances as |x|^2 + |y|^2 - 2xy: the product is what multiplies. Other norms have no product."""
    x1, x2 = args["x1"], args["x2"]
    products = output.numel() * x1.shape[-1]
    if args.get("p", 2) == 2:
        work = Ops(mac=products, add=2 * output.numel(), mul=x1.numel() + x2.numel(), exp=output.numel())
    else:
        work = Ops(add=2 * products, cmp=products)
    tape.add("cdist", Operation("cdist", tape.output_shape(output, [x1, x2]), work), [x1, x2], output)


def _trilinear(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    """nn.Bilinear: the first features by every weight, and what that makes by the second features."""
    first, weight, second = args["i1"], args["i2"], args["i3"]
    if (list(args["sumdim"]), args["unroll_dim"]) != ([2, 3], 1) or weight.dim() != 3:
        raise CostModelError("nobody has decided what aten._trilinear costs with sums over other axes than bilinear's")
    places = output.numel() // weight.shape[0]
    work = Ops(mac=places * (weight.numel() + weight.shape[0] * weight.shape[2]))
    stored = tape.claim("weight", weight)
    reads = [first, second, *computed_ones(tape, weight)]
    tape.add(
        "bilinear", Operation("bilinear", Shape.of(sample(output.shape).sizes, -1), work), reads, output, stored=stored
    )


def _attention(tape: Tape, name: str, args: Arguments, output: Any) -> None:
    """Fused attention: queries by keys, a softmax, the result by values.

    On meta PyTorch takes it apart; this is for a kernel that some version or device keeps whole.
    """
    made = tensors(output)[0]
    query, key, value = args["query"], args["key"], args["value"]
    scores = query.numel() // query.shape[-1] * key.shape[-2]
    softmax = REDUCTIONS["_softmax"] * scores
    work = Ops(mac=scores * (query.shape[-1] + value.shape[-1]), mul=scores) + softmax
    tape.add(
        "attention",
        Operation("attention", Shape.of(sample(made.shape).sizes, -1), work),
        [query, key, value],
        made,
        others=rest(output, made),
    )


def _addbmm(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    """Products of pairs of matrices, all added up."""
    left, right = args["batch1"], args["batch2"]
    work = Ops(mac=left.numel() * right.shape[2], add=output.numel())
    tape.add(name, Operation(name, Shape.of(sample(output.shape).sizes, -1), work), [args["self"], left, right], output)


def _grouped(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    """One product a group, as in a mixture of experts: each row by the matrix of its group, whichever that is."""
    left, right = args["self"], args["mat2"]
    stored = stored_ones(tape, right, args["bias"])
    work = Ops(mac=left.numel() * right.shape[-1], add=0 if args["bias"] is None else output.numel())
    layer = Operation("grouped_mm", Shape.of(sample(output.shape).sizes, -1), work)
    tape.add("grouped_mm", layer, [left, *computed_ones(tape, right, args["bias"])], output, stored=stored)


PRODUCTS: dict[str, Handler] = {
    "convolution": _convolution,
    **dict.fromkeys(("mm", "addmm", "_int_mm", "_scaled_mm"), _mm),
    **dict.fromkeys(("bmm", "baddbmm"), _bmm),
    **dict.fromkeys(("mv", "addmv", "dot", "vdot"), _vector),
    **dict.fromkeys(("_euclidean_dist", "_cdist_forward"), _distances),
    "_trilinear": _trilinear,
    "_grouped_mm": _grouped,
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
