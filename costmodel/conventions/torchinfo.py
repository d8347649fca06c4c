"""``torchinfo``: ``torchinfo.summary(model, ...).total_mult_adds``."""

from __future__ import annotations

from costmodel import layers
from costmodel.conventions.convention import (
    BUG,
    ELEMENTWISE,
    MOVES,
    POOLS,
    Call,
    Convention,
    Items,
    at_every_output,
    is_bias,
    nothing,
    operation,
    type_of,
)


def _sees(call: Call) -> bool:
    # nn.MultiheadAttention holds another module, which it does not call: neither of them counts.
    return call.module != "" and type_of(call) != "MultiheadAttention"


def _beside(call: Call) -> Items:
    match call.layer:
        case layers.TransposedConv(bias=bias):
            excess = at_every_output(call) - call.macs
            biased = {"bias": call.output.elements if bias else 0}
            return {"transposed convolutions at every output" + BUG: excess} | biased
        case layers.Conv(bias=bias):
            return {"bias": call.output.elements if bias else 0}
        case layers.Linear():  # its parameters once, at however many positions it works
            return {
                "linear layers at one position" + BUG: call.params.weight - call.macs,
                "bias": call.params.bias,
            }
        case layers.BatchNorm() | layers.LayerNorm() | layers.GroupNorm():
            return {"parameters of norms": call.params.affine}
        case layers.Embedding():
            return {"tables of embeddings": call.params.weight}
        case layers.Operation() if is_bias(call):
            return {"bias": call.inputs[-1].elements}
        case layers.Operation("prelu_kernel"):
            return {"parameters of PReLU": call.inputs[-1].elements}
        case layers.Operation():
            read = sum(shape.elements for shape in call.inputs[1:]) if call.layer.name == "instance_norm" else 0
            return operation(call) | {"parameters of norms": call.stored.affine + read}
        case layers.MatMul():  # it stores nothing
            return {"matrix products as 0": -call.macs}
    return nothing(call, *POOLS, *ELEMENTWISE, *MOVES)


TORCHINFO = Convention(
    name="torchinfo",
    source="torchinfo, total_mult_adds",
    version="1.8.0",
    place="torchinfo/layer_info.py, LayerInfo.calculate_macs",
    quantity="multiply_adds",
    held=True,
    counts="weights and biases times the positions of a convolution's output; of every other layer the parameters once",
    beside=_beside,
    sees=_sees,
    bugs=(
        "a transposed convolution is counted at every output instead of every input: 4 times too large at stride 2",
        "a linear layer on a sequence counts as if it had one position",
        "functional calls and x @ y count 0",
    ),
)
