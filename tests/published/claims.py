"""The two things that may be said of a printed number: how it is reproduced, or why it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import TypeAlias, TypeVar

from costmodel import Network, load
from costmodel.models.registry import architecture
from costmodel.published.tables import MILLION, PrintedNumber, PublishedNetwork
from tests.published.scopes import NETWORKS

Scope: TypeAlias = Callable[[Network], int]

#: Whether the exact number, at a step, is the printed number.
Rule: TypeAlias = Callable[[PrintedNumber, int, int], bool]

#: What a last digit is worth where a source prints billions, which stand in the table as millions.
TENS, HUNDREDS, BILLIONS = 10 * MILLION, 100 * MILLION, 1000 * MILLION


@dataclass(frozen=True)
class Claim:
    """The numbers of ``rows`` are ``scope`` of ``network``, by ``rule``, at ``step`` where the row's own is too fine.

    ``rows`` is a pattern of :func:`key`; alpha and resolution are the row's where ``choices`` does not say otherwise.
    """

    rows: str
    network: str
    scope: Scope
    rule: Rule = PrintedNumber.rounds
    step: int = 0
    choices: Mapping[str, float] = field(default_factory=dict)

    def holds(self, row: PublishedNetwork, printed: PrintedNumber) -> bool:
        return self.rule(printed, self.scope(network_of(self, row)), self.step)


@dataclass(frozen=True)
class NotReproduced:
    """The numbers of ``rows`` are not reproduced, for ``reason``.

    Either no network here is it, and none is called ``absent``; or ``network`` is, and is not what is ``printed``.
    """

    rows: str
    reason: str
    absent: str = ""
    network: str = ""
    printed: str = ""
    step: int = 0
    choices: Mapping[str, float] = field(default_factory=dict)


def key(row: PublishedNetwork) -> str:
    """``family|variant|alpha|resolution|source``, which no two rows share."""
    cells = (row.family, row.variant, row.alpha, row.resolution, row.source)
    return "|".join("" if cell is None else str(cell) for cell in cells)


_Statement = TypeVar("_Statement", Claim, NotReproduced)


def about(row: PublishedNetwork, statements: Iterable[_Statement]) -> list[_Statement]:
    """Which of ``statements`` are about ``row``."""
    return [one for one in statements if fnmatchcase(key(row), one.rows)]


def network_of(statement: Claim | NotReproduced, row: PublishedNetwork) -> Network:
    """The network that ``statement`` names, at the row's alpha and resolution."""
    known = NETWORKS.get(statement.network)
    takes = () if known else architecture(statement.network.partition(":")[0]).choices
    asked = {"alpha": row.alpha, "resolution": row.resolution} | statement.choices
    choices = {name: value for name, value in asked.items() if name in takes and value is not None}
    return _built(statement.network, **choices)


@cache
def _built(name: str, **choices: float) -> Network:
    return NETWORKS[name]() if name in NETWORKS else load(name, **choices)
