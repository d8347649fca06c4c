"""Operators that move, select, repeat or convert values and compute nothing."""

from __future__ import annotations

import math

from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.ops.matmul import computed
from costmodel.capture.onnx.ops.types import Handler
from costmodel.capture.onnx.tensor import Tensor, sample
from costmodel.capture.operator_costs import ELEMENTWISE, REDUCTIONS
from costmodel.core.counts import NO_OPS, Ops
from costmodel.core.layers import Concat, Embedding, ZeroPad
from costmodel.core.shape import Shape

#: Operators that are only a move, with what people call it.
_MOVES = {
    "Slice": "slice", "Split": "split", "Expand": "expand", "Tile": "repeat", "DepthToSpace": "pixel_shuffle",
    "SpaceToDepth": "pixel_unshuffle", "GatherElements": "gather", "GatherND": "gather_nd", "Where": "where",
    "Compress": "compress", "ReverseSequence": "reverse", "Trilu": "triu", "OneHot": "one_hot",
    "MaxUnpool": "max_unpool",
    "CenterCropPad": "crop_pad", "ConstantOfShape": "full", "Range": "arange", "Scatter": "scatter", "Unique": "unique",

    "NonZero": "nonzero", "EyeLike": "eye", "RandomNormalLike": "randn_like", "RandomUniformLike": "rand_like",
    "CastLike": "cast", "BitCast": "bit_cast", "TensorScatter": "scatter", "NonMaxSuppression": "nms",
}  # fmt: skip


def _move(op: Operator) -> None:
    op.move(_MOVES[op.type])


def _transpose(op: Operator) -> None:
    x = op.needed(0)
    order = op.attribute("perm", tuple(reversed(range(len(x.sizes)))))
    axis = None if x.axis is None else tuple(order).index(x.axis)
    # Where only axes of size 1 change places, values stay where they are.
    if [place for place in order if x.sizes[place] > 1] == sorted(place for place in order if x.sizes[place] > 1):
        op.view(axis)
    else:
        op.move("transpose", axis=axis)


def _view(op: Operator) -> None:
    x, made = op.needed(0), op.made
    op.view(_followed(x, made))


def _followed(x: Tensor, made: Tensor) -> int | None:
    """Where the features of ``x`` stand in other sizes: what comes before them, or after them, is as much as before."""
    if x.axis is None:
        return None
    size, before, after = x.sizes[x.axis], math.prod(x.sizes[: x.axis]), math.prod(x.sizes[x.axis + 1 :])
    for axis in reversed(range(len(made.sizes))):
        if made.sizes[axis] == size and math.prod(made.sizes[:axis]) == before:
            return axis
    for axis in reversed(range(len(made.sizes))):
        if math.prod(made.sizes[axis + 1 :]) == after:
            return axis
    return None


def _cast(op: Operator) -> None:
    if op.needed(0).type == op.made.type:
        _view(op)
    else:
        op.move("cast")


def _gather(op: Operator) -> None:
    table, indices = op.needed(0), op.needed(1)
    axis = op.attribute("axis", 0) % max(len(table.sizes), 1)
    if table.constant and table.stored and len(table.sizes) == 2 and axis == 0 and not indices.constant:
        stored = op.book.claim("weight", table)
        op.add(Embedding(*table.sizes), [indices], (sample(indices.sizes),), stored)
    else:
        op.move("index_select", computed(table, indices) if not table.constant else None)


def _concat(op: Operator) -> None:
    parts = [op.needed(place) for place in range(len(op.inputs))]
    whole = [part for part in parts if part.elements]
    made = op.made.sizes
    axis = op.attribute("axis", 0) % len(made)
    features = next((part.axis for part in whole if part.axis is not None), 1)
    if len(whole) > 1 and made[0] == 1 and axis == features and all(not part.constant for part in whole):
        op.add(Concat(), whole, tuple([Shape.of(part.sizes[1:], axis - 1) for part in whole]))
    else:
        op.move("concat", [part for part in whole if not part.constant or part.stored])


def _pad(op: Operator) -> None:
    x, pads = op.needed(0), op.numbers(1, "pads") or []
    rank = len(x.sizes)
    axes = (op.numbers(3) if op.input(3) is not None else None) or list(range(rank))
    around = [(0, 0)] * rank
    for place, axis in enumerate(axes):
        around[axis % rank] = (pads[place], pads[place + len(axes)])
    zeros = op.attribute("mode", "constant") == "constant" and _fills_zeros(op)
    if rank > 2 and x.sizes[0] == 1 and zeros and max(map(max, around[:2])) == 0 and min(map(min, around)) >= 0:
        op.add(ZeroPad(tuple(around[2:])), [x], (sample(x.sizes),))
    else:
        op.move("pad", [x])


def _fills_zeros(op: Operator) -> bool:
    value = op.input(2)
    if value is None:
        return bool(op.attribute("value", 0.0) == 0)
    return value.values is not None and not value.values.any()


def _scatter(op: Operator) -> None:
    reduction = op.attribute("reduction", "none")
    work = NO_OPS if reduction == "none" else REDUCTIONS["sum"] * op.needed(2).elements
    name = op.type.replace("Scatter", "scatter_").lower()
    if work == NO_OPS:
        op.move(name)
    else:
        op.operation(name, {"add": work, "mul": Ops(mul=work.add)}.get(reduction, Ops(cmp=work.add)))


def _resize(op: Operator) -> None:
    x, made = op.needed(0), op.made
    axes = [axis for axis, (old, new) in enumerate(zip(x.sizes, made.sizes, strict=True)) if old != new]
    # A resize of one axis of an image is still one of an image: what stays is read at its own place.
    rank = max(len(axes), 1)
    mode = op.attribute("mode", "nearest")
    if mode == "nearest":
        op.operation(f"upsample_nearest{max(len(x.sizes) - 2, 1)}d", NO_OPS, [x], axis=x.axis)
        return
    linear = {1: "upsample_linear1d", 2: "upsample_bilinear2d", 3: "upsample_trilinear3d"}
    if mode == "linear" and rank in linear:
        name, work = linear[rank], ELEMENTWISE[linear[rank]]
    else:
        taps = (2 if mode == "linear" else 4) ** rank
        name, work = f"upsample_{mode}{rank}d", Ops(mul=taps, add=taps - 1)
    op.operation(name, work * made.elements, [x], axis=x.axis)


def _grid(op: Operator) -> None:
    """Values at places that are computed: between their neighbors."""
    rank, mode = len(op.needed(0).sizes) - 2, op.attribute("mode", "linear")
    taps = {"nearest": 1, "cubic": 4, "bicubic": 4}.get(mode, 2) ** rank
    work = NO_OPS if taps == 1 else Ops(mul=taps, add=taps - 1)
    op.operation(f"grid_sampler_{rank}d", work * op.made.elements, axis=1)


def _dropout(op: Operator) -> None:
    training = op.input(2)
    if training is not None and (training.values is None or bool(training.values)):
        op.move("dropout", [op.needed(0)])
    else:
        _view(op)


MOVEMENT: dict[str, Handler] = {
    **dict.fromkeys(_MOVES, _move),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"), _view),
    **dict.fromkeys(("ScatterElements", "ScatterND"), _scatter),
    **dict.fromkeys(("Resize", "Upsample"), _resize),
    "Transpose": _transpose,
    "Cast": _cast,
    "Gather": _gather,
    "Concat": _concat,
    "Pad": _pad,
    "GridSample": _grid,
    "Dropout": _dropout,
}
