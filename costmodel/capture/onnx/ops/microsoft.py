"""Operators of ``com.microsoft``, which ONNX Runtime makes of those of the standard.

Their definitions: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

import math
from functools import partial

from costmodel.capture.onnx import infer
from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.ops.matmul import attention, computed, convolution, product
from costmodel.capture.onnx.ops.norm import layer_norm, rms_norm
from costmodel.capture.onnx.ops.pointwise import FUSED, activate
from costmodel.capture.onnx.ops.quantized import DEQUANTIZE, DYNAMIC, QUANTIZE, QUANTIZED, REQUANTIZE, requantize
from costmodel.capture.onnx.ops.recurrent import recurrent
from costmodel.capture.onnx.ops.types import Handler
from costmodel.capture.onnx.tensor import Tensor, not_made, sample
from costmodel.capture.operator_costs import ELEMENTWISE, REDUCTIONS
from costmodel.capture.recurrent_costs import activation_work
from costmodel.core.counts import Ops
from costmodel.core.layers import GroupNorm, Linear
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError

_ADD, _MUL = ELEMENTWISE["add"], ELEMENTWISE["mul"]


def _more(op: Operator, name: str, each: Ops, part: str, *reads: Tensor | None) -> None:
    """A further step of the operator, over what it made: so much for each value of it."""
    op.operation(
        name, each * op.made.elements, [op.made, *computed(*reads)], op.book.claim("affine", *reads), part=part
    )


def _activated(op: Operator) -> None:
    name = op.attribute("activation", "")
    if not name:
        return
    if name not in FUSED:
        raise CostModelError(f"nobody has decided what its activation {name!r:.40} costs")
    bounds = op.attribute("activation_params", ())
    if name == "Clip":
        bounded = tuple(bounds[:2]) == (0, 6)
        activate(op, "relu6" if bounded else "hard_tanh", op.made, part="clip")
    else:
        activate(op, FUSED[name], op.made, part=FUSED[name])


def _fused_conv(op: Operator) -> None:
    op.outputs = infer.as_standard(op, "Conv", (0, 1, 2))
    convolution(op, op.needed(0), op.needed(1), op.input(2))
    if op.input(3) is not None:
        _more(op, "add", _ADD, "sum", op.input(3))
    _activated(op)


def _turned(read: Tensor, turn: bool, batch: bool) -> tuple[int, ...]:
    sizes = read.sizes if len(read.sizes) > 1 else (1, *read.sizes)
    sizes = (*sizes[1:-1], sizes[0], sizes[-1]) if batch else sizes
    return (*sizes[:-2], sizes[-1], sizes[-2]) if turn else sizes


def _multiply(op: Operator, left: Tensor, right: Tensor, rows: tuple[int, ...], columns: tuple[int, ...],
              bias: Tensor | None = None) -> None:  # fmt: skip
    rank = max(len(rows), len(columns)) - 2
    batch = [max(sizes) for sizes in zip(*[((1,) * rank + each[:-2])[-rank:] for each in (rows, columns)], strict=True)]
    op.make((*(batch if rank else ()), rows[-2], columns[-1]), like=left)
    product(op, left, right, rows, columns, bias)


def _fused_matmul(op: Operator) -> None:
    left, right = op.needed(0), op.needed(1)
    rows = _turned(left, op.attribute("transA", 0), op.attribute("transBatchA", 0))
    columns = _turned(right, op.attribute("transB", 0), op.attribute("transBatchB", 0))
    _multiply(op, left, right, rows, columns)
    if op.attribute("alpha", 1.0) != 1:
        _more(op, "mul", _MUL, "alpha")
    _activated(op)


def _fused_gemm(op: Operator) -> None:
    left, right, bias = op.needed(0), op.needed(1), op.input(2)
    rows, columns = _turned(left, op.attribute("transA", 0), False), _turned(right, op.attribute("transB", 0), False)
    _multiply(op, left, right, rows, columns, bias)
    if op.attribute("alpha", 1.0) != 1:
        _more(op, "mul", _MUL, "alpha")
    _activated(op)


def _integer_product(op: Operator, places: tuple[int, int, int], dynamic: bool) -> None:
    """A product of whole numbers, its sums times the scale, and a bias."""
    left, right, bias = op.needed(places[0]), op.needed(places[1]), op.input(places[2])
    _multiply(op, left, right, _turned(left, False, False), _turned(right, False, False))
    op.made.type = op.needed(2).type
    _more(op, "dequantize", _MUL, "scale")
    if dynamic:
        read = left.elements
        op.operation("quantize", DYNAMIC * read, [op.made], part="quantize")
    if bias is not None:
        op.operation(
            "add", _ADD * op.made.elements, [op.made, *computed(bias)], op.book.claim("bias", bias), part="bias"
        )


def _quantized_gemm(op: Operator) -> None:
    left, right, bias = op.needed(0), op.needed(3), op.input(6)
    rows, columns = _turned(left, op.attribute("transA", 0), False), _turned(right, op.attribute("transB", 0), False)
    _multiply(op, left, right, rows, columns, bias)
    if op.input(7) is None:  # sums stay numbers with a fraction
        op.made.type = op.needed(1).type
    requantize(op)


def _quantized_lstm(op: Operator) -> None:
    """Weights are (directions, features, gates); each step's input and state are made whole numbers first."""
    x, state = op.needed(0), op.needed(2)
    steps, batch, features = x.sizes
    directions, hidden = state.sizes[:2]
    last = (directions, batch, hidden)
    op.make((steps, directions, batch, hidden), last, last, like=x)
    for made, name in zip(op.outputs, op.proto.output, strict=False):
        made.type = made.type if name else not_made().type
    recurrent(op, "lstm", hidden)
    quantized = steps * batch * (features + directions * hidden)
    sums = 2 * 4 * hidden * directions * steps * batch
    op.operation("quantize", DYNAMIC * quantized + _MUL * sums, [op.made], part="quantize")


