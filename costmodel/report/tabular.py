"""What the reports of a few lines and one table have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from costmodel.report import formats
from costmodel.report.table import Table


class Tabular(ABC):
    """Lines and a table, printed in every format; a subclass has its own JSON."""

    @abstractmethod
    def lines(self) -> tuple[str, ...]:
        """What people read above the table, the answer first."""

    @abstractmethod
    def table(self) -> Table:
        """The rows."""

    @abstractmethod
    def json(self) -> str:
        """Exact numbers for a program."""

    def text(self, color: bool) -> str:
        return formats.text(self.lines(), self.table(), color)

    def markdown(self) -> str:
        first, *others = self.lines()
        return formats.markdown((f"**{first}**", *others), self.table())

    def latex(self) -> str:
        return formats.latex(self.lines(), self.table())

    def csv(self) -> str:
        return formats.csv_text(self.table())
