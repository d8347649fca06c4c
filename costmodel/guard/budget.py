"""Budgets: the most a model may cost, and the most it may grow, in units people write. Every comparison is exact."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, final

from costmodel.errors import CostModelError, nearest
from costmodel.quantities import QUANTITIES, Quantity, parse_quantity

if TYPE_CHECKING:
    from costmodel.core.network import Network
    from costmodel.guard.cost import ModelCost

GROWTH = "growth"

#: Bytes of a parameter: they are stored as 32-bit floats.
BYTES = 4

#: (a quantity, the measure of a unit) -> what one of the unit is of the quantity.
_WORTH = {
    ("multiply_adds", "multiply_adds"): Fraction(1),
    ("multiply_adds", "flops"): Fraction(1, 2),
    ("flops", "flops"): Fraction(1),
    ("flops", "multiply_adds"): Fraction(2),
    ("parameters", "parameters"): Fraction(1),
    ("parameters", "bytes"): Fraction(1, BYTES),
    ("weights", "parameters"): Fraction(1),
    ("weights", "bytes"): Fraction(1, BYTES),
}

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
    """
    growth = parse_growth(texts[GROWTH]) if GROWTH in texts else None
    return Budgets(tuple(parse_limit(name, text) for name, text in texts.items() if name != GROWTH), growth)


def parse_limit(quantity: str, text: object) -> Budget:
    """The budget of ``quantity`` that ``text`` writes: ``"<= 250 M"``, ``"0.6 GFLOPs"``, ``"10 MB"``, or a number.

    Parameters have 4 bytes each. Raises :class:`~costmodel.errors.CostModelError` as :func:`parse_budgets` does.

    >>> parse_limit("multiply_adds", "<= 0.6 GFLOPs").most, parse_limit("parameters", "10 MB").most
    (Fraction(300000000, 1), Fraction(2500000, 1))
    """
    if quantity not in QUANTITIES:
        known = (*QUANTITIES, GROWTH)
        raise CostModelError(
            f"no budget is called {quantity!r}; {nearest(quantity, known)}there are {', '.join(known)}"
        )
    found = _amount(quantity, text)
    if found.measure == "percent":
        raise CostModelError(f"{quantity} has no percent ({text!r}); write growth for what a model may grow")
    return Budget(quantity, _worth(found, quantity, text), _as_written(text))


def parse_growth(text: object) -> Growth:
    """What a model may grow: ``"<= 0 %"`` of each quantity, ``"1 MMAC"``, ``"10 k"`` of each, ``"1 MB"``.

    Raises :class:`~costmodel.errors.CostModelError` as :func:`parse_budgets` does.

    >>> parse_growth("<= 1 MMAC").quantities, parse_growth("<= 0.5 %").quantities
    (('multiply_adds',), ('multiply_adds', 'parameters'))
    """
    found = _amount(GROWTH, text)
    percent = found.measure == "percent"
    named = [name for name in GROWING if percent or not found.measure or (name, found.measure) in _WORTH]
    most = {name: found.amount if percent else _worth(found, name, text) for name in named}
    return Growth(tuple(named), most, percent, _as_written(text))


def _amount(name: str, text: object) -> Quantity:
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str):
        raise CostModelError(f'{name} = {text!r} must be a text, as in {name} = "<= 250 M"')
    sign = text.strip()
    if sign.startswith((">", "=", "<")) and not sign.startswith("<="):
        raise CostModelError(f'{name} = {text!r} is no upper bound; write {name} = "<= {sign.lstrip("<>= ")}"')
    try:
        return parse_quantity(sign.removeprefix("<=").strip())
    except CostModelError as error:
        raise error.at(name) from None


def _worth(found: Quantity, quantity: str, text: object) -> Fraction:
    if not found.measure:
        return found.amount
    if (quantity, found.measure) not in _WORTH:
        raise CostModelError(f"{quantity} = {text!r} is in {_said(found.measure)}, which are something else; {_MENDS}")
    return found.amount * _WORTH[quantity, found.measure]


_MENDS = "multiply_adds and flops are in MAC or FLOPs, parameters and weights in B, params or without a unit"


def _as_written(text: object) -> str:
    amount = " ".join(str(text).split()).removeprefix("<=").strip()
    return f"<= {amount}"


def _said(quantity: str) -> str:
    return {"multiply_adds": "multiply-adds", "flops": "FLOPs"}.get(quantity, quantity)
