"""Operators that multiply: convolutions, products of matrices, attention."""

from __future__ import annotations

import math
from collections import Counter

from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.ops.types import Handler
from costmodel.capture.onnx.tensor import Tensor, sample
from costmodel.capture.operator_costs import ELEMENTWISE, REDUCTIONS
from costmodel.core.counts import Ops
from costmodel.core.layers import Conv, Linear, MatMul, TransposedConv
from costmodel.core.layers.window import Padding
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError


def batched(x: Tensor) -> tuple[int, Shape]:
    """How many samples ``x`` holds, with channels after the batch, and its shape as a layer reads it."""
    return (1, Shape.of(x.sizes[1:])) if x.sizes[0] == 1 else (x.sizes[0], Shape.of(x.sizes, axis=1))


def computed(*tensors: Tensor | None) -> list[Tensor]:
    """Those of a layer's weights that are computed from the sample: they are read like any input."""
    return [tensor for tensor in tensors if tensor is not None and not tensor.constant]


def _conv(op: Operator) -> None:
    convolution(op, op.needed(0), op.needed(1), op.input(2))


def convolution(op: Operator, x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """A convolution of ``x``, with what the operator's attributes say."""
    kernel, groups = weight.sizes[2:], op.attribute("group", 1)
    _check_channels(x, weight.sizes[1] * groups, weight)
    stride, dilation = (tuple(op.attribute(name, (1,) * len(kernel))) for name in ("strides", "dilations"))
    layer = Conv(weight.sizes[0], kernel, stride, padding(op, len(kernel)), dilation, groups, bias is not None)
    times, shape = batched(x)
    stored = op.book.claim("weight", weight) + op.book.claim("bias", bias)
    op.add(layer, [x, *computed(weight, bias)], (shape,), stored, times)


def _check_channels(x: Tensor, channels: int, weight: Tensor) -> None:
    if len(x.sizes) < 3 or len(weight.sizes) != len(x.sizes) or x.sizes[1] != channels:
        shown = ("x".join(map(str, tensor.sizes)) for tensor in (weight, x))
        raise CostModelError("weights of {} do not fit an input of {}; the file is wrong".format(*shown))


def padding(op: Operator, rank: int) -> Padding:
    """Zeros before and after each axis, as the attributes say."""
    auto = op.attribute("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        return "same"
    pads = op.attribute("pads") if auto == "NOTSET" else None
    pads = pads or (0,) * (2 * rank)
    return tuple(zip(pads[:rank], pads[rank:], strict=False))


def _transposed(op: Operator) -> None:
    x, weight, bias = op.needed(0), op.needed(1), op.input(2)
    kernel, groups = weight.sizes[2:], op.attribute("group", 1)
    _check_channels(x, weight.sizes[0], weight)
    rank = len(kernel)
    stride, dilation = (tuple(op.attribute(name, (1,) * rank)) for name in ("strides", "dilations"))
    extra, sides = tuple(op.attribute("output_padding", (0,) * rank)), padding(op, rank)
    if sides == "same" or op.attribute("output_shape"):
        sides, extra = _cut(op, x, kernel, stride, dilation, extra)
    layer = TransposedConv(weight.sizes[1] * groups, kernel, stride, sides, dilation, groups, bias is not None, extra)
    times, shape = batched(x)
    stored = op.book.claim("weight", weight) + op.book.claim("bias", bias)
    op.add(layer, [x, *computed(weight, bias)], (shape,), stored, times)


def _cut(
    op: Operator, x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...],
    extra: tuple[int, ...],
) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...]]:  # fmt: skip
    """What is cut and added so that the output has the sizes asked for."""
    sides, added = [], []
    for place, size in enumerate(x.sizes[2:]):
        whole = stride[place] * (size - 1) + (kernel[place] - 1) * dilation[place] + 1
        cut = whole + extra[place] - op.made.sizes[2 + place]
        added.append(extra[place] if cut >= 0 else extra[place] - cut)
        cut = max(cut, 0)
        sides.append((cut // 2, cut - cut // 2))
    return tuple(sides), tuple(added)


def _gemm(op: Operator) -> None:
    left, right, bias = op.needed(0), op.needed(1), op.input(2)
    rows = left.sizes[::-1] if op.attribute("transA", 0) else left.sizes
    columns = right.sizes[::-1] if op.attribute("transB", 0) else right.sizes
    if len(rows) != 2 or len(columns) != 2:
        raise CostModelError(f"it multiplies matrices, and reads {op.reads_text}")
    own = bias if bias is not None and bias.constant and bias.elements == columns[1] else None
    product(op, left, right, rows, columns, own)
    if bias is not None and own is None:
        added = [] if bias.constant and not bias.stored else [bias]
        op.operation("add", ELEMENTWISE["add"] * op.made.elements, [op.made, *added], part="bias")
    if op.attribute("alpha", 1.0) != 1:
        op.operation("mul", ELEMENTWISE["mul"] * op.made.elements, [op.made], part="alpha")
    if bias is not None and op.attribute("beta", 1.0) not in (0, 1):
        op.operation("mul", ELEMENTWISE["mul"] * bias.elements, [op.made], part="beta")


def product(
    op: Operator,
    left: Tensor,
    right: Tensor,
    rows: tuple[int, ...],
    columns: tuple[int, ...],
    bias: Tensor | None = None,
) -> None:
    """The product of ``left`` and ``right``, seen in the sizes ``rows`` and ``columns``.

    By a matrix that the file holds it is a linear layer; else a product of matrices.
    """
    if right.constant and not left.constant and len(columns) == 2:
        seen = Shape.of(sample(rows).sizes, -1)
        stored = op.book.claim("weight", right) + op.book.claim("bias", bias)
        op.add(Linear(columns[1], bias is not None), [left], (seen,), stored, axis=-1)
        return
    batch = _broadcast(rows[:-2], columns[:-2])
    drop = 1 if batch and batch[0] == 1 else 0
    seen_left = Shape.of((*batch[drop:], *rows[-2:]), -1)
    seen_right = Shape.of((*batch[drop:], *columns[-2:]), -1)
    stored = op.book.claim("weight", left, right)
    op.add(MatMul(), [left, right], (seen_left, seen_right), stored)
    if bias is not None:
        op.operation("add", ELEMENTWISE["add"] * op.made.elements, [op.made, bias], part="bias")


def _broadcast(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    rank = max(len(left), len(right))
    pairs = zip((1,) * (rank - len(left)) + left, (1,) * (rank - len(right)) + right, strict=True)
    return tuple(b if a == 1 else a for a, b in pairs)


def _matmul(op: Operator) -> None:
    multiplied(op, op.needed(0), op.needed(1))


def multiplied(op: Operator, left: Tensor, right: Tensor) -> None:
    """``left`` times ``right``, as numpy multiplies: of vectors, matrices, and stacks of those."""
    rows = left.sizes if len(left.sizes) > 1 else (1, *left.sizes)
    columns = right.sizes if len(right.sizes) > 1 else (*right.sizes, 1)
    if len(left.sizes) > 1 and len(right.sizes) > 1:
        product(op, left, right, rows, columns)
        return
    # A vector is a matrix of one row, or of one column, and that axis is gone in the result.
    batch = _broadcast(rows[:-2], columns[:-2])
    work = Ops(mac=math.prod((*batch, rows[-2], rows[-1], columns[-1])))
    stored = op.book.claim("weight", left, right)
    op.operation("matmul", work, computed(left, right), stored)


def _einsum(op: Operator) -> None:
    equation = op.attribute("equation", "").replace(" ", "")
    given, arrow, result = equation.partition("->")
    terms = given.split(",")
    reads = [op.needed(place) for place in range(len(op.inputs))]
    letters: dict[str, int] = {}
    spelled = []
    for term, read in zip(terms, reads, strict=False):
        spelled.append(_spelled(term, len(read.sizes)))
        for letter, size in zip(spelled[-1], read.sizes, strict=False):
            letters[letter] = max(size, letters.get(letter, 1))
    if not arrow:
        counts = Counter("".join(terms))
        result = "".join(sorted(letter for letter, times in counts.items() if times == 1 and letter != "."))
    wanted = set(_spelled(result, len(op.made.sizes))) if "." in result else set(result)
    here = set(spelled[0])
    mac = mul = add = 0
    for place, term in enumerate(spelled[1:], start=1):
        both = here | set(term)
        later = wanted.union(*spelled[place + 1 :])
        size = math.prod(letters[letter] for letter in both)
        if both <= later:
            mul += size
        else:
            mac += size
        here = both & later
    if len(spelled) == 1 and not here <= wanted:
        add = math.prod(letters[letter] for letter in here)
    stored = op.book.claim("weight", *reads)
    op.operation("einsum", Ops(mac=mac, mul=mul, add=add), computed(*reads), stored)


def _spelled(term: str, rank: int) -> str:
    """``term`` with a digit for each axis that its dots stand for, the last axis being 0."""
    named = len(term.replace("...", ""))
    return term.replace("...", "".join(str(axis) for axis in reversed(range(rank - named))))


def _attention(op: Operator) -> None:
    """Queries by keys, a softmax, the result by values; sizes (batch, heads, length, features) or, of three axes,
    with the heads in the features."""
    query, key, value = op.needed(0), op.needed(1), op.needed(2)
    if len(query.sizes) == 4:
        heads = query.sizes[1]
        length, total = query.sizes[2], key.sizes[2]
        features, made = query.sizes[3], value.sizes[3]
    else:
        heads, kv_heads = op.attribute("q_num_heads", 1), op.attribute("kv_num_heads", 1)
        length, total = query.sizes[1], key.sizes[1]
        features, made = query.sizes[2] // heads, value.sizes[2] // kv_heads
    past = op.input(4)
    total += past.sizes[2] if past is not None else 0
    attention(op, query.sizes[0] * heads, length, total, features, made, computed(*op.inputs))


def attention(
    op: Operator, stacks: int, length: int, total: int, features: int, made: int, reads: list[Tensor], part: str = ""
) -> None:
    """Fused attention of ``stacks`` heads: ``length`` queries by ``total`` keys of so many ``features``, a softmax, the
    result by values of ``made`` features."""
    scores = stacks * length * total
    work = Ops(mac=scores * (features + made), mul=scores) + REDUCTIONS["_softmax"] * scores
    op.operation("attention", work, reads, axis=-1 if len(op.made.sizes) == 3 else None, part=part)


def _deformable(op: Operator) -> None:
    """A convolution at shifted places: each value that it reads is a mean of four, weighted."""
    x, weight, bias = op.needed(0), op.needed(1), op.input(3)
    area, made = math.prod(weight.sizes[2:]), op.made
    places = made.elements // made.sizes[1]
    read = places * area * x.sizes[1]
    work = Ops(mac=made.elements * weight.sizes[1] * area) + ELEMENTWISE["grid_sampler_2d"] * read
    work += Ops(mul=read if op.input(4) else 0, add=made.elements if bias else 0)
    stored = op.book.claim("weight", weight) + op.book.claim("bias", bias)
    op.operation("deform_conv", work, computed(*op.inputs), stored, axis=1)


def _affine_grid(op: Operator) -> None:
    """Each place of the grid times a matrix of its sample."""
    theta = op.needed(0)
    op.operation("affine_grid", Ops(mac=op.made.elements * theta.sizes[2]), [theta], axis=-1)


PRODUCTS: dict[str, Handler] = {
    "Conv": _conv,
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Einsum": _einsum,
    "Attention": _attention,
    "DeformConv": _deformable,
    "AffineGrid": _affine_grid,
}
