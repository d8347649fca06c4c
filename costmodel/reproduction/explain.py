"""What a printed number counted: every reading of a network is tried, and those that fit are compared with chance.

A reading *fits* a claim if its exact number, rounded half up or cut off at the last printed digit, is the claim. Enough
readings fit anything. So each is compared with the numbers that might have been printed: all those of the claim's
precision from half to twice the claim. Its *chance* is the share of them that it and the readings before it, the
simplest first, would print. A reading *explains* the claim if its chance is at most 1 in 10 for each of its variations:
1 in 10 for one, 1 in 100 for two. The plain reading needs no such proof. Fits that do not explain are coincidences.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, final

from costmodel.core.network import Network
from costmodel.published.tables import PrintedNumber
from costmodel.reproduction.claim import Claim
from costmodel.reproduction.readings import Reading, Readings, Term

#: A variation is believed if simpler readings and its own would print at most one in so many numbers.
ODDS = 10.0


class Fit(NamedTuple):
    """A reading whose exact number is the claim, ``exact``, ``rounded`` or ``truncated``, and the chance of that."""

    reading: Reading
    rounding: str
    chance: float

    @property
    def explains(self) -> bool:
        """Whether it is more than a coincidence."""
        return believable(self.chance, len(self.reading.variations))


def believable(chance: float, variations: int) -> bool:
    """Whether ``chance`` is small enough for a reading of so many ``variations``; the plain one is always believed.

    >>> believable(0.07, 1), believable(0.07, 2), believable(0.9, 0)
    (True, False, True)
    """
    return chance * ODDS**variations <= 1


@final
@dataclass(frozen=True)
class Explanation:
    """The answer for a claim: all fits, those that explain first, the simplest first.

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
        """The exact number of ``fit``, itemized: the plain one, and what each variation adds."""
        return self.readings.terms(fit.reading)


def explain(network: Network, claim: str, of: str | None = None) -> Explanation:
    """What ``claim``, a number printed for ``network``, counted; ``of`` is ``"multiply_adds"`` or ``"parameters"``.

    Tried are parts left out, a factor of 2, other ways of counting, and, for an architecture that costmodel knows,
    its variants, other numbers of classes and other resolutions; one variation or two of different kinds at once.

    Raises :class:`~costmodel.errors.CostModelError` for a claim that is no number or of something else.

    >>> import costmodel as cm
    >>> answer = cm.explain(cm.mobilenet_v1(alpha=0.75, resolution=192), claim="233M")
    >>> str(answer.best.reading), answer.best.rounding, answer.best.reading.number
    ('without the stem', 'rounded', 233301504)
    >>> [term.number for term in answer.terms(answer.best)]
    [239273472, -5971968]
    """
    asked = Claim.parse(claim, of)
    readings = Readings(network, asked.of, asked.factors)
    every = list(readings)
    different = first_of_each(every)
    possible = PossibleNumbers(asked.printed)
    expected = sum(len(possible.printed_for(reading.number)) for reading in different) / possible.count
    fits = tuple(sorted(fitting(different, asked.printed), key=_rank))
    return Explanation(network, asked, every[0].number, fits, len(every), len(different), expected, readings)


def first_of_each(readings: Iterable[Reading]) -> list[Reading]:
    """The simplest reading of each exact number: the others of that number explain no more."""
    first: dict[int, Reading] = {}
    for reading in readings:
        first.setdefault(reading.number, reading)
    return list(first.values())


def fitting(readings: Iterable[Reading], printed: PrintedNumber) -> list[Fit]:
    """The readings, given simplest first, that fit ``printed``."""
    possible = PossibleNumbers(printed)
    met: set[int] = set()
    fits = []
    for reading in readings:
        met |= possible.printed_for(reading.number)
        rounding = rounding_of(printed, reading.number)
        if rounding:
            fits.append(Fit(reading, rounding, len(met) / possible.count))
    return fits


def chance(readings: Iterable[Reading], printed: PrintedNumber) -> float:
    """The share of the numbers of ``printed``'s precision, from half to twice it, that ``readings`` would print."""
    possible = PossibleNumbers(printed)
    return len(set().union(*(possible.printed_for(reading.number) for reading in readings))) / possible.count


def rounding_of(printed: PrintedNumber, exact: int) -> str:
    """How ``exact`` became what is ``printed``: ``exact``, ``rounded`` or ``truncated``; empty where it did not.

    >>> [rounding_of(PrintedNumber(300, 10), exact) for exact in (300, 304, 307, 311)]
    ['exact', 'rounded', 'truncated', '']
    """
    if exact == printed.value:
        return "exact"
    if printed.rounds(exact):
        return "rounded"
    return "truncated" if printed.truncates(exact) else ""


class PossibleNumbers:
    """The numbers that might have been printed instead of ``printed``: of its precision, from half to twice it.

    >>> possible = PossibleNumbers(PrintedNumber.parse("0.3", 10))
    >>> possible.count, possible.ends
    (5, (2, 6))
    """

    def __init__(self, printed: PrintedNumber) -> None:
        self._step = printed.step
        self._steps = range(-(-printed.value // 2 // printed.step), 2 * printed.value // printed.step + 1)
        self.count = len(self._steps)
        self.ends = (self._steps[0] * self._step, self._steps[-1] * self._step)

    def printed_for(self, exact: int) -> set[int]:
        """Which of them ``exact`` would be printed as, rounded half up or cut off; in steps.

        >>> PossibleNumbers(PrintedNumber(300, 10)).printed_for(307)
        {30, 31}
        """
        cut, rounded = exact // self._step, (2 * exact + self._step) // (2 * self._step)
        return {number for number in (cut, rounded) if number in self._steps}


def _rank(fit: Fit) -> tuple[bool, int, bool]:
    # Sorting is stable: among the rest, the order of the readings decides.
    return not fit.explains, len(fit.reading.variations), fit.rounding == "truncated"
