"""The reports of ``costmodel verify``: one network layer by layer, or a row a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from costmodel.core.shape import Shape
from costmodel.report.answer import Answer
from costmodel.report.table import Table
from costmodel.reproduction.keras_models import KerasResult
from costmodel.reproduction.verification import ToolResult, VerificationResult


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
class KerasReport(Answer):
    """Every layer that multiplies beside Keras's, up to the first difference."""

    result: KerasResult

    def lines(self) -> list[str]:
        network, keras, pairs, difference = self.result
        equal = (
            f"{network.name} equals {keras.name} in all {len(pairs)} layers that multiply:"
            f" {network.multiply_adds:,} multiply-adds, {network.parameters:,} parameters"
        )
        return [
            f"{network.name} differs from {keras.name} at {difference}" if difference else equal,
            "Compared: every convolution and linear layer in order, the sizes that it makes, its weights and biases as"
            " Keras holds them, its multiply-adds; and all parameters.",
        ]

    def table(self) -> Table:
        rows = tuple(
            (
                ours.name,
                theirs.name,
                ours.output,
                theirs.output,
                ours.params.parameters,
                theirs.params.parameters,
                ours.ops.mac,
                theirs.ops.mac,
            )
            for ours, theirs in self.result.pairs
        )
        ours = ("name", "name in Keras", "output", "output in Keras", "parameters", "in Keras")
        return Table((*ours, "multiply_adds", "by Keras"), rows)


@final
class ToolReport(Answer):
    """One figure beside another."""

    result: ToolResult

    def lines(self) -> list[str]:
        network, tool, expected, printed = self.result
        what = "FLOPs" if tool == "flop_counter_mode" else "flops, one a multiply-add"
        verdict = "equals" if self.result.equal else "differs from"
        return [
            f"{network.name}: {tool}, run here, prints {printed:,} {what}, which {verdict} the {expected:,} that"
            " costmodel gives for it",
            f"Of these, {network.multiply_adds:,} are multiply-adds in the papers' convention."
            if tool == "fvcore"
            else f"Two each for {network.multiply_adds:,} multiply-adds, as the papers count them.",
        ]

    def table(self) -> Table:
        network, tool, expected, printed = self.result
        row = (network.name, tool, printed, expected, "equal" if self.result.equal else "different")
        return Table(("name", "tool", "printed", "costmodel", "verdict"), (row,))


@final
class VerifyAllReport(Answer):
    """A row a network."""

    results: Sequence[VerificationResult] | Sequence[KerasResult]

    @property
    def _of(self) -> tuple[str, str]:
        """Whose implementation, and what is compared one by one."""
        return ("Keras", "layer") if isinstance(self.results[0], KerasResult) else ("PyTorch", "operation")

    def lines(self) -> list[str]:
        right = sum(result.difference is None for result in self.results)
        whose, each = self._of
        return [f"{right} of {len(self.results)} networks equal {whose}, {each} by {each}"]

    def table(self) -> Table:
        whose, each = self._of
        columns = ("name", "input", "parameters", "multiply_adds", f"{each}s", whose)
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
