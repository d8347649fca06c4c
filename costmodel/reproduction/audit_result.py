"""The answer for one published number."""

from __future__ import annotations

from typing import NamedTuple

from costmodel.reproduction.readings import Term

#: What may be said of a row; the first five say that its number is reproduced.
EXPLAINED = ("exact", "rounded", "truncated", "other scope", "other variant")
VERDICTS = (*EXPLAINED, "unexplained", "not built", "no figure")


class AuditResult(NamedTuple):
    """One printed number, or a row without one, and what it counted."""

    table: str
    row: str
    source: str
    quantity: str
    printed: str
    exact: int | None
    verdict: str
    #: How the exact number became the printed one; empty where it did not.
    rounding: str
    reason: str
    terms: tuple[Term, ...] = ()

    @property
    def explained(self) -> bool:
        """Whether the number is reproduced."""
        return self.verdict in EXPLAINED
