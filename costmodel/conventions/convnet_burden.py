"""``convnet_burden``: the FLOPs that convnet-burden estimates for networks of MatConvNet."""

from __future__ import annotations

import math

from costmodel.conventions.convention import NOTHING, Convention, Items, SeenOperation, nothing, undecided
from costmodel.core import layers


def _extra_counts(op: SeenOperation) -> Items:
    made = op.output.elements
    match op.layer:
        case layers.Conv(bias=bias) | layers.Linear(bias=bias):
            return {"bias": made} if bias else NOTHING
        case layers.Activation("relu" | "relu6"):  # MatConvNet has the former in place of both
            return {"relu": 2 * made}
        case layers.Activation("sigmoid"):
            return NOTHING
        case layers.Activation():
            raise undecided(op)
        case layers.Pool(stride=stride):
            return {"pooling": 2 * made * math.prod(stride)}
        case layers.GlobalAveragePool():
            return {"pooling": op.input.elements}
        case layers.AdaptiveAveragePool() if op.input == op.output:  # there is none in MatConvNet's networks
            return NOTHING
        case layers.Add():
            return {"sums": made}
        case layers.Scale():
            return {"scaling of channels": made}
    return nothing(op, layers.BatchNorm, layers.Concat, layers.Dropout, layers.Flatten)


CONVNET_BURDEN = Convention(
    name="convnet_burden",
    source="albanie/convnet-burden",
    version="commit 9c7f31b",
    place="core/burden.m, computeFlops",
    quantity="multiply_adds",
    counts="multiply-adds; bias 1 an output, ReLU 2, pooling 2 for each step of its stride, x + y and x * y 1; no batch"
    " norm, which it takes to be merged",
    extra_counts=_extra_counts,
)
