"""What an operator makes: sizes by the standard's own rules, and values where they are small and of no sample."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, numpy_helper

from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.tensor import FLOATING, MOST_VALUES, Tensor, checked, not_made, of_array
from costmodel.errors import CostModelError

#: Operators whose values are computed, where their inputs are known: what shapes are made of.
_EVALUATED = frozenset(
    "Abs Add And ArgMax ArgMin BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Clip Compress"
    " Concat ConstantOfShape CumSum Div Equal Exp Expand EyeLike Flatten Floor Gather GatherElements GatherND Greater"
    " GreaterOrEqual Identity Less LessOrEqual Log Max Mean Min Mod Mul Neg NonZero Not OneHot Or Pad Pow Range"
    " Reciprocal ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Relu Reshape Round"
    " ScatterElements ScatterND Sign Slice Split Sqrt Squeeze Sub Sum Tile TopK Transpose Trilu Unique Unsqueeze Where"
    " Xor".split()
)
#: Operators whose only output is as their first input is.
_AS_THEIR_INPUT = frozenset(
    "Abs BatchNormalization Ceil Clip Elu Erf Exp Floor Gelu GroupNormalization HardSigmoid HardSwish Identity LRN"
    " LayerNormalization LeakyRelu Log LogSoftmax MeanVarianceNormalization Mish Neg Reciprocal Relu Round Sigmoid"
    " SimplifiedLayerNormalization Softmax Softplus Sqrt Tanh".split()
)
#: Of those, the ones whose sizes follow from values, and are at most those of what they read.
_BOUNDED = frozenset(("Compress", "NonZero", "Unique"))
#: Numbers with a fraction matter where sizes are made of them, and those are few.
_MOST_FRACTIONS = 1024
#: Values with more elements than this make no shape.
_LONGEST_SHAPE = 64
#: Operators that read sizes out of numbers with a fraction.
_READ_FRACTIONS = frozenset(("Resize", "Upsample", "Range"))


def outputs(op: Operator) -> list[Tensor]:
    """What ``op`` makes, each with its type and sizes, and its values where all that it reads is known.

    Raises :class:`~costmodel.errors.CostModelError` where sizes depend on values that only a run knows.
    """
    if not op.is_constant:
        return _inferred(op)
    known = op.type in _EVALUATED and all(read is None or read.is_known for read in op.inputs)
    if known and op.type in _BOUNDED:
        arrays = _evaluated(op)
        if arrays is None:
            raise _depends(op)
        made = [of_array(array) for array in arrays]
    else:
        made = _inferred(op)
        if known and all(map(_is_small, made)):
            compute = cache(partial(_evaluated, op))
            for slot, tensor in enumerate(made):
                tensor.values = partial(_nth, compute, slot)
    stored = _stored(op)
    for tensor in made:
        tensor.stored = stored
    return made


def as_standard(op: Operator, op_type: str, places: Sequence[int]) -> list[Tensor]:
    """What the standard's operator ``op_type`` makes of the inputs of ``op`` at these ``places``."""
    proto = NodeProto()
    proto.CopyFrom(op.proto)
    proto.op_type, proto.domain = op_type, ""
    del proto.input[:], proto.output[1:], proto.attribute[:]
    given = [place for place in places if op.input(place) is not None]
    proto.input.extend(op.proto.input[place] for place in given)
    opsets = {**op.opsets, "": max(op.opsets.get("", 0), 13)}
    standard = Operator(op.book, proto, [op.input(place) for place in given], opsets, op.readers)
    proto.attribute.extend(one for one in op.proto.attribute if one.name in standard.schema.attributes)
    return _inferred(standard)


def _nth(compute: Callable[[], list[Any] | None], slot: int) -> Any:
    arrays = compute()
    return None if arrays is None else arrays[slot]


def _is_small(tensor: Tensor) -> bool:
    return tensor.elements <= (_MOST_FRACTIONS if tensor.type in FLOATING else MOST_VALUES)


def _stored(op: Operator) -> tuple[str, ...]:
    """The tensors of the file that a constant is made of; shapes and indices are none of them."""
    held = [read for read in op.inputs if read is not None and read.stored]
    if op.type in ("DequantizeLinear", "QuantizeLinear"):
        return held[0].stored if held and held[0] is op.inputs[0] else ()
    if op.type == "ConstantOfShape":  # as many as the file says; a shape of the sample's makes none
        return (op.proto.output[0],) if held else ()
    numbers = [read for read in held if read.dtype not in ("int64", "int32", "bool")] or held
    return tuple(dict.fromkeys(name for read in numbers for name in read.stored))


def _inferred(op: Operator) -> list[Tensor]:
    first = op.inputs[0] if op.inputs else None
    if op.type in _AS_THEIR_INPUT and first is not None:
        return [Tensor(first.sizes, first.type), *[not_made() for _ in op.proto.output[1:]]]
    types, data = {}, {}
    for name, read in zip(op.proto.input, op.inputs, strict=True):
        if read is None:
            continue
        types[name] = read.type_proto
        says_sizes = read.constant and (read.type not in FLOATING or op.type in _READ_FRACTIONS)
        if says_sizes and read.elements <= _LONGEST_SHAPE and read.values is not None:
            data[name] = numpy_helper.from_array(np.asarray(read.values), name)
    try:
        found = onnx.shape_inference.infer_node_outputs(
            op.schema, op.proto, types, data, opset_imports=op.opset_imports, ir_version=op.ir_version
        )
    except Exception as error:
        lines = [line for line in str(error).strip().splitlines() if line.strip()] or [type(error).__name__]
        raise CostModelError(f"it does not fit what it reads, {op.reads_text}: {lines[-1]:.200}") from None
    made: list[Tensor] = []
    for name in op.proto.output:
        typed = found[name].tensor_type if name in found else None
        if typed is not None and typed.HasField("shape") and all(dim.HasField("dim_value") for dim in typed.shape.dim):
            made.append(Tensor(checked([dim.dim_value for dim in typed.shape.dim], name), typed.elem_type))
        elif op.readers.get(name):
            raise _depends(op)
        else:
            made.append(not_made())
    return made


def _depends(op: Operator) -> CostModelError:
    return CostModelError(
        f"the sizes of what {op.type} makes depend on values that only a run knows, and it reads {op.reads_text};"
        " cut the file before it, or fix those values in it"
    )


def _evaluated(op: Operator) -> list[Any] | None:
    """What ``op`` computes, by the standard's reference; None where it cannot."""
    from onnx.reference import ReferenceEvaluator

    graph = GraphProto()
    node = NodeProto()
    node.CopyFrom(op.proto)
    graph.node.append(node)
    feeds = {}
    for name, read in zip(op.proto.input, op.inputs, strict=True):
        if read is not None and name not in feeds:
            graph.input.add().name = name
            feeds[name] = read.values
    for name in filter(None, op.proto.output):
        graph.output.add().name = name
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            arrays = ReferenceEvaluator(graph, opsets=op.opsets).run(None, feeds)
    except Exception:
        return None
    named = iter(arrays)
    made = [np.asarray(next(named)) if name else np.empty(0) for name in op.proto.output]
    return None if any(array.size > MOST_VALUES for array in made) else made
