"""``flop_counter_mode``: PyTorch's own ``torch.utils.flop_counter.FlopCounterMode``."""

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
from costmodel.conventions.function_calls import operation
from costmodel.core import layers
from costmodel.errors import CostModelError


def _extra_counts(op: SeenOperation) -> Items:
    match op.layer:
        case layers.MatMul() if op.is_vector:
            raise CostModelError(
                "no rule for a product with one column: with a vector it counts 0, with a matrix it counts"
            )
        case layers.Conv() | layers.TransposedConv() | layers.Linear() | layers.MatMul():
            return NOTHING
        case layers.Operation("attention"):  # a kernel that computes it in one piece is in its table
            return NOTHING
        case layers.Operation(name) if not name.startswith("complex"):
            return operation(op, frozenset([name.strip("_")]), factor=2)  # no other operator is in its table
    return nothing(op, *NORMS, *POOLS, *ELEMENTWISE, *MOVES)


FLOP_COUNTER_MODE = Convention(
    name="flop_counter_mode",
    source="PyTorch, FlopCounterMode",
    version="2.13.0",
    place="torch/utils/flop_counter.py, flop_registry: conv_flop_count, mm_flop, addmm_flop, bmm_flop",
    quantity="flops",
    verified_against_tool=True,
    factor=2,
    counts="2 a multiply-add of convolutions, linear layers and matrix products; nothing else. All as on the"
    " meta device: on the CPU, kernels that compute attention, nn.MultiheadAttention or nn.LSTM in one piece count 0",
    extra_counts=_extra_counts,
)
