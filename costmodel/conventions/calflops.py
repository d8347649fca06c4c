"""``calflops`` and ``deepspeed``: two profilers with one set of formulas, each with MACs and FLOPs.

Both patch the functions of ``torch.nn.functional``, so that modules and functional calls count alike.
"""

from __future__ import annotations

from dataclasses import replace

from costmodel.conventions.convention import (
    BUG,
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

#: Activations whose function is patched. A ReLU6 module calls hardtanh, which is not.
_PATCHED = {"relu", "elu", "leaky_relu", "swish", "gelu"}
#: Functions of torch.nn.functional that are PyTorch's own under another name.
_NAMED = {"conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "avg_pool1d"} | {
    "adaptive_avg_pool1d"
}
_SAME = 'even kernels with padding="same"' + BUG
_GROUPS = "groups of transposed convolutions" + BUG


def _macs(op: SeenOperation) -> Items:
    match op.layer:
        case layers.Conv() as layer if op.padded_by_name:
            return {_SAME: op.params.weight * _slid(op, layer) - op.macs}
        case layers.TransposedConv(groups=groups, out_channels=made):
            # The weight already holds one group's outputs, and they are divided by the groups again.
            return {_GROUPS: op.macs * (made // groups // groups) // (made // groups) - op.macs}
        case layers.Conv() | layers.Linear() | layers.MatMul():
            return NOTHING
        case layers.Operation():
            return _operation(op)
    return nothing(op, *NORMS, *POOLS, layers.Activation, layers.Add, layers.Scale, *MOVES)


def _slid(op: SeenOperation, layer: layers.Conv | layers.TransposedConv) -> int:
    """Positions that its formula gives the output: with the same padding on both sides of an axis."""
    made = 1
    for axis, size in enumerate(op.input.spatial):
        reach = layer.dilation[axis] * (layer.kernel[axis] - 1)
        around = 2 * (reach // 2) if layer.padding == "same" else sum(layer.padding[axis])
        made *= (size + around - reach - 1) // layer.stride[axis] + 1
    return made


def _flops(op: SeenOperation) -> Items:
    elements = op.input.elements
    match op.layer:
        case layers.Conv(bias=bias) as layer if op.padded_by_name:
            return _twice(op) | {"bias": bias * layer.out_channels * _slid(op, layer)}
        case layers.Conv(bias=bias):
            return {"bias": bias * op.output.elements}
        case layers.TransposedConv(bias=bias, groups=groups) as layer:
            # One group's outputs, at the positions that a convolution would make.
            return _twice(op) | {"bias": bias * layer.out_channels // groups * _slid(op, layer)}
        case layers.BatchNorm():
            return {"batch norm": (1 + op.gamma) * elements}
        case layers.LayerNorm() | layers.GroupNorm():
            return {op.kind: (4 + op.gamma) * elements}
        case layers.Activation(name):
            return {op.kind: elements} if name in _PATCHED or _by_function(op) else NOTHING
        case layers.Pool() | layers.AdaptiveAveragePool() | layers.GlobalAveragePool():
            return {"pooling": elements}
        case layers.Linear() | layers.MatMul():
            return NOTHING
        case layers.Operation():
            return _operation(op, softmax=1, instance_norm=4 + op.gamma)
    return nothing(op, layers.Add, layers.Scale, *MOVES)


def _operation(op: SeenOperation, **costs: int) -> Items:
    if op.kind.startswith("upsample"):
        raise CostModelError("no rule for upsampling: what it costs there depends on how its size was said")
    # Fused attention counts its products alone, whether or not a capture took it apart.
    if op.function == ATTENTION or op.kind == "attention":
        return NOTHING
    pooled = op.input.elements if costs and "pool" in op.kind and op.function in ("fn", "") else 0
    return {"pooling": pooled} | operation(op, FREE | {"instance_norm"}, 2 if costs else 1, **costs)


def _by_function(op: SeenOperation) -> bool:
    return op.kind == "relu6" and op.module is not None and not op.type


def _deepspeed_is_visible(op: SeenOperation) -> bool:
    """Functions of torch.nn.functional are patched, and products under whatever name; methods otherwise are not."""
    if op.type == "MultiheadAttention" or op.is_recurrent:
        raise CostModelError(f"no rule for nn.{op.type}, which calls several functions that it patches")
    if op.function == ATTENTION:
        return True
    if not is_whole(op) and op.called.startswith("torch.nn.functional."):
        raise taken_apart(op)
    if isinstance(op.layer, (layers.MatMul, layers.Linear, layers.Conv, layers.TransposedConv)):
        if not is_whole(op):
            raise taken_apart(op)
        return True
    return not op.called or op.called.startswith("torch.nn.functional.") or op.function in _NAMED


def _is_visible(op: SeenOperation) -> bool:
    """What calflops sees, which does not patch all that DeepSpeed does."""
    product = isinstance(op.layer, layers.MatMul)
    if product and not op.called:
        raise CostModelError("no rule for a matrix product of which nobody knows whether it is torch.matmul or x @ y")
    if op.function in ("mm", "bmm", ATTENTION) or op.called == "torch.Tensor.matmul":
        return False
    return op.kind != "attention" and _deepspeed_is_visible(op)


def _twice(op: SeenOperation) -> Items:
    return {name: 2 * count for name, count in _macs(op).items()}


_COUNTED = (
    "2 a multiply-add; bias of convolutions 1 an output; batch norm 2 an element (1 without gamma), layer and group"
    " norm 5 (4); ReLU, SiLU, GELU, ELU and leaky ReLU 1; pooling of every kind 1 an element that it reads; no ReLU6"
    " module, bias of linear layers, x + y or x * y"
)
_BUGS = (
    "a grouped transposed convolution is divided by its groups twice, and its bias counts where a convolution would put"
    " its outputs",
    'an even kernel with padding="same" counts one position too few an axis',
)

CALFLOPS = Convention(
    name="calflops",
    source="calflops, FLOPs",
    version="0.3.2",
    place="calflops/pytorch_ops.py, _conv_flops_compute, _pool_flops_compute and the like;"
    " calflops/calculate_pipline.py",
    quantity="flops",
    factor=2,
    counts=_COUNTED,
    extra_counts=_flops,
    is_visible=_is_visible,
    bugs=(*_BUGS, "x @ y, bmm and fused attention count 0"),
)
CALFLOPS_MACS = replace(
    CALFLOPS,
    name="calflops_macs",
    source="calflops, MACs",
    quantity="multiply_adds",
    factor=1,
    counts="multiply-adds of convolutions, linear layers and torch.matmul; nothing else",
    extra_counts=_macs,
)
DEEPSPEED = replace(
    CALFLOPS,
    name="deepspeed",
    source="DeepSpeed's flops profiler, FLOPs",
    version="commit 127756f",
    place="deepspeed/profiling/flops_profiler/profiler.py, _conv_flops_compute, _pool_flops_compute and the like",
    is_visible=_deepspeed_is_visible,
    bugs=_BUGS,
)
DEEPSPEED_MACS = replace(
    CALFLOPS_MACS,
    name="deepspeed_macs",
    source="DeepSpeed's flops profiler, MACs",
    version=DEEPSPEED.version,
    place=DEEPSPEED.place,
    counts="multiply-adds of convolutions, linear layers, matrix products and fused attention; nothing else",
    is_visible=_deepspeed_is_visible,
    bugs=_BUGS,
)
