"""The rows of the published tables that are not whole networks: layers and modules, and rows that print no cost.

Nothing is searched here: a row names its layer, and what is printed is the exact number of that layer, or is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from costmodel.core.graph import Node, apply, image
from costmodel.core.layers import conv, depthwise_conv, pointwise_conv
from costmodel.core.ledger import Ledger
from costmodel.core.network import Network
from costmodel.loading import load
from costmodel.models.blocks import bare, depthwise_separable
from costmodel.published.tables import MILLION, PrintedNumber, Row, paper_table
from costmodel.reproduction.audit_result import AuditResult
from costmodel.reproduction.explain import rounding_of

#: What the K of a printed number of parameters can be.
THOUSANDS = (1000, 1024)

_NOT_ITS_OWN = "not the layer's own number"
_SHAPES = "shapes of layers, and no cost"
_MEMORY = "channels and memory, which are neither multiply-adds nor parameters"


def layer_results() -> Iterator[AuditResult]:
    """A result for each number of a layer or a module, and one for each row that prints no such number."""
    yield from _mobilenet_v1()
    yield from _mobilenet_v1_parts()
    yield from _googlenet()
    yield from _no_numbers("mobilenet_v2_architecture", lambda v2: f"{v2.operator}, {v2.input_size}x{v2.in_channels}")
    yield from _no_numbers("mobilenet_v3_architecture", lambda v3: f"{v3.net}: {v3.order} {v3.operator}")
    yield from _no_numbers("mobilenet_v2_memory", lambda memory: memory.size, _MEMORY)


def _no_numbers(table: str, name: Callable[[Row], str], reason: str = _SHAPES) -> Iterator[AuditResult]:
    for row in paper_table(table):
        yield _no_number(table, name(row), row.source, reason)


def _no_number(table: str, name: str, source: str, reason: str) -> AuditResult:
    return AuditResult(table, name, source, "", "", None, "no figure", "", reason)


def _result(table: str, name: str, source: str, of: str, text: str, printed: PrintedNumber, exact: int) -> AuditResult:
    rounding = rounding_of(printed, exact)
    reason = "the layer's own number" if rounding else _NOT_ITS_OWN
    return AuditResult(table, name, source, of, text, exact, rounding or "unexplained", rounding, reason)


def _mobilenet_v1() -> Iterator[AuditResult]:
    table = "mobilenet_v1_architecture"
    for row in paper_table(table):
        if row.weights is None or row.madds is None:
            yield _no_number(table, f"{row.order} {row.op}", row.source, _SHAPES)
            continue
        # Conv2d_3_depthwise is features.3.depthwise.conv here.
        name = ".".join([*row.op.replace("Conv2d", "features").split("_"), "conv"])
        layer = load("mobilenet_v1", alpha=row.alpha, resolution=row.resolution).ledger.by("layer")[name]
        shown = (table, f"{row.op}, alpha {row.alpha} at {row.resolution}", row.source)
        yield _result(*shown, "parameters", f"{row.weights:,}", PrintedNumber(row.weights, 1), layer.weights)
        yield _result(*shown, "multiply_adds", f"{row.madds:,}", PrintedNumber(row.madds, 1), layer.multiply_adds)


def _mobilenet_v1_parts() -> Iterator[AuditResult]:
    table = "mobilenet_v1_paper_tables_2_3"
    for row in paper_table(table):
        if row.row not in _STEPS:
            yield _no_number(table, row.row, row.source, "a share in percent, which is no count")
            continue
        step = Network(_STEPS[row.row]).ledger
        for of, text, exact in (
            ("parameters", row.published_params, step.weights),
            ("multiply_adds", row.published_madds, step.multiply_adds),
        ):
            printed = PrintedNumber.parse(text, MILLION)
            yield _result(table, row.row, row.source, of, f"{text} M", printed, exact)


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


def _googlenet() -> Iterator[AuditResult]:
    table = "googlenet_table1"
    blocks = load("googlenet:document").ledger.by("block")
    for row in paper_table(table):
        module = _module(row.row, blocks)
        shown = (table, row.row, row.source)
        yield _in_thousands(shown, row.published_params, module.weights)
        ops = PrintedNumber.parse(row.published_ops_millions, MILLION)
        yield _result(*shown, "multiply_adds", f"{row.published_ops_millions} M", ops, module.multiply_adds)


def _in_thousands(shown: tuple[str, str, str], text: str, weights: int) -> AuditResult:
    """The result for a number such as 159K, whose K is 1000 or 1024: the first of them that fits."""
    # In parts of 1 / 1,024,000, in which a tenth of either K is whole.
    printed = PrintedNumber.parse(text.removesuffix("K"), math.prod(THOUSANDS))
    for thousand in THOUSANDS:
        rounding = rounding_of(printed, weights * math.prod(THOUSANDS) // thousand)
        if rounding:
            reason = f"the layer's weights, K = {thousand}"
            return AuditResult(*shown, "parameters", text, weights, rounding, rounding, reason)
    return AuditResult(*shown, "parameters", text, weights, "unexplained", "", _NOT_ITS_OWN)


def _module(name: str, blocks: dict[str, Ledger]) -> Ledger:
    if name.startswith("conv1") and "depthwise" in name:
        x = apply(image(3, 224), "depthwise", conv(3 * 8, 7, stride=2, padding=3, groups=3))
        return Network(apply(x, "pointwise", pointwise_conv(64))).ledger
    if name.startswith("conv1"):
        return blocks["features.conv1"]
    if name.startswith("conv2"):
        return Ledger(blocks["features.conv2"].operations + blocks["features.conv3"].operations)
    if name == "linear":
        return blocks["classifier"]
    return blocks["features.inception" + name.removeprefix("inception (").removesuffix(")")]
