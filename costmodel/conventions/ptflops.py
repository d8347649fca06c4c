"""``ptflops`` and ``ptflops_aten``: the two backends of ``ptflops.get_model_complexity_info``."""

from __future__ import annotations

from costmodel.conventions.convention import (
    BUG,
    ELEMENTWISE,
    MOVES,
    NORMS,
    NOTHING,
    POOLS,
    Call,
    Convention,
    Items,
    has_gamma,
    is_bias,
    nothing,
    type_of,
)
from costmodel.conventions.function_calls import (
    ATTENTION,
    FREE,
    is_recurrent,
    is_vector,
    is_whole,
    operation,
    taken_apart,
)
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
    for name in [
        "relu",
        "relu6",
        "elu",
        "gelu",
        "silu",
        "softmax",
        "avg_pool2d",
        "avg_pool3d",
        "fn",
        "adaptive_avg_pool2d",
        "adaptive_avg_pool3d",
        "interpolate",
        "upsample",
    ]
)
_OPERATORS = frozenset(("torch.add", "torch.mul"))
_PRODUCTS = frozenset(("torch.matmul", "torch.mm", "torch.bmm"))
#: One function under two names, of which one is patched.
_TWICE = frozenset(("torch.prelu", "torch.avg_pool1d", "torch.adaptive_avg_pool1d"))
#: Functions that are written in Python and call no patched one on their way to the operation they are.
_PLAIN = ("linear", "batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "pad", ATTENTION, "glu")


def _bias(call: Call) -> Items:
    return {"bias": call.output.elements if call.params.bias else 0}


def _sees(call: Call) -> bool:
    if type_of(call) == "MultiheadAttention" or is_recurrent(call):
        raise CostModelError(f"no rule for nn.{type_of(call)}, for which ptflops has a formula of its own")
    if isinstance(call.layer, (layers.Conv, layers.TransposedConv, layers.Linear, *NORMS)):
        hooked = call.module is None or type_of(call).startswith(_HOOKS)
        return hooked or (call.called in _PRODUCTS and isinstance(call.layer, layers.Linear))
    if isinstance(call.layer, layers.MatMul):
        if not call.called:
            raise CostModelError(
                "no rule for a matrix product of which nobody knows whether it is torch.matmul or x @ y"
            )
        return call.called in _PRODUCTS
    return True


def _met(what: str, elements: int, hooked: bool, patched: bool) -> Items:
    again = hooked and patched
    return {what: (hooked or patched) * elements, f"{what} again{BUG}": again * elements}


def _patched(call: Call) -> bool:
    """Whether the function is patched that computes it.

    Raises :class:`~costmodel.errors.CostModelError` where that cannot be told.
    """
    if call.called in _TWICE and not type_of(call):
        raise CostModelError(f"no rule for {call.called}, which counts only under its name in torch.nn.functional")
    if call.called in ("torch.addmm", "torch.baddbmm", "torch.Tensor.addmm"):
        raise CostModelError(f"no rule for {call.called}, which counts more than its product")
    named = call.called.startswith("torch.nn.functional.")
    if named and not is_whole(call) and call.function not in _PLAIN:
        raise taken_apart(call)
    return call.called in _FUNCTIONS or call.called in _OPERATORS or call.called in _TWICE or not call.called


def _pytorch(call: Call) -> Items:
    elements = call.input.elements
    own = call.module is None or type_of(call) != ""
    patched = _patched(call)
    match call.layer:
        case layers.Conv() | layers.TransposedConv() | layers.Linear():
            return _bias(call)
        case layers.MatMul():
            return NOTHING
        case layers.BatchNorm(affine=affine):
            return {"batch norm": (2 if affine else 1) * elements}
        case layers.GroupNorm(affine=affine):
            return {"group norm": (2 if affine else 1) * elements}
        case layers.LayerNorm():  # the hook asks for the attribute "affine", which is "elementwise_affine" here
            return {"layer norm": elements}
        case layers.Activation(name):
            known = _PATCHED if own else _PATCHED | {"relu6"}  # the module calls hardtanh, which is not patched
            hooked = type_of(call) in _HOOKED.values() if call.module else own and name in _HOOKED
            return _met(call.kind, elements, hooked, patched and name in known)
        case layers.Pool() | layers.AdaptiveAveragePool() | layers.GlobalAveragePool():
            return _pooling(call, patched)
        case layers.Add() | layers.Scale():
            return {call.kind: (call.called in _OPERATORS) * call.output.elements}
        case layers.Operation() if is_bias(call):
            return {"bias": call.output.elements}
        case layers.Operation():
            return _operation(call, own, patched)
    return nothing(call, *MOVES)


def _pooling(call: Call, patched: bool) -> Items:
    hooked = call.module is None or type_of(call).startswith(_POOLS)
    return _met("pooling", call.input.elements, hooked, patched and is_whole(call) and call.function != "mean")


def _operation(call: Call, own: bool, patched: bool) -> Items:
    assert isinstance(call.layer, layers.Operation)
    name = call.layer.name.strip("_")
    if call.function == ATTENTION:
        return {"fused attention as 0": -call.macs}
    if name.startswith("upsample") and call.called:
        if call.function not in ("interpolate", "upsample") or any(
            made % read for read, made in zip(call.input.spatial, call.output.spatial, strict=True)
        ):
            raise CostModelError("no rule for a size that is no multiple: what it counts depends on how that was said")
        return _met("upsampling", call.output.elements, type_of(call) == "Upsample", patched)
    if name.startswith("adaptive_max_pool") or (name.startswith("max_pool") and call.function == "fn"):
        return _pooling(call, patched)
    if call.called in _OPERATORS and name in ("add", "mul"):
        return {call.kind: call.output.elements}
    norm = (2 if has_gamma(call) else 1) if own else 0
    softmax = (call.function == "softmax" and patched) or not call.called
    return operation(
        call, softmax=int(softmax), prelu_kernel=1 + own, upsample_bilinear2d=1 + own, instance_norm=norm, rms_norm=0
    )


PTFLOPS = Convention(
    name="ptflops",
    source='ptflops, backend "pytorch"',
    version="0.7.5",
    place="ptflops/pytorch_ops.py, MODULES_MAPPING and FUNCTIONAL_MAPPING; ptflops/pytorch_engine.py",
    quantity="multiply_adds",
    held=True,
    counts="multiply-adds; bias 1 an output; batch and group norm 2 an element (1 without gamma), layer norm 1; ReLU,"
    " ReLU6, ELU, leaky ReLU, GELU and SiLU 1; pooling of every kind 1 an element that it reads",
    beside=_pytorch,
    sees=_sees,
    bugs=(
        "what it knows both as a module and as a function counts twice: ReLU, ELU, GELU and pooling, as modules",
        "a functional convolution or linear layer, fused attention and a subclass of a layer count 0",
        "torch.add, torch.mul and torch.matmul count, x + y, x * y and x @ y do not; x.add(y), x.mul(y) and x.matmul(y)"
        " count too, and are taken for the operators here",
        "a batch counts as one sample",
    ),
)


def _aten(call: Call) -> Items:
    if call.function == "lstm":
        raise CostModelError("no rule for nn.LSTM, which the CPU may run in one piece, and then it counts 0")
    if call.function in ("baddbmm", "addmv") or is_vector(call):
        raise CostModelError(
            "no rule for a product with one column, or that is added to: not every operator of it counts"
        )
    if call.function == ATTENTION and len(call.output.sizes) > 2:
        raise CostModelError("no rule for fused attention: on the CPU it counts 0 with heads, and in full without")
    fused = call.function == "multi_head_attention_forward" and isinstance(call.layer, layers.Operation)
    match call.layer:
        case layers.Operation("safe_softmax" | "_safe_softmax") if fused:
            raise CostModelError(
                "no rule for nn.MultiheadAttention without weights, whose products the CPU does at once"
            )
        case layers.Conv() | layers.TransposedConv() | layers.Linear():
            return _bias(call)
        case layers.MatMul():
            return NOTHING
        case layers.Operation("attention"):  # a kernel that computes it in one piece is in no table
            return {"fused attention as 0": -call.macs}
        case layers.Operation():
            free = FREE | {"instance_norm", "rms_norm", "grid_sampler_2d", "grid_sampler_3d"}
            return operation(call, free)
    return nothing(call, *NORMS, *POOLS, *ELEMENTWISE, *MOVES)


PTFLOPS_ATEN = Convention(
    name="ptflops_aten",
    source='ptflops, backend "aten"',
    version="0.7.5",
    place="ptflops/aten_ops.py, ATEN_OPS_MAPPING",
    quantity="multiply_adds",
    held=True,
    counts="multiply-adds; bias 1 an output; nothing else",
    beside=_aten,
)
