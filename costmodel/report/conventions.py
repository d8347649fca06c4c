"""The report of ``costmodel conventions``: what every paper and tool would print, itemized against the paper."""

from __future__ import annotations

from functools import cached_property
from textwrap import wrap
from typing import final

from costmodel.conventions import CONVENTIONS, Convention, ConventionCount, counts_of
from costmodel.conventions.convention import BUG
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.report.answer import Answer
from costmodel.report.costs import headline, not_counted, subject
from costmodel.report.table import Cell, Table

#: What a number is of, for people.
QUANTITIES = {"multiply_adds": "multiply-adds", "flops": "FLOPs", "parameters": "parameters"}


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
    found = figure.convention
    if found.name == found.base:
        return ""
    base = f"{found.base} {figure.base:,}"
    items = sorted(figure.items.items(), key=lambda item: -abs(item[1]))
    signed = [f"{'-' if count < 0 else '+'} {name} {abs(count):,}" for name, count in items if count]
    return " ".join([f"{found.factor} x {base}" if found.factor > 1 else base, *signed])


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
        said = [figure for figure in self._figures.values() if isinstance(figure, ConventionCount)]
        totals = [figure.total for figure in said if figure.convention.quantity == quantity]
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
        rows = tuple(_row(CONVENTIONS[name], said) for name, said in self._figures.items())
        return Table(("convention", "version", "counts", "figure", "difference", "itemized"), rows)

    def notes(self) -> list[str]:
        """What is known to be wrong with the tools whose numbers it changes here."""
        return [note for said in self._figures.values() if isinstance(said, ConventionCount) for note in bugs(said)]

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
            "conventions": [_fields(CONVENTIONS[name], said) for name, said in self._figures.items()],
        }


def _row(found: Convention, said: ConventionCount | CostModelError) -> tuple[Cell, ...]:
    head = (found.name, found.version, QUANTITIES[found.quantity])
    if isinstance(said, CostModelError):
        return (*head, "", "", f"no number: {said}")
    return (*head, said.total, said.difference, itemized(said))


def _fields(found: Convention, said: ConventionCount | CostModelError) -> dict[str, object]:
    if isinstance(said, CostModelError):
        return {**described(found), "figure": None, "reason": str(said)}
    return {**described(found), **measured(said)}


def described(found: Convention) -> dict[str, object]:
    """A convention as the JSON contract has it: what it is, where that is written, what is wrong with it."""
    keys = ("name", "source", "version", "place", "quantity", "counts", "bugs")
    return {key: getattr(found, key) for key in keys} | {"held": found.verified_against_tool}


def measured(said: ConventionCount) -> dict[str, object]:
    """A number as the JSON contract has it: ``factor * base_figure`` and the items add up to it."""
    return {
        "figure": said.total,
        "base": said.convention.base,
        "base_figure": said.base,
        "factor": said.convention.factor,
        "items": dict(said.items),
        "difference": said.difference,
    }


@final
class ReferenceReport(Answer):
    """What each convention counts, of what version, and where that is written: the table of the documentation."""

    def lines(self) -> tuple[str, ...]:
        checked = sum(found.verified_against_tool for found in CONVENTIONS.values())
        return (
            f"{len(CONVENTIONS)} conventions, {checked} of them checked against the tool itself",
            "Checked: the tests run the tool on random networks, reference modules and captured modules; the numbers"
            " are exactly equal, or refused. The others are written from the place named.",
        )

    def table(self) -> Table:
        rows = tuple(
            (
                found.name,
                found.source,
                found.version,
                QUANTITIES[found.quantity],
                found.counts,
                "; ".join(found.bugs),
                found.place,
                "yes" if found.verified_against_tool else "no",
            )
            for found in CONVENTIONS.values()
        )
        return Table(("convention", "source", "version", "of", "counts", "bugs", "place", "checked"), rows)

    def text(self, color: bool = False) -> str:
        """A paragraph a convention: what each counts is too long for the cells of a terminal."""
        return "\n".join([*self.lines(), *(line for found in CONVENTIONS.values() for line in _paragraph(found))])

    def document(self) -> object:
        return {"conventions": [described(found) for found in CONVENTIONS.values()]}


def _paragraph(found: Convention) -> list[str]:
    checked = ", checked against the tool" if found.verified_against_tool else ""
    version = "" if found.version == "-" else f" {found.version}"
    told = [("counts", found.counts), *(("bug", bug) for bug in found.bugs), ("at", found.place)]
    return [
        "",
        f"{found.name}: {found.source}{version}, {QUANTITIES[found.quantity]}{checked}",
        *(
            line
            for what, text in told
            for line in wrap(f"{what}: {text}", 100, initial_indent="  ", subsequent_indent="    ")
        ),
    ]
