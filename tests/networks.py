"""Whole networks, drawn: one description, built once as costmodel nodes and once as a PyTorch module.

A description is a list of steps; each reads earlier tensors by number (0 is the image), so tensors are shared, skipped
and joined as the draw has it. Shapes are followed while drawing, so that every step can be built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from costmodel import Network, Node, Shape, apply, image
from costmodel.core import layers as cm
from reference_models.layers import Add, Concat, Scale

Choices = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One operation: its name in the tables below, the tensors it reads, its choices."""

    operation: str
    reads: tuple[int, ...]
    choices: Choices


@dataclass(frozen=True)
class Description:
    """A random network: the image it reads and its steps; the last tensor is the output."""

    input: Shape
    steps: tuple[Step, ...]


# --- the two readings of a step -------------------------------------------------------------------------------------

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": nn.Hardsigmoid,
    "swish": nn.SiLU,
    "hard_swish": nn.Hardswish,
}


def by_rank(name: str, rank: int) -> Any:
    """``nn.Conv2d`` for ``("Conv", 2)``."""
    return getattr(nn, f"{name}{rank}d")


class Slice(nn.Module):
    """Some of the channels."""

    kind = "channel_slice"

    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.start, self.stop = start, stop

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.start : self.stop]


def layer_of(step: Step, x: Shape) -> cm.Layer:
    """The costmodel layer of a step that reads ``x``."""
    c = step.choices
    rank = len(x.spatial)
    match step.operation:
        case "conv":
            return cm.conv(**c, rank=rank)
        case "transposed_conv":
            return cm.transposed_conv(**c, rank=rank)
        case "max_pool":
            return cm.max_pool(**c, rank=rank)
        case "average_pool":
            return cm.average_pool(**c, rank=rank)
        case "adaptive_pool":
            return cm.AdaptiveAveragePool(c["sizes"])
        case "global_pool":
            return cm.GlobalAveragePool()
        case "batch_norm":
            return cm.BatchNorm()
        case "activation":
            return cm.Activation(c["name"])
        case "pad":
            return cm.ZeroPad(c["padding"])
        case "shuffle":
            return cm.ChannelShuffle(c["groups"])
        case "slice":
            return cm.ChannelSlice(c["start"], c["stop"])
        case "linear":
            return cm.Linear(c["features"], c["bias"])
    return {"add": cm.Add(), "concat": cm.Concat(), "scale": cm.Scale(), "flatten": cm.Flatten()}[step.operation]


def module_of(step: Step, x: Shape) -> nn.Module:
    """The PyTorch module of a step that reads ``x``."""
    c = dict(step.choices)
    rank = len(x.spatial)
    match step.operation:
        case "conv":
            return by_rank("Conv", rank)(x.channels, c.pop("out_channels"), c.pop("kernel"), **c)
        case "transposed_conv":
            return by_rank("ConvTranspose", rank)(x.channels, c.pop("out_channels"), c.pop("kernel"), **c)
        case "max_pool":
            return by_rank("MaxPool", rank)(c.pop("kernel"), **c)
        case "average_pool":
            return by_rank("AvgPool", rank)(c.pop("kernel"), **c)
        case "adaptive_pool":
            return by_rank("AdaptiveAvgPool", rank)(c["sizes"])
        case "global_pool":
            return by_rank("AdaptiveAvgPool", rank)(1)
        case "batch_norm":
            return by_rank("BatchNorm", rank)(x.channels)
        case "activation":
            return ACTIVATIONS[c["name"]]()
        case "pad":
            return by_rank("ZeroPad", rank)(tuple(side for pair in reversed(c["padding"]) for side in pair))
        case "shuffle":
            return nn.ChannelShuffle(c["groups"])
        case "slice":
            return Slice(c["start"], c["stop"])
        case "linear":
            return nn.Linear(x.channels, c["features"], c["bias"])
    return {"add": Add, "concat": Concat, "scale": Scale, "flatten": nn.Flatten}[step.operation]()


