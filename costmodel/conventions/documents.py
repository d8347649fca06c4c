"""``documents``: F6 of the founding document 000, ``(2*K*K*C/g + 1)`` for every output of a convolution."""

from __future__ import annotations

from costmodel.conventions.convention import (
    ELEMENTWISE,
    MOVES,
    NORMS,
    NOTHING,
    POOLS,
    Convention,
    Items,
    SeenOperation,
    nothing,
)
from costmodel.core import layers


def _extra_counts(op: SeenOperation) -> Items:
    match op.layer:
        case layers.Conv() | layers.TransposedConv() | layers.Linear():  # a linear layer is a 1x1 convolution
            return {"one for the bias of every output": op.output.elements}
        case layers.MatMul():  # it has no bias
            return NOTHING
    return nothing(op, *NORMS, *POOLS, *ELEMENTWISE, *MOVES, layers.Operation)


DOCUMENTS = Convention(
    name="documents",
    source="document 000",
    version="-",
    place="F6, grouped convolution: [(2*K*K*C0/g + 1) * H*W * C1/g] * g",
    quantity="flops",
    factor=2,
    counts="2 a multiply-add, and 1 for every output of a convolution or linear layer, whether or not it has a bias",
    extra_counts=_extra_counts,
)
