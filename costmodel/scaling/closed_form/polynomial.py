"""Polynomials with exact coefficients, as plain values: what a closed form is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import TypeAlias, final

#: The power of each variable.
Powers: TypeAlias = tuple[int, ...]


@final
@dataclass(frozen=True)
class Polynomial:
    """A sum of ``coefficient * first**power * second**power ...``; no coefficient is 0.

    >>> square = Polynomial({(2, 0): Fraction(3), (0, 1): Fraction(1)})
    >>> square.at(2, 5), (square + square).at(2, 5), (square * square).at(2, 5)
    (Fraction(17, 1), Fraction(34, 1), Fraction(289, 1))
    """

    coefficients: Mapping[Powers, Fraction]

    @classmethod
    def of(cls, number: Fraction | int) -> Polynomial:
        """A number, as a polynomial in two variables."""
        return cls({(0, 0): Fraction(number)} if number else {})

    @property
    def constant(self) -> Fraction | None:
        """The number that it is; None where it has a variable."""
        if any(map(any, self.coefficients)):
            return None
        return sum(self.coefficients.values(), Fraction(0))

    def line(self) -> tuple[Fraction, Fraction]:
        """Where it starts and how it rises with the first variable."""
        return self.coefficients.get((0, 0), Fraction(0)), self.coefficients[1, 0]

    @cached_property
    def terms(self) -> tuple[tuple[Powers, Fraction], ...]:
        """The terms from the highest degree down, and among those of one degree by the power of the first variable."""
        return tuple(sorted(self.coefficients.items(), key=lambda term: (sum(term[0]), term[0]), reverse=True))

    def at(self, *values: Fraction | int) -> Fraction:
        """The value at one value a variable."""
        return sum(
            (
                coefficient * prod(value**power for value, power in zip(values, powers, strict=True))
                for powers, coefficient in self.coefficients.items()
            ),
            Fraction(0),
        )

    def __add__(self, other: Polynomial) -> Polynomial:
        return total((self, other))

    def __mul__(self, other: Polynomial) -> Polynomial:
        return total(self._shifted(*term) for term in other.coefficients.items())

    def _shifted(self, by: Powers, factor: Fraction) -> Polynomial:
        """Times a term."""
        return Polynomial(
            {
                tuple(map(sum, zip(powers, by, strict=True))): value * factor
                for powers, value in self.coefficients.items()
            }
        )

    def divided(self, other: Polynomial) -> Polynomial | None:
        """The quotient, where nothing is left over.

        >>> line = Polynomial({(1, 0): Fraction(3), (0, 0): Fraction(1)})
        >>> (line * line).divided(line) == line, line.divided(line * line)
        (True, None)
        """
        quotient, rest = Polynomial({}), self
        leading, divisor = max(other.coefficients.items())
        while rest.coefficients:
            powers, value = max(rest.coefficients.items())
            by = tuple([power - own for power, own in zip(powers, leading, strict=True)])
            if min(by) < 0:
                return None
            quotient += Polynomial({by: value / divisor})
            rest += other._shifted(by, -value / divisor)
        return quotient

    def scaled(self, *factors: Fraction | int) -> Polynomial:
        """The same polynomial in other units: each variable replaced by ``factor`` times a new one.

        >>> Polynomial({(2,): Fraction(32)}).scaled(Fraction(1, 4)).terms
        (((2,), Fraction(2, 1)),)
        """
        return Polynomial(
            {
                powers: coefficient
                * prod(Fraction(factor) ** power for factor, power in zip(factors, powers, strict=True))
                for powers, coefficient in self.coefficients.items()
            }
        )


def total(parts: Iterable[Polynomial]) -> Polynomial:
    """The sum of ``parts``."""
    sums: dict[Powers, Fraction] = {}
    for part in parts:
        for powers, coefficient in part.coefficients.items():
            sums[powers] = sums.get(powers, Fraction(0)) + coefficient
    return Polynomial({powers: coefficient for powers, coefficient in sums.items() if coefficient})