def name_of(number: int) -> str:
    """What both sides call the operation that makes tensor ``number``."""
    return f"step{number}"


def network_of(description: Description) -> Network:
    """The description as costmodel nodes."""
    tensors: list[Node] = [image(description.input.channels, description.input.spatial)]
    for number, step in enumerate(description.steps, start=1):
        reads = [tensors[read] for read in step.reads]
        layer = layer_of(step, reads[0].shape)
        tensors.append(apply(reads[0] if len(reads) == 1 else reads, name_of(number), layer))
    return Network(tensors[-1], "drawn")


class Drawn(nn.Module):
    """The description as a PyTorch module, which runs what its output needs, from left to right."""

    def __init__(self, description: Description) -> None:
        super().__init__()
        self.steps = description.steps
        shapes = shapes_of(description)
        for number in self._needed(len(self.steps), []):
            step = self.steps[number - 1]
            self.add_module(name_of(number), module_of(step, shapes[step.reads[0]]))

    def _needed(self, number: int, found: list[int]) -> list[int]:
        """Numbers of the tensors that ``number`` needs and of itself, each after all that it reads."""
        if number and number not in found:
            for read in self.steps[number - 1].reads:
                self._needed(read, found)
            found.append(number)
        return found

    def forward(self, x: Tensor) -> Tensor:
        tensors = {0: x}
        for number in self._needed(len(self.steps), []):
            reads = [tensors[read] for read in self.steps[number - 1].reads]
            tensors[number] = self.get_submodule(name_of(number))(*reads)
        return tensors[len(self.steps)]


def module_from(description: Description) -> nn.Module:
    """The PyTorch module of a description, in evaluation mode and without initial weights."""
    with torch.device("meta"):
        module = Drawn(description)
    return module.to_empty(device="cpu").eval()


# --- drawing ----------------------------------------------------------------------------------------------------------


def shapes_of(description: Description) -> list[Shape]:
    """Shape of every tensor, by costmodel; a wrong one makes a module that cannot run."""
    shapes = [description.input]
    for step in description.steps:
        reads = tuple(shapes[read] for read in step.reads)
        shapes.append(layer_of(step, reads[0]).output(reads))
    return shapes


def axes(draw: st.DrawFn, rank: int, low: int, high: int) -> tuple[int, ...]:
    return draw(st.tuples(*[st.integers(low, high)] * rank))


