"""``mxop``: the multiplications that ``mxop.gluon.count_ops`` prints for MXNet's models."""

from __future__ import annotations

from costmodel.conventions.convention import BUG, MOVES, NOTHING, POOLS, Convention, Items, SeenOperation, nothing
from costmodel.core import layers


def _extra_counts(op: SeenOperation) -> Items:
    match op.layer:
        case layers.Conv():
            return NOTHING
        case layers.Linear():
            return {"an input less" + BUG: -op.output.elements}
        case layers.BatchNorm():
            return {"batch norm": op.input.elements}
    return nothing(op, layers.Activation, layers.Add, layers.Scale, *POOLS, *MOVES)


MXOP = Convention(
    name="mxop",
    source="mxop (OpSummary.MXNet), muls",
    version="commit 85efd32",
    place="mxop/gluon/count_hooks.py, count_conv2d, count_fc and count_bn",
    quantity="multiply_adds",
    counts="multiplications of convolutions and linear layers, which have an input less; batch norm 1 an element",
    extra_counts=_extra_counts,
    bugs=("a linear layer is counted with an input less than it has",),
)
