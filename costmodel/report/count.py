"""The report of ``costmodel count``: the answer first, what was counted, then a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, final

from costmodel.core.graph import Node
from costmodel.core.ledger import Ledger
from costmodel.core.network import Network
from costmodel.report.answer import Answer
from costmodel.report.costs import costs, fields, headline, operator, subject, totals
from costmodel.report.table import Table

if TYPE_CHECKING:
    from costmodel.conventions import Convention

COUNTED = (
    "Counted: multiply-adds of convolutions, linear layers and matrix products (2 FLOPs each); no bias, norm,"
    " activation, pooling."
)


def html(network: Network) -> str:
    """What a notebook shows of a network: the answer, and a row a block."""
    return CountReport(network).html()


def _listed(nodes: Sequence[Node], most: int = 3) -> str:
    names = [node.name for node in nodes[:most]]
    return ", ".join(names) + (f" and {len(nodes) - most} more" if len(nodes) > most else "")


@final
class CountReport(Answer):
    """What one network costs for ``batch`` samples, grouped ``by`` layer, block, stage or type.

    With a ``convention`` the answer is its number, and the table has a column of it, of which the shares are. With
    ``columns`` the table has these, bytes among them at ``dtype``, or at the types of the network.
    """

    network: Network
    batch: int = 1
    by: str = "block"
    depth: int = 2
    sort: str = "order"
    convention: Convention | None = None
    columns: tuple[str, ...] = ()
    dtype: str = ""

    def table(self) -> Table:
        """The rows of the grouping that was asked for."""
        ledger = self._ledger()
        table = costs(ledger, self.by, self.depth)
        if self.convention is not None:
            table = self._by_convention(self.convention, table)
        if not self.columns:
            return table if self.sort == "order" else table.sorted(self.sort)
        from costmodel.report.columns import selected, with_moved

        table = with_moved(table, list(ledger.by(self.by, self.depth).values()), ledger, self.dtype)
        return selected(table if self.sort == "order" else table.sorted(self.sort), self.columns)

    def _by_convention(self, convention: Convention, table: Table) -> Table:
        parts = self._ledger().by(self.by, self.depth).values()
        total = convention.of(self._ledger()).total
        numbers = [*(convention.of(part).total for part in parts), total]
        rows = [
            (*row[:-1], number, number / total if total else 0.0)
            for row, number in zip((*table.rows, table.total), numbers, strict=True)
        ]
        return Table((*table.columns[:-1], convention.name, "share"), tuple(rows[:-1]), rows[-1])

    def _ledger(self) -> Ledger:
        return self.network.ledger.batched(self.batch)

    def lines(self) -> list[str]:
        answer = [headline(self.network, self.batch), subject(self.network, self.batch)]
        source = [f"Source: {self.network.source}"] if self.network.source else []
        if self.convention is None:
            return [*answer, *source, COUNTED, *self.in_bytes, *self._missing()]
        from costmodel.report.conventions import bugs, sentence

        number = self.convention.of(self._ledger())
        counted = f"Counted by {self.convention.source}, {self.convention.version}: {self.convention.counts}."
        return [sentence(number), *answer, *source, counted, *bugs(number), *self.in_bytes, *self._missing()]

    @property
    def in_bytes(self) -> list[str]:
        """What is said of columns in bytes; nothing, where there are none."""
        if not self.columns:
            return []
        from costmodel.report.columns import bytes_note

        return bytes_note(self.network.ledger, self.columns, self.dtype)

    def _missing(self) -> list[str]:
        """Where what a capture could not count stands; nothing, where all is counted."""
        nodes = self.network.ledger.uncounted
        places = ", ".join(f"{operator(node)} at {node.name}" for node in nodes)
        of = f"{len(nodes)} of {len(self.network.ledger)} operations"
        missing = [f"NOT COUNTED: {of} ({places}); the true cost is higher."] if nodes else []
        assumed = self.network.ledger.assumptions.items()
        return [*missing, *[f"ASSUMED: {what}, at {_listed(places)}." for what, places in assumed]]

    def document(self) -> object:
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
            **totals(ledger),
            "layers": [fields(entry, self.batch) for entry in entries],
        }
        if self.convention is not None:
            from costmodel.report.conventions import described, measured

            document["convention"] = {**described(self.convention), **measured(self.convention.of(ledger))}
        if ledger.uncounted:
            document["uncounted"] = [node.name for node in ledger.uncounted]
        if ledger.assumptions:
            document["assumptions"] = [
                {"assumption": what, "layers": [node.name for node in nodes]}
                for what, nodes in ledger.assumptions.items()
            ]
        if self.by != "layer" or self.columns:
            document |= {"by": self.by, "rows": self._records()}
        if self.in_bytes:
            from costmodel.report.columns import types

            document["dtype"] = ", ".join(types(ledger, self.dtype))
        return document

    def _records(self) -> list[dict[str, object]]:
        """The rows, with an intensity that is not rounded."""
        table = self.table()
        if "intensity" not in table.columns:
            return table.records()
        from costmodel.report.columns import moved

        parts = self._ledger().by(self.by, self.depth)
        return [
            {**record, "intensity": float(moved(parts[str(row[0])], self.dtype)[1])}
            for record, row in zip(table.records(), table.rows, strict=True)
        ]
