"""What conventions ask of captured operations: what the model called for them, and whether that is all it computes."""

from __future__ import annotations

from costmodel.conventions.convention import Items, SeenOperation, undecided
from costmodel.core import layers
from costmodel.errors import CostModelError

#: What a captured model computes besides the layers of the papers, and no counter here that looks at operators counts.
FREE = frozenset(
    """
    add sub rsub neg div reciprocal remainder fmod floor_divide abs sign sgn floor ceil round trunc frac eq ne lt le
    gt ge minimum maximum clamp clamp_min clamp_max relu threshold exp expm1 log log2 log10 log1p sqrt rsqrt sin cos
    tan atan2 erf pow square logical_and logical_or logical_not bitwise_and bitwise_or bitwise_not celu selu glu
    softshrink hardshrink log_softmax index_put sum amax amin max min argmax argmin any all cumsum sort topk var
    var_mean std std_mean linalg_vector_norm logsumexp max_pool2d_with_indices max_pool3d_with_indices
    adaptive_max_pool2d adaptive_max_pool3d weight_norm_interface upsample_nearest1d upsample_nearest3d
    upsample_nearest_exact1d upsample_nearest_exact2d upsample_nearest_exact3d upsample_linear1d
    upsample_trilinear3d upsample_bicubic2d upsample_bilinear2d_aa upsample_bicubic2d_aa mul mean softmax
    safe_softmax prelu_kernel upsample_nearest2d upsample_bilinear2d bilinear cdist
    """.split()
)


def operation(op: SeenOperation, free: frozenset[str] = FREE, factor: int = 1, **costs: int) -> Items:
    """An operation without a layer of its own, by the tool's table: counts an element it makes, 0 if it is ``free``.

    A product that is free counts 0 too, in a convention of this ``factor``.

    Raises :class:`~costmodel.errors.CostModelError` for one that stands in neither.
    """
    assert isinstance(op.layer, layers.Operation)
    name = op.layer.name.strip("_")
    if name not in costs and name not in free:
        raise undecided(op)
    return {op.kind.strip(): costs.get(name, 0) * op.output.elements, f"{op.kind} as 0": -factor * op.macs}


#: What PyTorch computes in steps of its own, in the functions and modules of recurrent networks.
_CELLS = ("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
ATTENTION = "scaled_dot_product_attention"

#: Functions that are one activation, where they are not called as it is.
_ACTIVATIONS = {"swish": "silu", "relu6": "hardtanh"}
#: Functions that are one operation, where they are not called as it is. ``fn`` chooses whether to return indices.
_OPERATIONS = {
    "prelu_kernel": ("prelu",),
    "weight_norm_interface": ("weight_norm",),
    "grid_sampler_2d": ("grid_sample", "grid_sampler"),
    "grid_sampler_3d": ("grid_sample", "grid_sampler"),
    "concat": ("cat", "concatenate"),
    "sub": ("rsub", "isub"),
    "clamp": ("clip",),
    **dict.fromkeys(
        ("max_pool2d_with_indices", "max_pool3d_with_indices", "adaptive_max_pool2d", "adaptive_max_pool3d"), ("fn",)
    ),
}


def is_whole(op: SeenOperation) -> bool:
    """Whether it is all that the called function computes: what a capture takes apart, a tool may see in one piece.

    What no capture met is.
    """
    function, layer = op.function, op.layer
    if not function:
        return True
    match layer:
        case layers.Conv() | layers.TransposedConv():
            return function.startswith("conv")
        case layers.Linear() | layers.MatMul():
            return function in ("linear", "matmul", "rmatmul", "mm", "bmm", "addmm")
        case layers.BatchNorm():
            return function == "batch_norm"
        case layers.LayerNorm():
            return function == "layer_norm"
        case layers.GroupNorm():
            return function == "group_norm"
        case layers.Activation(name):
            own = (name.replace("_", ""), _ACTIVATIONS.get(name, ""))
            return function.replace("_", "") in own
        case layers.Pool():
            return function.startswith(("avg_pool", "max_pool")) or function == "fn"
        case layers.AdaptiveAveragePool() | layers.GlobalAveragePool():
            return function.startswith("adaptive_avg_pool") or function == "mean"
        case layers.Add():
            return function in ("add", "radd", "iadd")
        case layers.Scale():
            return function in ("mul", "rmul", "imul", "multiply")
        case layers.Operation(name):
            name = name.strip("_")
            if op.is_bias:
                return True
            if name.startswith("upsample"):
                return function in ("interpolate", "upsample") or function == name
            return function in (name, f"r{name}", f"i{name}", *_OPERATIONS.get(name, ()))
    return True


def traced(op: SeenOperation, items: Items, blind: frozenset[str], known: frozenset[str]) -> Items:
    """``items`` as a tool finds them that traces a model and knows PyTorch's functions by name.

    ``known`` are functions in its table that a capture takes apart, ``blind`` those that it does not know: none of what
    they are made of counts. Any other function counts only if it is the operation itself.

    Raises :class:`~costmodel.errors.CostModelError` where it cannot be told what the tool would see.
    """
    if op.type == "MultiheadAttention":
        raise CostModelError(
            "no rule for nn.MultiheadAttention: PyTorch may run it in one piece, and then it counts 0 there"
        )
    if op.function in blind:
        return {f"{op.function.replace('_', ' ')} as 0": -op.macs}
    if is_whole(op) or op.function in _CELLS:
        return items
    if op.function in known or op.macs + sum(items.values()):
        raise taken_apart(op)
    return items


def taken_apart(op: SeenOperation) -> CostModelError:
    """What to say of a part of a function that a tool may see in one piece."""
    return CostModelError(f"no rule for {op.kind} as a part of {op.called}, which is not what the tool looks at")
