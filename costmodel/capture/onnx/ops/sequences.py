"""Lists of tensors, and values that may be missing: nothing is computed, and their sizes are those of their parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.ops.types import Handler
from costmodel.capture.onnx.tensor import Tensor, of_array
from costmodel.errors import CostModelError


def _listed(parts: Sequence[Tensor]) -> Tensor:
    return Tensor((), parts[0].type if parts else 1, parts=list(parts))


def _parts(op: Operator) -> list[Tensor]:
    parts = op.needed(0).parts
    if parts is None:
        raise CostModelError(f"{op.type} reads a list of tensors, and is given one tensor")
    return parts


def _position(op: Operator, place: int) -> int:
    entries = op.numbers(place)
    if not entries:
        raise CostModelError(f"{op.type} needs to know which tensor of its list is meant")
    return entries[0]


def _construct(op: Operator) -> None:
    op.outputs = [_listed([op.needed(place) for place in range(len(op.inputs))])]


def _empty(op: Operator) -> None:
    op.outputs = [_listed([])]


def _at(op: Operator) -> None:
    parts, position = _parts(op), _position(op, 1)
    if not -len(parts) <= position < len(parts):
        raise CostModelError(f"it takes tensor {position} of a list of {len(parts)}")
    op.outputs = [parts[position]]


def _length(op: Operator) -> None:
    op.outputs = [of_array(np.asarray(len(_parts(op)), np.int64))]


def _insert(op: Operator) -> None:
    parts = list(_parts(op))
    parts.insert(_position(op, 2) if op.input(2) is not None else len(parts), op.needed(1))
    op.outputs = [_listed(parts)]


def _erase(op: Operator) -> None:
    parts = list(_parts(op))
    del parts[_position(op, 1) if op.input(1) is not None else -1]
    op.outputs = [_listed(parts)]


def _split(op: Operator) -> None:
    x, lengths = op.needed(0), op.numbers(1)
    axis = op.attribute("axis", 0) % max(len(x.sizes), 1)
    size = x.sizes[axis]
    single = lengths is None or not op.needed(1).sizes
    step = 1 if lengths is None else max(lengths[0], 1)
    parts = [min(step, size - start) for start in range(0, size, step)] if single or lengths is None else lengths
    keep = lengths is not None or op.attribute("keepdims", 1)
    rest = x.sizes[:axis], x.sizes[axis + 1 :]
    op.outputs = [Tensor((*rest[0], *((part,) if keep else ()), *rest[1]), x.type) for part in parts]
    if x.constant:
        for made in op.outputs:
            made.stored = x.stored
    else:
        op.move("split", [x])
    op.outputs = [_listed(op.outputs)]


def _concat(op: Operator) -> None:
    parts = _parts(op)
    if not parts:
        raise CostModelError("it joins a list of no tensors, which has no size")
    axis, first = op.attribute("axis", 0), list(parts[0].sizes)
    if op.attribute("new_axis", 0):
        first.insert(axis % (len(first) + 1), len(parts))
    else:
        first[axis] = sum(part.sizes[axis] for part in parts)
    op.outputs = [Tensor(tuple(first), parts[0].type)]
    known = [part for part in parts if not part.constant or part.stored]
    if all(part.constant for part in parts):
        op.made.stored = tuple(name for part in parts for name in part.stored)
    else:
        op.move("concat", known)


def _same(op: Operator) -> None:
    op.outputs = [op.needed(0)]


def _is_there(op: Operator) -> None:
    op.outputs = [of_array(np.asarray(op.input(0) is not None))]


SEQUENCES: dict[str, Handler] = {
    "SequenceConstruct": _construct,
    "SequenceEmpty": _empty,
    "SequenceAt": _at,
    "SequenceLength": _length,
    "SequenceInsert": _insert,
    "SequenceErase": _erase,
    "SplitToSequence": _split,
    "ConcatFromSequence": _concat,
    "Optional": _same,
    "OptionalGetElement": _same,
    "OptionalHasElement": _is_there,
}
