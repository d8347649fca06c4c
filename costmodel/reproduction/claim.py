"""A claim: a number as somebody printed it, with what its last digit is worth."""

from __future__ import annotations

import re
from typing import NamedTuple

from costmodel.errors import CostModelError
from costmodel.published.tables import PrintedNumber
from costmodel.quantities import parse_quantity

#: What a claim can be of.
CLAIMED = ("multiply_adds", "parameters", "activations")

#: What the unit of a claim names -> what the claim is of.
_UNITS = {**{name: name for name in CLAIMED}, "flops": "multiply_adds"}

_DIGITS = re.compile(r"[\d.,]+", re.ASCII)
_BINARY = re.compile(r" *\((?:K ?= ?1024|2\^(?:10|20|30|40))\)$")


class Claim(NamedTuple):
    """``text`` as it stands, the number it prints, what it is of, and what its unit says of that."""

    text: str
    printed: PrintedNumber
    of: str
    #: It says FLOPs, of which a multiply-add may be two.
    says_flops: bool = False
    #: It says that its k is 1024, its M 1024^2.
    binary: bool = False
    #: Neither its unit nor whoever asked says what it is of.
    unitless: bool = False

    @classmethod
    def parse(cls, text: str, of: str | None = None) -> Claim:
        """The claim that ``text`` makes of ``of``: of what its unit names where that is None, else of multiply-adds.

        ``24.37M (2^20)`` is in units of 1024 * 1024.

        Raises :class:`~costmodel.errors.CostModelError` where it is no number, is not whole, or is of something else.

        >>> Claim.parse("314.19M").printed
        PrintedNumber(value=314190000, step=10000)
        >>> Claim.parse("2.6M", of="parameters").of, Claim.parse("4.1 GFLOPs").says_flops
        ('parameters', True)
        """
        shown = text.strip()
        if of is not None and of not in CLAIMED:
            raise CostModelError(f"of={of!r} is nothing that a claim is of; there are {', '.join(CLAIMED)}")
        decimal = _BINARY.sub("", shown)
        amount, measure, _ = parse_quantity(decimal)
        digits = _DIGITS.match(decimal)
        assert digits is not None  # it was read
        # The same text with a 1 for its last digit and 0 for all others.
        step = parse_quantity(re.sub(r"\d", "0", digits[0])[:-1] + "1" + decimal[digits.end() :]).amount
        if measure and measure not in _UNITS:
            raise CostModelError(
                f"{shown!r} is of {measure}; a claim is a count, such as 300M, 4.1 GFLOPs or 2.6M params"
            )
        named = _UNITS[measure] if measure else (of or "multiply_adds")
        if of not in (None, named):
            raise CostModelError(f"{shown!r} is of {measure}, not of {of}; leave the unit out or ask for {named}")
        if amount.denominator > 1 or amount < 1:
            raise CostModelError(f"{shown!r} is not a whole count above 0; give it a unit, as in {digits[0]}M")
        printed = PrintedNumber(int(amount), max(1, int(step)))
        return cls(shown, printed, named, measure == "flops", decimal != shown, not measure and of is None)
