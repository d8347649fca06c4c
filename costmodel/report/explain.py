"""The report of ``costmodel explain``: what a printed number counted, itemized, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from costmodel.report.answer import Answer
from costmodel.report.table import Table
from costmodel.report.units import percent, words_of
from costmodel.reproduction.explain import Explanation, Fit, PossibleNumbers
from costmodel.reproduction.readings import MOST_VARIATIONS, Term

#: Fits that people are shown; JSON has all.
SHOWN = 10
#: Readings that a sentence names.
NAMED = 3
#: What might explain a claim has this probability, though it is not sure.
LIKELY = 0.1


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
            *self._others(),
            f"{answer.tried:,} ways to count it were tried, with up to {MOST_VARIATIONS} variations of the plain"
            f" one; they give {answer.different:,} different numbers. Chance: a random number between {first:,} and"
            f" {last:,}, printed with as many digits, would agree with {answer.expected:.2g} of them on average.",
            "Probability: by how often a reading is met, and by the digits;"
            f" {percent(self._unknown())} are left for what is not known here.",
        )

    def _headline(self) -> str:
        answer, best = self.answer, self.answer.best
        if answer.fits_parameters:
            return f"No rule fits {answer.claim.text} as multiply-adds; as parameters one does: add --of parameters"
        if best is None:
            return self._unexplained()
        of = words_of(answer.claim.of)
        if answer.claim.says_flops:  # by which people mean either
            twice = best.reading.operations > 1
            of = "FLOPs (two a multiply-add)" if twice else "multiply-adds (called FLOPs, one each)"
        how = f"{self._name(best)}, {best.rounding}"
        return (
            f"{answer.claim.text} is the {of} of {answer.network.name}, {how}: {sum_text(answer.terms(best))}"
            f"{self._beside()}"
        )

    def _unexplained(self) -> str:
        answer = self.answer
        claim, name = answer.claim, answer.network.name
        likely = [fit for fit in answer.fits if fit.probability >= LIKELY]
        if likely:
            readings = " or ".join(self._name(fit) for fit in likely[:NAMED])
            return (
                f"{claim.text} does not say what it counted: of {name} it could be {readings}"
                f"{_more(len(likely) - NAMED)}; none is sure"
            )
        gap = (answer.plain - claim.printed.value) / claim.printed.value
        return (
            f"No rule fits {claim.text}: {name} has {answer.plain:,} {words_of(claim.of)},"
            f" {percent(abs(gap))} {'more' if gap > 0 else 'less'}"
        )

    def _beside(self) -> str:
        """What the headline says of the others that the digits do not tell apart."""
        _, *others = self.answer.explaining
        if not others:
            return ""
        print_it = "prints" if len(others) == 1 else "print"
        return f"; {len(others)} other reading{'s' if len(others) > 1 else ''} {print_it} the same"

    def _others(self) -> list[str]:
        _, *others = self.answer.explaining or [None]
        names = ", ".join(self._name(fit) for fit in others[:NAMED] if fit)
        return [f"Or: {names}{_more(len(others) - NAMED)}."] if names else []

    def _name(self, fit: Fit) -> str:
        """A reading, and the likeliest of those that give the same number."""
        return " or ".join(map(str, (fit.reading, *fit.alike[: NAMED - 1])))

    def _unknown(self) -> float:
        return 1 - sum(fit.probability for fit in self.answer.fits)

    def _itemized(self) -> list[str]:
        if self.answer.best is None:
            return []
        terms = self.answer.terms(self.answer.best)
        width = max(len(f"{term.number:,}") for term in terms)
        return [f"  {term.number:>{width},}  {term.text}" for term in terms]

    def table(self) -> Table:
        """A row a reading that fits, the likeliest first."""
        rows = tuple(
            (self._name(fit), fit.reading.number, fit.rounding, fit.probability, "yes" if fit.explains else "not sure")
            for fit in self.answer.fits[:SHOWN]
        )
        return Table(("reading", "exact", "printed", "probability", "explains"), rows)

    def document(self) -> object:
        """Every fit with its terms; ``probability``, ``chance`` and ``expected`` to six decimals."""
        answer = self.answer
        return {
            "model": answer.network.name,
            "claim": answer.claim.text,
            "value": answer.claim.printed.value,
            "step": answer.claim.printed.step,
            "of": answer.claim.of,
            "plain": answer.plain,
            "explained": answer.best is not None,
            "probability": round(answer.probability, 6),
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
            "probability": round(fit.probability, 6),
            "same_number": [str(reading) for reading in fit.alike],
            "explains": fit.explains,
            "terms": [term._asdict() for term in self.answer.terms(fit)],
        }


def _more(count: int) -> str:
    return f" or {count} more" if count > 0 else ""


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
