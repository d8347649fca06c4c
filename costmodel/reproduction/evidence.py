"""Figures of one table held beside each other: what one of them alone would leave to chance, several may prove.

A table is the rows of one source about one family, a column of it their multiply-adds or their parameters. A rule is a
reading apart from its network: "without the stem".

A rule is believed if the chances of the different figures that it explains, and the plain reading does not, multiply
to what :func:`~costmodel.reproduction.explain.believable` asks. A figure cut off is no evidence in a column that the
plain reading shows to be rounded. There is one departure more to believe in where figures that the plain reading
explains contradict the rule, or where it explains a single figure beside them and not all others; and one more where
it takes rounding for some figures of a column and cutting off for others. Among the believed, the rule that explains
most of the column is taken, and of those the simplest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, final

from costmodel.published.tables import Printed, PublishedFigure
from costmodel.reproduction.explain import Fit, believable, chance, first_of_each, fitting
from costmodel.reproduction.readings import MOST_DEPARTURES, Reading, Readings

#: The departures of a reading, each by its kind and how it is said.
Rule: TypeAlias = tuple[tuple[str, str], ...]

#: A row and one of its quantities.
Place: TypeAlias = tuple[PublishedFigure, str]

PLAIN: Rule = ()

#: Departures that are of another network, and not of another way to count the same one.
OTHER_NETWORK = frozenset({"variant", "resolution"})


CUT = "truncated"


def _rounds(pair: tuple[Figure, Fit]) -> bool:
    return pair[0].printed.rounds(pair[1].reading.figure)


def _cuts(pair: tuple[Figure, Fit]) -> bool:
    return pair[0].printed.truncates(pair[1].reading.figure)


def rule_of_reading(reading: Reading) -> Rule:
    return tuple((departure.kind, departure.text) for departure in reading.departures)


def is_of_another_network(rule: Rule) -> bool:
    return bool(rule) and {kind for kind, _ in rule} <= OTHER_NETWORK


@final
@dataclass(frozen=True)
class Figure:
    """A printed figure of a network, and what the readings of at most ``depth`` departures make of it."""

    place: Place
    printed: Printed
    readings: Readings
    depth: int = 0

    @property
    def column(self) -> str:
        return self.place[1]

    @cached_property
    def _every(self) -> list[Reading]:
        return [reading for number in range(self.depth + 1) for reading in self.readings.departing(number)]

    @cached_property
    def numbers(self) -> Mapping[Rule, int]:
        """Each rule that was tried, and its exact number."""
        return {rule_of_reading(reading): reading.figure for reading in self._every}

    @cached_property
    def fits(self) -> Mapping[Rule, Fit]:
        """The rules that fit, the simplest first; of one exact number, all: others of the table tell them apart."""
        different = {fit.reading.figure: fit for fit in fitting(first_of_each(self._every), self.printed)}
        return {
            rule_of_reading(reading): different[reading.figure]._replace(reading=reading)
            for reading in self._every
            if reading.figure in different
        }

    @property
    def is_plain(self) -> bool:
        return PLAIN in self.fits

    @property
    def name(self) -> str:
        return self.readings.name

    @property
    def bears_more(self) -> bool:
        """Whether its precision could bear a departure more."""
        return believable(chance(first_of_each(self._every), self.printed), self.depth + 1)

    def deeper(self, depth: int) -> Figure:
        return Figure(self.place, self.printed, self.readings, depth)


@final
class Table:
    """The figures of one source about one family."""

    def __init__(self, figures: Sequence[Figure]) -> None:
        self.figures = figures
        self._believed: dict[Rule, bool] = {}

    @classmethod
    def searched(cls, figures: Sequence[Figure]) -> Table:
        """The table searched no deeper than it takes.

        One departure for a column that the plain reading does not explain; then two for the figures that this leaves,
        if their precision could bear it.
        """
        columns = {figure.column for figure in figures if not figure.is_plain}
        table = cls([figure.deeper(1) if figure.column in columns else figure for figure in figures])
        left = {figure.place for figure in table.figures if table.best(figure) is None and figure.bears_more}
        if not left:
            return table
        return cls([figure.deeper(MOST_DEPARTURES) if figure.place in left else figure for figure in table.figures])

    def best(self, figure: Figure) -> Fit | None:
        """What ``figure`` counted; None where nothing believed fits."""
        believed = [fit for rule, fit in figure.fits.items() if self._is_believed(rule)]
        best = max(believed, key=lambda fit: self._reach(fit, figure.column), default=None)
        if best is None:
            return None
        # Of one number the simplest reading is enough: what it changes elsewhere it does not change here.
        return next(fit for fit in believed if fit.reading.figure == best.reading.figure)

    def is_cut(self, rule: Rule, column: str) -> bool:
        """Whether all numbers that ``rule`` gives a column can be cut off, and not all can be rounded."""
        fits = self._explained(rule, column)
        return all(map(_cuts, fits)) and not all(map(_rounds, fits))

    def _explained(self, rule: Rule, column: str) -> list[tuple[Figure, Fit]]:
        return [
            (figure, figure.fits[rule]) for figure in self.figures if figure.column == column and rule in figure.fits
        ]

    def _is_believed(self, rule: Rule) -> bool:
        if rule not in self._believed:
            self._believed[rule] = rule == PLAIN or self._is_proven(rule)
        return self._believed[rule]

    def _is_proven(self, rule: Rule) -> bool:
        # One number that several rows print is one piece of evidence.
        chances: dict[int, float] = {}
        beside = doubts = 0
        for column in {figure.column for figure in self.figures}:
            fits, plain = self._explained(rule, column), self._explained(PLAIN, column)
            rounds = not all(map(_cuts, plain))
            needed = [(figure, fit) for figure, fit in fits if not figure.is_plain and not (rounds and fit.rule == CUT)]
            if needed:
                unfit = self._unfit(rule, column, {figure.name for figure, _ in needed})
                contradicted = any(figure.is_plain for figure in unfit)
                mixed = not all(map(_rounds, fits)) and not all(map(_cuts, fits))
                chances |= {fit.reading.figure: fit.chance for _, fit in needed}
                doubts = max(doubts, contradicted + mixed)
                beside += bool(plain) and bool(unfit) and not contradicted
        alone = len(chances) == 1 and beside > 0
        return bool(chances) and believable(math.prod(chances.values()), len(rule) + doubts + alone)

    def _unfit(self, rule: Rule, column: str, names: set[str]) -> list[Figure]:
        """The figures of a column that ``rule`` does not fit: of networks called ``names``, where it is of another
        network; a way to count is the same for all."""
        tried = [figure for figure in self.figures if figure.column == column and rule in figure.numbers]
        about = [figure for figure in tried if figure.name in names or not is_of_another_network(rule)]
        return [figure for figure in about if rule not in figure.fits]

    def _reach(self, fit: Fit, column: str) -> int:
        """How many different numbers of the column the rule of ``fit`` gives.

        Where it is of another network, those of the other column too that are not plain: a network has both.
        """
        rule = rule_of_reading(fit.reading)
        network = is_of_another_network(rule)
        columns = {figure.column for figure in self.figures}
        return len(
            {
                (other, found.reading.figure)
                for other in columns
                for figure, found in self._explained(rule, other)
                if other == column or (network and not figure.is_plain)
            }
        )
