"""``all_arithmetic``: every arithmetic operation, listed by its kind."""

from __future__ import annotations

from costmodel.conventions.convention import Convention, Items, SeenOperation, undecided
from costmodel.core.layers import Uncounted

_NAMES = {
    "add": "additions",
    "mul": "multiplications",
    "div": "divisions",
    "cmp": "comparisons",
    "exp": "exponentials and logarithms",
}


def _extra_counts(op: SeenOperation) -> Items:
    if isinstance(op.layer, Uncounted):
        raise undecided(op)
    work = op.layer.ops(op.inputs, op.output)._asdict()
    return {name: work[kind] for kind, name in _NAMES.items()}


ALL_ARITHMETIC = Convention(
    name="all_arithmetic",
    source="arithmetic",
    version="-",
    place="costmodel.core.counts.Ops, as each layer's ops() fills it",
    quantity="flops",
    factor=2,
    counts="2 a multiply-add and 1 for each other operation: bias, norms, activations, pooling, x + y, x * y",
    extra_counts=_extra_counts,
)
