"""Operators with choices of their own that do not multiply: embeddings, activations, pools, sums, moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from costmodel.capture.operator_costs import ACTIVATIONS, REDUCTIONS
from costmodel.capture.torch.ops.handler_utils import (
    Arguments,
    Handler,
    also,
    arithmetic,
    batched,
    computed_ones,
    each,
    known_among,
)
from costmodel.capture.torch.tape import sample, tensors
from costmodel.core.layers import (
    Activation,
    AdaptiveAveragePool,
    Add,
    ChannelShuffle,
    Concat,
    Embedding,
    GlobalAveragePool,
    Operation,
    Pool,
    Scale,
    ZeroPad,
)
from costmodel.core.values import NO_OPS, Ops, Shape

if TYPE_CHECKING:
    from costmodel.capture.torch.dispatch import Recorder


def _embedding(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    table, indices = a["weight"], a["indices"]
    layer = Embedding(*table.shape)
    computed = computed_ones(recorder, table)
    stored = recorder.claim("weight", table)
    recorder.add("embedding", layer, [indices, *computed], out, stored=stored)


def _bag(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    """Rows of a table, one an index, added up."""
    made, table, indices = tensors(out)[0], a["weight"], a["indices"]
    layer = Operation("embedding_bag", sample(made.shape), Ops(add=indices.numel() * table.shape[1]))
    stored = recorder.claim("weight", table)
    recorder.add("embedding_bag", layer, [indices, *computed_ones(recorder, table)], made, stored=stored)
    also(recorder, out, made)


def _put(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    """Values put at indices; adding them up costs an addition each."""
    work = Ops(add=a["values"].numel() if a["accumulate"] else 0)
    reads = known_among(recorder, a)
    if reads:
        recorder.add(name, Operation(name, sample(out.shape), work), reads, out)


def _scattered(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    """Only what is read from the source is computed with."""
    work = REDUCTIONS[name] * a["source" if name == "index_add" else "src"].numel()
    reads = known_among(recorder, a)
    if reads:
        recorder.add(name, Operation(name, sample(out.shape), work), reads, out)


def _activation(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    made = tensors(out)[0]
    if recorder.is_constant(made) and not known_among(recorder, a):
        return
    known = "relu6" if (a.get("min_val"), a.get("max_val")) == (0, 6) else ACTIVATIONS[name]
    read = next(value for value in a.values() if isinstance(value, Tensor))
    recorder.add(known, Activation(known), [read], made, shapes=[sample(made.shape)])
    also(recorder, out, made)


def _pool(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    made, x, rank = tensors(out)[0], a["self"], 3 if "3d" in name else 2
    kernel = each(a["kernel_size"], rank)
    stride, padding = each(a["stride"] or kernel, rank), each(a["padding"], rank)
    times, shape = batched(x, rank)
    mean = name.startswith("avg")
    if max(a.get("dilation", (1,))) > 1:
        arithmetic(recorder, name, a, out)
        return
    layer = Pool(mean, kernel, stride, tuple((size, size) for size in padding), bool(a["ceil_mode"]))
    recorder.add("average_pool" if mean else "max_pool", layer, [x], made, shapes=[shape], times=times)
    also(recorder, out, made)


def _adaptive_pool(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    rank = 3 if "3d" in name else 2
    times, shape = batched(a["self"], rank)
    layer = AdaptiveAveragePool(tuple(out.shape[-rank:]))
    recorder.add(layer.kind(()), layer, [a["self"]], out, shapes=[shape], times=times)


def _mean(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    x = a["self"]
    dims = {dim % x.dim() for dim in a.get("dim") or ()}
    if x.dim() > 2 and dims == set(range(2, x.dim())) and a["keepdim"]:
        times, shape = batched(x, x.dim() - 2)
        recorder.add("global_average_pool", GlobalAveragePool(), [x], out, shapes=[shape], times=times)
        return
    work = Ops(add=x.numel() - out.numel(), div=out.numel())
    if known_among(recorder, a):
        recorder.add("mean", Operation("mean", sample(out.shape), work), [x], out)


def _add(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    both = [a["self"], a["other"]]
    if all(
        isinstance(tensor, Tensor) and tensor.shape == out.shape and not recorder.is_constant(tensor) for tensor in both
    ):
        recorder.add("add", Add(), both, out)
    else:
        arithmetic(recorder, name, a, out)


def _mul(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    both = [a["self"], a["other"]]
    if all(
        isinstance(tensor, Tensor) and tensor.dim() == out.dim() and not recorder.is_constant(tensor) for tensor in both
    ):
        gate = (*out.shape[:2], *(1,) * (out.dim() - 2))
        whole, other = both if both[0].shape == out.shape else both[::-1]
        if out.dim() > 2 and out.shape[0] == 1 and whole.shape == out.shape != other.shape and other.shape == gate:
            recorder.add("scale", Scale(), [whole, other], out)
            return
    arithmetic(recorder, name, a, out)


def _cat(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    parts = a["tensors"]
    known = known_among(recorder, parts)
    channels = a["dim"] % out.dim() == 1 and out.shape[0] == 1
    if channels and len(known) == len(parts) > 1 and all(part.dim() == out.dim() for part in parts):
        recorder.add("concat", Concat(), parts, out, shapes=[Shape.of(tuple(part.shape)[1:]) for part in parts])
    elif known:
        recorder.add("concat", Operation("concat", sample(out.shape)), known, out)


def _pad(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    x, pad = a["self"], list(a["pad"])
    sides = [(pad[2 * axis], pad[2 * axis + 1]) for axis in range(len(pad) // 2)][::-1]
    around = ((0, 0),) * (x.dim() - 2 - len(sides)) + tuple(sides)
    known = known_among(recorder, a)
    if not known:
        return
    if x.dim() < 3 or x.shape[0] != 1 or len(around) != x.dim() - 2 or min(map(min, around)) < 0 or a["value"] != 0:
        recorder.same(out, x)
        return
    recorder.add("pad", ZeroPad(around), [x], out, shapes=[Shape.of(tuple(x.shape)[1:])])


def _shuffle(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    if out.shape[0] == 1 and known_among(recorder, a):
        recorder.add("channel_shuffle", ChannelShuffle(a["groups"]), [a["self"]], out)
    else:
        recorder.same(out, a["self"])


def _copied_over(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    """``copy_`` into a part of a tensor: what was there before and what is new are both in it."""
    reads = known_among(recorder, [a["self"], a["src"]])
    sources = list({id(recorder.source(tensor)): tensor for tensor in reads}.values())
    if len(sources) == 1:
        recorder.same(out, sources[0])
    elif sources:
        recorder.add("copy", Operation("copy", sample(out.shape), NO_OPS), sources, out)


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
