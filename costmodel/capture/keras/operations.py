"""What each operation of ``keras.ops`` is, by the name of its class. One that stands in no table stops the reading."""

from __future__ import annotations

import re

from costmodel.capture.keras.activations import OPERATIONS as ACTIVATIONS
from costmodel.capture.keras.call import Handler, Handlers, LayerCall, Made, UndecidedError
from costmodel.capture.keras.layers import concatenated, gated, resized
from costmodel.capture.operator_costs import ELEMENTWISE, REDUCTIONS
from costmodel.core.counts import Ops
from costmodel.core.layers import Add, Alias, MatMul
from costmodel.core.shape import Shape

#: For each value of the result, by the name that PyTorch has for it.
_VALUES = {
    "Subtract": "sub", "Divide": "div", "TrueDivide": "div", "FloorDivide": "floor_divide", "Mod": "remainder",
    "Power": "pow", "Maximum": "maximum", "Minimum": "minimum", "Negative": "neg", "Absolute": "abs", "Abs": "abs",
    "Exp": "exp", "Exp2": "exp2", "Expm1": "expm1", "Log": "log", "Log1p": "log1p", "Log2": "log2", "Log10": "log10",
    "Sqrt": "sqrt", "Rsqrt": "rsqrt", "Square": "square", "Sin": "sin", "Cos": "cos", "Tan": "tan", "Arcsin": "asin",
    "Arccos": "acos", "Arctan": "atan", "Arctan2": "atan2", "Sinh": "sinh", "Cosh": "cosh", "Erf": "erf",
    "Floor": "floor", "Ceil": "ceil", "Round": "round", "Trunc": "trunc", "Sign": "sign", "Clip": "clamp",
    "Reciprocal": "reciprocal", "Equal": "eq", "NotEqual": "ne", "Less": "lt", "LessEqual": "le", "Greater": "gt",
    "GreaterEqual": "ge", "LogicalAnd": "logical_and", "LogicalOr": "logical_or", "LogicalNot": "logical_not",
    "LogicalXor": "logical_xor", "Isnan": "isnan", "Isinf": "isinf", "Isfinite": "isfinite",
    "Logaddexp": "logaddexp",
}  # fmt: skip
#: For each value that is read.
_REDUCTIONS = {
    "Sum": "sum", "Prod": "prod", "Max": "amax", "Min": "amin", "Amax": "amax", "Amin": "amin", "Argmax": "argmax",
    "Argmin": "argmin", "All": "all", "Any": "any", "Cumsum": "cumsum", "Cumprod": "cumprod", "Var": "var",
    "Std": "std", "Logsumexp": "logsumexp", "Sort": "sort", "Argsort": "argsort",
}  # fmt: skip
#: Copy, select or convert values and compute nothing.
_MOVES = (
    *("Transpose", "Swapaxes", "Moveaxis", "Stack", "Split", "GetItem", "Slice", "Pad", "Repeat", "Tile", "Take"),
    *("TakeAlongAxis", "BroadcastTo", "Flip", "Roll", "Where", "Cast", "Copy", "Triu", "Tril", "Diagonal", "OneHot"),
    *("ExtractPatches", "Unstack", "ConvertToTensor", "OnesLike", "ZerosLike", "FullLike"),
    *("DepthToSpace", "SpaceToDepth"),
)
#: The same values in other sizes.
_VIEWS = ("Reshape", "ExpandDims", "Squeeze", "Ravel")


def _snake(name: str) -> str:
    """
    >>> _snake("TakeAlongAxis")
    'take_along_axis'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _value(name: str) -> Handler:
    return lambda call: call.operation(name, ELEMENTWISE[name] * call.elements)


def _reduction(name: str) -> Handler:
    return lambda call: call.operation(name.strip("_"), REDUCTIONS[name] * call.x.elements)


def _mean(call: LayerCall) -> Made:
    work = Ops(add=call.x.elements - call.elements, div=call.elements)
    return call.operation("mean", work)


def _move(name: str, alias: Alias | None = None) -> Handler:
    def handler(call: LayerCall) -> tuple[Made, ...]:
        made = call.move(name, alias=alias, others=call.others)
        return call.all_made(made)

    return handler


def _add(call: LayerCall) -> Made:
    if len(call.reads) == 2 and call.reads[0].sizes == call.reads[1].sizes:
        return call.add(Add(), call.reads, (call.x.shape(),) * 2)
    return call.operation("add", ELEMENTWISE["add"] * call.elements)


def _multiply(call: LayerCall) -> Made:
    return gated(call) or call.operation("mul", ELEMENTWISE["mul"] * call.elements)


def _same(call: LayerCall) -> Made:
    return call.x


def _concatenate(call: LayerCall) -> Made:
    return concatenated(call, call.keras.axis)


def _resize(call: LayerCall) -> Made:
    layer = call.keras
    if layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio or layer.antialias:
        raise UndecidedError("a Resize that keeps the aspect ratio, or with antialias")
    return resized(call, layer.interpolation)


def _matmul(call: LayerCall) -> Made:
    if len(call.reads) == 1:
        raise UndecidedError("a product with a constant, which Keras holds outside of its layers")
    left, right = call.reads
    if len(left.sizes) == len(right.sizes) > 1 and left.sizes[:-2] == right.sizes[:-2]:
        return call.add(MatMul(), call.reads, (Shape.of(left.sizes, -1), Shape.of(right.sizes, -1)))
    inner = left.sizes[-1] if left.sizes else 1
    return call.operation("matmul", Ops(mac=call.elements * inner))


def _einsum(call: LayerCall) -> Made:
    """A product over every index: the sizes of all letters multiplied, but the batch."""
    reads, _, made = call.keras.subscripts.replace(" ", "").partition("->")
    parts = reads.split(",")
    if len(parts) != 2 or len(call.reads) != 2 or "..." in reads or any(part[0] != made[:1] for part in parts):
        raise UndecidedError(f"the equation {call.keras.subscripts} of an einsum")
    sizes = {
        letter: size
        for part, read in zip(parts, call.reads, strict=True)
        for letter, size in zip(part[1:], read.sizes, strict=True)
    }
    work = 1
    for size in sizes.values():
        work *= size
    return call.operation("einsum", Ops(mac=work))


OPERATIONS: Handlers = {
    **ACTIVATIONS,
    **{name: _value(own) for name, own in _VALUES.items()},
    **{name: _reduction(own) for name, own in _REDUCTIONS.items()},
    **{name: _move(_snake(name)) for name in _MOVES},
    **{name: _move(_snake(name), Alias()) for name in _VIEWS},
    "Mean": _mean,
    "Add": _add,
    "Multiply": _multiply,
    "StopGradient": _same,
    "Concatenate": _concatenate,
    "Resize": _resize,
    "Matmul": _matmul,
    "Einsum": _einsum,
}
