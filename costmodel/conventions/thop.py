"""``thop``: ``thop.profile(model, inputs)``, the package pytorch-OpCounter."""

from __future__ import annotations

import math

from costmodel.conventions.convention import BUG, ELEMENTWISE, MOVES, NOTHING, Convention, Items, SeenOperation, nothing
from costmodel.conventions.function_calls import FREE, operation
from costmodel.core import layers
from costmodel.errors import CostModelError

#: Modules that have a hook which counts something begin with these; nn.Softmax and recurrent ones have one too.
_HOOKS = ("Conv", "BatchNorm", "LayerNorm", "InstanceNorm", "PReLU", "AvgPool", "AdaptiveAvgPool", "Linear", "Upsampl")
#: What upsampling counts for each value it makes, by its operator.
_UPSAMPLING = {
    **dict.fromkeys(("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"), 1),
    "upsample_linear1d": 5,
    "upsample_bilinear2d": 11,
    "upsample_bicubic2d": 224 + 35,
}


def _extra_counts(op: SeenOperation) -> Items:
    elements, made = op.input.elements, op.output.elements
    match op.layer:
        case layers.TransposedConv():
            return {"transposed convolutions at every output" + BUG: op.at_every_output - op.macs}
        case layers.Conv() | layers.Linear():
            return NOTHING
        case layers.BatchNorm() | layers.LayerNorm():
            return {op.kind: (2 + 2 * op.gamma) * elements}
        case layers.Pool(mean=True):
            return {"average pooling": made}
        case layers.AdaptiveAveragePool() | layers.GlobalAveragePool():
            counted = _adaptive(op.input.spatial, op.output.spatial, made)
            if op.times * counted != _adaptive(op.input.spatial, op.output.spatial, op.times * made):
                raise CostModelError("no rule for adaptive pooling of a batch that thop cuts off as a whole")
            return {"adaptive pooling": counted}
        case layers.Operation():
            norm = 2 + 2 * op.gamma
            return operation(op, FREE | {"rms_norm"}, 1, instance_norm=norm, prelu_kernel=1, **_UPSAMPLING)
        case layers.MatMul():  # never a module of its own
            return {"matrix products as 0": -op.macs}
    return nothing(op, layers.GroupNorm, layers.Pool, *ELEMENTWISE, *MOVES)


def _is_visible(op: SeenOperation) -> bool:
    if op.type == "Softmax":
        raise CostModelError("no rule for nn.Softmax: what it costs there depends on an axis that is not known here")
    if op.is_recurrent:
        raise CostModelError(f"no rule for nn.{op.type}, for which thop has a formula of its own")
    return op.module is None or op.type.startswith(_HOOKS)


def _adaptive(read: tuple[int, ...], made: tuple[int, ...], outputs: int) -> int:
    # In floating point and cut off, as thop has it: exactly it would be the elements read and those made.
    return int((math.prod(x / y for x, y in zip(read, made, strict=True)) + 1) * outputs)


def _extra_counts_of_2019(op: SeenOperation) -> Items:
    made = op.output.elements
    match op.layer:
        case layers.TransposedConv(bias=bias):
            return {
                "transposed convolutions at every output" + BUG: op.at_every_output - op.macs,
                "bias": made if bias else 0,
            }
        case layers.Conv(bias=bias):
            return {"bias": made if bias else 0}
        case layers.Linear(bias=bias):  # its additions are counted beside its multiplications
            return {"additions of linear layers": op.macs - made, "bias": made if bias else 0}
        case layers.BatchNorm():
            return {"batch norm": 4 * op.input.elements}
        case layers.Activation("leaky_relu"):
            return {"leaky relu": op.input.elements}
        case layers.Pool(mean=True, kernel=kernel):
            return {"average pooling": (math.prod(kernel) + 1) * made}
        case layers.AdaptiveAveragePool() | layers.GlobalAveragePool():
            sizes = zip(op.input.spatial, op.output.spatial, strict=True)
            return {"adaptive pooling": (math.prod(read // size for read, size in sizes) + 1) * made}
    free = (layers.Pool, layers.Activation, layers.LayerNorm, layers.GroupNorm, layers.Add, layers.Scale)
    return nothing(op, *free, *MOVES)


def _is_visible_in_2019(op: SeenOperation) -> bool:
    if isinstance(op.layer, layers.MatMul):
        return False
    return op.module is None or op.type != ""


THOP = Convention(
    name="thop",
    source="thop (pytorch-OpCounter)",
    version="0.1.1.post2209072238",
    place="thop/profile.py, register_hooks; thop/vision/basic_hooks.py; thop/vision/calc_func.py",
    quantity="multiply_adds",
    verified_against_tool=True,
    counts="multiply-adds; batch and layer norm 4 an element (2 without gamma), average pooling 1 an output, adaptive"
    " average pooling 1 an element that it reads and 1 an output; no bias, activation, max pooling, x + y or x * y",
    extra_counts=_extra_counts,
    is_visible=_is_visible,
    bugs=(
        "a transposed convolution is counted at every output instead of every input: 4 times too large at stride 2",
        "adaptive pooling is computed in floating point and cut off, so it can be 1 too small",
        "functional calls and subclasses of a layer count 0, and so do matrix products and group norm",
        "of a model that is a single layer it reports 0 parameters, and of layers it has no rule for",
    ),
)

THOP_2019 = Convention(
    name="thop_2019",
    source="thop (pytorch-OpCounter), as it was from October to December 2019",
    version="commit 5c006ca",
    place="thop/count_hooks.py, count_convNd, count_linear and count_bn; thop/profile.py, register_hooks",
    quantity="multiply_adds",
    counts="multiply-adds; bias 1 an output; linear layers twice, for their additions; batch norm 4 an element; average"
    " pooling its kernel and 1 an output; no activation, max pooling, x + y or x * y",
    extra_counts=_extra_counts_of_2019,
    is_visible=_is_visible_in_2019,
    bugs=("a linear layer counts its additions beside its multiplications, a convolution does not",),
)
