"""What a printed figure counted: every reading of a network is tried, and those that fit are held against chance.

A reading *fits* a claim if its exact number, rounded half up or cut off at the last printed digit, is the claim. Enough
readings fit anything. So each is held against the numbers that might have been printed: all those of the claim's
precision from half to twice the claim. Its *chance* is the share of them that it and the readings before it, the
simplest first, would print. A reading *explains* the claim if its chance is at most 1 in 10 for each of its departures:
1 in 10 for one, 1 in 100 for two. The plain reading needs no such proof. Fits that do not explain are coincidences.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, final

from costmodel.core.network import Network
from costmodel.published.tables import Printed
from costmodel.reproduction.claim import Claim
from costmodel.reproduction.readings import Reading, Readings, Term

#: A departure is believed if simpler readings and its own would print at most one in so many numbers.
ODDS = 10.0


class Fit(NamedTuple):
    """A reading whose exact number is the claim, ``exact``, ``rounded`` or ``truncated``, and the chance of that."""

    reading: Reading
    rule: str
    chance: float

    @property
    def explains(self) -> bool:
        """Whether it is more than a coincidence."""
        return believable(self.chance, len(self.reading.departures))


def believable(chance: float, departures: int) -> bool:
    """Whether ``chance`` is small enough for a reading of so many ``departures``; the plain one is always believed.

    >>> believable(0.07, 1), believable(0.07, 2), believable(0.9, 0)
    (True, False, True)
    """
    return chance * ODDS**departures <= 1


@final
@dataclass(frozen=True)
class Explanation:
    """What was found for a claim: all fits, those that explain first, the simplest first.

    ``tried`` readings gave ``different`` numbers; ``expected`` of those would fit a number of the claim's precision
    drawn from half to twice the claim, where nothing but chance is at work.
    """

    network: Network
    claim: Claim
    plain: int
    fits: tuple[Fit, ...]
    tried: int
    different: int
    expected: float
    readings: Readings = field(repr=False)

    @property
    def best(self) -> Fit | None:
        """The simplest reading that explains the claim; None where no rule fits."""
        return self.fits[0] if self.fits and self.fits[0].explains else None

    @property
    def fits_parameters(self) -> bool:
        """Whether no rule fits it as multiply-adds, which it does not say that it is, but one does as parameters."""
        if self.best is not None or self.claim.of == "parameters" or not self.claim.unitless:
            return False
        return explain(self.network, self.claim.text, "parameters").best is not None

    def terms(self, fit: Fit) -> tuple[Term, ...]:
        """The exact number of ``fit``, itemised: the plain one, and what each departure adds."""
        return self.readings.terms(fit.reading)


def explain(network: Network, claim: str, of: str | None = None) -> Explanation:
    """What ``claim``, a figure printed for ``network``, counted; ``of`` is ``"multiply_adds"`` or ``"parameters"``.

    Tried are parts left out, a factor of 2, other ways of counting, and, for an architecture that costmodel knows,
    its variants, other numbers of classes and other resolutions; one departure or two of different kinds at once.

    Raises :class:`~costmodel.errors.CostModelError` for a claim that is no number or of something else.

    >>> import costmodel as cm
    >>> found = cm.explain(cm.mobilenet_v1(alpha=0.75, resolution=192), claim="233M")
    >>> str(found.best.reading), found.best.rule, found.best.reading.figure
    ('without the stem', 'rounded', 233301504)
    >>> [term.number for term in found.terms(found.best)]
    [239273472, -5971968]
    """
    asked = Claim.parse(claim, of)
    readings = Readings(network, asked.of, asked.factors)
    every = list(readings)
    different = first_of_each(every)
    numbers = Numbers(asked.printed)
    expected = sum(len(numbers.printing(reading.figure)) for reading in different) / numbers.count
    fits = tuple(sorted(fitting(different, asked.printed), key=_rank))
    return Explanation(network, asked, every[0].figure, fits, len(every), len(different), expected, readings)


def first_of_each(readings: Iterable[Reading]) -> list[Reading]:
    """The simplest reading of each exact number: the others of that number explain no more."""
    found: dict[int, Reading] = {}
    for reading in readings:
        found.setdefault(reading.figure, reading)
    return list(found.values())


def fitting(readings: Iterable[Reading], printed: Printed) -> list[Fit]:
    """The readings, given simplest first, that fit ``printed``."""
    numbers = Numbers(printed)
    met: set[int] = set()
    fits = []
    for reading in readings:
        met |= numbers.printing(reading.figure)
        rule = rule_of(printed, reading.figure)
        if rule:
            fits.append(Fit(reading, rule, len(met) / numbers.count))
    return fits


def chance(readings: Iterable[Reading], printed: Printed) -> float:
    """The share of the numbers of ``printed``'s precision, from half to twice it, that ``readings`` would print."""
    numbers = Numbers(printed)
    return len(set().union(*(numbers.printing(reading.figure) for reading in readings))) / numbers.count


def rule_of(printed: Printed, exact: int) -> str:
    """How ``exact`` is what is ``printed``: ``exact``, ``rounded`` or ``truncated``; empty where it is not.

    >>> rule_of(Printed(300, 10), 304), rule_of(Printed(300, 10), 307), rule_of(Printed(300, 10), 311)
    ('rounded', 'truncated', '')
    """
    if exact == printed.value:
        return "exact"
    if printed.rounds(exact):
        return "rounded"
    return "truncated" if printed.truncates(exact) else ""


class Numbers:
    """The numbers that might have been printed in the place of ``printed``: of its precision, from half to twice it."""

    def __init__(self, printed: Printed) -> None:
        self._step = printed.step
        self._first = -(-printed.value // 2 // printed.step)
        self._last = 2 * printed.value // printed.step

    @property
    def count(self) -> int:
        """How many there are.

        >>> Numbers(Printed.parse("0.3", 10)).count
        5
        """
        return self._last - self._first + 1

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last of them.

        >>> Numbers(Printed.parse("0.3", 10)).ends
        (2, 6)
        """
        return self._first * self._step, self._last * self._step

    def printing(self, exact: int) -> set[int]:
        """Which of them ``exact`` would be printed as, rounded half up or cut off; in steps.

        >>> Numbers(Printed(300, 10)).printing(307)
        {30, 31}
        """
        cut, rounded = exact // self._step, (2 * exact + self._step) // (2 * self._step)
        return {number for number in (cut, rounded) if self._first <= number <= self._last}


def _rank(fit: Fit) -> tuple[bool, int, bool]:
    # Sorting is stable: among the rest, the order of the readings decides.
    return not fit.explains, len(fit.reading.departures), fit.rule == "truncated"
