"""The rows of the published tables that are not whole networks: layers and modules, and rows without a figure of cost.

Nothing is searched here: a row names its layer, and what is printed is the exact figure of that layer, or is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from costmodel.core.layers import conv, depthwise_conv, pointwise_conv
from costmodel.core.ledger import Ledger
from costmodel.core.network import Network, Node, apply, image
from costmodel.loading import load
from costmodel.models.blocks import bare, depthwise_separable
from costmodel.published import tables
from costmodel.published.tables import MILLION, GoogLeNetRow, Printed
from costmodel.reproduction.audit_result import Finding
from costmodel.reproduction.explain import rule_of

#: What the K of a printed number of parameters can be.
THOUSANDS = (1000, 1024)

_NOT_ITS_OWN = "not the layer's own figure"


def details() -> Iterator[Finding]:
    """A finding for each figure of a layer or a module, and one for each row that prints no such figure."""
    yield from _mobilenet_v1()
    yield from _mobilenet_v1_parts()
    yield from _googlenet()
    shapes = "shapes of layers, and no cost"
    for v2 in tables.mobilenet_v2_rows():
        yield _no_figure(
            "mobilenet_v2_architecture", f"{v2.operator}, {v2.input_size}x{v2.in_channels}", v2.source, shapes
        )
    for v3 in tables.mobilenet_v3_rows():
        yield _no_figure("mobilenet_v3_architecture", f"{v3.net}: {v3.order} {v3.operator}", v3.source, shapes)
    for memory in tables.mobilenet_v2_memory():
        reason = "channels and memory, which are neither multiply-adds nor parameters"
        yield _no_figure("mobilenet_v2_memory", memory.size, memory.source, reason)


def _no_figure(table: str, row: str, source: str, reason: str) -> Finding:
    return Finding(table, row, source, "", "", None, "no figure", "", reason)


def _found(table: str, row: str, source: str, of: str, text: str, printed: Printed, exact: int) -> Finding:
    rule = rule_of(printed, exact)
    reason = "the layer's own figure" if rule else _NOT_ITS_OWN
    return Finding(table, row, source, of, text, exact, rule or "unexplained", rule, reason)


def _mobilenet_v1() -> Iterator[Finding]:
    table = "mobilenet_v1_architecture"
    for row in tables.mobilenet_v1_rows():
        if row.weights is None or row.madds is None:
            yield _no_figure(table, f"{row.order} {row.op}", row.source, "shapes of layers, and no cost")
            continue
        # Conv2d_3_depthwise is features.3.depthwise.conv here.
        name = ".".join([*row.op.replace("Conv2d", "features").split("_"), "conv"])
        part = load("mobilenet_v1", alpha=row.alpha, resolution=row.resolution).ledger.by("layer")[name]
        shown = (table, f"{row.op}, alpha {row.alpha} at {row.resolution}", row.source)
        yield _found(*shown, "parameters", f"{row.weights:,}", Printed(row.weights, 1), part.weights)
        yield _found(*shown, "multiply_adds", f"{row.madds:,}", Printed(row.madds, 1), part.multiply_adds)


def _mobilenet_v1_parts() -> Iterator[Finding]:
    table = "mobilenet_v1_paper_tables_2_3"
    for row in tables.mobilenet_v1_parts():
        if row.row not in _STEPS:
            yield _no_figure(table, row.row, row.source, "a share in percent, which is no count")
            continue
        part = Network(_STEPS[row.row]).ledger
        for of, text, exact in (
            ("parameters", row.published_params, part.weights),
            ("multiply_adds", row.published_madds, part.multiply_adds),
        ):
            yield _found(table, row.row, row.source, of, f"{text} M", Printed.parse(text, MILLION), exact)


def _separable(channels: int, size: int) -> Node:
    x, depthwise = image(channels, size), depthwise_conv(channels, 3, padding=1)
    return depthwise_separable(x, "separable", depthwise, channels, unit=bare)


#: Table 3 of the MobileNetV1 paper: one layer of 512 channels at 14x14, made cheaper step by step.
_STEPS = {
    "Convolution": apply(image(512, 14), "standard", conv(512, 3, padding=1)),
    "Depthwise Separable Conv": _separable(512, 14),
    "alpha=0.75": _separable(384, 14),
    "rho=0.714": _separable(384, 10),
}


def _googlenet() -> Iterator[Finding]:
    blocks = load("googlenet:document").ledger.by("block")
    for row in tables.googlenet_rows():
        part = _module(row, blocks)
        shown = ("googlenet_table1", row.row, row.source)
        yield _in_thousands(shown, row.published_params, part.weights)
        ops = Printed.parse(row.published_ops_millions, MILLION)
        yield _found(*shown, "multiply_adds", f"{row.published_ops_millions} M", ops, part.multiply_adds)


def _in_thousands(shown: tuple[str, str, str], text: str, weights: int) -> Finding:
    """The finding for a number such as 159K, whose K is 1000 or 1024: the first of them that fits."""
    # In parts of 1 / 1,024,000, in which a tenth of either K is whole.
    printed = Printed.parse(text.removesuffix("K"), math.prod(THOUSANDS))
    for thousand in THOUSANDS:
        rule = rule_of(printed, weights * math.prod(THOUSANDS) // thousand)
        if rule:
            return Finding(*shown, "parameters", text, weights, rule, rule, f"the layer's weights, K = {thousand}")
    return Finding(*shown, "parameters", text, weights, "unexplained", "", _NOT_ITS_OWN)


def _module(row: GoogLeNetRow, blocks: dict[str, Ledger]) -> Ledger:
    if row.row.startswith("conv1") and "depthwise" in row.row:
        x = apply(image(3, 224), "depthwise", conv(3 * 8, 7, stride=2, padding=3, groups=3))
        return Network(apply(x, "pointwise", pointwise_conv(64))).ledger
    if row.row.startswith("conv1"):
        return blocks["features.conv1"]
    if row.row.startswith("conv2"):
        return Ledger(blocks["features.conv2"].operations + blocks["features.conv3"].operations)
    if row.row == "linear":
        return blocks["classifier"]
    return blocks["features.inception" + row.row.removeprefix("inception (").removesuffix(")")]
