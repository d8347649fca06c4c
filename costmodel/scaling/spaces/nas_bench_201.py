"""NAS-Bench-201 (arXiv:2001.00326): a cell of six edges, five operations each, 15 times in one network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from costmodel.core.graph import Node, apply, image
from costmodel.core.layers import RELU, Add, BatchNorm, Move, average_pool, conv
from costmodel.core.network import Network
from costmodel.models.blocks import conv_bn, pooled_classifier
from costmodel.scaling.spaces.space import Choice, Space

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

#: The edges of a cell, from node to node, in the order of the benchmark's names.
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))

WIDTHS = (16, 32, 64)
CELLS = 5


def nas_bench_201(quantities: Sequence[str], resolution: int = 32, num_classes: int = 10) -> Space:
    """The 15,625 cells; images of 32x32 and 10 classes are CIFAR-10.

    >>> nas_bench_201(["multiply_adds"]).networks
    15625
    """

    def build(operations: tuple[str, ...]) -> Network:
        return network(operations, resolution, num_classes)

    def costs(*operations: str) -> tuple[int, ...]:
        built = build(operations)
        return tuple(getattr(built, quantity) for quantity in quantities)

    nothing = ("none",) * len(EDGES)
    fixed = costs(*nothing)

    def choice(edge: int, operation: str) -> Choice:
        several = costs(*nothing[:edge], operation, *nothing[edge + 1 :])
        return Choice(operation, tuple(cost - least for cost, least in zip(several, fixed, strict=True)))

    stages = tuple(tuple(choice(edge, one) for one in OPERATIONS) for edge in range(len(EDGES)))
    return Space("nas_bench_201", ((Choice("", fixed),), *stages), quantities=tuple(quantities), build=build)


def network(operations: tuple[str, ...], resolution: int = 32, num_classes: int = 10) -> Network:
    """The network whose cells have ``operations``, one an edge.

    >>> network(("avg_pool_3x3", "nor_conv_1x1", "skip_connect", "nor_conv_1x1", "skip_connect", "skip_connect"))
    <nas_bench_201: 15,647,360 multiply-adds = 31.3 MFLOPs; 129,306 parameters, of which weights 126,512>
    """
    x = conv_bn(image(3, resolution), "stem", conv(WIDTHS[0], 3, padding=1))
    for stage, width in enumerate(WIDTHS, start=1):
        if stage > 1:
            x = reduction(x, f"reduction{stage}", width)
        for place in range(1, CELLS + 1):
            x = cell(x, f"stage{stage}.cell{place}", operations)
    return Network(last(x, num_classes), "nas_bench_201", {"operations": "|".join(operations)})


def last(x: Node, num_classes: int) -> Node:
    """Batch norm, ReLU and the classifier."""
    x = apply(apply(x, "last.norm", BatchNorm()), "last.activation", RELU)
    return pooled_classifier(x, num_classes)


def cell(x: Node, name: str, operations: tuple[str, ...], width: int = 0) -> Node:
    """A cell of six ``operations``; of another width than it reads, where ``width`` says one."""
    nodes = [x]
    for target in range(1, 4):
        inputs = [
            _operation(nodes[source], f"{name}.edge{source}{target}", one, width or x.shape.channels)
            for (source, end), one in zip(EDGES, operations, strict=True)
            if end == target
        ]
        nodes.append(_sum(inputs, f"{name}.node{target}"))
    return nodes[-1]


def _sum(inputs: list[Node], name: str) -> Node:
    numbered = enumerate(inputs[1:], start=1)
    return reduce(lambda total, one: apply((total, one[1]), f"{name}.add{one[0]}", Add()), numbered, inputs[0])


def _operation(x: Node, name: str, operation: str, width: int) -> Node:
    match operation:
        case "none":
            return apply(x, name, Move("zeros", x.shape._replace(channels=width)))
        case "skip_connect" if width == x.shape.channels:
            return x
        case "skip_connect":
            return conv_bn(x, name, conv(width, 1))
        case "avg_pool_3x3":
            return apply(x, name, average_pool(3, stride=1, padding=1))
    kernel = 3 if operation == "nor_conv_3x3" else 1
    return conv_bn(apply(x, f"{name}.relu", RELU), name, conv(width, kernel, padding=kernel // 2))


def reduction(x: Node, name: str, width: int) -> Node:
    """A residual block of stride 2; its shortcut is an average pool and a 1x1 convolution."""
    y = apply(x, f"{name}.relu1", RELU)
    y = conv_bn(y, f"{name}.conv1", conv(width, 3, stride=2, padding=1))
    y = conv_bn(apply(y, f"{name}.relu2", RELU), f"{name}.conv2", conv(width, 3, padding=1))
    x = apply(apply(x, f"{name}.pool", average_pool(2)), f"{name}.shortcut", conv(width, 1))
    return apply((x, y), f"{name}.add", Add())
