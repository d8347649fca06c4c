"""Numbers that people type: ``100M``, ``3,000,000``, ``4.1 GFLOPs``; and budgets, ``multiply_adds=100M``."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from costmodel.errors import CostModelError, nearest

#: What a budget can be of: each is a property of a network.
QUANTITIES = ("multiply_adds", "flops", "parameters", "weights")

_UNITS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_NUMBER = r"(\d+|\d{1,3}(?:,\d{3})+)(\.\d+)?(e\+?\d{1,2})?"
_COUNT = re.compile(_NUMBER + r" ?([a-zA-Z]*)", re.ASCII)
_AMOUNT = re.compile(_NUMBER + r" ?((?:[kKMGTPE] )?[a-zA-Z%]*)", re.ASCII)

#: What a unit, without its decimal prefix, is a number of.
_MEASURES = {
    "": "",
    "MAC": "multiply_adds", "MACs": "multiply_adds", "MAdd": "multiply_adds", "MAdds": "multiply_adds",
    "FLOP": "flops", "FLOPs": "flops", "FLOPS": "flops",
    "param": "parameters", "params": "parameters",
    "B": "bytes",
    "%": "percent",
}  # fmt: skip


class Quantity(NamedTuple):
    """An exact amount, and its measure: a quantity, ``"bytes"``, ``"percent"``, or ``""`` where the unit names none."""

    amount: Fraction
    measure: str


def parse_count(text: str) -> int:
    """The whole number that ``text`` writes, with commas, an exponent or a decimal unit (M is 10^6) if it likes.

    Raises :class:`~costmodel.errors.CostModelError` where it is no number, has an unknown unit or is not whole.

    >>> parse_count("100M"), parse_count("0.5G"), parse_count("100,000,000"), parse_count("1e8")
    (100000000, 500000000, 100000000, 100000000)
    """
    found = _COUNT.fullmatch(text.strip())
    if found is None or len(text) > 60:
        raise CostModelError(f"{text[:60]!r} is not a count; write it as 100M, 0.5G, 100,000,000 or 1e8")
    whole, fraction, exponent, unit = found.groups(default="")
    digits = whole.replace(",", "") + fraction + exponent
    if unit not in _UNITS:
        mend = f"did you mean {digits}{unit[0].upper()}? " if unit[0].upper() in _UNITS else ""
        raise CostModelError(f"{text!r} has the unit {unit!r}; {mend}units are k, M, G, T, P and E, in tens: M is 10^6")
    value = Decimal(digits) * _UNITS[unit]
    if value != value.to_integral_value():
        mend = "" if unit else f"; give it a unit, as in {digits}M"
        raise CostModelError(f"{text!r} is not a whole count{mend}")
    return int(value)


def parse_quantity(text: str) -> Quantity:
    """The amount that ``text`` writes, exactly, and the quantity that its unit names, if it names one.

    Units are MAC and MAdd (multiply-adds), FLOP (half a multiply-add), param, B (bytes) and %, after a decimal prefix
    if there is one (M is 10^6). Raises :class:`~costmodel.errors.CostModelError` where it is no number, for an unknown
    unit, and for a bare B, which could be a billion.

    >>> parse_quantity("300 MMAC").measure, parse_quantity("2.6 M").measure, parse_quantity("10 MB").amount
    ('multiply_adds', '', Fraction(10000000, 1))
    >>> parse_quantity("4.1 GFLOPs"), parse_quantity("0.5 %")
    (Quantity(amount=Fraction(4100000000, 1), measure='flops'), Quantity(amount=Fraction(1, 2), measure='percent'))
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or len(text) > 60:
        raise CostModelError(f"{text[:60]!r} is not an amount; write it as 250 M, 300 MMAC, 0.6 GFLOPs, 10 MB or 2 %")
    whole, fraction, exponent, given = found.groups(default="")
    digits = whole.replace(",", "") + fraction + exponent
    given = given.replace(" ", "")
    # A unit is read before a prefix: "MAC" is no million AC.
    prefix, unit = ("", given) if given in _MEASURES else (given[0], given[1:])
    if unit == "B" and not prefix:
        raise CostModelError(f"{text!r} could be bytes or billions; write {digits} GB or {digits} G")
    if unit not in _MEASURES or prefix not in _UNITS or (unit == "%" and prefix):
        raise CostModelError(
            f"{text!r} has the unit {given!r}; {nearest(given, _spelled())}units are MAC, FLOPs, params, B"
            " and %, after k, M, G, T, P or E, in tens: M is 10^6"
        )
    return Quantity(Fraction(digits) * _UNITS[prefix], _MEASURES[unit])


def _spelled() -> list[str]:
    return [prefix + unit for unit in ("", "MACs", "MAdds", "FLOPs", "params", "B") for prefix in _UNITS]


def parse_budget(text: str) -> tuple[str, int]:
    """A quantity and the most of it that is allowed: ``multiply_adds=100M``.

    Raises :class:`~costmodel.errors.CostModelError` for another quantity, and as :func:`parse_count` does.

    >>> parse_budget("parameters=3M")
    ('parameters', 3000000)
    """
    quantity, equals, amount = text.partition("=")
    name = quantity.strip().replace("-", "_")
    if name not in QUANTITIES:
        mend = "" if equals else f"write QUANTITY=NUMBER, as in multiply_adds={text.strip() or '100M'}; "
        raise CostModelError(f"no quantity is called {name!r}; {nearest(name, QUANTITIES)}{mend}{_known()}")
    if not equals:
        raise CostModelError(f"{name} has no number; write {name}=100M")
    return name, parse_count(amount)


def _known() -> str:
    return f"there are {', '.join(QUANTITIES)}"
