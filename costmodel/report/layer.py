"""The report of ``costmodel layer``: the answer, each part, the arithmetic behind it, and the separable ratio."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import final

from costmodel import formulas
from costmodel.core.layers import Conv, Layer, Linear, TransposedConv
from costmodel.core.ledger import Entry
from costmodel.core.network import Network
from costmodel.guard.choice_text import choices_text
from costmodel.published.worked_examples import errata
from costmodel.report.answer import Answer
from costmodel.report.costs import costs, fields, headline, totals
from costmodel.report.table import Table


@final
class LayerReport(Answer):
    """What one layer costs.

    ``window`` is the layer whose choices were asked for: of a block, its depthwise convolution. ``standard`` is the
    convolution that a separable one replaces.
    """

    network: Network
    window: Layer
    standard: Network | None = None

    def table(self) -> Table:
        """A row a part."""
        return costs(self.network.ledger, "layer")

    def subject(self) -> str:
        """The layer in a line, with every choice."""
        ledger = self.network.ledger
        return f"{self.network.name}: {ledger.input} to {ledger.output}; {choices_text(self.window.choices())}"

    def lines(self) -> list[str]:
        """The answer, the layer, and the arithmetic of a single one, or the comparison of a separable one."""
        entries = self.network.ledger.entries
        if self.standard:
            explained = self._comparison(self.standard)
        elif len(entries) == 1:
            explained = _arithmetic(entries[0])
        else:
            explained = ["Convolutions alone: no batch norm, no activation."]
        return [headline(self.network), self.subject(), *explained]

    def _comparison(self, standard: Network) -> list[str]:
        part, entry = self.network.ledger, standard.ledger.entries[0]
        channels, area = part.output.channels, math.prod(entry.layer.kernel) if isinstance(entry.layer, Conv) else 1
        over, under = formulas.separable_ratio(channels, area)
        saving = f"{under / over:.2f} times fewer" if over < under else f"{over / under:.2f} times as many"
        replaced = f"{standard.multiply_adds:,} multiply-adds, {standard.weights:,} weights"
        quotient = f"{part.multiply_adds:,} / {standard.multiply_adds:,} = 1/{channels} + 1/{area} = {over / under:.5f}"
        return [f"Replaces a standard {entry.label}: {replaced}.", f"{quotient}: {saving} (F4; documents 000, 004)."]

    def ratio(self, standard: Network) -> Fraction:
        """Multiply-adds of this layer over those of ``standard``, exact."""
        return Fraction(self.network.multiply_adds, standard.multiply_adds)

    def document(self) -> object:
        """Totals, the parts as ``costmodel count`` has them, and for a separable layer ``standard`` and ``ratio``."""
        ledger = self.network.ledger
        document: dict[str, object] = {
            "layer": self.network.name,
            "input": list(ledger.input.sizes),
            "output": list(ledger.output.sizes),
            **totals(ledger),
            "layers": [fields(entry, ledger.batch) for entry in ledger],
        }
        if self.standard:
            ratio, kept = self.ratio(self.standard), ("multiply_adds", "parameters", "weights")
            document["standard"] = {key: getattr(self.standard, key) for key in kept}
            document["ratio"] = {"numerator": ratio.numerator, "denominator": ratio.denominator}
        return document


def _arithmetic(entry: Entry) -> list[str]:
    layer, x = entry.layer, entry.inputs[0]
    if isinstance(layer, Linear):
        return [
            f"Weights: {x.channels} * {layer.out_features} = {entry.params.weight:,}.",
            f"Multiply-adds: {x.positions:,} times the weights = {entry.ops.mac:,}.",
        ]
    assert isinstance(layer, Conv | TransposedConv)
    kernel = "*".join(map(str, layer.kernel))
    weights = f"{kernel} * {x.channels}/{layer.groups} * {layer.out_channels}"
    if isinstance(layer, TransposedConv):
        return [
            f"Weights: {weights} = {entry.params.weight:,}.",
            f"Multiply-adds: {x.positions:,} input positions, each spread over the kernel = {entry.ops.mac:,}.",
        ]
    positions = entry.output.positions
    flops = formulas.conv_flops_with_bias(
        positions, x.channels, layer.out_channels, math.prod(layer.kernel), layer.groups
    )
    return [
        f"Weights: {weights} = {entry.params.weight:,} (F5; document 000).",
        f"Multiply-adds: {positions:,} output positions * weights = {entry.ops.mac:,} (F2, F3; documents 000, 004).",
        f"FLOPs by document 000, which counts a bias for every output: {flops:,} (F6).",
        *map(str, errata(layer, x)),
    ]
