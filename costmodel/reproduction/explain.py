"""What a printed number counted: every reading of a network is tried, and each that fits is weighed against chance.

A reading *fits* a claim if its exact number, rounded half up or cut off at the last printed digit, is the claim. Enough
readings fit anything. So each has odds before the digits are seen (:mod:`~costmodel.reproduction.odds`), and so has a
number that nothing here explains: the more digits a claim has, the less likely would such a number be just this one.
The *probability* of a fit is its share of the odds of all fits and of the unknown. Where the fits together have
:data:`CONFIDENT` (:data:`SURE` where the likeliest is not the plain reading), those of :data:`NAMED` *explain* the
claim, all of them: the digits cannot tell them apart. Where they are more than :data:`FEW`, one must have half.

For the numbers of a table there is more evidence than the digits of one; there the *chance* of a fit counts, the share
of the numbers of the claim's precision, from half to twice the claim, that it and the readings before it would print
(:mod:`~costmodel.reproduction.evidence`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, final

from costmodel.core.network import Network
from costmodel.published.tables import PrintedNumber
from costmodel.reproduction.claim import Claim
from costmodel.reproduction.hints import Hints
from costmodel.reproduction.odds import rounding_odds, unknown_odds
from costmodel.reproduction.readings import MOST_VARIATIONS, ORDER, SINGLE, Aim, Reading, Readings, Term

#: In a table, a variation is believed if simpler readings and its own would print at most one in so many numbers.
ODDS = 10.0

#: A claim is explained where all that fits has this probability, and what nobody here knows has the rest.
CONFIDENT = 0.95
#: Where the likeliest is not the plain reading, it is this: near the plain number, something always fits.
SURE = 0.988
#: Fits of this probability are named, and of readings that give the same number, those of this share of its odds.
NAMED = 0.01
#: So many readings may explain a claim where none has half of the probability.
FEW = 6


class Fit(NamedTuple):
    """A reading whose exact number is the claim, ``exact``, ``rounded`` or ``truncated``.

    ``chance`` is how likely a number would meet it by chance, ``probability`` how likely it is what was counted, and
    ``alike`` are the other readings that give the same exact number.
    """

    reading: Reading
    rounding: str
    chance: float
    probability: float = 0.0
    alike: tuple[Reading, ...] = ()
    #: Whether it is one of those that explain the claim.
    explains: bool = False


def believable(chance: float, variations: int) -> bool:
    """Whether ``chance`` is small enough for a reading of so many ``variations``; the plain one is always believed.

    >>> believable(0.07, 1), believable(0.07, 2), believable(0.9, 0)
    (True, False, True)
    """
    return chance * ODDS**variations <= 1


@final
@dataclass(frozen=True)
class Explanation:
    """The answer for a claim: all fits, the likeliest first.

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
        """The likeliest of the readings that explain the claim; None where none do."""
        return self.fits[0] if self.fits and self.fits[0].explains else None

    @property
    def explaining(self) -> tuple[Fit, ...]:
        """The readings that explain the claim, one of which was counted; the digits do not say which."""
        return tuple(fit for fit in self.fits if fit.explains)

    @property
    def probability(self) -> float:
        """How likely one of those that explain the claim is what was counted; of all that fit, where none explains."""
        return sum(fit.probability for fit in self.explaining or self.fits)

    @property
    def fits_parameters(self) -> bool:
        """Whether it does not say what it is of, and is explained as parameters alone."""
        if self.best is not None or self.claim.of == "parameters" or not self.claim.unitless:
            return False
        return explain(self.network, self.claim.text, "parameters").best is not None

    def terms(self, fit: Fit) -> tuple[Term, ...]:
        """The exact number of ``fit``, itemized: the plain one, and what each variation adds."""
        return self.readings.terms(fit.reading)


