"""Ways to count that printed figures are known to take: the conventions, and one that only papers' tables show."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from costmodel.checks import CostModelError
from costmodel.conventions import CONVENTIONS, Convention, Items
from costmodel.conventions.convention import MOVES, NOTHING, Call, nothing
from costmodel.layers import (
    Activation,
    AdaptiveAveragePool,
    Add,
    BatchNorm,
    Conv,
    GlobalAveragePool,
    Linear,
    Pool,
    Scale,
    TransposedConv,
)
from costmodel.network import Network


def _mmcv(call: Call) -> Items:
    match call.layer:
        case Conv() | TransposedConv():
            return {"bias": call.output.elements} if call.layer.bias else NOTHING
        case BatchNorm():
            return {"batch norm": 2 * call.output.elements}
        case Activation():
            return {"activations": call.output.elements}
        case Pool() | GlobalAveragePool() | AdaptiveAveragePool():
            return {"pooling": call.input.elements}
    return nothing(call, Linear, Add, Scale, *MOVES)


#: What the model zoos of OpenMMLab print.
MMCV = Convention(
    name="mmcv",
    source="OpenMMLab, get_model_complexity_info",
    version="1.7.2",
    place="mmcv/cnn/utils/flops_counter.py, get_modules_mapping",
    quantity="multiply_adds",
    counts="multiply-adds, biases of convolutions, batch norm 2 an element, activations 1 an element,"
    " pooling 1 an element that it reads",
    beside=_mmcv,
)

#: Quantity -> what the plain reading counts.
PLAIN = {"multiply_adds": CONVENTIONS["paper"], "parameters": CONVENTIONS["trainable"]}


def others(network: Network, quantity: str) -> Sequence[Convention]:
    """Conventions that give other numbers for ``network`` than the plain one, and than each other.

    A convention that has no rule for one of its layers gives no number.
    """
    found = {PLAIN[quantity].of(network.ledger).total: PLAIN[quantity]}
    for convention in (*CONVENTIONS.values(), MMCV):
        if (convention.quantity == "parameters") == (quantity == "parameters"):
            with suppress(CostModelError):
                found.setdefault(convention.of(network.ledger).total, convention)
    return list(found.values())[1:]
