"""The reports of ``costmodel verify``: one network layer by layer, or a row a network."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.core.values import Shape
from costmodel.report import formats
from costmodel.report.table import Table
from costmodel.reproduction.verification import VerificationResult

SIDE_BY_SIDE = ("name", "output", "PyTorch", "parameters", "numel", "multiply_adds", "fvcore")


def result_line(result: VerificationResult) -> str:
    """The result in a line: the first difference, or that there is none."""
    network = result.network
    if result.difference:
        return f"{network.name} differs at {result.difference}"
    return (
        f"{network.name} equals PyTorch in all {len(result.pairs)} operations:"
        f" {network.multiply_adds:,} multiply-adds, {network.parameters:,} parameters"
    )


def text(result: VerificationResult, color: bool) -> str:
    """Model and measurement side by side, up to the first difference."""
    rows = tuple(
        (
            entry.name,
            entry.output,
            Shape(measured.output[0], measured.output[1:]),
            entry.params.trainable,
            measured.parameters,
            entry.ops.mac,
            measured.multiply_adds,
        )
        for entry, measured in result.pairs
    )
    lines = (
        result_line(result),
        "Compared: names, order and edges of the traced graph, sizes of a real forward pass, numel, and fvcore's",
        "multiply-adds, which FlopCounterMode confirms.",
    )
    return formats.text(lines, Table(SIDE_BY_SIDE, rows), color)


def summary(results: Sequence[VerificationResult], style: str, color: bool) -> str:
    """A row a network, as text or Markdown."""
    rows = tuple(
        (
            result.network.name,
            result.network.input,
            result.network.parameters,
            result.network.multiply_adds,
            len(result.pairs),
            result.difference or "all equal",
        )
        for result in results
    )
    wrong = sum(result.difference is not None for result in results)
    line = f"{len(results) - wrong} of {len(results)} networks equal PyTorch, operation by operation"
    table = Table(("name", "input", "parameters", "multiply_adds", "operations", "PyTorch"), rows)
    return formats.markdown((line,), table) if style == "markdown" else formats.text((line,), table, color)
