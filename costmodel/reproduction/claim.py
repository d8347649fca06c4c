"""A claim: a number as somebody printed it, with what its last digit is worth."""

from __future__ import annotations

import re
from typing import NamedTuple

from costmodel.errors import CostModelError
from costmodel.published.tables import PrintedNumber
from costmodel.quantities import parse_quantity

#: What a claim can be of.
CLAIMED = ("multiply_adds", "parameters")

#: What the unit of a claim names -> what the claim is of, and how many operations a multiply-add may be there. By FLOPs
#: most papers mean one a multiply-add, others two.
_UNITS = {
    "multiply_adds": ("multiply_adds", (1,)),
    "flops": ("multiply_adds", (1, 2)),
    "parameters": ("parameters", (1,)),
}

_DIGITS = re.compile(r"[\d.,]+", re.ASCII)


class Claim(NamedTuple):
    """``text`` as it stands, the number it prints, what it is of, and the operations that a multiply-add may be."""

    text: str
    printed: PrintedNumber
    of: str
    factors: tuple[int, ...] = (1,)
    #: Neither its unit nor whoever asked says what it is of.
    unitless: bool = False

    @classmethod
    def parse(cls, text: str, of: str | None = None) -> Claim:
        """The claim that ``text`` makes of ``of``: of what its unit names where that is None, else of multiply-adds.

        Raises :class:`~costmodel.errors.CostModelError` where it is no number, is not whole, or is of something else.

        >>> Claim.parse("314.19M").printed
        PrintedNumber(value=314190000, step=10000)
        >>> Claim.parse("2.6M", of="parameters").of, Claim.parse("4.1 GFLOPs").factors
        ('parameters', (1, 2))
        """
        shown = text.strip()
        if of is not None and of not in CLAIMED:
            raise CostModelError(f"of={of!r} is nothing that a claim is of; there are {' and '.join(CLAIMED)}")
        amount, measure, _ = parse_quantity(shown)
        digits = _DIGITS.match(shown)
        assert digits is not None  # it was read
        # The same text with a 1 for its last digit and 0 for all others.
        step = parse_quantity(re.sub(r"\d", "0", digits[0])[:-1] + "1" + shown[digits.end() :]).amount
        if measure and measure not in _UNITS:
            raise CostModelError(
                f"{shown!r} is of {measure}; a claim is a count, such as 300M, 4.1 GFLOPs or 2.6M params"
            )
        named, factors = _UNITS[measure] if measure else (of or "multiply_adds", (1,))
        if of not in (None, named):
            raise CostModelError(f"{shown!r} is of {measure}, not of {of}; leave the unit out or ask for {named}")
        if amount.denominator > 1 or amount < 1:
            raise CostModelError(f"{shown!r} is not a whole count above 0; give it a unit, as in {digits[0]}M")
        return cls(shown, PrintedNumber(int(amount), max(1, int(step))), named, factors, not measure and of is None)
