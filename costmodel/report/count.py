"""The report of ``costmodel count``: the answer first, what was counted, then a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from costmodel.ledger import Ledger
from costmodel.network import Network
from costmodel.report import formats
from costmodel.report.table import Table, costs, fields
from costmodel.report.units import si

COUNTED = (
    "Counted: multiply-adds of convolutions, linear layers and matrix products (2 FLOPs each); no bias, norm,"
    " activation, pooling."
)


def headline(ledger: Ledger) -> str:
    """The answer in one line.

    >>> import costmodel as cm
    >>> headline(cm.mobilenet_v1(alpha=0.75, resolution=192).ledger)
    '239,273,472 multiply-adds = 478.5 MFLOPs; 2,585,560 parameters, of which weights 2,568,144'
    """
    return (
        f"{ledger.multiply_adds:,} multiply-adds = {si(ledger.flops, 'FLOPs')};"
        f" {ledger.parameters:,} parameters, of which weights {ledger.weights:,}"
    )


def _plain(value: object) -> str:
    # In full: a rounded alpha would be another network.
    return str(value).removesuffix(".0")


@final
@dataclass(frozen=True)
class CountReport:
    """What one network costs for ``batch`` samples, grouped ``by`` layer, block, stage or type."""

    network: Network
    batch: int = 1
    by: str = "block"
    depth: int = 2
    sort: str = "order"

    def table(self) -> Table:
        """The rows of the grouping that was asked for."""
        return costs(self._ledger(), self.by, self.depth, self.sort)

    def _ledger(self) -> Ledger:
        return self.network.ledger.batched(self.batch)

    def subject(self) -> str:
        """The network in a line: its name and the choices it was built from."""
        shapes = " and ".join(map(str, self.network.inputs))
        choices = dict(self.network.config)
        # Both are in the shape of the input.
        choices.pop("resolution", None)
        choices.pop("in_channels", None)
        classes = [f"{choices.pop('num_classes')} classes"] if "num_classes" in choices else []
        others = [f"{name.replace('_', ' ')} {_plain(value)}" for name, value in choices.items()]
        return f"{self.network.name}: {', '.join([*others, f'input {shapes}', f'batch {self.batch}', *classes])}"

    def _lines(self) -> tuple[str, ...]:
        source = [f"Source: {self.network.source}"] if self.network.source else []
        return (headline(self._ledger()), self.subject(), *source, COUNTED, *self._missing())

    def _missing(self) -> tuple[str, ...]:
        """What a capture could not count, in a line; nothing, where all is counted."""
        ledger = self.network.ledger
        if not ledger.uncounted:
            return ()
        named = ", ".join(
            f"{node.layer.label(())} at {node.name}".removeprefix("uncounted: ") for node in ledger.uncounted
        )
        return (
            f"NOT COUNTED: {len(ledger.uncounted)} of {len(ledger)} operations ({named}); the true cost is higher.",
        )

    def text(self, color: bool) -> str:
        return formats.text(self._lines(), self.table(), color)

    def markdown(self) -> str:
        first, *others = self._lines()
        return formats.markdown((f"**{first}**", *others), self.table())

    def latex(self) -> str:
        return formats.latex(self._lines(), self.table())

    def html(self) -> str:
        """A fragment for a notebook."""
        return formats.html(self._lines(), self.table())

    def csv(self) -> str:
        return formats.csv_text(self.table())

    def json(self) -> str:
        """The stable contract: totals and every layer; where the grouping is not by layer, its ``rows`` too."""
        ledger = self._ledger()
        entries = ledger.entries
        if self.by == "layer" and self.sort != "order":
            place = {row[0]: index for index, row in enumerate(self.table().rows)}
            entries = tuple(sorted(entries, key=lambda entry: place[entry.name]))
        document: dict[str, object] = {
            "model": self.network.name,
            "alpha": self.network.config.get("alpha"),
            "input": list(self.network.input.sizes),
            "batch": self.batch,
            "choices": dict(self.network.config),
            "multiply_adds": ledger.multiply_adds,
            "flops": ledger.flops,
            "parameters": ledger.parameters,
            "weights": ledger.weights,
            "layers": [fields(entry, self.batch) for entry in entries],
        }
        if ledger.uncounted:
            document["uncounted"] = [node.name for node in ledger.uncounted]
        if self.by != "layer":
            document |= {"by": self.by, "rows": formats.records(self.table())}
        return formats.json_text(document)
