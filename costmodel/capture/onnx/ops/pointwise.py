"""Operators that compute value by value, and those that reduce."""

from __future__ import annotations

import numpy as np

from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.ops.matmul import batched, computed
from costmodel.capture.onnx.ops.types import Handler
from costmodel.capture.onnx.tensor import Tensor, sample
from costmodel.capture.operator_costs import ELEMENTWISE, REDUCTIONS
from costmodel.core.counts import NO_PARAMS, Ops
from costmodel.core.layers import Activation, Add, GlobalAveragePool, Linear, Scale

#: Activations that have a name in the field.
_ACTIVATIONS = {
    "Relu": "relu", "Sigmoid": "sigmoid", "HardSigmoid": "hard_sigmoid", "HardSwish": "hard_swish", "Tanh": "tanh",
    "LeakyRelu": "leaky_relu", "Elu": "elu", "Softplus": "softplus", "Gelu": "gelu", "Mish": "mish", "Swish": "swish",
}  # fmt: skip

#: Those that a fused operator computes as well.
FUSED = {**_ACTIVATIONS, "Clip": "hard_tanh"}

#: What one value of the result takes, by the name that PyTorch has for it.
_VALUES = {
    "Sub": "sub", "Mul": "mul", "Div": "div", "Neg": "neg", "Abs": "abs", "Exp": "exp", "Log": "log", "Sqrt": "sqrt",
    "Reciprocal": "reciprocal", "Pow": "pow", "Erf": "erf", "Sin": "sin", "Cos": "cos", "Tan": "tan", "Asin": "asin",
    "Acos": "acos", "Atan": "atan", "Sinh": "sinh", "Cosh": "cosh", "Asinh": "sinh", "Acosh": "cosh", "Atanh": "log",
    "Ceil": "ceil", "Floor": "floor", "Round": "round", "Sign": "sign", "Mod": "remainder", "IsNaN": "isnan",
    "IsInf": "isinf", "Equal": "eq", "Greater": "gt", "GreaterOrEqual": "ge", "Less": "lt", "LessOrEqual": "le",
    "And": "logical_and", "Or": "logical_or", "Not": "logical_not", "Xor": "logical_xor", "PRelu": "_prelu_kernel",
    "BitwiseAnd": "bitwise_and", "BitwiseOr": "bitwise_or", "BitwiseXor": "bitwise_xor", "BitwiseNot": "bitwise_not",
    "BitShift": "bitwise_left_shift", "ThresholdedRelu": "threshold", "Selu": "selu", "Celu": "celu",
    "Shrink": "softshrink", "Bernoulli": "bernoulli",
}  # fmt: skip

#: What one value takes, where PyTorch has no operator for it.
_OWN = {"Softsign": Ops(add=1, cmp=1, div=1)}

#: What one value that is read takes, by the name that PyTorch has for it.
_REDUCTIONS = {
    "ReduceSum": "sum", "ReduceMax": "amax", "ReduceMin": "amin", "ReduceProd": "prod", "ReduceLogSumExp": "logsumexp",
    "ReduceL2": "linalg_vector_norm", "ArgMax": "argmax", "ArgMin": "argmin", "TopK": "topk", "CumSum": "cumsum",
    "CumProd": "cumprod", "Softmax": "_softmax", "LogSoftmax": "_log_softmax", "Hardmax": "argmax", "Col2Im": "col2im",
}  # fmt: skip
_OWN_REDUCTIONS = {
    "ReduceL1": Ops(add=1, cmp=1),
    "ReduceSumSquare": Ops(add=1, mul=1),
    "ReduceLogSum": Ops(add=1, exp=1),
}

#: Of several tensors: what each further one takes for each value.
_FOLDS = {"Min": Ops(cmp=1), "Max": Ops(cmp=1), "Sum": Ops(add=1), "Mean": Ops(add=1)}


def value_work(name: str) -> Ops:
    """What one value of the result of an operator of the standard takes."""
    return _OWN[name] if name in _OWN else ELEMENTWISE[_VALUES[name]]


def _activation(op: Operator) -> None:
    activate(op, _ACTIVATIONS[op.type], op.needed(0))


def activate(op: Operator, name: str, read: Tensor, part: str = "") -> None:
    """An activation of each value."""
    op.add(Activation(name), [read], part=part, axis=read.axis)
    op.made.axis = read.axis


def _values(op: Operator) -> None:
    name = (_VALUES.get(op.type) or op.type).strip("_").lower()
    stored = op.book.claim("affine", op.input(1)) if op.type == "PRelu" else NO_PARAMS
    reads = computed(*op.inputs) if op.type == "PRelu" else None
    op.operation(name, value_work(op.type) * op.made.elements, reads, stored)