def explain(
    network: Network,
    claim: str,
    of: str | None = None,
    *,
    tool: str | None = None,
    source: str | None = None,
    variant: str | None = None,
    unit: str | None = None,
) -> Explanation:
    """What ``claim``, a number printed for ``network``, counted.

    ``of`` is ``"multiply_adds"``, ``"parameters"`` or ``"activations"``. The others are what else is known of it:
    ``tool`` the convention that printed it, ``source`` a ``"paper"`` or a ``"tool"``, ``unit`` what one operation is, a
    ``"mac"`` or a ``"flop"``; ``variant="any"`` where every variant is as likely as the one of ``network``.

    Tried are parts left out, a factor of 2, other ways of counting, batches, an M of 1024^2, and, for an architecture
    that costmodel knows, its variants, other numbers of classes and other resolutions; one variation or two of
    different kinds at once. Two are tried only where the claim has digits enough to tell them from chance.

    Raises :class:`~costmodel.errors.CostModelError` for a claim that is no number or of something else, and for what
    cannot be known of one.

    >>> import costmodel as cm
    >>> answer = cm.explain(cm.mobilenet_v1(alpha=0.75, resolution=192), claim="233M", source="paper")
    >>> str(answer.best.reading), answer.best.rounding, answer.best.reading.number
    ('without the stem', 'rounded', 233301504)
    >>> [term.number for term in answer.terms(answer.best)]
    [239273472, -5971968]
    """
    asked = Claim.parse(claim, of)
    known = Hints(tool, source, unit, variant, asked.says_flops, asked.binary)
    readings = Readings(network, asked.of, known)
    plain = readings.plain
    unknown = unknown_odds(asked.printed, plain, known.origin)
    every = _tried(readings, known.given, Aim(unknown, asked.printed.value), asked.printed)
    alike = _by_number(every)
    first = [readings[0] for readings in alike.values()]
    possible = PossibleNumbers(asked.printed)
    expected = sum(len(possible.printed_for(reading.number)) for reading in first) / possible.count
    fits = _weighed(
        [fit._replace(alike=alike[fit.reading.number][1:]) for fit in fitting(first, asked.printed)], unknown
    )
    return Explanation(network, asked, plain, _weighed(fits, unknown), len(every), len(first), expected, readings)


def _tried(readings: Readings, given: int, aim: Aim, printed: PrintedNumber) -> list[Reading]:
    """The readings, the likeliest first; those of several variations where the claim could tell them from chance.

    None with more variations is tried where those before leave a thousandth to the unknown: so many digits agree.
    """
    kinds = ORDER[readings.quantity] + SINGLE[readings.quantity]
    tried: list[Reading] = []
    for count in range(MOST_VARIATIONS + given + 1):
        tried += readings.varied(count, kinds, aim)
        fitting_odds = sum(reading.odds for reading in tried if printed.rounds(reading.number))
        if count > given and aim.least <= NAMED / 10 * fitting_odds:
            break
    return sorted(tried, key=lambda reading: -reading.odds)


def _by_number(readings: Iterable[Reading]) -> dict[int, tuple[Reading, ...]]:
    """The readings of each exact number: the likeliest first, and those that are likely beside it.

    One that varies what another does and something more, which changes nothing, is not among them.
    """
    groups: dict[int, list[Reading]] = {}
    for reading in readings:
        group = groups.setdefault(reading.number, [])
        more = any(set(simpler.rule) < set(reading.rule) for simpler in group)
        if not group or (not more and reading.odds >= NAMED * group[0].odds):
            group.append(reading)
    return {number: tuple(group) for number, group in groups.items()}


def _weighed(fits: Sequence[Fit], unknown: float) -> tuple[Fit, ...]:
    """The fits with their probabilities, the likeliest first."""
    odds = [rounding_odds(fit.rounding) * sum(one.odds for one in (fit.reading, *fit.alike)) for fit in fits]
    total = sum(odds) + unknown
    weighed = [fit._replace(probability=share / total) for fit, share in zip(fits, odds, strict=True)]
    weighed.sort(key=lambda fit: -fit.probability)
    named = [fit for fit in weighed if fit.probability >= NAMED]
    together = sum(fit.probability for fit in named)
    enough = CONFIDENT if named and not named[0].reading.variations else SURE
    explained = sum(odds) >= enough * total and (len(named) <= FEW or 2 * named[0].probability >= together)
    return tuple(fit._replace(explains=explained and fit in named) for fit in weighed)


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
