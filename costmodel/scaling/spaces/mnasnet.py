"""The factorized space of MnasNet (arXiv:1807.11626, section 4): 432 ways to make each of five blocks."""

from __future__ import annotations

from costmodel.core.graph import Node, apply
from costmodel.core.layers import RELU, SIGMOID, Add, average_pool, conv, depthwise_conv
from costmodel.core.rounding import make_divisible
from costmodel.models import blocks
from costmodel.scaling.spaces.rows import Rows, rows_of

#: Of each searched block of MobileNetV2: its width, its number of layers and the stride of the first.
BLOCKS = ((24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2))


def mnasnet() -> Rows:
    """432^5 networks: of each block the convolution, kernel, squeeze-excite, skip, filters and layers.

    The paper names the choices, 432 a block for five blocks, and no table of the space. What surrounds them is
    MobileNetV2's: its stem, its first block and its last, of 320 channels, and the head.
    """
    searched = [
        {
            "block": mnasnet_block,
            "name": f"block{number}",
            "base": out,
            "depth": depth,
            "stride": stride,
            "operation": ["conv", "sep", "mb3", "mb6"],
            "kernel": [3, 5],
            "squeeze_excite": [False, True],
            "skip_operation": ["none", "pool", "identity"],
            "filters": [0.75, 1.0, 1.25],
            "layers": [-1, 0, 1],
        }
        for number, (out, depth, stride) in enumerate(BLOCKS, start=1)
    ]
    stem = [{"block": "conv", "out": 32, "stride": 2}, {"block": "separable", "out": 16}]
    last = {"block": "inverted_residual", "out": 320, "expansion": 6}
    head = [last, {"block": "conv", "out": 1280, "kernel": 1}, {"block": "classifier"}]
    return rows_of({"name": "mnasnet", "input": "3x224x224", "stage": [*stem, *searched, *head]})


def mnasnet_block(
    x: Node,
    name: str,
    base: int,
    depth: int,
    stride: int,
    operation: str,
    kernel: int,
    squeeze_excite: bool,
    skip_operation: str,
    filters: float,
    layers: int,
) -> Node:
    """Layers that are all alike; the first has the stride."""
    out = make_divisible(base * filters)
    for layer in range(depth + layers):
        place, step = f"{name}.{layer + 1}", stride if layer == 0 else 1
        y = _operation(x, place, operation, kernel, squeeze_excite, out, step)
        if skip_operation == "identity" and y.shape == x.shape:
            y = apply((y, x), f"{place}.add", Add())
        elif skip_operation == "pool" and y.shape.channels == x.shape.channels:
            pooled = apply(x, f"{place}.pool", average_pool(3, stride=step, padding=1))
            y = apply((y, pooled), f"{place}.add", Add())
        x = y
    return x


def _operation(x: Node, name: str, operation: str, kernel: int, squeeze_excite: bool, out: int, stride: int) -> Node:
    """A convolution, a depthwise separable one, or an expansion, a depthwise one and a projection."""
    channels = x.shape.channels
    weighed = channels
    if operation == "conv":
        x, weighed = blocks.conv_bn(x, name, conv(out, kernel, stride, kernel // 2), RELU), out
    else:
        if operation != "sep":
            weighed = channels * int(operation.removeprefix("mb"))
            x = blocks.conv_bn(x, f"{name}.expand", conv(weighed, 1), RELU)
        x = blocks.conv_bn(x, f"{name}.depthwise", depthwise_conv(weighed, kernel, stride, kernel // 2), RELU)
    if squeeze_excite:
        # A quarter of the channels that the layer reads, as in the published MnasNet-A1.
        x = blocks.squeeze_excite(x, f"{name}.squeeze_excite", max(1, channels // 4), gate=SIGMOID)
    return x if operation == "conv" else blocks.conv_bn(x, f"{name}.project", conv(out, 1))
