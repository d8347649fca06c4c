"""``torchprofile``: ``torchprofile.profile_macs(model, inputs)``."""

from __future__ import annotations

import math

from costmodel.conventions.convention import BUG, MOVES, NOTHING, Convention, Items, SeenOperation, nothing
from costmodel.conventions.function_calls import ATTENTION, operation, traced
from costmodel.core import layers
from costmodel.errors import CostModelError

#: PyTorch computes them in one piece, and its table has none of them.
_BLIND = frozenset(("gru", "rnn_tanh", "rnn_relu", "rms_norm", "mm", "mv", "dot", "bilinear"))
_KNOWN = frozenset(("einsum", "grid_sample"))


def _extra_counts(op: SeenOperation) -> Items:
    if op.function == ATTENTION:  # its two products, and nothing else of it
        return NOTHING
    if op.function == "lstm":
        if isinstance(op.layer, layers.Linear) and not op.layer.bias and op.layer.out_features < op.input.sizes[-1]:
            raise CostModelError(
                "no rule for an LSTM with projections, which torchprofile does not tell from one without"
            )
        return NOTHING
    return traced(op, _operator(op), _BLIND, _KNOWN)


def _operator(op: SeenOperation) -> Items:
    made = op.output.elements
    match op.layer:
        case layers.Conv() if op.padded_by_name:  # traced as aten::_convolution_mode, for which it has no handler
            return {'convolutions with padding="same" as 0' + BUG: -op.macs}
        case layers.TransposedConv():
            return {"transposed convolutions at every output" + BUG: _transposed(op) - op.macs}
        case layers.Conv() | layers.Linear() | layers.MatMul():
            return NOTHING
        case layers.BatchNorm() | layers.LayerNorm() | layers.GroupNorm():
            return {op.kind: op.gamma * made}
        case layers.Pool(mean=True):
            return {"average pooling": made}
        case layers.AdaptiveAveragePool() | layers.GlobalAveragePool():
            return {"adaptive pooling": made}
        case layers.Scale():
            return {"scaling of channels": made}
        case layers.Activation("leaky_relu"):
            return {"leaky relu": made}
        case layers.Operation():
            return operation(op, mul=1, mean=1, instance_norm=int(op.gamma), upsample_bilinear2d=4, grid_sampler_2d=4)
    return nothing(op, layers.Pool, layers.Activation, layers.Add, *MOVES)


def _transposed(op: SeenOperation) -> int:
    """What it makes of a weight of (in, out / groups, kernel): it takes the axis whose size the output has for ``out``.

    Where in and out are equal that leaves ``out / groups``, and otherwise all of ``in``, whatever the groups.
    """
    layer = op.layer
    assert isinstance(layer, layers.TransposedConv)
    read, made = op.input.channels, layer.out_channels
    inner = made // layer.groups if read == made else read
    return op.output.elements * inner * math.prod(layer.kernel)


TORCHPROFILE = Convention(
    name="torchprofile",
    source="torchprofile",
    version="0.1.0",
    place="torchprofile/handlers.py, HANDLER_MAP",
    quantity="multiply_adds",
    verified_against_tool=True,
    counts="multiply-adds; norms 1 an element (0 without gamma); average and adaptive pooling, x * y and leaky ReLU 1"
    " an output; no bias, other activation, max pooling or x + y",
    extra_counts=_extra_counts,
    bugs=(
        'a convolution with padding="same" counts 0, for aten::_convolution_mode is in no table; so does one with'
        ' padding="valid", which is taken for padding=0 here and counted',
        "a product of sizes that a module takes in Python counts 1",
        "a transposed convolution is counted at every output instead of every input, 4 times too large at stride 2, and"
        " without its groups where it changes the number of channels",
    ),
)
