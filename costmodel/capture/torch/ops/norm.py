"""Operators that normalise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costmodel.capture.operator_costs import REDUCTIONS
from costmodel.capture.torch.ops.handler_utils import Arguments, Handler, also, batched, computed_ones
from costmodel.capture.torch.tape import sample, tensors
from costmodel.core.layers import BatchNorm, GroupNorm, LayerNorm, Operation
from costmodel.core.values import Ops

if TYPE_CHECKING:
    from costmodel.capture.torch.dispatch import Recorder


def _batch_norm(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    made, x, weight, mean = tensors(out)[0], a["input"], a["weight"], a.get("running_mean")
    held = recorder.claim("affine", weight, a["bias"], mean, a.get("running_var"))
    if a.get("training", a.get("train", "no_training" not in name)):
        # Statistics of this very input, as instance norm and standardised weights take them.
        work = (REDUCTIONS["var_mean"] + Ops(add=1, mul=1)) * x.numel()
        operation = Operation("instance_norm", sample(made.shape), work)
        recorder.add("instance_norm", operation, [x, *computed_ones(recorder, weight, a["bias"])], made, stored=held)
    else:
        times, shape = batched(x, max(x.dim() - 2, 0))
        if x.dim() == 2 and times == 1:
            shape = sample(x.shape)
        layer = BatchNorm(weight is not None, mean is not None)
        computed = computed_ones(recorder, weight, a["bias"])
        recorder.add("batch_norm", layer, [x, *computed], made, shapes=[shape], stored=held, times=times)
    also(recorder, out, made)


def _layer_norm(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    made, weight, bias = tensors(out)[0], a["weight"], a["bias"]
    held = recorder.claim("affine", weight, bias)
    shape = sample(made.shape)
    axes = min(len(a["normalized_shape"]), len(shape.sizes))
    layer = LayerNorm(axes, weight is not None, bias is not None)
    computed = computed_ones(recorder, weight, bias)
    recorder.add("layer_norm", layer, [a["input"], *computed], made, shapes=[shape], stored=held)
    also(recorder, out, made)


def _group_norm(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    made, weight, bias = tensors(out)[0], a["weight"], a["bias"]
    held = recorder.claim("affine", weight, bias)
    times, shape = batched(a["input"], made.dim() - 2)
    layer = GroupNorm(a["group"] if "group" in a else a["num_groups"], weight is not None)
    computed = computed_ones(recorder, weight, bias)
    recorder.add("group_norm", layer, [a["input"], *computed], made, shapes=[shape], stored=held, times=times)
    also(recorder, out, made)


def _rms_norm(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    made, weight = tensors(out)[0], a["weight"]
    work = REDUCTIONS["rms_norm"] * made.numel() + Ops(mul=made.numel() if weight is not None else 0)
    stored = recorder.claim("affine", weight)
    reads = [a["input"], *computed_ones(recorder, weight)]
    recorder.add("rms_norm", Operation("rms_norm", sample(made.shape), work), reads, made, stored=stored)
    also(recorder, out, made)


NORMS: dict[str, Handler] = {
    **dict.fromkeys(
        (
            "native_batch_norm",
            "_native_batch_norm_legit",
            "_native_batch_norm_legit_no_training",
            "_batch_norm_with_update",
            "_batch_norm_no_update",
            "cudnn_batch_norm",
        ),
        _batch_norm,
    ),
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    **dict.fromkeys(("_fused_rms_norm", "rms_norm"), _rms_norm),
}
