"""The report of ``costmodel count``: the answer first, what was counted, then a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from costmodel.core.ledger import Ledger
from costmodel.core.network import Network
from costmodel.report import formats
from costmodel.report.table import Table, costs, fields
from costmodel.report.units import si

if TYPE_CHECKING:
    from costmodel.conventions import Convention

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
    """What one network costs for ``batch`` samples, grouped ``by`` layer, block, stage or type.

    With a ``convention`` the answer is its figure, and the table has a column of it, of which the shares are.
    """

    network: Network
    batch: int = 1
    by: str = "block"
    depth: int = 2
    sort: str = "order"
    convention: Convention | None = None

    def table(self) -> Table:
        """The rows of the grouping that was asked for."""
        if self.convention is None:
            return costs(self._ledger(), self.by, self.depth, self.sort)
        table = self._with_figures(self.convention, costs(self._ledger(), self.by, self.depth))
        return table if self.sort == "order" else table.sorted(self.sort)

    def _with_figures(self, convention: Convention, table: Table) -> Table:
        parts = self._ledger().by(self.by, self.depth).values()
        total = convention.of(self._ledger()).total
        figures = [*(convention.of(part).total for part in parts), total]
        rows = [
            (*row[:-1], figure, figure / total if total else 0.0)
            for row, figure in zip((*table.rows, table.total), figures, strict=True)
        ]
        return Table((*table.columns[:-1], convention.name, "share"), tuple(rows[:-1]), rows[-1])

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
        if self.convention is None:
            return (headline(self._ledger()), self.subject(), *source, COUNTED, *self._missing())
        from costmodel.report.conventions import bugs, sentence

        figure = self.convention.of(self._ledger())
        counted = f"Counted by {self.convention.source}, {self.convention.version}: {self.convention.counts}."
        answer = (sentence(figure), headline(self._ledger()), self.subject())
        return (*answer, *source, counted, *bugs(figure), *self._missing())

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
        shapes = [list(shape.sizes) for shape in self.network.inputs]
        if self.by == "layer" and self.sort != "order":
            place = {row[0]: index for index, row in enumerate(self.table().rows)}
            entries = tuple(sorted(entries, key=lambda entry: place[entry.name]))
        document: dict[str, object] = {
            "model": self.network.name,
            "alpha": self.network.config.get("alpha"),
            "input": shapes[0] if len(shapes) == 1 else shapes,
            "batch": self.batch,
            "choices": dict(self.network.config),
            "multiply_adds": ledger.multiply_adds,
            "flops": ledger.flops,
            "parameters": ledger.parameters,
            "weights": ledger.weights,
            "layers": [fields(entry, self.batch) for entry in entries],
        }
        if self.convention is not None:
            from costmodel.report.conventions import described, measured

            document["convention"] = {**described(self.convention), **measured(self.convention.of(ledger))}
        if ledger.uncounted:
            document["uncounted"] = [node.name for node in ledger.uncounted]
        if self.by != "layer":
            document |= {"by": self.by, "rows": formats.records(self.table())}
        return formats.json_text(document)
