"""The reports of ``costmodel verify``: one network layer by layer, or a row a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from costmodel.core.shape import Shape
from costmodel.report.answer import Answer
from costmodel.report.table import Table
from costmodel.reproduction.verification import VerificationResult


@final
class VerifyReport(Answer):
    """Model and measurement side by side, up to the first difference."""

    result: VerificationResult

    def lines(self) -> list[str]:
        network, difference = self.result.network, self.result.difference
        equal = (
            f"{network.name} equals PyTorch in all {len(self.result.pairs)} operations:"
            f" {network.multiply_adds:,} multiply-adds, {network.parameters:,} parameters"
        )
        return [
            f"{network.name} differs at {difference}" if difference else equal,
            "Compared: names, order and edges of the traced graph, sizes of a real forward pass, numel, and fvcore's",
            "multiply-adds, which FlopCounterMode confirms.",
        ]

    def table(self) -> Table:
        rows = tuple(
            (
                entry.name,
                entry.output,
                Shape(measured.output[0], measured.output[1:]),
                entry.params.parameters,
                measured.parameters,
                entry.ops.mac,
                measured.multiply_adds,
            )
            for entry, measured in self.result.pairs
        )
        return Table(("name", "output", "PyTorch", "parameters", "numel", "multiply_adds", "fvcore"), rows)


@final
class VerifyAllReport(Answer):
    """A row a network."""

    results: Sequence[VerificationResult]

    def lines(self) -> list[str]:
        right = sum(result.difference is None for result in self.results)
        return [f"{right} of {len(self.results)} networks equal PyTorch, operation by operation"]

    def table(self) -> Table:
        columns = ("name", "input", "parameters", "multiply_adds", "operations", "PyTorch")
        rows = tuple(
            (
                result.network.name,
                result.network.input,
                result.network.parameters,
                result.network.multiply_adds,
                len(result.pairs),
                result.difference or "all equal",
            )
            for result in self.results
        )
        return Table(columns, rows)
