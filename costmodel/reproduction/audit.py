"""The atlas of published figures: every one that the tables hold, and what it counted.

Each is searched as :mod:`~costmodel.reproduction.explain` does, and held beside the others of its table, as
:mod:`~costmodel.reproduction.evidence` does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from costmodel.loading import load_with
from costmodel.published.tables import MILLION, Printed, PublishedFigure, published
from costmodel.reproduction.audit_result import VERDICTS, Finding
from costmodel.reproduction.claim import CLAIMED
from costmodel.reproduction.evidence import OTHER_NETWORK, PLAIN, Figure, Place, Table, rule_of_reading
from costmodel.reproduction.explain import first_of_each
from costmodel.reproduction.layer_rows import details
from costmodel.reproduction.readings import Readings
from costmodel.reproduction.row_to_model import subject


def audit() -> tuple[Finding, ...]:
    """A finding for each figure of each row of the published tables, in their order."""
    return (*networks(), *details())


def networks() -> Iterator[Finding]:
    """The findings of ``published.csv``: whole networks."""
    tables: dict[tuple[str, str], list[Figure]] = defaultdict(list)
    for figure in _figures():
        tables[figure.place[0].source, figure.place[0].family].append(figure)
    found: dict[Place, Finding] = {}
    for figures in tables.values():
        table = Table.searched(figures)
        found |= {figure.place: _finding(figure, table) for figure in table.figures}
    for place in steps():
        yield found.get(place) or _not_built(*place)


def _figures() -> Iterator[Figure]:
    known: dict[tuple[object, ...], Readings] = {}
    for (row, quantity), printed in steps().items():
        about = subject(row)
        if about is not None:
            key = (about.name, *sorted(about.choices.items()), quantity)
            if key not in known:
                known[key] = Readings(load_with(about.name, about.choices), quantity)
            yield Figure((row, quantity), printed, known[key])


def _finding(figure: Figure, table: Table) -> Finding:
    row, quantity = figure.place
    shown = ("published", _name(row), row.source, quantity, printed_text(row, quantity))
    fit = table.best(figure)
    if fit is None:
        met = len(first_of_each(fit.reading for fit in figure.fits.values()))
        reason = f"no rule fits; {met} numbers of {len(set(figure.numbers.values()))} tried would, by chance"
        return Finding(*shown, figure.numbers[PLAIN], "unexplained", "", reason)
    rule = "truncated" if fit.rule == "rounded" and table.is_cut(rule_of_reading(fit.reading), quantity) else fit.rule
    kinds = {departure.kind for departure in fit.reading.departures}
    verdict = "other variant" if kinds & OTHER_NETWORK else "other scope" if kinds else rule
    return Finding(*shown, fit.reading.figure, verdict, rule, str(fit.reading), figure.readings.terms(fit.reading))


def _not_built(row: PublishedFigure, quantity: str) -> Finding:
    return Finding(
        "published", _name(row), row.source, quantity, printed_text(row, quantity), None, "not built", "",
        "costmodel does not build this network",
    )  # fmt: skip


def _name(row: PublishedFigure) -> str:
    choices = [f"{name} {value}" for name, value in (("alpha", row.alpha), ("at", row.resolution)) if value is not None]
    return ", ".join([f"{row.family}: {row.variant}", *choices])


def printed_text(row: PublishedFigure, quantity: str) -> str:
    """A figure as it stands in the table, in millions or exact."""
    millions, exact = {
        "parameters": (row.params_millions, row.params_exact),
        "multiply_adds": (row.madds_millions, row.madds_exact),
    }[quantity]
    return f"{exact:,}" if exact is not None else f"{millions} M"


def steps() -> dict[Place, Printed]:
    """Every printed figure with what its last digit is worth.

    The table has millions, and a source that prints 15.3 billion multiply-adds stands in it as 15300. So a whole number
    is taken to have no more digits than the most that any of its source has, and no finer a step than all of them
    share.
    """
    figures = {(row, of): printed for row in published() for of in CLAIMED if (printed := getattr(row, of)) is not None}
    digits: dict[str, list[str]] = defaultdict(list)
    for (row, quantity), printed in figures.items():
        if quantity == "multiply_adds" and printed.step > 1:
            digits[row.source].append(str(printed.value // printed.step))
    found = {}
    for (row, quantity), printed in figures.items():
        zeros = 0
        if quantity == "multiply_adds" and printed.step == MILLION:
            others = digits[row.source]
            shared = min(len(text) - len(text.rstrip("0")) for text in others)
            most = max(len(text.rstrip("0")) for text in others)
            zeros = max(shared, len(str(printed.value // MILLION)) - most)
        found[row, quantity] = Printed(printed.value, printed.step * 10**zeros)
    return found


def totals(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings have each verdict.

    >>> totals(details())["exact"]
    110
    """
    counted = Counter(finding.verdict for finding in findings)
    return {verdict: counted[verdict] for verdict in VERDICTS if counted[verdict]}
