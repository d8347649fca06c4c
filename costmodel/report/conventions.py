"""The report of ``costmodel conventions``: what every paper and tool would print, itemized against the paper."""

from __future__ import annotations

from functools import cached_property
from textwrap import wrap
from typing import final

from costmodel.conventions import ALL, Convention, ConventionCount, counts_of
from costmodel.conventions.convention import BUG
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.report.answer import Answer
from costmodel.report.costs import headline, not_counted, subject
from costmodel.report.fitting import prose
from costmodel.report.table import Cell, Table
from costmodel.report.units import words_of


def sentence(figure: ConventionCount) -> str:
    """A number and what it is made of, in one line.

    >>> import costmodel as cm
    >>> from costmodel.conventions import convention
    >>> sentence(convention("fvcore").of(cm.mobilenet_v2().ledger))
    'fvcore 314,193,216 = paper 300,774,272 + batch norm 13,356,224 + adaptive pooling 62,720'
    """
    made_of = itemized(figure)
    return f"{figure.convention.name} {figure.total:,}{made_of and f' = {made_of}'}"


def itemized(figure: ConventionCount) -> str:
    """What a number is made of, the largest item first; empty for the base itself.

    >>> import costmodel as cm
    >>> from costmodel.conventions import convention
    >>> itemized(convention("flop_counter_mode").of(cm.lenet5().ledger))
    '2 x paper 416,520'
    """
    rule = figure.convention
    if rule.name == rule.base:
        return ""
    base = f"{rule.base} {figure.base:,}"
    items = sorted(figure.items.items(), key=lambda item: -abs(item[1]))
    signed = [f"{'-' if count < 0 else '+'} {name} {abs(count):,}" for name, count in items if count]
    return " ".join([f"{rule.factor} x {base}" if rule.factor > 1 else base, *signed])


def bugs(figure: ConventionCount) -> list[str]:
    """The known bugs of a tool, a line each, where one of them changes the number; else none."""
    if not any(item.endswith(BUG) for item in figure.items):
        return []
    return [f"Bug of {figure.convention.name}: {bug}." for bug in figure.convention.bugs]


@final
class ConventionsReport(Answer):
    """What every convention says of one network, for ``batch`` samples."""

    network: Network
    batch: int = 1

    @cached_property
    def _figures(self) -> dict[str, ConventionCount | CostModelError]:
        return counts_of(self.network.ledger.batched(self.batch))

    def _range(self, quantity: str) -> str:
        counts = [figure for figure in self._figures.values() if isinstance(figure, ConventionCount)]
        totals = [figure.total for figure in counts if figure.convention.quantity == quantity]
        return f"{min(totals):,} to {max(totals):,}"

    def lines(self) -> tuple[str, ...]:
        if self.network.ledger.uncounted:
            return headline(self.network, self.batch), subject(self.network, self.batch)
        first = (
            f"{self.network.multiply_adds * self.batch:,} multiply-adds in the papers' convention; other counters say"
            f" {self._range('multiply_adds')}, or {self._range('flops')} FLOPs"
        )
        return first, subject(self.network, self.batch)

    def table(self) -> Table:
        """A row a convention; where it has no rule for some operation, the reason instead of a number."""
        rows = tuple(_row(ALL[name], count) for name, count in self._figures.items())
        return Table(("convention", "version", "counts", "figure", "difference", "itemized"), rows)

    def notes(self) -> list[str]:
        """What is known to be wrong with the tools whose numbers it changes here."""
        return [note for count in self._figures.values() if isinstance(count, ConventionCount) for note in bugs(count)]

    def narrow(self) -> Table:
        """As narrow as it goes: without the versions, and without the difference, which the items add up to."""
        rows = tuple(
            (name, counts, figure, f"= {items}" if figure != "" and items else items)
            for name, _, counts, figure, _, items in self.table().rows
        )
        return Table(("convention", "counts", "figure", "itemized"), rows)

    def document(self) -> object:
        """The network, and for each convention its number and items, exact; null and a reason where it has none."""
        return {
            "model": self.network.name,
            "input": [list(shape.sizes) for shape in self.network.inputs],
            "batch": self.batch,
            "not_counted": not_counted(self.network.ledger.not_counted),
            "conventions": [_fields(ALL[name], count) for name, count in self._figures.items()],
        }


def _row(rule: Convention, count: ConventionCount | CostModelError) -> tuple[Cell, ...]:
    head = (rule.name, rule.version, words_of(rule.quantity))
    if isinstance(count, CostModelError):
        return (*head, "", "", f"no number: {count}")
    return (*head, count.total, count.difference, itemized(count))


def _fields(rule: Convention, count: ConventionCount | CostModelError) -> dict[str, object]:
    if isinstance(count, CostModelError):
        return {**described(rule), "figure": None, "reason": str(count)}
    return {**described(rule), **measured(count)}


def described(rule: Convention) -> dict[str, object]:
    """A convention as the JSON contract has it: what it is, where that is written, what is wrong with it."""
    keys = ("name", "source", "version", "place", "quantity", "counts", "bugs")
    return {key: getattr(rule, key) for key in keys} | {"held": rule.verified_against_tool}


def measured(count: ConventionCount) -> dict[str, object]:
    """A number as the JSON contract has it: ``factor * base_figure`` and the items add up to it."""
    return {
        "figure": count.total,
        "base": count.convention.base,
        "base_figure": count.base,
        "factor": count.convention.factor,
        "items": dict(count.items),
        "difference": count.difference,
    }


@final
class ReferenceReport(Answer):
    """What each convention counts, of what version, and where that is written: the table of the documentation."""

    def lines(self) -> tuple[str, ...]:
        checked = sum(rule.verified_against_tool for rule in ALL.values())
        return (
            f"{len(ALL)} conventions, {checked} of them checked against the tool itself",
            "Checked: the tests run the tool on random networks, reference modules and captured modules; the numbers"
            " are exactly equal, or refused. The others are written from the place named.",
        )

    def table(self) -> Table:
        rows = tuple(
            (
                rule.name,
                rule.source,
                rule.version,
                words_of(rule.quantity),
                rule.counts,
                "; ".join(rule.bugs),
                rule.place,
                "yes" if rule.verified_against_tool else "no",
            )
            for rule in ALL.values()
        )
        return Table(("convention", "source", "version", "of", "counts", "bugs", "place", "checked"), rows)

    def text(self, color: bool = False, width: int = 0) -> str:
        """A paragraph a convention: what each counts is too long for the cells of a terminal."""
        lines = [*self.lines(), *(line for rule in ALL.values() for line in _paragraph(rule))]
        return "\n".join(part for line in lines for part in prose(line, width))

    def document(self) -> object:
        return {"conventions": [described(rule) for rule in ALL.values()]}


def _paragraph(rule: Convention) -> list[str]:
    checked = ", checked against the tool" if rule.verified_against_tool else ""
    version = "" if rule.version == "-" else f" {rule.version}"
    parts = [("counts", rule.counts), *(("bug", bug) for bug in rule.bugs), ("at", rule.place)]
    return [
        "",
        f"{rule.name}: {rule.source}{version}, {words_of(rule.quantity)}{checked}",
        *(
            line
            for what, text in parts
            for line in wrap(f"{what}: {text}", 100, initial_indent="  ", subsequent_indent="    ")
        ),
    ]
