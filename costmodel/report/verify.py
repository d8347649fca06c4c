"""The reports of ``costmodel verify``: one network layer by layer, or a row a network."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.core.values import Shape
from costmodel.report import formats
from costmodel.report.table import Table
from costmodel.reproduction.verification import Verdict

SIDE_BY_SIDE = ("name", "output", "PyTorch", "parameters", "numel", "multiply_adds", "fvcore")


def verdict_line(verdict: Verdict) -> str:
    """The verdict in a line: the first difference, or that there is none."""
    network = verdict.network
    if verdict.difference:
        return f"{network.name} differs at {verdict.difference}"
    return (
        f"{network.name} equals PyTorch in all {len(verdict.pairs)} operations:"
        f" {network.multiply_adds:,} multiply-adds, {network.parameters:,} parameters"
    )


def text(verdict: Verdict, color: bool) -> str:
    """Model and measurement side by side, up to the first difference."""
    rows = tuple(
        (
            entry.name,
            entry.output,
            Shape(found.output[0], found.output[1:]),
            entry.params.trainable,
            found.parameters,
            entry.ops.mac,
            found.multiply_adds,
        )
        for entry, found in verdict.pairs
    )
    lines = (
        verdict_line(verdict),
        "Compared: names, order and edges of the traced graph, sizes of a real forward pass, numel, and fvcore's",
        "multiply-adds, which FlopCounterMode confirms.",
    )
    return formats.text(lines, Table(SIDE_BY_SIDE, rows), color)


def summary(verdicts: Sequence[Verdict], style: str, color: bool) -> str:
    """A row a network, as text or Markdown."""
    rows = tuple(
        (
            verdict.network.name,
            verdict.network.input,
            verdict.network.parameters,
            verdict.network.multiply_adds,
            len(verdict.pairs),
            verdict.difference or "all equal",
        )
        for verdict in verdicts
    )
    wrong = sum(verdict.difference is not None for verdict in verdicts)
    line = f"{len(verdicts) - wrong} of {len(verdicts)} networks equal PyTorch, operation by operation"
    table = Table(("name", "input", "parameters", "multiply_adds", "operations", "PyTorch"), rows)
    return formats.markdown((line,), table) if style == "markdown" else formats.text((line,), table, color)
