"""Operators that normalize."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from costmodel.capture.operator_costs import REDUCTIONS
from costmodel.capture.torch.ops.handler_utils import Arguments, Handler, batched, computed_ones, rest
from costmodel.capture.torch.tape import sample
from costmodel.capture.torch.tensors import tensors
from costmodel.core.counts import Ops
from costmodel.core.layers import BatchNorm, GroupNorm, Layer, LayerNorm, Operation
from costmodel.core.shape import Shape

if TYPE_CHECKING:
    from costmodel.capture.torch.tape import Tape


def _batch_norm(tape: Tape, name: str, args: Arguments, output: Any) -> None:
    x, weight, mean = args["input"], args["weight"], args.get("running_mean")
    statistics = (mean, args.get("running_var"))
    if args.get("training", args.get("train", "no_training" not in name)):
        # Statistics of this very input, as instance norm and standardised weights take them.
        work = (REDUCTIONS["var_mean"] + Ops(add=1, mul=1)) * x.numel()
        instance = Operation("instance_norm", sample(tensors(output)[0].shape), work)
        _norm(tape, "instance_norm", instance, args, output, statistics=statistics)
    else:
        times, shape = batched(x, max(x.dim() - 2, 0))
        if x.dim() == 2 and times == 1:
            shape = Shape.of(x.shape[1:])
        layer = BatchNorm(weight is not None, mean is not None)
        _norm(tape, "batch_norm", layer, args, output, [shape], times, statistics)


def _layer_norm(tape: Tape, name: str, args: Arguments, output: Any) -> None:
    made = sample(tensors(output)[0].shape)
    axes = min(len(args["normalized_shape"]), len(made.sizes))
    # Over one axis it is that of the features.
    shape = Shape.of(made.sizes, -1) if axes == 1 else tape.seen(args["input"])
    layer = LayerNorm(axes, args["weight"] is not None, args["bias"] is not None)
    _norm(tape, "layer_norm", layer, args, output, [shape])


def _group_norm(tape: Tape, name: str, args: Arguments, output: Any) -> None:
    times, shape = batched(args["input"], args["input"].dim() - 2)
    layer = GroupNorm(args["group"] if "group" in args else args["num_groups"], args["weight"] is not None)
    _norm(tape, "group_norm", layer, args, output, [shape], times)


def _rms_norm(tape: Tape, name: str, args: Arguments, output: Any) -> None:
    made = tensors(output)[0]
    work = REDUCTIONS["rms_norm"] * made.numel() + Ops(mul=made.numel() if args["weight"] is not None else 0)
    _norm(tape, "rms_norm", Operation("rms_norm", Shape.of(sample(made.shape).sizes, -1), work), args, output)


def _norm(
    tape: Tape,
    name: str,
    layer: Layer,
    args: Arguments,
    output: Any,
    shapes: Sequence[Shape] = (),
    times: int = 1,
    statistics: Sequence[Tensor | None] = (),
) -> None:
    """Writes down ``layer``, which stores a gamma, a beta and ``statistics``; what of them is computed, it reads."""
    gamma, beta, made = args["weight"], args.get("bias"), tensors(output)[0]
    reads = [args["input"], *computed_ones(tape, gamma, beta)]
    stored = tape.claim("affine", gamma, beta, *statistics)
    others = rest(output, made)
    tape.add(name, layer, reads, made, shapes=shapes, stored=stored, times=times, others=others)


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
