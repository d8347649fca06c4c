"""What each operator of TFLite is, by its name in the schema. One that stands in no table here stops the reading."""

from __future__ import annotations

import math

from costmodel.capture.operator_costs import ELEMENTWISE, REDUCTIONS
from costmodel.capture.tflite.builder import Call, Written, sample
from costmodel.capture.tflite.products import PRODUCTS, Handler, batched, steps
from costmodel.capture.tflite.recurrent import RECURRENT
from costmodel.core.counts import Ops
from costmodel.core.layers import (
    Activation,
    Add,
    Concat,
    Embedding,
    GlobalAveragePool,
    Move,
    Operation,
    Pool,
    Scale,
    ZeroPad,
)
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError

#: Copy, select or convert values into memory of their own and compute nothing.
MOVES = frozenset(
    "RESHAPE SQUEEZE EXPAND_DIMS TRANSPOSE STRIDED_SLICE SLICE SPLIT SPLIT_V PACK UNPACK TILE BROADCAST_TO GATHER_ND"
    " SCATTER_ND SPACE_TO_DEPTH DEPTH_TO_SPACE SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND REVERSE_V2 REVERSE_SEQUENCE"
    " MIRROR_PAD RESIZE_NEAREST_NEIGHBOR CAST BITCAST SHAPE RANK FILL ZEROS_LIKE RANGE ONE_HOT SELECT SELECT_V2 WHERE"
    " SPARSE_TO_DENSE MATRIX_DIAG MATRIX_SET_DIAG DYNAMIC_UPDATE_SLICE REAL IMAG DENSIFY BROADCAST_ARGS DILATE"
    " ASSIGN_VARIABLE".split()
)
#: Of MOVES, those that keep every value of a constant.
REARRANGES = frozenset("RESHAPE SQUEEZE EXPAND_DIMS TRANSPOSE CAST DENSIFY DEQUANTIZE QUANTIZE".split())
#: These prepare the memory of variables, once, before the first call.
PREPARES = frozenset("VAR_HANDLE CALL_ONCE".split())

#: Names in the schema -> names in the tables of costs, for each value of the result.
_ELEMENTWISE = {
    "ADD": "add", "SUB": "sub", "MUL": "mul", "DIV": "div", "FLOOR_DIV": "floor_divide", "FLOOR_MOD": "remainder",
    "POW": "pow", "MAXIMUM": "maximum", "MINIMUM": "minimum", "ABS": "abs", "NEG": "neg", "EXP": "exp", "LOG": "log",
    "SQRT": "sqrt", "RSQRT": "rsqrt", "SQUARE": "square", "SIN": "sin", "COS": "cos", "CEIL": "ceil", "FLOOR": "floor",
    "ROUND": "round", "SIGN": "sign", "LOGICAL_AND": "logical_and", "LOGICAL_OR": "logical_or",
    "LOGICAL_NOT": "logical_not", "LESS": "lt", "LESS_EQUAL": "le", "GREATER": "gt", "GREATER_EQUAL": "ge",
    "EQUAL": "eq", "NOT_EQUAL": "ne", "ATAN2": "atan2", "BITWISE_XOR": "bitwise_xor",
    "RIGHT_SHIFT": "bitwise_right_shift", "BUCKETIZE": "bucketize", "PRELU": "_prelu_kernel",
    "RESIZE_BILINEAR": "upsample_bilinear2d",
}  # fmt: skip
#: The same, for each value that is read.
_REDUCTIONS = {
    "SUM": "sum", "REDUCE_PROD": "prod", "REDUCE_MAX": "amax", "REDUCE_MIN": "amin", "REDUCE_ANY": "any",
    "REDUCE_ALL": "all", "ARG_MAX": "argmax", "ARG_MIN": "argmin", "TOPK_V2": "topk", "SOFTMAX": "_softmax",
    "LOG_SOFTMAX": "_log_softmax", "CUMSUM": "cumsum", "UNIQUE": "unique_dim", "SEGMENT_SUM": "index_add",
    "UNSORTED_SEGMENT_SUM": "index_add", "UNSORTED_SEGMENT_MAX": "amax", "UNSORTED_SEGMENT_MIN": "amin",
    "UNSORTED_SEGMENT_PROD": "prod",
}  # fmt: skip
#: What PyTorch has no operator for, for each value of the result.
_OWN = {
    "SQUARED_DIFFERENCE": ("squared_difference", Ops(add=1, mul=1)),
    # To a scale and a zero point and back; rounded and kept in range.
    "QUANTIZE": ("quantize", Ops(mul=1, add=1, cmp=3)),
    "FAKE_QUANT": ("fake_quant", Ops(mul=2, add=2, cmp=3)),
    "COMPLEX_ABS": ("complex_abs", Ops(mul=2, add=1, exp=1)),
    # A square and a sum, the root of it a row, a division.
    "L2_NORMALIZATION": ("l2_normalization", Ops(mul=1, add=1, div=1)),
}
_ACTIVATIONS = {
    "RELU": "relu", "RELU6": "relu6", "RELU_N1_TO_1": "hard_tanh", "RELU_0_TO_1": "hard_tanh", "TANH": "tanh",
    "LOGISTIC": "sigmoid", "HARD_SWISH": "hard_swish", "ELU": "elu", "LEAKY_RELU": "leaky_relu", "GELU": "gelu",
}  # fmt: skip


