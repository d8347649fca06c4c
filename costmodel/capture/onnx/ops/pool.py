"""Pools: of windows, and of everything."""

from __future__ import annotations

import math

from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.ops.matmul import batched, padding
from costmodel.capture.onnx.ops.types import Handler
from costmodel.capture.operator_costs import ELEMENTWISE, REDUCTIONS
from costmodel.core.counts import Ops
from costmodel.core.layers import GlobalAveragePool, Pool
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError


def _window(op: Operator) -> None:
    x, made = op.needed(0), op.made
    kernel = tuple(op.attribute("kernel_shape", ()))
    stride = tuple(op.attribute("strides", (1,) * len(kernel)))
    mean = op.type == "AveragePool"
    layer = _layer(op, mean, kernel, stride)
    times, shape = batched(x)
    if layer is not None:
        op.add(layer, [x], (shape,), times=times)
        return
    others = made.elements * (math.prod(kernel) - 1)
    work = Ops(add=others, div=made.elements) if mean else Ops(cmp=others)
    op.operation("average_pool" if mean else "max_pool", work, [x], axis=1)


def _layer(op: Operator, mean: bool, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Pool | None:
    """The pool of the papers that it is; None where it dilates, or pads otherwise than those do."""
    sides = padding(op, len(kernel))
    if sides == "same" or max(op.attribute("dilations", (1,)), default=1) > 1:
        return None
    try:
        layer = Pool(mean, kernel, stride, sides, bool(op.attribute("ceil_mode", 0)))
        made = layer.output((Shape.of(op.needed(0).sizes[1:]),))
    except CostModelError:
        return None
    return layer if made.sizes == op.made.sizes[1:] else None


def _global_average(op: Operator) -> None:
    x = op.needed(0)
    times, shape = batched(x)
    op.add(GlobalAveragePool(), [x], (shape,), times=times)


def _global_maximum(op: Operator) -> None:
    op.operation("global_max_pool", REDUCTIONS["amax"] * op.needed(0).elements, axis=1)


def _norm_of_window(op: Operator) -> None:
    """The p-th root of the sum of p-th powers: of a window, or of everything."""
    read, made = op.needed(0).elements, op.made.elements
    values = read if op.type == "GlobalLpPool" else made * math.prod(op.attribute("kernel_shape", ()))
    power = Ops(mul=1) if op.attribute("p", 2) == 2 else Ops(exp=1)
    op.operation("lp_pool", values * power + Ops(add=values - made, exp=made), axis=1)


def _region(op: Operator) -> None:
    """Each value is the mean, or the largest, of samples; and a sample lies between four values."""
    samples = op.attribute("sampling_ratio", 0) ** 2
    if not samples:
        raise CostModelError("how many samples it takes depends on the regions; give it a sampling_ratio")
    each = samples * ELEMENTWISE["grid_sampler_2d"]
    mean = op.attribute("mode", "avg") == "avg"
    each += Ops(add=samples - 1, div=1) if mean else Ops(cmp=samples - 1)
    op.operation("roi_align", each * op.made.elements, axis=1)


POOLS: dict[str, Handler] = {
    "AveragePool": _window,
    "MaxPool": _window,
    "GlobalAveragePool": _global_average,
    "GlobalMaxPool": _global_maximum,
    "LpPool": _norm_of_window,
    "GlobalLpPool": _norm_of_window,
    "RoiAlign": _region,
}
