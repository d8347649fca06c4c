"""From each operator of PyTorch to a layer: handlers for those with choices of their own, tables for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal

from torch import Tensor

from costmodel.adapters.pytorch.recorder import Recorder, first_tensor, name_of, sample, tensors
from costmodel.adapters.pytorch.tables import ACTIVATIONS, CREATIONS, ELEMENTWISE, MOVES, REDUCTIONS
from costmodel.layers import (
    Activation,
    AdaptiveAveragePool,
    Add,
    BatchNorm,
    ChannelShuffle,
    Concat,
    Conv,
    Embedding,
    GlobalAveragePool,
    GroupNorm,
    Layer,
    LayerNorm,
    Linear,
    MatMul,
    Operation,
    Pool,
    Scale,
    TransposedConv,
    ZeroPad,
)
from costmodel.values import NO_OPS, Ops, Params, Shape

Arguments = dict[str, Any]
Handler = Callable[[Recorder, Any, tuple[Any, ...], dict[str, Any], Any], None]


@cache
def handler(func: Any) -> Handler | Literal["creation", "unknown"] | None:
    """How to write down a call of ``func``; None for a view, which is the same values in the same place."""
    if any(result.alias_info is not None and not result.alias_info.is_write for result in func._schema.returns):
        return None
    name = name_of(func)
    if func.namespace in ("profiler", "prim"):  # marks in a log, questions about a tensor
        return None
    if func.namespace not in ("aten", "prims"):
        return "unknown"
    if name in CREATIONS:
        return "creation"
    if name in _HANDLERS:
        return _with_names(_HANDLERS[name])
    if name in MOVES:
        return _moved
    if name in ELEMENTWISE or name in REDUCTIONS:
        return _arithmetic
    return "unknown"


def _with_names(handle: Callable[[Recorder, str, Arguments, Any], None]) -> Handler:
    """A handler that gets its arguments by the names of the schema, with the defaults filled in."""

    def called(recorder: Recorder, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        declared = func._schema.arguments
        given = {argument.name: argument.default_value for argument in declared}
        given.update(zip((argument.name for argument in declared), args, strict=False))
        given.update(kwargs)
        handle(recorder, name_of(func), given, out)

    return called


# What the tables decide.


def _known(recorder: Recorder, args: object) -> list[Tensor]:
    """The tensors among ``args`` that something made, or that the module holds; plain constants stay out."""
    return [tensor for tensor in tensors(args) if recorder.step(tensor) is not None or recorder.is_held(tensor)]


def _arithmetic(recorder: Recorder, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
    _generic(recorder, name_of(func), (args, kwargs), out)


def _generic(recorder: Recorder, name: str, args: object, out: Any) -> None:
    """An operation that is its name and its arithmetic; on constants alone, it is a constant."""
    made, reads = first_tensor(out), _known(recorder, args)
    if made is None or not reads:
        return
    work = ELEMENTWISE[name] * made.numel() if name in ELEMENTWISE else REDUCTIONS[name] * tensors(args)[0].numel()
    recorder.add(name.strip("_"), Operation(name.strip("_"), sample(made.shape), work), reads, made)
    _also(recorder, out, made)


def _also(recorder: Recorder, out: Any, made: Tensor) -> None:
    """The other results of an operator, such as the indices beside a maximum."""
    for other in tensors(out):
        if other is not made:
            recorder.same(other, made)


def _moved(recorder: Recorder, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
    """Values of one tensor stay that tensor; values of several make a node that costs nothing."""
    reads = _known(recorder, (args, kwargs))
    results = tensors(out)
    if not reads or not results:
        return
    sources = list({id(recorder.source(tensor)): tensor for tensor in reads}.values())
    if len(sources) == 1:
        for result in results:
            recorder.same(result, sources[0])
        return
    name = name_of(func)
    recorder.add(name, Operation(name, sample(results[0].shape)), sources, results[0])
    _also(recorder, out, results[0])


# Layers of the papers.


def _stored(recorder: Recorder, weight: Tensor, bias: Tensor | None) -> Params:
    return recorder.claim("weight", weight) + recorder.claim("bias", bias)


def _computed(recorder: Recorder, *stored: Tensor | None) -> list[Tensor]:
    """Those of a layer's weights and biases that the module does not hold, but makes: they are read like any input."""
    return [tensor for tensor in stored if tensor is not None and not recorder.is_held(tensor)]


def _batched(x: Tensor, rank: int) -> tuple[int, Shape]:
    """How many samples of ``rank`` spatial sizes ``x`` holds, and its shape as a layer reads it."""
    sizes = tuple(x.shape)
    if len(sizes) == rank + 1:
        return 1, Shape.of(sizes)
    return (1, Shape.of(sizes[1:])) if sizes[0] == 1 else (sizes[0], Shape.of(sizes))


