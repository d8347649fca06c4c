"""``fvcore``: ``FlopCountAnalysis(model, inputs).total()``."""

from __future__ import annotations

from costmodel.conventions.convention import BUG, ELEMENTWISE, MOVES, NOTHING, Convention, Items, SeenOperation, nothing
from costmodel.conventions.function_calls import ATTENTION, FREE, operation, traced
from costmodel.core import layers

#: PyTorch computes them in one piece, and its table has none of them.
_BLIND = frozenset((ATTENTION, "lstm", "gru", "rnn_tanh", "rnn_relu", "rms_norm", "baddbmm", "mv", "dot"))
_KNOWN = frozenset(("einsum", "grid_sample"))


def _extra_counts(op: SeenOperation) -> Items:
    return traced(op, _operator(op), _BLIND, _KNOWN)


def _operator(op: SeenOperation) -> Items:
    elements = op.input.elements
    match op.layer:
        case layers.Conv() if op.padded_by_name:  # traced as aten::_convolution_mode, for which it has no handle
            return {'convolutions with padding="same" as 0' + BUG: -op.macs}
        case layers.Conv() | layers.TransposedConv() | layers.Linear() | layers.MatMul():
            return NOTHING
        case layers.BatchNorm():
            return {"batch norm": (1 + op.gamma) * elements}
        case layers.LayerNorm() | layers.GroupNorm():
            return {op.kind: (4 + op.gamma) * elements}
        case layers.AdaptiveAveragePool() | layers.GlobalAveragePool():
            # Its table has the 2-D operator alone. PyTorch computes the 1-D one as 2-D, and a capture sees that.
            one = op.type.endswith("1d") or op.function in ("mean", "adaptive_avg_pool1d")
            flat = len(op.input.spatial) == 2 and not one
            return {"adaptive pooling": elements if flat else 0}
        case layers.Operation():
            sampling = {"upsample_nearest2d": 1, "upsample_bilinear2d": 4, "grid_sampler_2d": 4, "grid_sampler_3d": 4}
            return operation(op, FREE, instance_norm=4 + op.gamma, **sampling)
    return nothing(op, layers.Pool, *ELEMENTWISE, *MOVES)


FVCORE = Convention(
    name="fvcore",
    source="fvcore, FlopCountAnalysis",
    version="0.1.5.post20221221",
    place="fvcore/nn/flop_count.py, _DEFAULT_SUPPORTED_OPS; fvcore/nn/jit_handles.py",
    quantity="multiply_adds",
    verified_against_tool=True,
    counts="multiply-adds, which it calls flops; batch norm 2 an element (1 without gamma), layer and group norm 5 (4),"
    " 2-D adaptive average pooling 1 an element that it reads; no bias, activation, other pooling, x + y or x * y",
    extra_counts=_extra_counts,
    bugs=(
        'a convolution with padding="same" counts 0, for aten::_convolution_mode is in no table; so does one with'
        ' padding="valid", which is taken for padding=0 here and counted',
        "fused attention and recurrent layers count 0",
    ),
)
