"""``torchinfo``: ``torchinfo.summary(model, ...).total_mult_adds``."""

from __future__ import annotations

from costmodel.conventions.convention import BUG, ELEMENTWISE, MOVES, POOLS, Convention, Items, SeenOperation, nothing
from costmodel.conventions.function_calls import FREE, operation
from costmodel.core import layers
from costmodel.errors import CostModelError

_FREE = FREE | {"instance_norm", "rms_norm", "grid_sampler_2d", "grid_sampler_3d", "attention"}


def _is_visible(op: SeenOperation) -> bool:
    # nn.MultiheadAttention holds another module, which it does not call: neither of them counts.
    if op.module == "" or op.type == "MultiheadAttention":
        return False
    if op.is_recurrent or op.type in ("Bilinear", "RMSNorm"):
        raise CostModelError(f"no rule for nn.{op.type}, whose parameters count by their names and the sizes it makes")
    # It asks for the names of parameters and of classes, which are anybody's in a class that is not PyTorch's.
    holds_parameters = op.stored.parameters or op.params.parameters or op.reads_held
    if op.module is not None and not op.type and holds_parameters:
        raise CostModelError(f"no rule for parameters of {op.module}, which count by the names they have there")
    return True


def _extra_counts(op: SeenOperation) -> Items:
    convolution = isinstance(op.layer, (layers.Conv, layers.TransposedConv))
    if not op.leading or (convolution and op.leading != 1):
        raise CostModelError("no rule for a convolution whose first axis is not its samples")
    if isinstance(op.layer, layers.Linear):
        # Its parameters once a sample, at however many positions it works.
        weight = op.params.weight * op.leading
        return {"linear layers at one position" + BUG: weight - op.macs, "bias": op.params.bias * op.leading}
    if convolution or op.macs:
        return _once(op)
    return {name: count * op.leading for name, count in _once(op).items()}


def _once(op: SeenOperation) -> Items:
    match op.layer:
        case layers.TransposedConv(bias=bias):
            excess = op.at_every_output - op.macs
            biased = {"bias": op.output.elements if bias else 0}
            return {"transposed convolutions at every output" + BUG: excess} | biased
        case layers.Conv(bias=bias):
            return {"bias": op.output.elements if bias else 0}
        case layers.BatchNorm() | layers.LayerNorm() | layers.GroupNorm():
            return {"parameters of norms": op.params.affine}
        case layers.Embedding():
            return {"tables of embeddings": op.params.weight}
        case layers.Operation() if op.is_bias:
            return {"bias": op.inputs[-1].elements}
        case layers.Operation("prelu_kernel"):
            return {"parameters of PReLU": op.inputs[-1].elements}
        case layers.Operation():
            read = sum(shape.elements for shape in op.inputs[1:]) if op.layer.name == "instance_norm" else 0
            return operation(op, _FREE) | {"parameters of norms": op.stored.affine + read}
        case layers.MatMul():  # it stores nothing
            return {"matrix products as 0": -op.macs}
    return nothing(op, *POOLS, *ELEMENTWISE, *MOVES)


TORCHINFO = Convention(
    name="torchinfo",
    source="torchinfo, total_mult_adds",
    version="1.8.0",
    place="torchinfo/layer_info.py, LayerInfo.calculate_macs",
    quantity="multiply_adds",
    verified_against_tool=True,
    counts="weights and biases times the positions of a convolution's output; of every other layer the parameters once",
    extra_counts=_extra_counts,
    is_visible=_is_visible,
    bugs=(
        "a transposed convolution is counted at every output instead of every input: 4 times too large at stride 2",
        "a linear layer on a sequence counts as if it had one position",
        "functional calls and x @ y count 0",
    ),
)
