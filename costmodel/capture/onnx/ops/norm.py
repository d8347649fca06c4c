"""Operators that normalize."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.ops.matmul import batched, computed
from costmodel.capture.onnx.ops.types import Handler
from costmodel.capture.onnx.tensor import Tensor
from costmodel.capture.operator_costs import REDUCTIONS
from costmodel.core.counts import Ops
from costmodel.core.layers import BatchNorm, GroupNorm, LayerNorm
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError

_STATISTICS = REDUCTIONS["var_mean"] + Ops(add=1, mul=1)


def _batch_norm(op: Operator) -> None:
    if op.attribute("training_mode", 0):
        raise CostModelError("it takes statistics of the batch, as in training; export the model in evaluation mode")
    x, gamma, beta, mean, variance = (op.needed(place) for place in range(5))
    stored = op.book.claim("affine", gamma, beta) + op.book.claim("buffer", mean, variance)
    times, shape = batched(x)
    op.add(BatchNorm(), [x, *computed(gamma, beta, mean, variance)], (shape,), stored, times)


def _instance_norm(op: Operator) -> None:
    x, gamma, beta = op.needed(0), op.needed(1), op.needed(2)
    work, stored = _STATISTICS * x.elements, op.book.claim("affine", gamma, beta)
    op.operation("instance_norm", work, [x, *computed(gamma, beta)], stored, axis=1)


def _layer_norm(op: Operator) -> None:
    layer_norm(op, op.needed(0), op.needed(1), op.input(2))


def layer_norm(op: Operator, x: Tensor, gamma: Tensor | None, beta: Tensor | None, part: str = "") -> None:
    """A layer norm of ``x`` over the axes from the attribute ``axis`` on."""
    axes = len(x.sizes) - op.attribute("axis", -1) % len(x.sizes)
    seen = x.shape if axes > 1 else Shape.of(x.shape.sizes, -1)
    axes = min(axes, len(seen.sizes))
    stored = op.book.claim("affine", gamma, beta)
    layer = LayerNorm(axes, gamma is not None, beta is not None)
    op.add(layer, [x, *computed(gamma, beta)], (seen,), stored, part=part)


def _rms_norm(op: Operator) -> None:
    rms_norm(op, op.needed(0), op.input(1))


def rms_norm(op: Operator, x: Tensor, gamma: Tensor | None, part: str = "") -> None:
    """A norm by the root of the mean square."""
    work = REDUCTIONS["rms_norm"] * x.elements + Ops(mul=0 if gamma is None else x.elements)
    op.operation("rms_norm", work, [x, *computed(gamma)], op.book.claim("affine", gamma), axis=-1, part=part)


def _group_norm(op: Operator) -> None:
    x, gamma, beta = op.needed(0), op.needed(1), op.needed(2)
    times, shape = batched(x)
    stored = op.book.claim("affine", gamma, beta)
    op.add(GroupNorm(op.attribute("num_groups", 1)), [x, *computed(gamma, beta)], (shape,), stored, times)


def _local_response(op: Operator) -> None:
    """x / (bias + alpha / size * the sum of squares of ``size`` channels) ** beta."""
    work = Ops(mul=2, add=op.attribute("size", 1), exp=1, div=1)
    op.operation("local_response_norm", work * op.needed(0).elements, axis=1)


def _per_value(name: str, parts: Sequence[Ops]) -> Handler:
    work = sum(parts, Ops())

    def handler(op: Operator) -> None:
        op.operation(name, work * op.needed(0).elements)

    return handler


NORMS: dict[str, Handler] = {
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "LayerNormalization": _layer_norm,
    **dict.fromkeys(("RMSNormalization", "SimplifiedLayerNormalization"), _rms_norm),
    "GroupNormalization": _group_norm,
    "LRN": _local_response,
    "MeanVarianceNormalization": _per_value("mean_variance_norm", [REDUCTIONS["var_mean"], Ops(add=1, div=1)]),
    "LpNormalization": _per_value("lp_norm", [REDUCTIONS["linalg_vector_norm"], Ops(div=1)]),
}