def _operation(call: Call, name: str, work: Ops) -> Written:
    return Written(Operation(name.strip("_"), call.made, work), call.data)


def _elementwise(call: Call) -> Written:
    name = _ELEMENTWISE[call.operator.name]
    if call.operator.name != "RESIZE_BILINEAR":
        _check_broadcast(call)
    return _operation(call, name, ELEMENTWISE[name] * call.made.elements)


def _check_broadcast(call: Call) -> None:
    """Every size of the output is that of each input, or the input has one there."""
    made = call.made_sizes
    for place in call.data:
        sizes = call.sizes(place)
        if len(sizes) > len(made) or any(
            size not in (1, whole) for size, whole in zip(sizes[::-1], made[::-1], strict=False)
        ):
            raise CostModelError(
                f"{call.operator.name} of {call.shape(place)} makes no {call.made}; convert the model again"
            )


def _reduction(call: Call) -> Written:
    name = _REDUCTIONS[call.operator.name]
    return _operation(call, name, REDUCTIONS[name] * math.prod(call.sizes(0)))


def _own(call: Call) -> Written:
    name, work = _OWN[call.operator.name]
    return _operation(call, name, work * call.made.elements)


def _dequantize(call: Call) -> Written:
    source = call.inputs[0]
    if source is not None and source.dtype == "float16":
        return _move(call)
    return _operation(call, "dequantize", Ops(mul=1, add=1) * call.made.elements)


def _activation(call: Call) -> Written:
    return Written(Activation(_ACTIVATIONS[call.operator.name]), (0,))


def _add(call: Call) -> Written:
    if call.constant == (False, False) and call.sizes(0) == call.sizes(1):
        return Written(Add(), (0, 1))
    return _elementwise(call)


def _add_n(call: Call) -> Written:
    return Written(Add(), call.data) if len(call.data) > 1 else _move(call)


def _mul(call: Call) -> Written:
    if not any(call.constant) and len(call.inputs) == 2 and len(call.made_sizes) > 2 and call.made_sizes[0] == 1:
        gate = (*(1,) * (len(call.made_sizes) - 1), call.made_sizes[-1])
        for whole, other in ((0, 1), (1, 0)):
            if call.sizes(whole) == call.made_sizes != gate == call.sizes(other):
                shapes = tuple([Shape.of(call.sizes(place)[1:], -1) for place in (whole, other)])
                return Written(Scale(), (whole, other), shapes)
    return _elementwise(call)


def _pool(call: Call) -> Written:
    times, shape = batched(call.sizes(0, 4))
    kernel, stride = _window(call), steps(call, 2, "Stride")
    if call.operator.name == "L2_POOL_2D":  # the root of the mean of squares
        area = math.prod(kernel)
        return _operation(call, "l2_pool", Ops(mul=area, add=area - 1, div=1, exp=1) * call.made.elements)
    padding = ((0, 0), (0, 0))
    if call.operator.same_padding and min(stride) > 0:
        rows, columns = map(_same, call.sizes(0)[1:3], kernel, stride)
        padding = (rows, columns)
    layer = Pool(call.operator.name == "AVERAGE_POOL_2D", kernel, stride, padding, False)
    return Written(layer, (0,), (shape,), {}, times)


