"""Budgets: the most a model may cost, and the most it may grow, in units people write. Every comparison is exact."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from costmodel.analyses import size
from costmodel.analyses.memory import memory
from costmodel.analyses.readings import reading
from costmodel.errors import CostModelError, nearest, placed
from costmodel.quantities import QUANTITIES, SIZES, STORED, bytes_of, parse_bound, precision

if TYPE_CHECKING:
    from costmodel.core.network import Network
    from costmodel.guard.cost import ModelCost

GROWTH = "growth"

#: What may grow: the quantities that a lock holds.
GROWING = ("multiply_adds", "parameters")


class Budget(NamedTuple):
    """The most of ``quantity`` that a model may cost; ``text`` is what its author wrote.

    A quantity in bytes is one at ``dtype``, or of each value's own type where that is empty. With ``in_bytes``, so is
    a number of parameters or weights, whose budget is a size that names no type.
    """

    quantity: str
    most: Fraction
    text: str
    dtype: str = ""
    in_bytes: bool = False

    def violation(self, figure: int, after: str = "") -> str:
        """What is wrong with ``figure``, in one sentence; empty if nothing is. ``after`` follows the figure.

        >>> parse_limit("parameters", "<= 2.6 M").violation(2_600_001)
        'parameters: 2,600,001 are over the budget <= 2.6 M (2,600,000) by 1'
        """
        if figure <= self.most:
            return ""
        most = math.floor(self.most)  # figures are whole
        over = f"over the budget {self.text} ({most:,}) by {figure - most:,}"
        return f"{self.called}: {figure:,}{after} are {over}"

    def at(self, dtype: str) -> Budget:
        """The same at ``dtype``, if it is one in bytes that names no type."""
        if self.in_bytes:
            return Budget(self.quantity, self.most / bytes_of(dtype), f"{self.text} at {precision(dtype)}")
        return self._replace(dtype=dtype) if self.quantity in SIZES and not self.dtype else self

    def of(self, network: Network) -> Budget:
        """The budget as one of ``network``: a size of parameters at the type that they have.

        Where they have several, it stays a size in bytes. Raises :class:`~costmodel.errors.CostModelError` for the
        weights of such a network.
        """
        if not self.in_bytes:
            return self
        own = list(size.types(network)) or ["float32"]
        if len(own) == 1:
            return self.at(own[0])
        if self.quantity == "weights":
            raise CostModelError(f"weights: {self.text} names no type, and {network.name} has {', '.join(own)}; write"
                                 f" {self.text} at {precision(own[0])}")  # fmt: skip
        return self

    @property
    def called(self) -> str:
        """The quantity, as people say it."""
        return _called(self.quantity)

    def measured(self, network: Network) -> tuple[Fraction, int]:
        """The most that is allowed and what ``network`` costs, in one unit. Raises as :meth:`of` does."""
        limit = self.of(network)
        return limit.most, reading(network, "size" if limit.in_bytes else limit.quantity, limit.dtype)

    def broken_by(self, network: Network) -> str:
        """What ``network`` costs too much, in one sentence; empty if nothing."""
        limit = self.of(network)
        quantity = "size" if limit.in_bytes else limit.quantity
        _, figure = self.measured(network)
        if quantity not in SIZES:
            return limit.violation(figure)
        if quantity == "size":
            return limit.violation(figure, f" bytes at {size.precisions(network, self.dtype)}")
        usage = memory(network, self.dtype)
        return limit.violation(figure, f" bytes at {precision(usage.types)} at {usage.at}")


class Growth(NamedTuple):
    """The most that each of ``quantities`` may grow, in percent or as an amount; ``text`` is what its author wrote.

    With ``in_bytes``, the amount is a size of parameters that names no type: the type is that of the model's.
    """

    quantities: tuple[str, ...]
    most: Mapping[str, Fraction]
    percent: bool
    text: str
    in_bytes: bool = False

    def violations(self, old: ModelCost, new: ModelCost) -> list[str]:
        """What grew too much from ``old`` to ``new``, a sentence each.

        Raises :class:`~costmodel.errors.CostModelError` for a size without a type where ``new`` has several.
        """
        broken = []
        quantities = self.quantities
        if self.percent and old.bytes and new.bytes and old.bytes.dtype == new.bytes.dtype:
            quantities += SIZES
        for quantity in quantities:
            before, after = _amount(old, quantity), _amount(new, quantity)
            if after - before > self.allowed(quantity, old, new.network):
                unit = f" bytes at {precision(new.bytes.dtype)}" if quantity in SIZES and new.bytes else ""
                grew = f"{before:,}{unit} grew by {after - before:,} to {after:,}"
                broken.append(f"{_called(quantity)}: {grew}; growth is {self.text}")
        return broken

    def allowed(self, quantity: str, old: ModelCost, network: Network | None) -> Fraction | float:
        """How much ``quantity`` of ``old`` may grow; infinity where nothing is said of it.

        ``network`` is what it grows to, whose parameters have the type of a size that names none. Raises as
        :meth:`violations` does.
        """
        if self.percent:
            return _amount(old, quantity) * self.most["multiply_adds"] / 100  # it is the same of each
        if quantity not in self.quantities:
            return math.inf
        most = self.most[quantity]
        return most / bytes_of(self._own_type(old.name, network)) if self.in_bytes else most

    def _own_type(self, name: str, network: Network | None) -> str:
        own = list(size.types(network)) if network else []
        if len(own) != 1:
            types = f"{name} has {', '.join(own) or 'none that is known'}"
            raise CostModelError(
                f"growth: {self.text} names no type, and {types}; write {self.text} at fp32, or at int8"
            )
        return own[0]


class Budgets(NamedTuple):
    """All that is asked of one model."""

    limits: tuple[Budget, ...] = ()
    growth: Growth | None = None

    def at(self, dtype: str) -> Budgets:
        """The same, with those in bytes that name no type at ``dtype``.

        >>> parse_budgets({"peak_memory": "<= 256 KiB", "parameters": "1 MB"}).at("int8").limits[1].text
        '<= 1 MB at int8'
        """
        growth = self.growth
        if growth and growth.in_bytes:
            most = {quantity: amount / bytes_of(dtype) for quantity, amount in growth.most.items()}
            growth = Growth(growth.quantities, most, False, f"{growth.text} at {precision(dtype)}")
        return Budgets(tuple([limit.at(dtype) for limit in self.limits]), growth)

    def violations(self, network: Network) -> list[str]:
        """What ``network`` costs too much of, a sentence each; growth is not looked at.

        >>> import costmodel as cm
        >>> parse_budgets({"multiply_adds": "<= 600 MFLOPs"}).violations(cm.mobilenet_v2())
        ['multiply-adds: 300,774,272 are over the budget <= 600 MFLOPs (300,000,000) by 774,272']
        """
        return list(filter(None, (limit.broken_by(network) for limit in self.limits)))


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

    A size of parameters is one at the type in ``"0.4 MB at int8"``, or at the type that those of the model have.
    Raises :class:`~costmodel.errors.CostModelError` as :func:`parse_budgets` does.

    >>> parse_limit("multiply_adds", "<= 0.6 GFLOPs").most, parse_limit("parameters", "10 MB at fp32").most
    (Fraction(300000000, 1), Fraction(2500000, 1))
    >>> parse_limit("peak_memory", "<= 256 KiB at int8").most, parse_limit("parameters", "10 MB").in_bytes
    (Fraction(262144, 1), True)
    """
    if quantity not in QUANTITIES:
        known = (*QUANTITIES, GROWTH)
        raise CostModelError(
            f"no budget is called {quantity!r}; {nearest(quantity, known)}there are {', '.join(known)}"
        )
    with placed(quantity):
        if str(text).endswith("%") and parse_bound(text).measure == "percent":
            raise CostModelError(f"{text!r} is a percentage; write growth for what a model may grow")
        bound = parse_bound(text, quantity)
        in_bytes = bound.measure == "bytes" and quantity in STORED
        return Budget(quantity, bound.amount, _as_written(text), bound.dtype if quantity in SIZES else "", in_bytes)


