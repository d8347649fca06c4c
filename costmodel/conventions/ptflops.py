"""``ptflops`` and ``ptflops_aten``: the two backends of ``ptflops.get_model_complexity_info``."""

from __future__ import annotations

from costmodel.conventions.convention import (
    BUG,
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
from costmodel.conventions.function_calls import ATTENTION, FREE, is_whole, operation, taken_apart
from costmodel.core import layers
from costmodel.errors import CostModelError

#: Activations by what counts them: a hook on the module, and a patch of the function that the module calls.
_HOOKED = {"relu": "ReLU", "relu6": "ReLU6", "elu": "ELU", "leaky_relu": "LeakyReLU", "gelu": "GELU"}
_PATCHED = {"relu", "elu", "gelu", "swish"}
_POOLS = ("MaxPool", "AvgPool", "AdaptiveMaxPool", "AdaptiveAvgPool")
#: Layers whose modules have a hook begin with these. Recurrent layers and nn.MultiheadAttention have one too.
_HOOKS = ("Conv", "Linear", "BatchNorm", "GroupNorm", "LayerNorm", "InstanceNorm")
#: Functions that are patched where a model calls them. ``fn`` is max pooling, with indices or without.
_FUNCTIONS = frozenset(
    f"torch.nn.functional.{name}"
    for name in (
        "relu relu6 elu gelu silu softmax avg_pool2d avg_pool3d fn "
        "adaptive_avg_pool2d adaptive_avg_pool3d interpolate upsample"
    ).split()
)
_OPERATORS = frozenset(("torch.add", "torch.mul"))
_PRODUCTS = frozenset(("torch.matmul", "torch.mm", "torch.bmm"))
#: One function under two names, of which one is patched.
_TWICE = frozenset(("torch.prelu", "torch.avg_pool1d", "torch.adaptive_avg_pool1d"))
#: Functions that are written in Python and call no patched one on their way to the operation they are.
_PLAIN = ("linear", "batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "pad", ATTENTION, "glu")


def _bias(op: SeenOperation) -> Items:
    return {"bias": op.output.elements if op.params.bias else 0}


def _is_visible(op: SeenOperation) -> bool:
    if op.type == "MultiheadAttention" or op.is_recurrent:
        raise CostModelError(f"no rule for nn.{op.type}, for which ptflops has a formula of its own")
    if isinstance(op.layer, (layers.Conv, layers.TransposedConv, layers.Linear, *NORMS)):
        hooked = op.module is None or op.type.startswith(_HOOKS)
        return hooked or (op.called in _PRODUCTS and isinstance(op.layer, layers.Linear))
    if isinstance(op.layer, layers.MatMul):
        if not op.called:
            raise CostModelError(
                "no rule for a matrix product of which nobody knows whether it is torch.matmul or x @ y"
            )
        return op.called in _PRODUCTS
    return True


def _met(what: str, elements: int, hooked: bool, patched: bool) -> Items:
    again = hooked and patched
    return {what: (hooked or patched) * elements, f"{what} again{BUG}": again * elements}


def _patched(op: SeenOperation) -> bool:
    """Whether the function is patched that computes it.

    Raises :class:`~costmodel.errors.CostModelError` where that cannot be told.
    """
    if op.called in _TWICE and not op.type:
        raise CostModelError(f"no rule for {op.called}, which counts only under its name in torch.nn.functional")
    if op.called in ("torch.addmm", "torch.baddbmm", "torch.Tensor.addmm"):
        raise CostModelError(f"no rule for {op.called}, which counts more than its product")
    named = op.called.startswith("torch.nn.functional.")
    if named and not is_whole(op) and op.function not in _PLAIN:
        raise taken_apart(op)
    return op.called in _FUNCTIONS or op.called in _OPERATORS or op.called in _TWICE or not op.called


def _pytorch(op: SeenOperation) -> Items:
    elements = op.input.elements
    own = op.module is None or op.type != ""
    patched = _patched(op)
    match op.layer:
        case layers.Conv() | layers.TransposedConv() | layers.Linear():
            return _bias(op)
        case layers.MatMul():
            return NOTHING
        case layers.BatchNorm() | layers.GroupNorm():
            return {op.kind: (1 + op.gamma) * elements}
        case layers.LayerNorm():  # the hook asks for the attribute "affine", which is "elementwise_affine" here
            return {"layer norm": elements}
        case layers.Activation(name):
            known = _PATCHED if own else _PATCHED | {"relu6"}  # the module calls hardtanh, which is not patched
            hooked = op.type in _HOOKED.values() if op.module else own and name in _HOOKED
            return _met(op.kind, elements, hooked, patched and name in known)
        case layers.Pool() | layers.AdaptiveAveragePool() | layers.GlobalAveragePool():
            return _pooling(op, patched)
        case layers.Add() | layers.Scale():
            return {op.kind: (op.called in _OPERATORS) * op.output.elements}
        case layers.Operation() if op.is_bias:
            return {"bias": op.output.elements}
        case layers.Operation():
            return _operation(op, own, patched)
    return nothing(op, *MOVES)


def _pooling(op: SeenOperation, patched: bool) -> Items:
    hooked = op.module is None or op.type.startswith(_POOLS)
    return _met("pooling", op.input.elements, hooked, patched and is_whole(op) and op.function != "mean")


def _operation(op: SeenOperation, own: bool, patched: bool) -> Items:
    assert isinstance(op.layer, layers.Operation)
    name = op.layer.name.strip("_")
    if op.function == ATTENTION:
        return {"fused attention as 0": -op.macs}
    if name.startswith("upsample") and op.called:
        if op.function not in ("interpolate", "upsample") or any(
            made % read for read, made in zip(op.input.spatial, op.output.spatial, strict=True)
        ):
            raise CostModelError("no rule for a size that is no multiple: what it counts depends on how that was said")
        return _met("upsampling", op.output.elements, op.type == "Upsample", patched)
    if name.startswith("adaptive_max_pool") or (name.startswith("max_pool") and op.function == "fn"):
        return _pooling(op, patched)
    if op.called in _OPERATORS and name in ("add", "mul"):
        return {op.kind: op.output.elements}
    norm = (1 + op.gamma) * own
    softmax = (op.function == "softmax" and patched) or not op.called
    return operation(
        op, softmax=int(softmax), prelu_kernel=1 + own, upsample_bilinear2d=1 + own, instance_norm=norm, rms_norm=0
    )


PTFLOPS = Convention(
    name="ptflops",
    source='ptflops, backend "pytorch"',
    version="0.7.5",
    place="ptflops/pytorch_ops.py, MODULES_MAPPING and FUNCTIONAL_MAPPING; ptflops/pytorch_engine.py",
    quantity="multiply_adds",
    verified_against_tool=True,
    counts="multiply-adds; bias 1 an output; batch and group norm 2 an element (1 without gamma), layer norm 1; ReLU,"
    " ReLU6, ELU, leaky ReLU, GELU and SiLU 1; pooling of every kind 1 an element that it reads",
    extra_counts=_pytorch,
    is_visible=_is_visible,
    bugs=(
        "what it knows both as a module and as a function counts twice: ReLU, ELU, GELU and pooling, as modules",
        "a functional convolution or linear layer, fused attention and a subclass of a layer count 0",
        "torch.add, torch.mul and torch.matmul count, x + y, x * y and x @ y do not; x.add(y), x.mul(y) and x.matmul(y)"
        " count too, and are taken for the operators here",
        "a batch counts as one sample",
    ),
)


def _aten(op: SeenOperation) -> Items:
    if op.function == "lstm":
        raise CostModelError("no rule for nn.LSTM, which the CPU may run in one piece, and then it counts 0")
    if op.function in ("baddbmm", "addmv") or op.is_vector:
        raise CostModelError(
            "no rule for a product with one column, or that is added to: not every operator of it counts"
        )
    if op.function == ATTENTION and len(op.output.sizes) > 2:
        raise CostModelError("no rule for fused attention: on the CPU it counts 0 with heads, and in full without")
    fused = op.function == "multi_head_attention_forward" and isinstance(op.layer, layers.Operation)
    match op.layer:
        case layers.Operation("safe_softmax" | "_safe_softmax") if fused:
            raise CostModelError(
                "no rule for nn.MultiheadAttention without weights, whose products the CPU does at once"
            )
        case layers.Conv() | layers.TransposedConv() | layers.Linear():
            return _bias(op)
        case layers.MatMul():
            return NOTHING
        case layers.Operation("attention"):  # a kernel that computes it in one piece is in no table
            return {"fused attention as 0": -op.macs}
        case layers.Operation():
            free = FREE | {"instance_norm", "rms_norm", "grid_sampler_2d", "grid_sampler_3d"}
            return operation(op, free)
    return nothing(op, *NORMS, *POOLS, *ELEMENTWISE, *MOVES)


PTFLOPS_ATEN = Convention(
    name="ptflops_aten",
    source='ptflops, backend "aten"',
    version="0.7.5",
    place="ptflops/aten_ops.py, ATEN_OPS_MAPPING",
    quantity="multiply_adds",
    verified_against_tool=True,
    counts="multiply-adds; bias 1 an output; nothing else",
    extra_counts=_aten,
)
