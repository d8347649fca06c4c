"""Every published number that the tables hold, and what it counted.

Each is searched as :mod:`~costmodel.reproduction.explain` does, and checked against the others of its table, as
:mod:`~costmodel.reproduction.evidence` does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from costmodel.errors import CostModelError
from costmodel.loading import load_with
from costmodel.published.tables import MILLION, PrintedNumber, PublishedNetwork, published
from costmodel.reproduction.audit_result import VERDICTS, AuditResult
from costmodel.reproduction.evidence import OTHER_NETWORK, PLAIN, Cell, PublishedNumber, SourceTable
from costmodel.reproduction.explain import first_of_each
from costmodel.reproduction.layer_rows import layer_results
from costmodel.reproduction.readings import Readings
from costmodel.reproduction.row_to_model import model_of

#: What the table has of a network.
PRINTED = ("multiply_adds", "parameters")


def audit() -> tuple[AuditResult, ...]:
    """A result for each number of each row of the published tables, in their order."""
    return (*network_results(), *layer_results())


def network_results() -> Iterator[AuditResult]:
    """The results of ``published.csv``: whole networks."""
    tables: dict[tuple[str, str], list[PublishedNumber]] = defaultdict(list)
    for number in _numbers():
        row, _ = number.cell
        tables[row.source, row.family].append(number)
    results: dict[Cell, AuditResult] = {}
    for numbers in tables.values():
        table = SourceTable.searched(numbers)
        results |= {number.cell: _result(number, table) for number in table.numbers}
    for cell in printed_numbers():
        reason = "costmodel does not build this network"
        yield results.get(cell) or AuditResult(*_shown(*cell), None, "not built", "", reason)


def _numbers() -> Iterator[PublishedNumber]:
    known: dict[tuple[object, ...], Readings] = {}
    for (row, quantity), printed in printed_numbers().items():
        model = model_of(row)
        if model is not None:
            key = (model.name, *sorted(model.options.items()), quantity)
            if key not in known:
                known[key] = Readings(load_with(model.name, model.options), quantity)
            yield PublishedNumber((row, quantity), printed, known[key])


def _result(number: PublishedNumber, table: SourceTable) -> AuditResult:
    shown = _shown(*number.cell)
    fit = table.best(number)
    if fit is None:
        met = len(first_of_each(fit.reading for fit in number.fits.values()))
        reason = f"no rule fits; {met} numbers of {len(set(number.exact.values()))} tried would, by chance"
        return AuditResult(*shown, number.exact[PLAIN], "unexplained", "", reason)
    reading, rounding = fit.reading, fit.rounding
    if rounding == "rounded" and table.is_cut(reading.rule, number.column):
        rounding = "truncated"
    kinds = {variation.kind for variation in reading.variations}
    verdict = "other variant" if kinds & OTHER_NETWORK else "other scope" if kinds else rounding
    return AuditResult(*shown, reading.number, verdict, rounding, str(reading), number.readings.terms(reading))


def _shown(row: PublishedNetwork, quantity: str) -> tuple[str, str, str, str, str]:
    choices = [f"{name} {value}" for name, value in (("alpha", row.alpha), ("at", row.resolution)) if value is not None]
    name = ", ".join([f"{row.family}: {row.variant}", *choices])
    return "published", name, row.source, quantity, printed_text(row, quantity)


def printed_text(row: PublishedNetwork, quantity: str) -> str:
    """A number as it stands in the table, in millions or exact."""
    millions, exact = {
        "parameters": (row.params_millions, row.params_exact),
        "multiply_adds": (row.madds_millions, row.madds_exact),
    }[quantity]
    return f"{exact:,}" if exact is not None else f"{millions} M"


def printed_numbers() -> dict[Cell, PrintedNumber]:
    """Every printed number with what its last digit is worth.

    The table has millions, and a source that prints 15.3 billion multiply-adds stands in it as 15300. So a whole number
    is taken to have no more digits than the most that any of its source has, and no finer a step than all of them
    share.
    """
    cells = {(row, of): printed for row in published() for of in PRINTED if (printed := getattr(row, of)) is not None}
    digits: dict[str, list[str]] = defaultdict(list)
    for (row, quantity), printed in cells.items():
        if quantity == "multiply_adds" and printed.step > 1:
            digits[row.source].append(str(printed.value // printed.step))
    for (row, quantity), printed in cells.items():
        if quantity == "multiply_adds" and printed.step == MILLION:
            shared = min(len(text) - len(text.rstrip("0")) for text in digits[row.source])
            most = max(len(text.rstrip("0")) for text in digits[row.source])
            zeros = max(shared, len(str(printed.value // MILLION)) - most)
            cells[row, quantity] = PrintedNumber(printed.value, printed.step * 10**zeros)
    return cells


def selected(
    results: Iterable[AuditResult], source: str = "", verdict: str | None = None, model: str = ""
) -> tuple[AuditResult, ...]:
    """The results of a ``verdict`` whose source and row have these texts in them, in either case.

    Raises :class:`~costmodel.errors.CostModelError` where there are none.

    >>> len(selected(layer_results(), source="1409.4842", verdict="exact"))
    2
    """
    chosen = tuple(
        result
        for result in results
        if source.casefold() in result.source.casefold()
        and model.casefold() in result.row.casefold()
        and verdict in (None, result.verdict)
    )
    if not chosen:
        asked = {"source": source, "verdict": verdict, "model": model}
        filters = ", ".join(f"{name} {value!r}" for name, value in asked.items() if value)
        raise CostModelError(f"no published number has {filters}; leave one out, or see all with `costmodel audit`")
    return chosen


def totals(results: Iterable[AuditResult]) -> dict[str, int]:
    """How many results have each verdict.

    >>> totals(layer_results())["exact"]
    110
    """
    counted = Counter(result.verdict for result in results)
    return {verdict: counted[verdict] for verdict in VERDICTS if counted[verdict]}
