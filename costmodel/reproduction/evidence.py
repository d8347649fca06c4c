"""Numbers of one table checked against each other: what one of them alone leaves to chance, several may prove.

A table is the rows of one source about one family, a column of it their multiply-adds or their parameters. A rule is
the variations of a reading, whatever the network: "without the stem".

A rule is believed if the chances of the different numbers that it explains, and the plain reading does not, multiply
to what :func:`~costmodel.reproduction.explain.believable` asks. A number that was cut off proves nothing in a column
that the plain reading shows to be rounded. The rule must be as unlikely as with one more variation where numbers that
the plain reading explains contradict it, or where it explains a single number beside them and not all others; and
with one more where it takes rounding for some numbers of a column and cutting off for others. Of the believed rules,
the one that explains most of the column is taken, and of those the simplest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias, final

from costmodel.published.tables import PrintedNumber, PublishedNetwork
from costmodel.reproduction.explain import Fit, believable, chance, first_of_each, fitting
from costmodel.reproduction.readings import MOST_VARIATIONS, Reading, Readings, Rule

#: A row and one of its quantities.
Cell: TypeAlias = tuple[PublishedNetwork, str]

PLAIN: Rule = ()

#: Variations that are another network, and not another way to count the same one.
OTHER_NETWORK = frozenset({"variant", "resolution"})


def is_another_network(rule: Rule) -> bool:
    return bool(rule) and {kind for kind, _ in rule} <= OTHER_NETWORK


@final
@dataclass(frozen=True)
class PublishedNumber:
    """A printed number of a network, and what the readings of at most ``depth`` variations make of it."""

    cell: Cell
    printed: PrintedNumber
    readings: Readings
    depth: int = 0

    @property
    def column(self) -> str:
        return self.cell[1]

    @property
    def network(self) -> str:
        return self.readings.name

    @cached_property
    def _tried(self) -> list[Reading]:
        return [reading for count in range(self.depth + 1) for reading in self.readings.varied(count)]

    @cached_property
    def exact(self) -> dict[Rule, int]:
        """Each rule that was tried, and its exact number."""
        return {reading.rule: reading.number for reading in self._tried}

    @cached_property
    def fits(self) -> dict[Rule, Fit]:
        """The rules that fit, the simplest first; of one exact number, all: others of the table tell them apart."""
        different = {fit.reading.number: fit for fit in fitting(first_of_each(self._tried), self.printed)}
        return {
            reading.rule: different[reading.number]._replace(reading=reading)
            for reading in self._tried
            if reading.number in different
        }

    @property
    def is_plain(self) -> bool:
        return PLAIN in self.fits

    @property
    def could_prove_more(self) -> bool:
        """Whether it has digits enough to prove one variation more."""
        return believable(chance(first_of_each(self._tried), self.printed), self.depth + 1)


def _all_rounded(numbers: Iterable[PublishedNumber], rule: Rule) -> bool:
    return all(number.printed.rounds(number.exact[rule]) for number in numbers)


def _all_truncated(numbers: Iterable[PublishedNumber], rule: Rule) -> bool:
    return all(number.printed.truncates(number.exact[rule]) for number in numbers)


@final
class SourceTable:
    """The numbers of one source about one family."""

    def __init__(self, numbers: Sequence[PublishedNumber]) -> None:
        self.numbers = numbers
        self._columns = {number.column for number in numbers}
        self._believed: dict[Rule, bool] = {PLAIN: True}

    @classmethod
    def searched(cls, numbers: Sequence[PublishedNumber]) -> SourceTable:
        """The table searched no deeper than it takes.

        One variation for a column that the plain reading does not explain; then two for the numbers that this leaves,
        if they have digits enough to prove it.
        """
        columns = {number.column for number in numbers if not number.is_plain}
        table = cls([replace(number, depth=1) if number.column in columns else number for number in numbers])
        left = {number.cell for number in table.numbers if table.best(number) is None and number.could_prove_more}
        if not left:
            return table
        deep = MOST_VARIATIONS
        return cls([replace(number, depth=deep) if number.cell in left else number for number in table.numbers])

    def best(self, number: PublishedNumber) -> Fit | None:
        """What ``number`` counted; None where nothing believed fits."""
        believed = [fit for rule, fit in number.fits.items() if self._is_believed(rule)]
        best = max(believed, key=lambda fit: self._reach(fit.reading.rule, number.column), default=None)
        if best is None:
            return None
        # Of one number the simplest reading is enough: what it changes elsewhere it does not change here.
        return next(fit for fit in believed if fit.reading.number == best.reading.number)

    def is_cut(self, rule: Rule, column: str) -> bool:
        """Whether all numbers that ``rule`` gives a column can be cut off, and not all can be rounded."""
        explained = self._explained(rule, column)
        return _all_truncated(explained, rule) and not _all_rounded(explained, rule)

    def _explained(self, rule: Rule, column: str) -> list[PublishedNumber]:
        return [number for number in self.numbers if number.column == column and rule in number.fits]

    def _is_believed(self, rule: Rule) -> bool:
        if rule not in self._believed:
            self._believed[rule] = self._is_proven(rule)
        return self._believed[rule]

    def _is_proven(self, rule: Rule) -> bool:
        # One exact number that several rows print is one piece of evidence.
        chances: dict[int, float] = {}
        beside_plain = doubts = 0
        for column in self._columns:
            explained, plain = self._explained(rule, column), self._explained(PLAIN, column)
            rounds = not _all_truncated(plain, PLAIN)
            needed = [number for number in explained if not number.is_plain]
            if rounds:
                needed = [number for number in needed if number.fits[rule].rounding != "truncated"]
            if needed:
                unfit = self._unfit(rule, column, {number.network for number in needed})
                contradicted = any(number.is_plain for number in unfit)
                mixed = not _all_rounded(explained, rule) and not _all_truncated(explained, rule)
                chances |= {number.exact[rule]: number.fits[rule].chance for number in needed}
                doubts = max(doubts, contradicted + mixed)
                beside_plain += bool(plain) and bool(unfit) and not contradicted
        alone = len(chances) == 1 and beside_plain > 0
        return bool(chances) and believable(math.prod(chances.values()), len(rule) + doubts + alone)

    def _unfit(self, rule: Rule, column: str, networks: set[str]) -> list[PublishedNumber]:
        """The numbers of a column that ``rule`` was tried on and does not fit.

        A way to count is the same for all networks; a rule that is another network is about ``networks`` alone.
        """
        return [
            number
            for number in self.numbers
            if number.column == column
            and rule in number.exact
            and rule not in number.fits
            and (number.network in networks or not is_another_network(rule))
        ]

    def _reach(self, rule: Rule, column: str) -> int:
        """How many different numbers of the column ``rule`` gives.

        Where it is another network, those of the other column too that are not plain: a network has both.
        """
        other_network = is_another_network(rule)
        return len(
            {
                (other, number.exact[rule])
                for other in self._columns
                for number in self._explained(rule, other)
                if other == column or (other_network and not number.is_plain)
            }
        )