def _window(call: Call) -> tuple[int, int]:
    return int(call.operator.option("FilterHeight")), int(call.operator.option("FilterWidth"))


def _same(size: int, window: int, stride: int) -> tuple[int, int]:
    """Zeros (before, after) that keep ``ceil(size / stride)`` positions."""
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def _mean(call: Call) -> Written:
    sizes, made = call.sizes(0), call.made_sizes
    if len(sizes) > 2 and sizes[0] == 1 and made == (*(1,) * (len(sizes) - 1), sizes[-1]):
        return Written(GlobalAveragePool(), (0,), (Shape.of(sizes[1:], -1),))
    elements = math.prod(sizes)
    return _operation(call, "mean", Ops(add=elements - call.made.elements, div=call.made.elements))


def _local_response(call: Call) -> Written:
    """Each value divided by a power of the sum of squares of its neighbors among the channels."""
    window = 2 * int(call.operator.option("Radius")) + 1
    return _operation(call, "local_response_norm", Ops(mul=window + 1, add=window, exp=1, div=1) * call.made.elements)


def _concat(call: Call) -> Written:
    made, parts = call.made_sizes, [call.sizes(place) for place in range(len(call.inputs))]
    axis = int(call.operator.option("Axis")) % max(len(made), 1)
    if not made or any(len(part) != len(made) for part in parts) or sum(part[axis] for part in parts) != made[axis]:
        raise CostModelError(f"the parts of this concatenation do not add up to {call.made}; convert the model again")
    if len(parts) > 1 and len(made) > 1 and made[0] == 1 and axis == len(made) - 1 and not any(call.constant):
        return Written(Concat(), call.data, tuple([Shape.of(part[1:], -1) for part in parts]))
    return Written(Move("concat", call.made), call.data)


def _pad(call: Call) -> Written:
    """Zeros around the spatial sizes are padding; anything else is a move."""
    amounts, sizes = call.numbers(1), call.sizes(0)
    inside = amounts is not None and len(amounts) == 2 * len(sizes) and min(amounts) >= 0
    if amounts is None or not inside or len(sizes) < 3 or sizes[0] != 1 or call.operator.name == "PADV2":
        return _move(call)
    sides = tuple(zip(amounts[::2], amounts[1::2], strict=True))
    if sides[0] != (0, 0) or sides[-1] != (0, 0):
        return _move(call)
    return Written(ZeroPad(sides[1:-1]), (0,), (Shape.of(sizes[1:], -1),))


def _gather(call: Call) -> Written:
    """Rows of a table that the file holds are an embedding."""
    table, indices = (0, 1) if call.operator.name == "GATHER" else (1, 0)
    options = call.operator
    plain = options.name != "GATHER" or not (options.option("Axis") or options.option("BatchDims"))
    if call.constant[table] and not call.constant[indices] and len(call.sizes(table)) == 2 and plain:
        made = Embedding(*call.sizes(table))
        seen = sample(call.sizes(indices))
        if made.output((seen,)).sizes == call.made.sizes:
            return Written(made, (indices,), (seen,), {table: "weight"})
    return _move(call)


def _move(call: Call) -> Written:
    name = call.operator.name.lower().removesuffix("_v2")
    rearranged = call.operator.name in REARRANGES and call.operator.name != "DENSIFY"
    if rearranged and math.prod(call.sizes(0)) != call.made.elements:
        raise CostModelError(f"{name} of {call.shape(0)} makes no {call.made}; convert the model again")
    if not call.outputs:  # written where a variable is
        return Written(Move(name, call.shape(1)), (1,))
    return Written(Move(name, call.made), call.data)


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(MOVES, _move),
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(_REDUCTIONS, _reduction),
    **dict.fromkeys(_OWN, _own),
    **dict.fromkeys(_ACTIVATIONS, _activation),
    **PRODUCTS,
    **RECURRENT,
    "DEQUANTIZE": _dequantize,
    "ADD": _add,
    "ADD_N": _add_n,
    "MUL": _mul,
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"), _pool),
    "MEAN": _mean,
    "LOCAL_RESPONSE_NORMALIZATION": _local_response,
    "CONCATENATION": _concat,
    **dict.fromkeys(("PAD", "PADV2"), _pad),
    **dict.fromkeys(("GATHER", "EMBEDDING_LOOKUP"), _gather),
}
