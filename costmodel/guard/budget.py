"""Budgets: the most a model may cost, and the most it may grow, in units people write. Every comparison is exact."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, final

from costmodel.errors import CostModelError, nearest
from costmodel.quantities import QUANTITIES, parse_bound

if TYPE_CHECKING:
    from costmodel.core.network import Network
    from costmodel.guard.cost import ModelCost

GROWTH = "growth"

#: What may grow: the quantities that a lock holds.
GROWING = ("multiply_adds", "parameters")


@final
@dataclass(frozen=True)
class Budget:
    """The most of ``quantity`` that a model may cost; ``text`` is what its author wrote."""

    quantity: str
    most: Fraction
    text: str

    def violation(self, figure: int) -> str:
        """What is wrong with ``figure``, in one sentence; empty if nothing is.

        >>> parse_limit("parameters", "<= 2.6 M").violation(2_600_001)
        'parameters: 2,600,001 are over the budget <= 2.6 M (2,600,000) by 1'
        """
        if figure <= self.most:
            return ""
        most = math.floor(self.most)  # figures are whole
        over = f"over the budget {self.text} ({most:,}) by {figure - most:,}"
        return f"{_said(self.quantity)}: {figure:,} are {over}"


@final
@dataclass(frozen=True)
class Growth:
    """The most that each of ``quantities`` may grow, in percent or as an amount; ``text`` is what its author wrote."""

    quantities: tuple[str, ...]
    most: Mapping[str, Fraction]
    percent: bool
    text: str

    def violations(self, old: ModelCost, new: ModelCost) -> list[str]:
        """What grew too much from ``old`` to ``new``, a sentence each."""
        found = []
        for quantity in self.quantities:
            before, after = getattr(old, quantity), getattr(new, quantity)
            most = self.most[quantity]
            allowed = before * most / 100 if self.percent else most
            if after - before > allowed:
                found.append(
                    f"{_said(quantity)}: {before:,} grew by {after - before:,} to {after:,}; growth is {self.text}"
                )
        return found


@final
@dataclass(frozen=True)
class Budgets:
    """All that is asked of one model."""

    limits: tuple[Budget, ...] = ()
    growth: Growth | None = None

    def violations(self, network: Network) -> list[str]:
        """What ``network`` costs too much of, a sentence each; growth is not looked at.

        >>> import costmodel as cm
        >>> parse_budgets({"multiply_adds": "<= 600 MFLOPs"}).violations(cm.mobilenet_v2())
        ['multiply-adds: 300,774,272 are over the budget <= 600 MFLOPs (300,000,000) by 774,272']
        """
        return list(filter(None, (limit.violation(getattr(network, limit.quantity)) for limit in self.limits)))


def parse_budgets(texts: Mapping[str, object]) -> Budgets:
    """Budgets by quantity, and growth: ``{"multiply_adds": "<= 250 M", "growth": "<= 0 %"}``.

    Raises :class:`~costmodel.errors.CostModelError` for an unknown quantity, for what is no amount, and for a unit of
    something else.

    >>> budgets = parse_budgets({"multiply_adds": "<= 250 M", "growth": "<= 0 %"})
    >>> budgets.limits[0].most, budgets.growth.text
    (Fraction(250000000, 1), '<= 0 %')
    """
    growth = parse_growth(texts[GROWTH]) if GROWTH in texts else None
    return Budgets(tuple(parse_limit(name, text) for name, text in texts.items() if name != GROWTH), growth)


def parse_limit(quantity: str, text: object) -> Budget:
    """The budget of ``quantity`` that ``text`` writes: ``"<= 250 M"``, ``"0.6 GFLOPs"``, ``"10 MB"``, or a number.

    Parameters have 4 bytes each, or those of the type in ``"0.4 MB at int8"``. Raises
    :class:`~costmodel.errors.CostModelError` as :func:`parse_budgets` does.

    >>> parse_limit("multiply_adds", "<= 0.6 GFLOPs").most, parse_limit("parameters", "10 MB").most
    (Fraction(300000000, 1), Fraction(2500000, 1))
    """
    if quantity not in QUANTITIES:
        known = (*QUANTITIES, GROWTH)
        raise CostModelError(
            f"no budget is called {quantity!r}; {nearest(quantity, known)}there are {', '.join(known)}"
        )
    with _placed(quantity):
        if str(text).endswith("%") and parse_bound(text).measure == "percent":
            raise CostModelError(f"{text!r} is a percentage; write growth for what a model may grow")
        return Budget(quantity, parse_bound(text, quantity).amount, _as_written(text))


def parse_growth(text: object) -> Growth:
    """What a model may grow: ``"<= 0 %"`` of each quantity, ``"1 MMAC"``, ``"10 k"`` of each, ``"1 MB"``.

    Raises :class:`~costmodel.errors.CostModelError` as :func:`parse_budgets` does.

    >>> parse_growth("<= 1 MMAC").quantities, parse_growth("<= 0.5 %").quantities
    (('multiply_adds',), ('multiply_adds', 'parameters'))
    """
    with _placed(GROWTH):
        found = parse_bound(text)
        if found.measure == "percent":
            return Growth(GROWING, dict.fromkeys(GROWING, found.amount), True, _as_written(text))
        named = tuple([name for name in GROWING if found.of(name) is not None])
        return Growth(named, {name: parse_bound(text, name).amount for name in named}, False, _as_written(text))


@contextlib.contextmanager
def _placed(name: str) -> Iterator[None]:
    """An error in it says which budget is wrong."""
    try:
        yield
    except CostModelError as error:
        raise error.at(name) from None


def _as_written(text: object) -> str:
    amount = " ".join(str(text).split()).removeprefix("<=").strip()
    return f"<= {amount}"


def _said(quantity: str) -> str:
    return {"multiply_adds": "multiply-adds", "flops": "FLOPs"}.get(quantity, quantity)