def draw_conv(draw: st.DrawFn, x: Shape) -> Choices:
    rank = len(x.spatial)
    groups = draw(st.sampled_from([g for g in range(1, x.channels + 1) if x.channels % g == 0]))
    dilation = axes(draw, rank, 1, 2)
    padding: Any = draw(st.one_of(st.just("same"), st.tuples(*[st.integers(0, 2)] * rank)))
    around = (0,) * rank if padding == "same" else padding
    reach = [size + 2 * pad for size, pad in zip(x.spatial, around, strict=True)]
    kernel = tuple(draw(st.integers(1, min(3, (room - 1) // d + 1))) for room, d in zip(reach, dilation, strict=True))
    return {
        "out_channels": groups * draw(st.integers(1, max(1, 8 // groups))),
        "kernel": kernel,
        "stride": 1 if padding == "same" else axes(draw, rank, 1, 2),  # PyTorch takes no other with "same"
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "bias": draw(st.booleans()),
    }


def draw_transposed(draw: st.DrawFn, x: Shape) -> Choices:
    rank = len(x.spatial)
    kernel, stride = axes(draw, rank, 1, 3), axes(draw, rank, 1, 2)
    return {
        "out_channels": draw(st.integers(1, 6)),
        "kernel": kernel,
        "stride": stride,
        "padding": 0,
        "bias": draw(st.booleans()),
        "output_padding": tuple(draw(st.integers(0, s - 1)) for s in stride),
    }


def draw_pool(draw: st.DrawFn, x: Shape) -> Choices:
    kernel = tuple(draw(st.integers(1, min(3, size))) for size in x.spatial)
    return {
        "kernel": kernel,
        "stride": axes(draw, len(x.spatial), 1, 3),
        "padding": tuple(draw(st.integers(0, k // 2)) for k in kernel),
        "ceil_mode": draw(st.booleans()),
    }


def draw_slice(draw: st.DrawFn, x: Shape) -> Choices:
    start = draw(st.integers(0, x.channels - 1))
    return {"start": start, "stop": draw(st.integers(start + 1, x.channels))}


SINGLE: dict[str, Callable[[st.DrawFn, Shape], Choices]] = {
    "conv": draw_conv,
    "transposed_conv": draw_transposed,
    "max_pool": draw_pool,
    "average_pool": draw_pool,
    "adaptive_pool": lambda draw, x: {"sizes": axes(draw, len(x.spatial), 1, 5)},
    "batch_norm": lambda draw, x: {},
    "activation": lambda draw, x: {"name": draw(st.sampled_from(sorted(ACTIVATIONS)))},
    "pad": lambda draw, x: {"padding": tuple(axes(draw, 2, 0, 2) for _ in x.spatial)},
    "shuffle": lambda draw, x: {
        "groups": draw(st.sampled_from([g for g in range(1, x.channels + 1) if x.channels % g == 0]))
    },
    "slice": draw_slice,
}


def squeeze_excite(draw: st.DrawFn, start: int, x: Shape, read: int) -> list[Step]:
    """Global pool, reduce, activation, expand, gate, scale; the first step makes tensor ``start``."""
    squeezed = draw(st.integers(1, 4))
    steps = [
        Step("global_pool", (read,), {}),
        Step("conv", (start,), {"out_channels": squeezed, "kernel": 1, "bias": True}),
        Step("activation", (start + 1,), {"name": "relu"}),
        Step("conv", (start + 2,), {"out_channels": x.channels, "kernel": 1, "bias": True}),
        Step("activation", (start + 3,), {"name": draw(st.sampled_from(["sigmoid", "hard_sigmoid"]))}),
    ]
    return [*steps, Step("scale", (read, start + 4), {})]


@st.composite
def descriptions(draw: st.DrawFn, most: int = 9) -> Description:
    """A network of convolutions of all kinds, pools, norms, activations, sums, concatenations and gates."""
    rank = draw(st.sampled_from([1, 2, 2, 2, 3]))
    start = Shape(draw(st.integers(1, 6)), axes(draw, rank, 3, 9))
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, most))):
        shapes = shapes_of(Description(start, tuple(steps)))
        # Mostly the last tensor, sometimes one that others have read.
        read = draw(st.sampled_from([len(shapes) - 1] * 3 + list(range(len(shapes)))))
        x = shapes[read]
        alike = [number for number, shape in enumerate(shapes) if shape == x]
        beside = [number for number, shape in enumerate(shapes) if shape.spatial == x.spatial]
        operation = draw(st.sampled_from([*SINGLE, "conv", "conv", "add", "concat", "squeeze_excite"]))
        if operation == "add":
            steps.append(Step("add", (draw(st.sampled_from(alike)), read), {}))
        elif operation == "concat":
            others = draw(st.lists(st.sampled_from(beside), min_size=1, max_size=2))
            steps.append(Step("concat", (*others, read), {}))
        elif operation == "squeeze_excite":
            steps += squeeze_excite(draw, len(shapes), x, read)
        else:
            steps.append(Step(operation, (read,), SINGLE[operation](draw, x)))
    last = len(steps)
    if draw(st.booleans()):
        steps += [
            Step("global_pool", (last,), {}),
            Step("flatten", (last + 1,), {}),
            Step("linear", (last + 2,), {"features": draw(st.integers(1, 10)), "bias": draw(st.booleans())}),
        ]
    return Description(start, tuple(steps))