def _few_bits(op: Operator) -> None:
    """A product by a matrix of numbers of a few bits, packed into bytes, which it unpacks as it goes."""
    x, inner, made = op.needed(0), op.attribute("K", 0), op.attribute("N", 0)
    bias = op.input(5)
    op.make((*x.sizes[:-1], made), like=x)
    layer = Linear(made, bias is not None)
    seen = Shape.of(sample(x.sizes).sizes, -1)
    packed = op.book.claim("weight", op.needed(1))
    weights = layer.params((seen,))._replace(bias=0) if packed.weight else packed
    if seen.channels != inner:
        raise CostModelError(f"it multiplies {inner} features, and reads {seen}; the file is wrong")
    op.add(layer, [x], (seen,), weights + op.book.claim("bias", bias), axis=-1)
    op.operation("dequantize", DEQUANTIZE * (inner * made), [op.made], part="unpack")


def _values(op: Operator, name: str, each: Ops, bias: int | None = None) -> None:
    """So much for each value, and an addition where a bias is given at that place."""
    x = op.needed(0)
    op.make(x.sizes, like=x)
    added = None if bias is None else op.input(bias)
    each += _ADD if added is not None else Ops()
    op.operation(name, each * x.elements, [x, *computed(added)], op.book.claim("bias", added))


_GELU = Ops(exp=1, add=1, mul=3)
#: x * sigmoid(alpha x)
_QUICK_GELU = Ops(exp=1, add=1, div=1, mul=2)


def _bias_add(op: Operator) -> None:
    _values(op, "add", Ops(), 1)
    if op.input(2) is not None:
        _more(op, "add", _ADD, "skip", op.input(2))


