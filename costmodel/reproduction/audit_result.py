"""What was found for one published figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from costmodel.reproduction.readings import Term

#: What may be said of a row; the first five say that its figure is reproduced.
VERDICTS = (
    "exact",
    "rounded",
    "truncated",
    "other scope",
    "other variant",
    "unexplained",
    "not built",
    "no figure",
)
EXPLAINED = VERDICTS[:5]


@final
@dataclass(frozen=True)
class Finding:
    """One printed figure, or a row without one, and what was found."""

    table: str
    row: str
    source: str
    quantity: str
    printed: str
    exact: int | None
    verdict: str
    #: How the exact number became the printed one; empty where it did not.
    rule: str
    reason: str
    terms: tuple[Term, ...] = ()

    @property
    def explained(self) -> bool:
        """Whether the figure is reproduced."""
        return self.verdict in EXPLAINED
