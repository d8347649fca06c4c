"""The report of ``costmodel space``: how many networks a search space has, and what they cost."""

from __future__ import annotations

from typing import final

from costmodel.errors import CostModelError
from costmodel.report.answer import Answer
from costmodel.report.table import Table
from costmodel.report.units import amount
from costmodel.scaling.spaces.space import Between, Space

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@final
class SpaceReport(Answer):
    """The space, the budgets as they were given, how many networks fit, and those asked for, by their choices."""

    space: Space
    limits: dict[str, str]
    within: Between | None = None
    chosen: tuple[tuple[str, ...], ...] = ()
    #: How wide the bins are that it is counted in; None where it is counted exactly.
    width: int | None = None

    def lines(self) -> tuple[str, ...]:
        space = self.space
        distinct = "" if self._distinct is None else f", {self._distinct:,} distinct costs"
        costs = f"{space.smallest:,} to {amount(space.quantity, space.largest)}{distinct}"
        lines = [f"{space.name}: {space.networks:,} networks of {costs}"]
        if self.within is not None:
            limits = " and ".join(f"{text} {quantity}" for quantity, text in self.limits.items())
            low, high, bins = self.within
            if low == high:
                lines.append(f"{low:,} of them ({_share(low, space.networks)}) have at most {limits}.")
            else:
                wide = ", ".join(f"{width:,} {quantity}" for quantity, width in bins.items())
                lines.append(f"{low:,} to {high:,} of them have at most {limits}, counted in bins of {wide}.")
        return tuple(lines)

    @property
    def _distinct(self) -> int | None:
        """How many costs there are; None where they are not told apart."""
        if self.width is not None:
            return None
        try:
            return self.space.distinct
        except CostModelError:
            return None

    def table(self) -> Table:
        """The networks that were asked for, or the quantiles."""
        space = self.space
        if self.chosen:
            networks = [space.network(choices) for choices in self.chosen]
            rows = tuple(
                (",".join(choices), *(getattr(network, quantity) for quantity in space.quantities))
                for choices, network in zip(self.chosen, networks, strict=True)
            )
            return Table(("choices", *space.quantities), rows)
        quantiles = self._quantiles()
        if self.width is None:
            return Table(("quantile", space.quantity), tuple((share, low) for share, (low, _) in quantiles.items()))
        return Table(("quantile", "at least", "at most"), tuple((share, *both) for share, both in quantiles.items()))

    def _quantiles(self) -> dict[str, tuple[int, int]]:
        """Share -> two numbers that the quantile lies between."""
        space, width = self.space, self.width
        if width is None:
            return {str(share): (space.quantile(share),) * 2 for share in QUANTILES}
        return {str(share): space.quantile_between(share, width) for share in QUANTILES}

    def document(self) -> object:
        space, within = self.space, self.within
        quantiles = self._quantiles()
        return {
            "space": space.name,
            "quantity": space.quantity,
            "networks": space.networks,
            "smallest": space.smallest,
            "largest": space.largest,
            "distinct": self._distinct,
            "quantiles": {
                share: low if self.width is None else [low, high] for share, (low, high) in quantiles.items()
            },
            "within": None
            if within is None
            else {"most": self.limits, "at_least": within.low, "at_most": within.high, "bins": within.bins},
            "chosen": self.table().records() if self.chosen else [],
        }


def _share(part: int, whole: int) -> str:
    """A share in percent, which may be very small, to two digits."""
    return f"{100 * part / whole:.2g} %" if 0 < 100 * part < whole else f"{100 * part / whole:.2f} %"
