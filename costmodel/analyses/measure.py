"""How fast this machine is, and how long the operations of a network take on it: PyTorch runs them, one by one.

A time is the fastest of several runs, after one that is not counted: what the machine can do, not what it did while it
was busy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial, reduce
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from costmodel.analyses.roofline import Machine
from costmodel.core import layers as ours
from costmodel.core.graph import Node
from costmodel.core.layers.window import same_sides
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError

#: Something to run and time.
Run: TypeAlias = Callable[[], object]

#: Convolutions that keep a machine busy: channels, kernel, positions an axis.
_BUSY = ((64, 3, 56), (256, 3, 28), (256, 1, 56), (512, 1, 28))
#: Bytes of the copies: in the caches of a processor, and beyond them.
_COPIES = tuple(2**power for power in (18, 20, 22, 24, 26))

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu, "relu6": F.relu6, "sigmoid": torch.sigmoid, "hard_sigmoid": F.hardsigmoid, "swish": F.silu,
    "hard_swish": F.hardswish, "tanh": torch.tanh, "hard_tanh": F.hardtanh, "gelu": F.gelu, "elu": F.elu,
    "leaky_relu": F.leaky_relu, "softplus": F.softplus, "log_sigmoid": F.logsigmoid, "mish": F.mish,
}  # fmt: skip


def this_machine(dtype: str, repeat: int) -> Machine:
    """The peak and the bandwidth that this machine reaches: the fastest of a few convolutions, and of a few copies.

    Small copies stay in the caches, as the values of small layers do. Raises
    :class:`~costmodel.errors.CostModelError` for a type that PyTorch does not convolve.
    """
    kind = _torch_type(dtype)
    rates, speeds = [], []
    with _running(dtype):
        for channels, kernel, size in _BUSY:
            x, weight = _random((1, channels, size, size), kind), _random((channels, channels, kernel, kernel), kind)
            flops = 2 * size * size * kernel * kernel * channels * channels
            rates.append(flops / fastest(partial(F.conv2d, x, weight, padding=kernel // 2), repeat))
        for size in _COPIES:
            source = torch.ones(size, dtype=torch.uint8)
            speeds.append(2 * size / fastest(partial(torch.empty_like(source).copy_, source), repeat))
    basis, threads = f"the fastest of {len(rates)} convolutions and of {len(speeds)} copies", torch.get_num_threads()
    return Machine(
        "this machine",
        dtype,
        Fraction(int(max(rates))),
        Fraction(int(max(speeds))),
        f"{basis}, on {threads} thread{'s' * (threads > 1)} of PyTorch {torch.__version__}",
    )


def times_of(nodes: Iterable[Node], dtype: str, batch: int, repeat: int) -> dict[Node, float]:
    """Seconds that each of ``nodes`` takes for ``batch`` samples of random numbers of ``dtype``.

    Without those that PyTorch has no single operation for, and those that only view a value.
    """
    times = {}
    with _running(dtype):
        for node in nodes:
            if node.alias is None and (run := operation(node, _torch_type(dtype), batch)) is not None:
                times[node] = fastest(run, repeat)
    return times


def fastest(run: Run, repeat: int) -> float:
    """Seconds of the fastest of ``repeat`` runs, after a first one."""
    run()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


@contextmanager
def _running(dtype: str) -> Iterator[None]:
    """PyTorch's mode for inference, in which what it cannot run is an error of ours."""
    try:
        with torch.inference_mode():
            yield
    except (RuntimeError, MemoryError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise CostModelError(f"PyTorch cannot run this network at {dtype} on this machine: {reason}") from error


def _torch_type(dtype: str) -> torch.dtype:
    torch_dtype = getattr(torch, dtype, None)
    if not isinstance(torch_dtype, torch.dtype) or not torch_dtype.is_floating_point:
        raise CostModelError(f"layers are run in floating point, {dtype} is none; give --dtype fp32, or leave it out")
    return torch_dtype


def _random(sizes: tuple[int, ...], kind: torch.dtype) -> Tensor:
    return torch.rand(sizes).to(kind)


def operation(node: Node, kind: torch.dtype, batch: int) -> Run | None:
    """What computes ``node`` in PyTorch, on random numbers; None for what is no single operation there."""
    inputs, output = node.sample
    if not inputs:
        return None
    samples = batch * node.provenance.times
    read = [_random((samples, *shape.sizes), kind) for shape in inputs]
    weights = partial(_random, kind=kind)
    return _layer(node.layer, read, inputs, output, weights)


def _layer(layer: ours.Layer, read: list[Tensor], inputs: tuple[Shape, ...], output: Shape, weights: Any) -> Run | None:
    x, shape = read[0], inputs[0]
    rank, channels = len(shape.spatial), shape.channels
    channels_first = shape.axis == 0
    match layer:
        case ours.Conv() | ours.TransposedConv() | ours.Pool() if not channels_first or not 1 <= rank <= 3:
            return None
        case ours.Conv(kernel=kernel, stride=stride, dilation=dilation, groups=groups):
            x, inside = _padded(x, _sides(layer, shape))
            filters = weights((layer.out_channels, channels // groups, *kernel))
            bias = weights((layer.out_channels,)) if layer.bias else None
            return partial(_ranked("conv{}d", rank), x, filters, bias, stride, inside, dilation, groups)
        case ours.TransposedConv(kernel=kernel, stride=stride, dilation=dilation, groups=groups, padding=padding):
            filters = weights((channels, layer.out_channels // groups, *kernel))
            bias = weights((layer.out_channels,)) if layer.bias else None
            cut = _one_side(cast("tuple[tuple[int, int], ...]", padding))
            run = partial(_ranked("conv_transpose{}d", rank), x, filters, bias, stride)
            return None if cut is None else partial(run, cut, layer.output_padding, groups, dilation)
        case ours.Pool(kernel=kernel, stride=stride, padding=padding, ceil_mode=ceil_mode):
            pool, around = _ranked("avg_pool{}d" if layer.mean else "max_pool{}d", rank), _one_side(padding)
            return None if around is None else partial(pool, x, kernel, stride, around, ceil_mode=ceil_mode)
        case ours.GlobalAveragePool() | ours.AdaptiveAveragePool() if channels_first and 1 <= rank <= 3:
            return partial(_ranked("adaptive_avg_pool{}d", rank), x, output.spatial)
        case ours.Linear(out_features=features, bias=has_bias) if shape.axis == rank:
            return partial(F.linear, x, weights((features, channels)), weights((features,)) if has_bias else None)
        case ours.BatchNorm() if channels_first:
            return partial(F.batch_norm, x, *[weights((channels,)) for _ in range(4)])
        case ours.LayerNorm(axes=axes):
            sizes = shape.sizes[-axes:]
            return partial(F.layer_norm, x, sizes, weights(sizes), weights(sizes))
        case ours.GroupNorm(groups=groups) if channels_first:
            return partial(F.group_norm, x, groups, weights((channels,)), weights((channels,)))
        case ours.Activation(name=name):
            return partial(_ACTIVATIONS[name], x)
        case ours.ZeroPad(padding=padding):
            return partial(F.pad, x, _for_pad(padding))
        case ours.MatMul():
            return partial(torch.matmul, *read)
        case ours.Add():
            return partial(reduce, torch.add, read)
        case ours.Scale():
            return partial(torch.mul, *read)
        case ours.Concat():
            return partial(torch.cat, read, 1 + shape.axis)
        case ours.ChannelShuffle(groups=groups) if channels_first:
            dealt = x.reshape(len(x), groups, channels // groups, *shape.spatial).transpose(1, 2)
            return partial(dealt.flatten, 1, 2)
        case ours.Embedding(count=count, features=features):
            return partial(F.embedding, (x * count).long(), weights((count, features)))
    return None


def _ranked(name: str, rank: int) -> Callable[..., object]:
    return cast("Callable[..., object]", getattr(F, name.format(rank)))


def _sides(layer: ours.Conv, shape: Shape) -> tuple[tuple[int, int], ...]:
    if layer.padding != "same":
        return layer.padding
    return tuple(map(same_sides, shape.spatial, layer.kernel, layer.stride, layer.dilation))


def _one_side(sides: tuple[tuple[int, int], ...]) -> tuple[int, ...] | None:
    """The padding of both sides, where they are equal."""
    return tuple([before for before, _ in sides]) if all(before == after for before, after in sides) else None


def _padded(x: Tensor, sides: tuple[tuple[int, int], ...]) -> tuple[Tensor, tuple[int, ...]]:
    """What a convolution reads, and the padding that is left to it: none, where the sides differ."""
    inside = _one_side(sides)
    return (F.pad(x, _for_pad(sides)), (0,) * len(sides)) if inside is None else (x, inside)


def _for_pad(sides: tuple[tuple[int, int], ...]) -> list[int]:
    """PyTorch pads the last axis first."""
    return [width for pair in reversed(sides) for width in pair]
