"""What a measurement gives: one row a contender."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

#: Names of the contenders that are no peers.
OURS = "costmodel"
BARE = "bare interpreter"


@dataclass
class Row:
    """Every time taken of one contender, and the one figure it gave; for a process, its peaks of memory too."""

    name: str
    unit: str = "multiply-adds"
    figure: int | None = None
    seconds: list[float] = field(default_factory=list)
    #: Peak resident memory in bytes.
    peaks: list[int] = field(default_factory=list)
    #: Why the contender could not run, where it could not.
    missing: str | None = None

    @property
    def median(self) -> float:
        """Median time, in seconds."""
        return median(self.seconds)

    @property
    def peak(self) -> float:
        """Median peak of memory, in bytes."""
        return median(self.peaks)

    def gives(self, figure: int | None) -> None:
        """Note the figure of one run: the same in all."""
        if self.figure is None:
            self.figure = figure
        assert self.figure == figure, f"{self.name} gave {self.figure}, then {figure}"


def named(rows: list[Row], name: str) -> Row:
    """The row of one contender."""
    return next(row for row in rows if row.name == name)


def present(rows: list[Row]) -> list[Row]:
    """The peers that ran."""
    return [row for row in rows if row.name not in (OURS, BARE) and row.missing is None]


def fastest_peer(rows: list[Row]) -> Row | None:
    """The peer with the least median time."""
    return min(present(rows), key=lambda row: row.median, default=None)
