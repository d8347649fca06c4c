"""Operators that normalise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costmodel.capture.operator_costs import REDUCTIONS
from costmodel.capture.torch.ops.handler_utils import Arguments, Handler, batched, computed_ones, rest
from costmodel.capture.torch.tape import sample, tensors
from costmodel.core.counts import Ops
from costmodel.core.layers import BatchNorm, GroupNorm, LayerNorm, Operation
from costmodel.core.shape import Shape

if TYPE_CHECKING:
    from costmodel.capture.torch.tape import Tape


def _batch_norm(tape: Tape, name: str, args: Arguments, output: Any) -> None:
    made, x, weight, mean = tensors(output)[0], args["input"], args["weight"], args.get("running_mean")
    held = tape.claim("affine", weight, args["bias"], mean, args.get("running_var"))
    if args.get("training", args.get("train", "no_training" not in name)):
        # Statistics of this very input, as instance norm and standardised weights take them.
        work = (REDUCTIONS["var_mean"] + Ops(add=1, mul=1)) * x.numel()
        operation = Operation("instance_norm", sample(made.shape), work)
        tape.add("instance_norm", operation, [x, *computed_ones(tape, weight, args["bias"])], made, stored=held)
    else:
        times, shape = batched(x, max(x.dim() - 2, 0))
        if x.dim() == 2 and times == 1:
            shape = Shape.of(x.shape[1:])
        layer = BatchNorm(weight is not None, mean is not None)
        computed = computed_ones(tape, weight, args["bias"])
        tape.add(
            "batch_norm",
            layer,
            [x, *computed],
            made,
            shapes=[shape],
            stored=held,
            times=times,
            others=rest(output, made),
        )


def _layer_norm(tape: Tape, name: str, args: Arguments, output: Any) -> None:
    made, weight, bias = tensors(output)[0], args["weight"], args["bias"]
    held = tape.claim("affine", weight, bias)
    axes = min(len(args["normalized_shape"]), len(sample(made.shape).sizes))
    # Over one axis it is that of the features.
    shape = Shape.of(sample(made.shape).sizes, -1) if axes == 1 else tape.seen(args["input"])
    layer = LayerNorm(axes, weight is not None, bias is not None)
    computed = computed_ones(tape, weight, bias)
    tape.add(
        "layer_norm", layer, [args["input"], *computed], made, shapes=[shape], stored=held, others=rest(output, made)
    )


def _group_norm(tape: Tape, name: str, args: Arguments, output: Any) -> None:
    made, weight, bias = tensors(output)[0], args["weight"], args["bias"]
    held = tape.claim("affine", weight, bias)
    times, shape = batched(args["input"], made.dim() - 2)
    layer = GroupNorm(args["group"] if "group" in args else args["num_groups"], weight is not None)
    computed = computed_ones(tape, weight, bias)
    tape.add(
        "group_norm",
        layer,
        [args["input"], *computed],
        made,
        shapes=[shape],
        stored=held,
        times=times,
        others=rest(output, made),
    )


def _rms_norm(tape: Tape, name: str, args: Arguments, output: Any) -> None:
    made, weight = tensors(output)[0], args["weight"]
    work = REDUCTIONS["rms_norm"] * made.numel() + Ops(mul=made.numel() if weight is not None else 0)
    stored = tape.claim("affine", weight)
    reads = [args["input"], *computed_ones(tape, weight)]
    tape.add(
        "rms_norm",
        Operation("rms_norm", Shape.of(sample(made.shape).sizes, -1), work),
        reads,
        made,
        stored=stored,
        others=rest(output, made),
    )


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
