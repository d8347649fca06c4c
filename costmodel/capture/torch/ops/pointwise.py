"""Operators with choices of their own that do not multiply: embeddings, activations, pools, sums, moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from costmodel.capture.operator_costs import ACTIVATIONS, REDUCTIONS
from costmodel.capture.torch.ops.handler_utils import (
    Arguments,
    Handler,
    arithmetic,
    batched,
    computed_ones,
    each,
    known_among,
    moved,
    rest,
)
from costmodel.capture.torch.tape import sample
from costmodel.capture.torch.tensors import tensors
from costmodel.core.counts import Ops
from costmodel.core.layers import (
    Activation,
    AdaptiveAveragePool,
    Add,
    ChannelShuffle,
    Concat,
    Embedding,
    GlobalAveragePool,
    Move,
    Operation,
    Pool,
    Scale,
    ZeroPad,
)
from costmodel.core.shape import Shape

if TYPE_CHECKING:
    from costmodel.capture.torch.tape import Tape


def _embedding(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    table, indices = args["weight"], args["indices"]
    layer = Embedding(*table.shape)
    computed = computed_ones(tape, table)
    stored = tape.claim("weight", table)
    tape.add("embedding", layer, [indices, *computed], output, stored=stored)


def _bag(tape: Tape, name: str, args: Arguments, output: Any) -> None:
    """Rows of a table, one an index, added up."""
    made, table, indices = tensors(output)[0], args["weight"], args["indices"]
    layer = Operation(
        "embedding_bag", Shape.of(sample(made.shape).sizes, -1), Ops(add=indices.numel() * table.shape[1])
    )
    stored = tape.claim("weight", table)
    tape.add(
        "embedding_bag", layer, [indices, *computed_ones(tape, table)], made, stored=stored, others=rest(output, made)
    )


def _put(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    """Values put at indices; adding them up costs an addition each."""
    work = Ops(add=args["values"].numel() if args["accumulate"] else 0)
    reads = known_among(tape, args)
    if reads:
        tape.add(name, Operation(name, tape.output_shape(output, reads), work), reads, output)


def _scattered(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    """Only what is read from the source is computed with."""
    work = REDUCTIONS[name] * args["source" if name == "index_add" else "src"].numel()
    reads = known_among(tape, args)
    if reads:
        tape.add(name, Operation(name, tape.output_shape(output, reads), work), reads, output)


def _activation(tape: Tape, name: str, args: Arguments, output: Any) -> None:
    made = tensors(output)[0]
    if tape.is_constant(made) and not known_among(tape, args):
        return
    known = "relu6" if (args.get("min_val"), args.get("max_val")) == (0, 6) else ACTIVATIONS[name]
    read = next(value for value in args.values() if isinstance(value, Tensor))
    tape.add(
        known, Activation(known), [read], made, shapes=[tape.output_shape(made, [read])], others=rest(output, made)
    )


def _pool(tape: Tape, name: str, args: Arguments, output: Any) -> None:
    made, x, rank = tensors(output)[0], args["self"], 3 if "3d" in name else 2
    kernel = each(args["kernel_size"], rank)
    stride, padding = each(args["stride"] or kernel, rank), each(args["padding"], rank)
    times, shape = batched(x, rank)
    mean = name.startswith("avg")
    if max(args.get("dilation", (1,))) > 1:
        arithmetic(tape, name, args, output)
        return
    layer = Pool(mean, kernel, stride, tuple((size, size) for size in padding), bool(args["ceil_mode"]))
    tape.add(
        "average_pool" if mean else "max_pool", layer, [x], made, shapes=[shape], times=times, others=rest(output, made)
    )


def _adaptive_pool(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    rank = 3 if "3d" in name else 2
    times, shape = batched(args["self"], rank)
    layer = AdaptiveAveragePool(tuple(output.shape[-rank:]))
    tape.add(layer.kind(()), layer, [args["self"]], output, shapes=[shape], times=times)


def _mean(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    x = args["self"]
    dims = {dim % x.dim() for dim in args.get("dim") or ()}
    if x.dim() > 2 and dims == set(range(2, x.dim())) and args["keepdim"]:
        times, shape = batched(x, x.dim() - 2)
        tape.add("global_average_pool", GlobalAveragePool(), [x], output, shapes=[shape], times=times)
        return
    work = Ops(add=x.numel() - output.numel(), div=output.numel())
    if known_among(tape, args):
        tape.add("mean", Operation("mean", tape.output_shape(output, [x]), work), [x], output)


def _add(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    both = [args["self"], args["other"]]
    if all(
        isinstance(tensor, Tensor) and tensor.shape == output.shape and not tape.is_constant(tensor) for tensor in both
    ):
        shape = tape.output_shape(output, both)
        tape.add("add", Add(), both, output, shapes=[shape, shape])
    else:
        arithmetic(tape, name, args, output)


def _mul(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    both = [args["self"], args["other"]]
    if all(
        isinstance(tensor, Tensor) and tensor.dim() == output.dim() and not tape.is_constant(tensor) for tensor in both
    ):
        gate = (*output.shape[:2], *(1,) * (output.dim() - 2))
        whole, other = both if both[0].shape == output.shape else both[::-1]
        if (
            output.dim() > 2
            and output.shape[0] == 1
            and whole.shape == output.shape != other.shape
            and other.shape == gate
        ):
            shapes = [Shape.of(tuple(tensor.shape)[1:]) for tensor in (whole, other)]
            tape.add("scale", Scale(), [whole, other], output, shapes=shapes)
            return
    arithmetic(tape, name, args, output)


def _cat(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    parts = args["tensors"]
    known = known_among(tape, parts)
    if not known:
        return
    axis = args["dim"] % output.dim() - 1  # after a batch of one
    whole = len(known) == len(parts) > 1 and all(part.dim() == output.dim() for part in parts)
    if whole and output.shape[0] == 1 and axis >= 0 and axis == tape.features_axis(parts):
        shapes = [Shape.of(tuple(part.shape)[1:], axis) for part in parts]
        tape.add("concat", Concat(), parts, output, shapes=shapes)
    else:
        tape.add("concat", Move("concat", tape.output_shape(output, known)), known, output)


def _pad(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    x, pad = args["self"], list(args["pad"])
    sides = [(pad[2 * axis], pad[2 * axis + 1]) for axis in range(len(pad) // 2)][::-1]
    around = ((0, 0),) * (x.dim() - 2 - len(sides)) + tuple(sides)
    known = known_among(tape, args)
    if not known:
        return
    if x.dim() < 3 or x.shape[0] != 1 or len(around) != x.dim() - 2 or min(map(min, around)) < 0 or args["value"] != 0:
        moved(tape, "pad", known, output)
        return
    tape.add("pad", ZeroPad(around), [x], output, shapes=[Shape.of(tuple(x.shape)[1:])])


def _shuffle(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    known = known_among(tape, args)
    if output.shape[0] == 1 and known:
        shapes = [Shape.of(tuple(output.shape)[1:])]
        tape.add("channel_shuffle", ChannelShuffle(args["groups"]), known, output, shapes=shapes)
    elif known:
        moved(tape, "channel_shuffle", known, output)


def _copied_over(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    """``copy_``, often into a part of a tensor: the whole of it then holds what was there before and what is new."""
    reads = known_among(tape, [args["self"], args["src"]])
    if reads:
        moved(tape, "copy", reads, output if output._base is None else output._base)


OTHERS: dict[str, Handler] = {
    "embedding": _embedding,
    **dict.fromkeys(("_embedding_bag", "_embedding_bag_forward_only"), _bag),
    **dict.fromkeys(("scatter_add", "scatter_reduce", "index_add"), _scattered),
    "index_put": _put,
    **dict.fromkeys(ACTIVATIONS, _activation),
    **dict.fromkeys(
        ("max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool2d", "avg_pool3d"),
        _pool,
    ),
    **dict.fromkeys(("_adaptive_avg_pool2d", "_adaptive_avg_pool3d"), _adaptive_pool),
    "mean": _mean,
    "add": _add,
    "mul": _mul,
    "cat": _cat,
    "constant_pad_nd": _pad,
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), _shuffle),
    "copy": _copied_over,
}
