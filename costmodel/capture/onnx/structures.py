"""Operators that hold graphs: a branch, a loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.tensor import Tensor, of_array
from costmodel.core.counts import NO_OPS, NO_PARAMS
from costmodel.core.graph import Node
from costmodel.errors import CostModelError


class Inside(Protocol):
    """Reads the graph that an operator holds as its attribute ``part``; a loop says which ``step`` of it that is."""

    def __call__(self, part: str, inputs: Sequence[Tensor], step: int | None = None) -> list[Tensor]: ...


#: Reads an operator that holds graphs.
Structure: TypeAlias = Callable[[Operator, Inside], None]


def _branch(op: Operator, inside: Inside) -> None:
    """The branch that a known condition takes; else either, where both cost the same."""
    condition = op.needed(0).values
    if condition is not None:
        op.outputs = inside("then_branch" if bool(np.asarray(condition).all()) else "else_branch", ())
        return
    mark, costs = op.book.mark(), []
    for part in ("else_branch", "then_branch"):
        op.book.back_to(mark)
        before = len(op.book.nodes)
        op.outputs = inside(part, ())
        costs.append(_cost(op.outputs, op.book.nodes[before:]))
    if costs[0] == costs[1]:
        return
    (other, *_), (macs, *_) = costs
    what = "what they compute or make" if macs == other else f"their multiply-adds ({macs} and {other})"
    raise CostModelError(
        f"its branches differ in {what}, and only a run knows which is taken; cut the file so that it holds one"
    )


def _cost(results: Sequence[Tensor], made: Sequence[Node]) -> tuple[Any, ...]:
    """What a branch that made these nodes gives out, computes and stores."""
    ops = sum((node.ops for node in made), NO_OPS)
    stored = sum((node.params for node in made), NO_PARAMS)
    return ops.mac, ops, stored, [(result.sizes, result.type) for result in results]


def _loop(op: Operator, inside: Inside) -> None:
    """The body as often as it runs, where that is known."""
    trips, condition = op.input(0), op.input(1)
    most = None if trips is None else trips.integers()
    if trips is not None and most is None:
        raise _unknown("how often it runs depends on values")
    carried: list[Tensor] = [op.needed(place) for place in range(2, len(op.inputs))]
    scanned: list[list[Tensor]] = []
    going = condition is None or _known(condition)
    step = 0
    while going and (most is None or step < most[0]):
        count = of_array(np.asarray(step, np.int64))
        state = [count, of_array(np.asarray(True)), *carried]
        ended, *results = inside("body", state, step)
        carried = results[: len(carried)]
        scanned.append(results[len(carried) :])
        going = condition is None or _known(ended)
        step += 1
    op.outputs = [*carried, *_stacked(op, scanned, 0)]


def _known(condition: Tensor) -> bool:
    if condition.values is None:
        raise _unknown("when it ends depends on values")
    return bool(np.asarray(condition.values).all())


def _unknown(what: str) -> CostModelError:
    return CostModelError(f"{what} that only a run knows; export it for a number of steps that is fixed")


def _stacked(op: Operator, scanned: Sequence[Sequence[Tensor]], axis: int) -> list[Tensor]:
    """What each step makes, along a new axis."""
    if not scanned and len(op.proto.output) > len(op.inputs) - 2:
        raise CostModelError("it runs no step, so what it collects has no size")
    made = []
    for parts in zip(*scanned, strict=True):
        first = parts[0]
        if any(part.sizes != first.sizes for part in parts):
            raise CostModelError("its steps make tensors of different sizes, which cannot be stacked")
        values = [part.values for part in parts]
        if all(part.constant for part in parts) and all(value is not None for value in values):
            made.append(of_array(np.stack(values, axis)))
            continue
        sizes = list(first.sizes)
        sizes.insert(axis % (len(sizes) + 1), len(parts))
        op.outputs = [Tensor(tuple(sizes), first.type)]
        op.move("stack", [part for part in parts if not part.constant or part.stored])
        made += op.outputs
    return made


def _scan(op: Operator, inside: Inside) -> None:
    """The body, once for each place along the axis that it scans."""
    count = op.attribute("num_scan_inputs", 0)
    reads = [op.needed(place) for place in range(len(op.inputs))]
    carried, scans = reads[: len(reads) - count], reads[len(reads) - count :]
    axes = [
        axis % len(read.sizes) for axis, read in zip(op.attribute("scan_input_axes", (0,) * count), scans, strict=True)
    ]
    lengths = {read.sizes[axis] for read, axis in zip(scans, axes, strict=True)}
    if len(lengths) != 1:
        raise CostModelError(f"it scans axes of {len(lengths)} lengths; they must be equal")
    scanned = []
    for step in range(lengths.pop()):
        sliced = [_place_of(read, axis) for read, axis in zip(scans, axes, strict=True)]
        results = inside("body", [*carried, *sliced], step)
        carried = results[: len(carried)]
        scanned.append(results[len(carried) :])
    count_out = len(scanned[0]) if scanned else 0
    axes_out = op.attribute("scan_output_axes", (0,) * count_out)
    stacks = [_stacked(op, [[row[i]] for row in scanned], axes_out[i])[0] for i in range(count_out)]
    op.outputs = [*carried, *stacks]


def _place_of(read: Tensor, axis: int) -> Tensor:
    """One place of ``read`` along ``axis``: a view."""
    sizes = (*read.sizes[:axis], *read.sizes[axis + 1 :])
    return Tensor(sizes, read.type, read.node, read.slot, None, read.stored, read.source)


STRUCTURES: dict[str, Structure] = {"If": _branch, "Loop": _loop, "Scan": _scan}