def _each(values: Sequence[int], rank: int) -> tuple[int, ...]:
    return tuple(values) * rank if len(values) == 1 else tuple(values)


def _convolution(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    x, weight, bias = a["input"], a["weight"], a["bias"]
    rank = weight.dim() - 2
    stride, padding, dilation = (_each(a[what], rank) for what in ("stride", "padding", "dilation"))
    kernel, sides = tuple(weight.shape[2:]), tuple((size, size) for size in padding)
    times, shape = _batched(x, rank)
    layer: Layer
    if a["transposed"]:
        extra = _each(a["output_padding"], rank)
        channels = weight.shape[1] * a["groups"]
        layer = TransposedConv(channels, kernel, stride, sides, dilation, a["groups"], bias is not None, extra)
    else:
        layer = Conv(weight.shape[0], kernel, stride, sides, dilation, a["groups"], bias is not None)
    computed = _computed(recorder, weight, bias)
    stored = _stored(recorder, weight, bias)
    recorder.add("conv", layer, [x, *computed], out, shapes=[shape], stored=stored, times=times)


def _mm(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    left, right = (a["mat1"], a["mat2"]) if name == "addmm" else (a["self"], a["mat2"])
    bias = a["self"] if name == "addmm" else None
    # Weights: what the module holds, or what it makes of that alone.
    linear = recorder.is_held(right) or (recorder.is_constant(right) and not recorder.is_constant(left))
    own_bias = linear and bias is not None and bias.dim() == 1 and recorder.is_constant(bias)
    # A matrix of one row is a vector.
    shapes = [sample(left.shape), Shape.of(tuple(right.shape))]
    if linear:
        layer = Linear(right.shape[1], own_bias, features_last=left.shape[0] != 1)
        own = bias if own_bias else None
        computed = _computed(recorder, right, own)
        recorder.add("linear", layer, [left, *computed], out, shapes=shapes[:1], stored=_stored(recorder, right, own))
    else:
        recorder.add("matmul", MatMul(), [left, right], out, shapes=shapes)
    if bias is not None and not own_bias:
        _generic(recorder, "add", (out, bias), out)


def _bmm(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    left, right = (a["self"], a["mat2"]) if name == "bmm" else (a["batch1"], a["batch2"])
    one = left.shape[0] == 1
    shapes = [Shape.of(tuple(tensor.shape)[1:] if one else tuple(tensor.shape)) for tensor in (left, right)]
    recorder.add("matmul", MatMul(), [left, right], out, shapes=shapes)
    if name != "bmm":
        _generic(recorder, "add", (out, a["self"]), out)


def _vector(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    """Products with a vector: the vector is a matrix of one column."""
    if name in ("dot", "vdot"):
        left, right = a["self"], a["tensor"] if "tensor" in a else a["other"]
        shapes = [Shape(1, (left.shape[0],)), Shape(left.shape[0], (1,))]
    else:
        left, right = (a["mat"], a["vec"]) if name == "addmv" else (a["self"], a["vec"])
        shapes = [Shape.of(tuple(left.shape)), Shape(right.shape[0], (1,))]
    recorder.add("matmul", MatMul(), [left, right], out, shapes=shapes)
    if name == "addmv":
        _generic(recorder, "add", (out, a["self"]), out)


def _distances(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    """Squared distances as |x|^2 + |y|^2 - 2xy: the product is what multiplies. Other norms have no product."""
    x1, x2 = a["x1"], a["x2"]
    products = out.numel() * x1.shape[-1]
    if a.get("p", 2) == 2:
        work = Ops(mac=products, add=2 * out.numel(), mul=x1.numel() + x2.numel(), exp=out.numel())
    else:
        work = Ops(add=2 * products, cmp=products)
    recorder.add("cdist", Operation("cdist", sample(out.shape), work), [x1, x2], out)


def _trilinear(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    """nn.Bilinear: each pair of features times its weight, one product and sum a weight."""
    first, weight, second = a["i1"], a["i2"], a["i3"]
    places = out.numel() // weight.shape[0]
    work = Ops(mac=places * weight.numel(), mul=places * weight.shape[1] * weight.shape[2])
    stored = recorder.claim("weight", weight)
    reads = [first, second, *_computed(recorder, weight)]
    recorder.add("bilinear", Operation("bilinear", sample(out.shape), work), reads, out, stored=stored)


def _attention(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    """Fused attention: queries by keys, a softmax, the result by values."""
    made = tensors(out)[0]
    query, key, value = a["query"], a["key"], a["value"]
    scores = query.numel() // query.shape[-1] * key.shape[-2]
    softmax = REDUCTIONS["_softmax"] * scores
    work = Ops(mac=scores * (query.shape[-1] + value.shape[-1]), mul=scores) + softmax
    recorder.add("attention", Operation("attention", sample(made.shape), work), [query, key, value], made)
    _also(recorder, out, made)


# Norms.


def _batch_norm(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    made, x, weight, mean = tensors(out)[0], a["input"], a["weight"], a.get("running_mean")
    held = recorder.claim("affine", weight, a["bias"], mean, a.get("running_var"))
    if a.get("training", a.get("train", "no_training" not in name)):
        # Statistics of this very input, as instance norm and standardised weights take them.
        work = (REDUCTIONS["var_mean"] + Ops(add=1, mul=1)) * x.numel()
        operation = Operation("instance_norm", sample(made.shape), work)
        recorder.add("instance_norm", operation, [x, *_computed(recorder, weight, a["bias"])], made, stored=held)
    else:
        times, shape = _batched(x, max(x.dim() - 2, 0))
        if x.dim() == 2 and times == 1:
            shape = sample(x.shape)
        layer = BatchNorm(weight is not None, mean is not None)
        computed = _computed(recorder, weight, a["bias"])
        recorder.add("batch_norm", layer, [x, *computed], made, shapes=[shape], stored=held, times=times)
    _also(recorder, out, made)


def _layer_norm(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    made, weight, bias = tensors(out)[0], a["weight"], a["bias"]
    held = recorder.claim("affine", weight, bias)
    shape = sample(made.shape)
    axes = min(len(a["normalized_shape"]), len(shape.sizes))
    layer = LayerNorm(axes, weight is not None, bias is not None)
    computed = _computed(recorder, weight, bias)
    recorder.add("layer_norm", layer, [a["input"], *computed], made, shapes=[shape], stored=held)
    _also(recorder, out, made)


def _group_norm(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    made, weight, bias = tensors(out)[0], a["weight"], a["bias"]
    held = recorder.claim("affine", weight, bias)
    times, shape = _batched(a["input"], made.dim() - 2)
    layer = GroupNorm(a["group"] if "group" in a else a["num_groups"], weight is not None)
    computed = _computed(recorder, weight, bias)
    recorder.add("group_norm", layer, [a["input"], *computed], made, shapes=[shape], stored=held, times=times)
    _also(recorder, out, made)


def _rms_norm(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    made, weight = tensors(out)[0], a["weight"]
    work = REDUCTIONS["rms_norm"] * made.numel() + Ops(mul=made.numel() if weight is not None else 0)
    stored = recorder.claim("affine", weight)
    reads = [a["input"], *_computed(recorder, weight)]
    recorder.add("rms_norm", Operation("rms_norm", sample(made.shape), work), reads, made, stored=stored)
    _also(recorder, out, made)


# The rest with choices.


def _embedding(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    table, indices = a["weight"], a["indices"]
    layer = Embedding(*table.shape)
    computed = _computed(recorder, table)
    stored = recorder.claim("weight", table)
    recorder.add("embedding", layer, [indices, *computed], out, stored=stored)


def _bag(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    """Rows of a table, one an index, added up."""
    made, table, indices = tensors(out)[0], a["weight"], a["indices"]
    layer = Operation("embedding_bag", sample(made.shape), Ops(add=indices.numel() * table.shape[1]))
    stored = recorder.claim("weight", table)
    recorder.add("embedding_bag", layer, [indices, *_computed(recorder, table)], made, stored=stored)
    _also(recorder, out, made)


def _addbmm(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    """Products of pairs of matrices, all added up."""
    left, right = a["batch1"], a["batch2"]
    work = Ops(mac=left.numel() * right.shape[2], add=out.numel())
    recorder.add(name, Operation(name, sample(out.shape), work), [a["self"], left, right], out)


def _scattered(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    work = REDUCTIONS[name] * a["src"].numel()
    reads = _known(recorder, a)
    if reads:
        recorder.add(name, Operation(name, sample(out.shape), work), reads, out)


def _activation(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    made = tensors(out)[0]
    if recorder.is_constant(made) and not _known(recorder, a):
        return
    known = "relu6" if (a.get("min_val"), a.get("max_val")) == (0, 6) else ACTIVATIONS[name]
    read = next(value for value in a.values() if isinstance(value, Tensor))
    recorder.add(known, Activation(known), [read], made, shapes=[sample(made.shape)])
    _also(recorder, out, made)


def _pool(recorder: Recorder, name: str, a: Arguments, out: Any) -> None:
    made, x, rank = tensors(out)[0], a["self"], 3 if "3d" in name else 2
    kernel = _each(a["kernel_size"], rank)
    stride, padding = _each(a["stride"] or kernel, rank), _each(a["padding"], rank)
    times, shape = _batched(x, rank)
    mean = name.startswith("avg")
    if max(a.get("dilation", (1,))) > 1:
        _generic(recorder, name, a, out)
        return
    layer = Pool(mean, kernel, stride, tuple((size, size) for size in padding), bool(a["ceil_mode"]))
    recorder.add("average_pool" if mean else "max_pool", layer, [x], made, shapes=[shape], times=times)
    _also(recorder, out, made)


def _adaptive_pool(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    rank = 3 if "3d" in name else 2
    times, shape = _batched(a["self"], rank)
    layer = AdaptiveAveragePool(tuple(out.shape[-rank:]))
    recorder.add(layer.kind(()), layer, [a["self"]], out, shapes=[shape], times=times)


def _mean(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    x = a["self"]
    dims = {dim % x.dim() for dim in a.get("dim") or ()}
    if x.dim() > 2 and dims == set(range(2, x.dim())) and a["keepdim"]:
        times, shape = _batched(x, x.dim() - 2)
        recorder.add("global_average_pool", GlobalAveragePool(), [x], out, shapes=[shape], times=times)
        return
    work = Ops(add=x.numel() - out.numel(), div=out.numel())
    if _known(recorder, a):
        recorder.add("mean", Operation("mean", sample(out.shape), work), [x], out)


def _add(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    both = [a["self"], a["other"]]
    if all(
        isinstance(tensor, Tensor) and tensor.shape == out.shape and not recorder.is_constant(tensor) for tensor in both
    ):
        recorder.add("add", Add(), both, out)
    else:
        _generic(recorder, name, a, out)


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
    _generic(recorder, name, a, out)


def _cat(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    parts = a["tensors"]
    known = _known(recorder, parts)
    channels = a["dim"] % out.dim() == 1 and out.shape[0] == 1
    if channels and len(known) == len(parts) > 1 and all(part.dim() == out.dim() for part in parts):
        recorder.add("concat", Concat(), parts, out, shapes=[Shape.of(tuple(part.shape)[1:]) for part in parts])
    elif known:
        recorder.add("concat", Operation("concat", sample(out.shape)), known, out)


def _pad(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    x, pad = a["self"], list(a["pad"])
    sides = [(pad[2 * axis], pad[2 * axis + 1]) for axis in range(len(pad) // 2)][::-1]
    around = ((0, 0),) * (x.dim() - 2 - len(sides)) + tuple(sides)
    known = _known(recorder, a)
    if not known:
        return
    if x.dim() < 3 or x.shape[0] != 1 or len(around) != x.dim() - 2 or min(map(min, around)) < 0 or a["value"] != 0:
        recorder.same(out, x)
        return
    recorder.add("pad", ZeroPad(around), [x], out, shapes=[Shape.of(tuple(x.shape)[1:])])


def _shuffle(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    if out.shape[0] == 1 and _known(recorder, a):
        recorder.add("channel_shuffle", ChannelShuffle(a["groups"]), [a["self"]], out)
    else:
        recorder.same(out, a["self"])


def _copied_over(recorder: Recorder, name: str, a: Arguments, out: Tensor) -> None:
    """``copy_`` into a part of a tensor: what was there before and what is new are both in it."""
    reads = _known(recorder, [a["self"], a["src"]])
    sources = list({id(recorder.source(tensor)): tensor for tensor in reads}.values())
    if len(sources) == 1:
        recorder.same(out, sources[0])
    elif sources:
        recorder.add("copy", Operation("copy", sample(out.shape), NO_OPS), sources, out)


_HANDLERS: dict[str, Callable[[Recorder, str, Arguments, Any], None]] = {
    "convolution": _convolution,
    **dict.fromkeys(("mm", "addmm"), _mm),
    **dict.fromkeys(("bmm", "baddbmm"), _bmm),
    **dict.fromkeys(("mv", "addmv", "dot", "vdot"), _vector),
    **dict.fromkeys(("_euclidean_dist", "_cdist_forward"), _distances),
    "_trilinear": _trilinear,
    **dict.fromkeys(
        (
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_cudnn_attention",
            "_scaled_dot_product_fused_attention_overrideable",
        ),
        _attention,
    ),
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
    "embedding": _embedding,
    **dict.fromkeys(("_embedding_bag", "_embedding_bag_forward_only"), _bag),
    "addbmm": _addbmm,
    **dict.fromkeys(("scatter_add", "scatter_reduce"), _scattered),
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
