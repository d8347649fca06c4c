"""``torchprofile``: ``torchprofile.profile_macs(model, inputs)``."""

from __future__ import annotations

import math

from costmodel.conventions.convention import (
    BUG,
    MOVES,
    NOTHING,
    Call,
    Convention,
    Items,
    has_gamma,
    nothing,
    padded_by_name,
)
from costmodel.conventions.function_calls import (
    ATTENTION,
    operation,
    traced,
)
from costmodel.core import layers
from costmodel.errors import CostModelError

#: PyTorch computes them in one piece, and its table has none of them.
_BLIND = frozenset(("gru", "rnn_tanh", "rnn_relu", "rms_norm", "mm", "mv", "dot", "bilinear"))
_KNOWN = frozenset(("einsum", "grid_sample"))


def _beside(call: Call) -> Items:
    if call.function == ATTENTION:  # its two products, and nothing else of it
        return NOTHING
    if call.function == "lstm":
        if (
            isinstance(call.layer, layers.Linear)
            and not call.layer.bias
            and call.layer.out_features < call.input.sizes[-1]
        ):
            raise CostModelError(
                "no rule for an LSTM with projections, which torchprofile does not tell from one without"
            )
        return NOTHING
    return traced(call, _operator(call), _BLIND, _KNOWN)


def _operator(call: Call) -> Items:
    made = call.output.elements
    match call.layer:
        case layers.Conv() if padded_by_name(call):  # traced as aten::_convolution_mode, for which it has no handler
            return {'convolutions with padding="same" as 0' + BUG: -call.macs}
        case layers.TransposedConv():
            return {"transposed convolutions at every output" + BUG: _transposed(call) - call.macs}
        case layers.Conv() | layers.Linear() | layers.MatMul():
            return NOTHING
        case layers.BatchNorm(affine=affine):
            return {"batch norm": made if affine else 0}
        case layers.LayerNorm(gamma=affine):
            return {"layer norm": made if affine else 0}
        case layers.GroupNorm(affine=affine):
            return {"group norm": made if affine else 0}
        case layers.Pool(mean=True):
            return {"average pooling": made}
        case layers.AdaptiveAveragePool() | layers.GlobalAveragePool():
            return {"adaptive pooling": made}
        case layers.Scale():
            return {"scaling of channels": made}
        case layers.Activation("leaky_relu"):
            return {"leaky relu": made}
        case layers.Operation():
            norm = 1 if has_gamma(call) else 0
            return operation(call, mul=1, mean=1, instance_norm=norm, upsample_bilinear2d=4, grid_sampler_2d=4)
    return nothing(call, layers.Pool, layers.Activation, layers.Add, *MOVES)


def _transposed(call: Call) -> int:
    """What it makes of a weight of (in, out / groups, kernel): it takes the axis whose size the output has for ``out``.

    Where in and out are equal that leaves ``out / groups``, and otherwise all of ``in``, whatever the groups.
    """
    layer = call.layer
    assert isinstance(layer, layers.TransposedConv)
    read, made = call.input.channels, layer.out_channels
    inner = made // layer.groups if read == made else read
    return call.output.elements * inner * math.prod(layer.kernel)


TORCHPROFILE = Convention(
    name="torchprofile",
    source="torchprofile",
    version="0.1.0",
    place="torchprofile/handlers.py, HANDLER_MAP",
    quantity="multiply_adds",
    held=True,
    counts="multiply-adds; norms 1 an element (0 without gamma); average and adaptive pooling, x * y and leaky ReLU 1"
    " an output; no bias, other activation, max pooling or x + y",
    beside=_beside,
    bugs=(
        'a convolution with padding="same" counts 0, for aten::_convolution_mode is in no table; so does one with'
        ' padding="valid", which is taken for padding=0 here and counted',
        "a product of sizes that a module takes in Python counts 1",
        "a transposed convolution is counted at every output instead of every input, 4 times too large at stride 2, and"
        " without its groups where it changes the number of channels",
    ),
)
