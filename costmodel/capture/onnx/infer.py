"""What an operator makes: sizes by the standard's own rules, and values where they are small and of no sample."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TypeProto, numpy_helper
from onnx.helper import tensor_dtype_to_np_dtype

from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.tensor import FLOATING, MOST_VALUES, Tensor, checked, not_made, of_array, type_proto
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
        arrays = _evaluate(op)
        if arrays is None:
            raise _depends(op)
        made = [of_array(array) for array in arrays]
    else:
        made = _inferred(op)
        if known and all(map(_is_small, made)):
            compute = cache(partial(_evaluate, op, made[0]))
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


def _every(op: Operator, read: Tensor) -> bool:
    return True


def _evaluate(op: Operator, made: Tensor | None = None) -> list[Any] | None:
    """What ``op`` computes of known values, the first of it of the type and sizes of ``made``; None where it cannot."""
    values = [None if read is None else read.values for read in op.inputs]
    if any(read is not None and value is None for read, value in zip(op.inputs, values, strict=True)):
        return None
    if made is not None and op.type in _DIRECT and op.version >= _INPUTS_SAY:
        dtype = tensor_dtype_to_np_dtype(made.type)
        # numpy's own types alone: others round and saturate by rules of the standard.
        if all(each.isbuiltin == 1 for each in (dtype, *[value.dtype for value in values if value is not None])):
            try:
                return [_DIRECT[op.type](op, values).astype(dtype).reshape(made.sizes)]
            except (ValueError, TypeError, IndexError, KeyError):
                return None
    return _computed(_question(op, _every))


def _sliced(op: Operator, values: list[Any]) -> Any:
    data, starts, ends, axes, steps = (*values, None, None)[:5]
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    places = [slice(None)] * data.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        places[axis] = slice(int(start), int(end), int(step))
    return data[tuple(places)]


#: From this version of the standard on, the places of a slice are inputs.
_INPUTS_SAY = 10
#: What shapes are mostly made of; the standard's reference, which takes long to load, computes the others.
_DIRECT: dict[str, Callable[[Operator, list[Any]], Any]] = {
    **dict.fromkeys(("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"), lambda _, values: values[0]),
    "Concat": lambda op, values: np.concatenate(values, op.attribute("axis")),
    "Gather": lambda op, values: np.take(values[0], values[1], op.attribute("axis", 0)),
    "Slice": _sliced,
}


def _nth(compute: Callable[[], list[Any] | None], slot: int) -> Any:
    arrays = compute()
    return None if arrays is None else arrays[slot]


def _is_small(tensor: Tensor) -> bool:
    return tensor.elements <= (_MOST_FRACTIONS if tensor.type in FLOATING else MOST_VALUES)


def _stored(op: Operator) -> tuple[str, ...]:
    """The tensors of the file that a constant is made of; shapes and indices are none of them."""
    weights = [read for read in op.inputs if read is not None and read.stored]
    if op.type in ("DequantizeLinear", "QuantizeLinear"):
        return weights[0].stored if weights and weights[0] is op.inputs[0] else ()
    if op.type == "ConstantOfShape":  # as many as the file says; a shape of the sample's makes none
        return (op.proto.output[0],) if weights else ()
    numbers = [read for read in weights if read.dtype not in ("int64", "int32", "bool")] or weights
    return tuple(dict.fromkeys(name for read in numbers for name in read.stored))


def _inferred(op: Operator) -> list[Tensor]:
    first = op.inputs[0] if op.inputs else None
    if op.type in _AS_THEIR_INPUT and first is not None:
        return [Tensor(first.sizes, first.type), *[not_made() for _ in op.proto.output[1:]]]
    try:
        results = _sizes(_question(op, _says_sizes))
    except Exception as error:
        lines = [line for line in str(error).strip().splitlines() if line.strip()] or [type(error).__name__]
        raise CostModelError(f"it does not fit what it reads, {op.reads_text}: {lines[-1]:.200}") from None
    made: list[Tensor] = []
    for name, typed in zip(op.proto.output, results, strict=True):
        if typed is not None:
            made.append(Tensor(checked(typed[1], name), typed[0]))
        elif op.readers.get(name):
            raise _depends(op)
        else:
            made.append(not_made())
    return made


def _says_sizes(op: Operator, read: Tensor) -> bool:
    """Whether the values of ``read`` may be sizes, and are few."""
    whole = read.constant and (read.type not in FLOATING or op.type in _READ_FRACTIONS)
    return whole and read.elements <= _LONGEST_SHAPE


def _depends(op: Operator) -> CostModelError:
    return CostModelError(
        f"the sizes of what {op.type} makes depend on values that only a run knows, and it reads {op.reads_text};"
        " cut the file before it, or fix those values in it"
    )


class _Read(NamedTuple):
    """An input of an operator: its type and sizes, and its values where they matter."""

    type: int
    sizes: tuple[int, ...]
    values: bytes | None
    dtype: Any = None

    def array(self) -> Any:
        """Its values."""
        return np.frombuffer(self.values or b"", self.dtype).reshape(self.sizes)


class _Question(NamedTuple):
    """What decides what an operator makes: blocks that repeat ask the same again and again."""

    type: str
    version: int
    opsets: tuple[tuple[str, int], ...]
    ir_version: int
    attributes: tuple[bytes, ...]
    reads: tuple[_Read | None, ...]
    makes: tuple[bool, ...]

    def node(self) -> NodeProto:
        """The operator, with names of its own."""
        node = NodeProto(op_type=self.type)
        node.input.extend(str(place) if read else "" for place, read in enumerate(self.reads))
        node.output.extend(f"made {place}" if made else "" for place, made in enumerate(self.makes))
        for attribute in self.attributes:
            node.attribute.add().ParseFromString(attribute)
        return node


def _question(op: Operator, asked: Callable[[Operator, Tensor], bool]) -> _Question:
    """What ``op`` makes, by the values of those inputs that are ``asked`` for."""
    reads = tuple([None if read is None else _read(read, asked(op, read)) for read in op.inputs])
    attributes = tuple([attribute.SerializeToString() for attribute in op.proto.attribute])
    opsets, makes = tuple(op.opsets.items()), tuple(map(bool, op.proto.output))
    return _Question(op.type, op.version, opsets, op.ir_version, attributes, reads, makes)


def _read(read: Tensor, asked: bool) -> _Read:
    values = read.values if asked else None
    if values is None:
        return _Read(read.type, read.sizes, None)
    array = np.asarray(values)
    return _Read(read.type, array.shape, array.tobytes(), array.dtype)


@lru_cache(maxsize=4096)
def _sizes(question: _Question) -> list[tuple[int, list[int]] | None]:
    """Type and sizes of what is made, by the standard's own rules; None where they depend on values."""
    types, data = {}, {}
    for place, read in enumerate(question.reads):
        if read is not None:
            types[str(place)] = type_proto(read.type, read.sizes)
            if read.values is not None:
                data[str(place)] = numpy_helper.from_array(read.array(), str(place))
    results = onnx.shape_inference.infer_node_outputs(
        onnx.defs.get_schema(question.type, question.version), question.node(), types, data,
        opset_imports=[onnx.helper.make_opsetid(*opset) for opset in question.opsets], ir_version=question.ir_version,
    )  # fmt: skip
    made: list[tuple[int, list[int]] | None] = []
    for place in range(len(question.makes)):
        typed = results.get(f"made {place}", TypeProto()).tensor_type
        is_known = typed.HasField("shape") and all(dim.HasField("dim_value") for dim in typed.shape.dim)
        made.append((typed.elem_type, [dim.dim_value for dim in typed.shape.dim]) if is_known else None)
    return made


def _computed(question: _Question) -> list[Any] | None:
    """What an operator computes of known values, by the standard's reference; None where it cannot."""
    from onnx.reference import ReferenceEvaluator

    graph, node = GraphProto(), question.node()
    graph.node.append(node)
    feeds = {}
    for name, read in zip(node.input, question.reads, strict=True):
        if read is not None:
            graph.input.add().name = name
            feeds[name] = read.array()
    for name in filter(None, node.output):
        graph.output.add().name = name
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            arrays = ReferenceEvaluator(graph, opsets=dict(question.opsets)).run(None, feeds)
    except Exception:
        return None
    named = iter(arrays)
    made = [np.asarray(next(named)) if name else np.empty(0) for name in node.output]
    return None if any(array.size > MOST_VALUES for array in made) else made
