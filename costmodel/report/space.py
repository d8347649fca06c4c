"""The report of ``costmodel space``: how many networks a search space has, and what they cost."""

from __future__ import annotations

from typing import final

from costmodel.report.answer import Answer
from costmodel.report.table import Table
from costmodel.report.units import amount
from costmodel.scaling.spaces.space import Space

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@final
class SpaceReport(Answer):
    """The space, the budget if there is one, and the networks that were asked for, by their choices."""

    space: Space
    most: int | None = None
    chosen: tuple[tuple[str, ...], ...] = ()

    def lines(self) -> tuple[str, ...]:
        space = self.space
        costs = f"{space.smallest:,} to {amount(space.quantity, space.largest)}, {space.distinct:,} distinct costs"
        lines = [f"{space.name}: {space.networks:,} networks of {costs}"]
        if self.most is not None:
            lines.append(f"{space.within(self.most):,} of them have at most {amount(space.quantity, self.most)}.")
        return tuple(lines)

    def table(self) -> Table:
        """The networks that were asked for, or the quantiles."""
        space = self.space
        if self.chosen:
            costs = [getattr(space.network(choices), space.quantity) for choices in self.chosen]
            rows = tuple((",".join(choices), cost) for choices, cost in zip(self.chosen, costs, strict=True))
            return Table(("choices", space.quantity), rows)
        return Table(("quantile", space.quantity), tuple((str(share), space.quantile(share)) for share in QUANTILES))

    def document(self) -> object:
        space = self.space
        return {
            "space": space.name,
            "quantity": space.quantity,
            "networks": space.networks,
            "smallest": space.smallest,
            "largest": space.largest,
            "distinct": space.distinct,
            "quantiles": {str(share): space.quantile(share) for share in QUANTILES},
            "within": None if self.most is None else {"most": self.most, "networks": space.within(self.most)},
            "chosen": self.table().records() if self.chosen else [],
        }