def _split_gelu(op: Operator) -> None:
    x = op.needed(0)
    op.make((*x.sizes[:-1], x.sizes[-1] // 2), like=x)
    work = _ADD * x.elements + (_GELU + _MUL) * op.made.elements
    op.operation("gelu", work, [x], op.book.claim("bias", op.input(1)))


def _skip_norm(op: Operator, root: bool) -> None:
    """The sum of what came in and what skipped a block, and a bias; then a norm of it."""
    x, skip, gamma = op.needed(0), op.needed(1), op.needed(2)
    beta, bias = (None, op.input(3)) if root else (op.input(3), op.input(4))
    op.make(x.sizes, like=x)
    made = op.outputs
    op.operation(
        "add", _ADD * x.elements * (1 if bias is None else 2), [x, skip], op.book.claim("bias", bias), part="sum"
    )
    total = Tensor(x.sizes, x.type, op.made.node, axis=-1 % len(x.sizes))
    op.outputs = made
    if root:
        rms_norm(op, total, gamma)
    else:
        layer_norm(op, total, gamma, beta)
    op.outputs += [not_made(), not_made(), total]


def _embed_norm(op: Operator) -> None:
    """Rows of two or three tables, added up, then a norm."""
    ids, words, places, segments = op.needed(0), op.needed(2), op.needed(3), op.input(4)
    gamma, beta = op.needed(5), op.needed(6)
    sizes = (*ids.sizes, words.sizes[-1])
    op.make(sizes, like=words)
    stored = op.book.claim("weight", words, places, segments)
    adds = (1 if segments is None else 2) * op.made.elements
    op.operation("embedding", Ops(add=adds), computed(ids, op.input(1)), stored, part="embedding", axis=-1)
    total = Tensor(sizes, words.type, op.made.node, axis=len(sizes) - 1)
    layer_norm(op, total, gamma, beta)
    op.outputs += [Tensor(ids.sizes[:1], ids.type), total]


def _attend(op: Operator) -> None:
    """Queries, keys and values by one product; then attention."""
    quantized = op.type == "QAttention"
    x, weight, bias = op.needed(0), op.needed(1), op.input(2)
    past = op.input(8 if quantized else 4)
    heads, own = op.attribute("num_heads", 1), op.attribute("qkv_hidden_sizes") or (weight.sizes[-1] // 3,) * 3
    batch, length = x.sizes[:2]
    op.make((batch, length, weight.sizes[-1]), like=op.needed(3) if quantized else x)
    seen = Shape.of(sample(x.sizes).sizes, -1)
    stored = op.book.claim("weight", weight) + op.book.claim("bias", bias)
    op.add(Linear(weight.sizes[-1], bias is not None), [x, *computed(weight)], (seen,), stored, part="qkv")
    if quantized:
        _more(op, "dequantize", _MUL, "scale")
    read = Tensor(op.made.sizes, op.made.type, op.made.node, axis=2)
    total = length + (past.sizes[-2] if past is not None else 0)
    op.make((batch, length, own[2]), (2, batch, heads, total, own[0] // heads), like=op.made)
    op.outputs = op.outputs[: len(op.proto.output)]
    attention(op, batch * heads, length, total, own[0] // heads, own[2] // heads, [read, *computed(past)])


def _many_heads(op: Operator) -> None:
    """Attention of queries, keys and values that are there: (batch, length, features), or packed."""
    query, key, value, bias = op.needed(0), op.input(1), op.input(2), op.input(3)
    heads = op.attribute("num_heads", 1)
    batch, length = query.sizes[:2]
    past = op.input(6)
    if len(query.sizes) == 5:  # (batch, length, heads, 3, features)
        features = made = query.sizes[4]
        total = length
    elif key is not None and len(key.sizes) == 5:
        features = made = key.sizes[4]
        total = key.sizes[1]
    elif key is not None and value is not None:
        features = query.sizes[2] // heads
        made = value.sizes[-1] if len(value.sizes) == 4 else value.sizes[2] // heads
        total = key.sizes[2] if len(key.sizes) == 4 else key.sizes[1]
    else:
        raise CostModelError("it reads no keys and no values, and its queries are not packed with them")
    total += past.sizes[2] if past is not None else 0
    present = (batch, heads, total)
    op.make((batch, length, heads * made), (*present, features), (*present, made), like=query)
    op.outputs = op.outputs[: len(op.proto.output)]
    scores = batch * heads * length * total
    work = Ops(mac=scores * (features + made), mul=scores) + REDUCTIONS["_softmax"] * scores
    if bias is not None:
        work += Ops(add=batch * heads * (length * features + total * (features + made)))
    op.operation("attention", work, computed(*op.inputs), op.book.claim("bias", bias), axis=-1)


def _grouped_heads(op: Operator) -> None:
    """Attention in which several heads of queries share one of keys and values."""
    query, key, past = op.needed(0), op.input(1), op.input(3)
    heads, shared = op.attribute("num_heads", 1), op.attribute("kv_num_heads", 1)
    batch, length = query.sizes[:2]
    features = query.sizes[2] // (heads if key is not None else heads + 2 * shared)
    total = length + (past.sizes[2] if past is not None else 0)
    present = (batch, shared, total, features)
    op.make((batch, length, heads * features), present, present, like=query)
    op.outputs = op.outputs[: len(op.proto.output)]
    work = Ops(mul=2, add=1) * (batch * length * (heads + shared) * features) if op.attribute("do_rotary", 0) else Ops()
    scores = batch * heads * length * total
    work += Ops(mac=2 * scores * features, mul=scores) + REDUCTIONS["_softmax"] * scores
    op.operation("attention", work, computed(*op.inputs[:5]), axis=-1)


def _quantized_pair(op: Operator, name: str, each: Ops) -> None:
    """Two tensors of whole numbers, as numbers with a fraction, and back."""
    left, right = op.needed(0), op.needed(3)
    rank = max(len(left.sizes), len(right.sizes))
    pairs = zip(*[((1,) * rank + read.sizes)[-rank:] for read in (left, right)], strict=True)
    op.make([max(pair) for pair in pairs] if rank else (), like=left)
    work = DEQUANTIZE * (left.elements + right.elements) + (each + QUANTIZE) * op.made.elements
    reads = [read for read in (left, right) if not read.constant or (read.stored and read.elements > 1)]
    op.operation(name, work, reads)


def _quantized_values(op: Operator, name: str, each: Ops) -> None:
    x = op.needed(0)
    op.make(x.sizes, like=x)
    op.operation(name, (DEQUANTIZE + each + QUANTIZE) * x.elements, [x])


def _quantized_pool(op: Operator) -> None:
    x = op.needed(0)
    if op.attribute("channels_last", 0):
        raise CostModelError("nobody has decided what it costs with channels last")
    kind = op.type.removeprefix("QLinear")
    op.outputs = infer.as_standard(op, kind, (0,))
    made = op.made.elements
    if kind == "GlobalAveragePool":
        work = Ops(add=x.elements - made, div=made)
    else:
        work = Ops(add=made * (math.prod(op.attribute("kernel_shape", ())) - 1), div=made)
    op.operation("average_pool", work + REQUANTIZE * made, [x], axis=1)


def _quantized_concat(op: Operator) -> None:
    parts = [op.needed(place) for place in range(2, len(op.inputs), 3)]
    axis = op.attribute("axis", 0) % len(parts[0].sizes)
    sizes = list(parts[0].sizes)
    sizes[axis] = sum(part.sizes[axis] for part in parts)
    op.make(sizes, like=parts[0])
    op.operation("concat", Ops(mul=1, cmp=3, add=2) * op.made.elements, computed(*parts))


def _rotary(op: Operator) -> None:
    x = op.needed(0)
    op.make(x.sizes, like=x)
    op.operation("rotary_embedding", Ops(mul=2, add=1) * x.elements, [x])


def _group_norm(op: Operator) -> None:
    x, gamma, beta = op.needed(0), op.needed(1), op.needed(2)
    if not op.attribute("channels_last", 1) or x.sizes[0] != 1:
        raise CostModelError("nobody has decided what it costs with channels first, or for several samples")
    op.make(x.sizes, like=x)
    seen = Shape.of(x.sizes[1:], -1)
    op.add(GroupNorm(op.attribute("groups", 1)), [x], (seen,), op.book.claim("affine", gamma, beta))
    if op.attribute("activation", 0):
        activate(op, "swish", op.made, part="swish")


def _standard(op: Operator, places: tuple[int, ...]) -> None:
    """It is the standard's operator of the same name."""
    op.outputs = infer.as_standard(op, op.type, places)
    QUANTIZED[op.type](op)


MICROSOFT: dict[str, Handler] = {
    "FusedConv": _fused_conv,
    **dict.fromkeys(("FusedMatMul", "TransposeMatMul", "FusedMatMulActivation"), _fused_matmul),
    "FusedGemm": _fused_gemm,
    "MatMulIntegerToFloat": partial(_integer_product, places=(0, 1, 6), dynamic=False),
    "DynamicQuantizeMatMul": partial(_integer_product, places=(0, 1, 4), dynamic=True),
    "QGemm": _quantized_gemm,
    "DynamicQuantizeLSTM": _quantized_lstm,
    "MatMulNBits": _few_bits,
    "Gelu": partial(_values, name="gelu", each=_GELU),
    "BiasGelu": partial(_values, name="gelu", each=_GELU, bias=1),
    "FastGelu": partial(_values, name="gelu", each=_GELU, bias=1),
    "QuickGelu": partial(_values, name="quick_gelu", each=_QUICK_GELU),
    "BiasSoftmax": partial(_values, name="softmax", each=REDUCTIONS["_softmax"], bias=1),
    "BiasAdd": _bias_add,
    "BiasSplitGelu": _split_gelu,
    "SkipLayerNormalization": partial(_skip_norm, root=False),
    "SkipSimplifiedLayerNormalization": partial(_skip_norm, root=True),
    "EmbedLayerNormalization": _embed_norm,
    **dict.fromkeys(("Attention", "QAttention"), _attend),
    "MultiHeadAttention": _many_heads,
    "GroupQueryAttention": _grouped_heads,
    "RotaryEmbedding": _rotary,
    "GroupNorm": _group_norm,
    "QLinearAdd": partial(_quantized_pair, name="add", each=_ADD),
    "QLinearMul": partial(_quantized_pair, name="mul", each=_MUL),
    "QLinearSigmoid": partial(_quantized_values, name="sigmoid", each=activation_work("sigmoid")),
    "QLinearLeakyRelu": partial(_quantized_values, name="leaky_relu", each=activation_work("leaky_relu")),
    "QLinearSoftmax": partial(_quantized_values, name="softmax", each=REDUCTIONS["_softmax"]),
    **dict.fromkeys(("QLinearGlobalAveragePool", "QLinearAveragePool"), _quantized_pool),
    "QLinearConcat": _quantized_concat,
    "QuantizeLinear": partial(_standard, places=(0, 1, 2)),
    "DequantizeLinear": partial(_standard, places=(0, 1, 2)),
}