def parse_growth(text: object) -> Growth:
    """What a model may grow: ``"<= 0 %"`` of each quantity, ``"1 MMAC"``, ``"10 k"`` of each, ``"1 MB"``.

    Raises :class:`~costmodel.errors.CostModelError` as :func:`parse_budgets` does.

    >>> parse_growth("<= 1 MMAC").quantities, parse_growth("<= 0.5 %").quantities
    (('multiply_adds',), ('multiply_adds', 'parameters'))
    """
    with placed(GROWTH):
        bound = parse_bound(text)
        if bound.measure == "percent":
            return Growth(GROWING, dict.fromkeys(GROWING, bound.amount), True, _as_written(text))
        if bound[1:] == ("bytes", ""):
            most = {"parameters": parse_bound(text, "bytes").amount}
            return Growth(("parameters",), most, False, _as_written(text), in_bytes=True)
        named = tuple([name for name in GROWING if bound.of(name) is not None])
        return Growth(named, {name: parse_bound(text, name).amount for name in named}, False, _as_written(text))


def _as_written(text: object) -> str:
    amount = " ".join(str(text).split()).removeprefix("<=").strip()
    return f"<= {amount}"


def _amount(cost: ModelCost, quantity: str) -> int:
    """What ``cost`` has of ``quantity``; its bytes must be known for those."""
    amount: int = getattr(cost.bytes if quantity in SIZES else cost, quantity)
    return amount


def _called(quantity: str) -> str:
    return {"multiply_adds": "multiply-adds", "flops": "FLOPs", "peak_memory": "peak memory"}.get(quantity, quantity)
