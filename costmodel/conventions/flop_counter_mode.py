"""``flop_counter_mode``: PyTorch's own ``torch.utils.flop_counter.FlopCounterMode``."""

from __future__ import annotations

from costmodel import layers
from costmodel.conventions.convention import (
    ELEMENTWISE,
    MOVES,
    NORMS,
    NOTHING,
    POOLS,
    Call,
    Convention,
    Items,
    nothing,
    operation,
)


def _beside(call: Call) -> Items:
    match call.layer:
        case layers.Conv() | layers.TransposedConv() | layers.Linear() | layers.MatMul():
            return NOTHING
        case layers.Operation("safe_softmax"):  # the products around it are counted for themselves
            return NOTHING
        case layers.Operation():
            return operation(call, attention=1)
    return nothing(call, *NORMS, *POOLS, *ELEMENTWISE, *MOVES)


FLOP_COUNTER_MODE = Convention(
    name="flop_counter_mode",
    source="PyTorch, FlopCounterMode",
    version="2.13.0",
    place="torch/utils/flop_counter.py, flop_registry: conv_flop_count, mm_flop, addmm_flop, bmm_flop",
    quantity="flops",
    held=True,
    factor=2,
    counts="2 a multiply-add of convolutions, linear layers and matrix products; nothing else. Fused attention as on"
    " the meta device: on the CPU it counts 0",
    beside=_beside,
)
