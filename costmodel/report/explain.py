"""The report of ``costmodel explain``: what a printed figure counted, itemised, and how much of that is chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from costmodel.report import formats
from costmodel.report.table import Table
from costmodel.report.tabular import Tabular
from costmodel.report.units import percent
from costmodel.reproduction.claim import PLAIN_WORDS
from costmodel.reproduction.explain import ODDS, Explanation, Fit, Numbers
from costmodel.reproduction.readings import MOST_DEPARTURES, Term

#: Fits that people are shown; JSON has all.
SHOWN = 10


@final
@dataclass(frozen=True)
class ExplainReport(Tabular):
    """The explanation of one claim."""

    found: Explanation

    def lines(self) -> tuple[str, ...]:
        found = self.found
        first, last = Numbers(found.claim.printed).ends
        return (
            self._headline(),
            *self._itemised(),
            f"Tried: {found.tried:,} readings of at most {MOST_DEPARTURES} departures, {found.different:,} different"
            f" numbers; a random number of that precision, from {first:,} to {last:,}, would fit"
            f" {found.expected:.2g} of them.",
            "Chance: the share of those numbers that a reading and the simpler ones before it would print. With one"
            f" departure a reading explains the claim up to {100 / ODDS:g} %, with two up to {100 / ODDS**2:g} %.",
        )

    def _headline(self) -> str:
        found, best = self.found, self.found.best
        of = PLAIN_WORDS[found.claim.of]
        if found.fits_parameters:
            return f"No rule fits {found.claim.text} as multiply-adds; as parameters one does: add --of parameters"
        if best is None:
            gap = (found.plain - found.claim.printed.value) / found.claim.printed.value
            return (
                f"No rule fits {found.claim.text}: {found.network.name} has {found.plain:,} {of},"
                f" {percent(abs(gap))} {'more' if gap > 0 else 'less'}"
            )
        if len(found.claim.factors) > 1:  # it says FLOPs, by which people mean either
            twice = found.terms(best)[0].number == 2 * found.plain
            of = "FLOPs (two a multiply-add)" if twice else "multiply-adds (called FLOPs, one each)"
        how = f"{best.reading}, {best.rule}"
        return f"{found.claim.text} is the {of} of {found.network.name}, {how}: {sum_text(found.terms(best))}"

    def _itemised(self) -> list[str]:
        if self.found.best is None:
            return []
        terms = self.found.terms(self.found.best)
        width = max(len(f"{term.number:,}") for term in terms)
        return [f"  {term.number:>{width},}  {term.text}" for term in terms]

    def table(self) -> Table:
        """A row a reading that fits: those that explain the claim first, and the coincidences."""
        rows = tuple(
            (str(fit.reading), fit.reading.figure, fit.rule, fit.chance, "yes" if fit.explains else "coincidence")
            for fit in self.found.fits[:SHOWN]
        )
        return Table(("reading", "exact", "printed", "chance", "explains"), rows)

    def json(self) -> str:
        """Every fit with its terms; ``chance`` and ``expected`` to six decimals."""
        found = self.found
        return formats.json_text(
            {
                "model": found.network.name,
                "claim": found.claim.text,
                "value": found.claim.printed.value,
                "step": found.claim.printed.step,
                "of": found.claim.of,
                "plain": found.plain,
                "explained": found.best is not None,
                "tried": found.tried,
                "different": found.different,
                "expected": round(found.expected, 6),
                "fits": [self._record(fit) for fit in found.fits],
            }
        )

    def _record(self, fit: Fit) -> dict[str, object]:
        return {
            "departures": [departure.text for departure in fit.reading.departures],
            "exact": fit.reading.figure,
            "rule": fit.rule,
            "chance": round(fit.chance, 6),
            "explains": fit.explains,
            "terms": [term._asdict() for term in self.found.terms(fit)],
        }


def sum_text(terms: Sequence[Term]) -> str:
    """A figure and the terms that it is the sum of.

    >>> sum_text([Term(239_273_472, "multiply-adds"), Term(-5_971_968, "without the stem")])
    '233,301,504 = 239,273,472 - 5,971,968'
    """
    total = f"{sum(term.number for term in terms):,}"
    first, *others = terms
    if not others:
        return total
    signed = "".join(f" {'-' if term.number < 0 else '+'} {abs(term.number):,}" for term in others)
    return f"{total} = {first.number:,}{signed}"
