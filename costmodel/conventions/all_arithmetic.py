"""``flops``: every arithmetic operation, listed by its kind."""

from __future__ import annotations

from costmodel.conventions.convention import Call, Convention, Items, undecided
from costmodel.core.layers import Uncounted

_NAMES = {
    "add": "additions",
    "mul": "multiplications",
    "div": "divisions",
    "cmp": "comparisons",
    "exp": "exponentials and logarithms",
}


def _beside(call: Call) -> Items:
    if isinstance(call.layer, Uncounted):
        raise undecided(call)
    work = call.layer.ops(call.inputs, call.output)._asdict()
    return {name: work[kind] for kind, name in _NAMES.items()}


FLOPS = Convention(
    name="flops",
    source="arithmetic",
    version="-",
    place="costmodel.core.values.Ops, as each layer's ops() fills it",
    quantity="flops",
    factor=2,
    counts="2 a multiply-add and 1 for each other operation: bias, norms, activations, pooling, x + y, x * y",
    beside=_beside,
)
