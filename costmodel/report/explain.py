"""The report of ``costmodel explain``: what a printed number counted, itemized, and how much of that is chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from costmodel.report.answer import Answer
from costmodel.report.table import Table
from costmodel.report.units import percent, words_of
from costmodel.reproduction.explain import ODDS, Explanation, Fit, PossibleNumbers
from costmodel.reproduction.readings import MOST_VARIATIONS, Term

#: Fits that people are shown; JSON has all.
SHOWN = 10


@final
class ExplainReport(Answer):
    """The explanation of one claim."""

    answer: Explanation

    def lines(self) -> tuple[str, ...]:
        answer = self.answer
        first, last = PossibleNumbers(answer.claim.printed).ends
        return (
            self._headline(),
            *self._itemized(),
            f"Tried: {answer.tried:,} readings with at most {MOST_VARIATIONS} variations, {answer.different:,}"
            f" different numbers; a random number of that precision, from {first:,} to {last:,}, would fit"
            f" {answer.expected:.2g} of them.",
            "Chance: the share of those numbers that a reading and the simpler ones before it would print. With one"
            f" variation a reading explains the claim up to {100 / ODDS:g} %, with two up to {100 / ODDS**2:g} %.",
        )

    def _headline(self) -> str:
        answer, best = self.answer, self.answer.best
        of = words_of(answer.claim.of)
        if answer.fits_parameters:
            return f"No rule fits {answer.claim.text} as multiply-adds; as parameters one does: add --of parameters"
        if best is None:
            gap = (answer.plain - answer.claim.printed.value) / answer.claim.printed.value
            return (
                f"No rule fits {answer.claim.text}: {answer.network.name} has {answer.plain:,} {of},"
                f" {percent(abs(gap))} {'more' if gap > 0 else 'less'}"
            )
        if len(answer.claim.factors) > 1:  # it says FLOPs, by which people mean either
            twice = answer.terms(best)[0].number == 2 * answer.plain
            of = "FLOPs (two a multiply-add)" if twice else "multiply-adds (called FLOPs, one each)"
        how = f"{best.reading}, {best.rounding}"
        return f"{answer.claim.text} is the {of} of {answer.network.name}, {how}: {sum_text(answer.terms(best))}"

    def _itemized(self) -> list[str]:
        if self.answer.best is None:
            return []
        terms = self.answer.terms(self.answer.best)
        width = max(len(f"{term.number:,}") for term in terms)
        return [f"  {term.number:>{width},}  {term.text}" for term in terms]

    def table(self) -> Table:
        """A row a reading that fits: those that explain the claim first, and the coincidences."""
        rows = tuple(
            (str(fit.reading), fit.reading.number, fit.rounding, fit.chance, "yes" if fit.explains else "coincidence")
            for fit in self.answer.fits[:SHOWN]
        )
        return Table(("reading", "exact", "printed", "chance", "explains"), rows)

    def document(self) -> object:
        """Every fit with its terms; ``chance`` and ``expected`` to six decimals."""
        answer = self.answer
        return {
            "model": answer.network.name,
            "claim": answer.claim.text,
            "value": answer.claim.printed.value,
            "step": answer.claim.printed.step,
            "of": answer.claim.of,
            "plain": answer.plain,
            "explained": answer.best is not None,
            "tried": answer.tried,
            "different": answer.different,
            "expected": round(answer.expected, 6),
            "fits": [self._record(fit) for fit in answer.fits],
        }

    def _record(self, fit: Fit) -> dict[str, object]:
        return {
            "departures": [variation.text for variation in fit.reading.variations],
            "exact": fit.reading.number,
            "rule": fit.rounding,
            "chance": round(fit.chance, 6),
            "explains": fit.explains,
            "terms": [term._asdict() for term in self.answer.terms(fit)],
        }


def sum_text(terms: Sequence[Term]) -> str:
    """A number and the terms that it is the sum of.

    >>> sum_text([Term(239_273_472, "multiply-adds"), Term(-5_971_968, "without the stem")])
    '233,301,504 = 239,273,472 - 5,971,968'
    """
    total = f"{sum(term.number for term in terms):,}"
    first, *others = terms
    if not others:
        return total
    signed = "".join(f" {'-' if term.number < 0 else '+'} {abs(term.number):,}" for term in others)
    return f"{total} = {first.number:,}{signed}"