def _clip(op: Operator) -> None:
    low, high = _bound(op, 1, "min"), _bound(op, 2, "max")
    if (low, high) == (0, 6):
        activate(op, "relu6", op.needed(0))
        return
    bounds = [op.input(1) is not None or "min" in op.attributes, op.input(2) is not None or "max" in op.attributes]
    op.operation("clamp", Ops(cmp=sum(bounds)) * op.made.elements)


def _bound(op: Operator, place: int, name: str) -> float | None:
    read = op.input(place)
    if read is None:
        return op.attribute(name)  # type: ignore[no-any-return]
    return float(np.asarray(read.values).ravel()[0]) if read.values is not None and read.elements == 1 else None


def _add(op: Operator) -> None:
    if _is_bias(op):
        return
    both = [op.needed(0), op.needed(1)]
    if all(not read.constant and read.sizes == op.made.sizes for read in both):
        _sum(op, both)
    else:
        op.operation("add", ELEMENTWISE["add"] * op.made.elements)


def _sum(op: Operator, reads: list[Tensor]) -> None:
    axis = next((read.axis for read in reads if read.axis is not None), None)
    shape = sample(op.made.sizes, axis)
    op.add(Add(), reads, (shape,) * len(reads))
    op.made.axis = axis


def _is_bias(op: Operator) -> bool:
    """A vector added to a product by a matrix that the file holds, which nothing else reads: its bias."""
    for product, bias in ((op.needed(0), op.needed(1)), (op.needed(1), op.needed(0))):
        node = product.node
        if not (node and isinstance(node.layer, Linear) and not node.layer.bias and bias.constant and bias.stored):
            continue
        name = op.proto.input[0] if product is op.needed(0) else op.proto.input[1]
        if bias.elements != node.layer.out_features or bias.sizes[-1:] != product.sizes[-1:]:
            continue
        if (
            op.readers.get(name) == 1
            and product.sizes == op.made.sizes
            and sample(product.sizes, product.axis) == node.shape
        ):
            layer = Linear(node.layer.out_features, True)
            own = node.params + op.book.claim("bias", bias)
            stored = None if own == layer.params(node.sample[0]) else own
            whole = node._replace(layer=layer, provenance=node.provenance._replace(stored=stored))
            op.book.put(node, whole)
            op.made.node, op.made.axis = whole, product.axis
            return True
    return False


def _mul(op: Operator) -> None:
    both = [op.needed(0), op.needed(1)]
    made = op.made.sizes
    gate = (*made[:2], *(1,) * (len(made) - 2))
    whole, other = both if both[0].sizes == made else both[::-1]
    if (
        len(made) > 2
        and made[0] == 1
        and whole.sizes == made != other.sizes == gate
        and not whole.constant
        and not other.constant
    ):
        op.add(Scale(), [whole, other], (sample(made), sample(gate)))
    else:
        _values(op)


def _fold(op: Operator) -> None:
    reads = [op.needed(place) for place in range(len(op.inputs))]
    made = op.made
    if op.type == "Sum" and len(reads) > 1 and all(not read.constant and read.sizes == made.sizes for read in reads):
        _sum(op, reads)
        return
    work = (len(reads) - 1) * _FOLDS[op.type] + (Ops(div=1) if op.type == "Mean" else Ops())
    op.operation({"Min": "minimum", "Max": "maximum", "Sum": "add", "Mean": "mean"}[op.type], work * made.elements)


def _reduction(op: Operator) -> None:
    work = _OWN_REDUCTIONS[op.type] if op.type in _OWN_REDUCTIONS else REDUCTIONS[_REDUCTIONS[op.type]]
    name = _REDUCTIONS.get(op.type, op.type.removeprefix("Reduce").lower()).strip("_")
    op.operation(name, work * op.needed(0).elements, [op.needed(0)])


def _mean(op: Operator) -> None:
    x, made = op.needed(0), op.made
    axes = op.numbers(1, "axes")
    rank = len(x.sizes)
    if axes and rank > 2 and {axis % rank for axis in axes} == set(range(2, rank)) and op.attribute("keepdims", 1):
        times, shape = batched(x)
        op.add(GlobalAveragePool(), [x], (shape,), times=times)
        return
    op.operation("mean", Ops(add=x.elements - made.elements, div=made.elements), [x])


POINTWISE: dict[str, Handler] = {
    **dict.fromkeys(_ACTIVATIONS, _activation),
    **dict.fromkeys((*_VALUES, *_OWN), _values),
    **dict.fromkeys(_FOLDS, _fold),
    **dict.fromkeys((*_REDUCTIONS, *_OWN_REDUCTIONS), _reduction),
    "Add": _add,
    "Mul": _mul,
    "Clip": _clip,
    "ReduceMean": _mean,
}
