"""``torchinfo``: ``torchinfo.summary(model, ...).total_mult_adds``."""

from __future__ import annotations

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
    type_of,
)
from costmodel.conventions.function_calls import (
    FREE,
    is_recurrent,
    operation,
)
from costmodel.core import layers
from costmodel.errors import CostModelError

_FREE = FREE | {"instance_norm", "rms_norm", "grid_sampler_2d", "grid_sampler_3d", "attention"}


def _sees(call: Call) -> bool:
    # nn.MultiheadAttention holds another module, which it does not call: neither of them counts.
    if call.module == "" or type_of(call) == "MultiheadAttention":
        return False
    if is_recurrent(call) or type_of(call) in ("Bilinear", "RMSNorm"):
        raise CostModelError(
            f"no rule for nn.{type_of(call)}, whose parameters count by their names and the sizes it makes"
        )
    # It asks for the names of parameters and of classes, which are anybody's in a class that is not PyTorch's.
    held = call.stored.trainable or call.params.trainable or call.reads_held
    if call.module is not None and not type_of(call) and held:
        raise CostModelError(f"no rule for parameters of {call.module}, which count by the names they have there")
    return True


def _beside(call: Call) -> Items:
    convolution = isinstance(call.layer, (layers.Conv, layers.TransposedConv))
    if not call.leading or (convolution and call.leading != 1):
        raise CostModelError("no rule for a convolution whose first axis is not its samples")
    if isinstance(call.layer, layers.Linear):
        # Its parameters once a sample, at however many positions it works.
        weight = call.params.weight * call.leading
        return {"linear layers at one position" + BUG: weight - call.macs, "bias": call.params.bias * call.leading}
    if convolution or call.macs:
        return _once(call)
    return {name: count * call.leading for name, count in _once(call).items()}


def _once(call: Call) -> Items:
    match call.layer:
        case layers.TransposedConv(bias=bias):
            excess = at_every_output(call) - call.macs
            biased = {"bias": call.output.elements if bias else 0}
            return {"transposed convolutions at every output" + BUG: excess} | biased
        case layers.Conv(bias=bias):
            return {"bias": call.output.elements if bias else 0}
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
            return operation(call, _FREE) | {"parameters of norms": call.stored.affine + read}
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
