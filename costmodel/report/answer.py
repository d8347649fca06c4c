"""What every report is: lines, a table and a document. How they are printed, in six formats, is decided here alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import dataclass_transform

from costmodel.report.fitting import TextColumn, blocks, prose, rows_of, ruled
from costmodel.report.table import Table

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    }
)  # fmt: skip

#: Columns of a table whose numbers have a unit that their names do not say.
_WITH_UNITS = {
    "share": "share_percent",
    **{column: f"{column}_bytes" for column in ("live_before", "made", "freed", "live", "peak_memory", "size")},
    "intensity": "flops_per_byte",
}


@dataclass_transform(frozen_default=True)
class Answer(ABC):
    """Lines, the answer first, a table below them, and a document for programs; a subclass says what they hold.

    Every subclass is a frozen dataclass.
    """

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True)(cls)

    @abstractmethod
    def lines(self) -> Sequence[str]:
        """What people read above the table, the answer first."""

    @abstractmethod
    def table(self) -> Table:
        """The rows."""

    def document(self) -> object:
        """What JSON holds, exact numbers: the rows, unless there is more to say."""
        return self.table().records()

    def narrow(self) -> Table:
        """The rows for a terminal: fewer columns, where all are too many."""
        return self.table()

    def notes(self) -> Sequence[str]:
        """What people read below the table."""
        return ()

    def text(self, color: bool = False, width: int = 0) -> str:
        """For a terminal: columns that are aligned; with ``color`` the answer, the titles and the totals are bold.

        It fits ``width`` columns, where that is not 0.
        """
        notes = [part for line in self.notes() for part in prose(line, width)]
        return "\n".join([aligned(self.lines(), self.narrow(), color, width), *[""] * bool(notes), *notes])

    def markdown(self) -> str:
        """The lines as paragraphs, a pipe table with the totals in its last row, and the notes."""
        (first, *others), table = self.lines(), self.table()
        rules = ["---:" if right else ":---" for right in table.numeric()]
        rows = (
            "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
            for cells in (table.titles(), rules, *table.texts())
        )
        return "\n\n".join([f"**{first}**", *others, "\n".join(rows), *self.notes()])

    def latex(self) -> str:
        """A booktabs ``tabular``, the lines and notes as comments above it."""
        table = self.table()
        spec = "".join("r" if right else "l" for right in table.numeric())
        head, *rows = (
            " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\" for cells in (table.titles(), *table.texts())
        )
        if table.total:
            rows.insert(-1, r"\midrule")
        begin = [*(f"% {line}" for line in self.lines()), rf"\begin{{tabular}}{{{spec}}}", r"\toprule", head]
        return "\n".join([*begin, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}"])

    def html(self) -> str:
        """A fragment for a notebook: the answer is bold, and every text escaped."""
        from html import escape

        table = self.table()
        sides = ["right" if right else "left" for right in table.numeric()]

        def row(cells: Sequence[str], tag: str) -> str:
            styled = (
                f'<{tag} style="text-align: {side}; padding: 0 0.6em">{escape(cell)}</{tag}>'
                for side, cell in zip(sides, cells, strict=True)
            )
            return f"<tr>{''.join(styled)}</tr>"

        rows = table.texts()
        totals = [f"<tfoot>{row(rows.pop(), 'th')}</tfoot>"] if table.total else []
        first, *others = map(escape, self.lines())
        head = [f"<p><strong>{first}</strong><br>", *(f"{line}<br>" for line in others), "</p>"]
        body = [f"<thead>{row(table.titles(), 'th')}</thead>", "<tbody>", *(row(cells, "td") for cells in rows)]
        return "\n".join([*head, "<table>", *body, "</tbody>", *totals, "</table>"])

    def csv(self) -> str:
        """The rows alone: exact integers, shares in percent to four decimals; no row of totals.

        A column that is no count has its unit in its name: ``share_percent``, ``live_bytes``.
        """
        import csv
        from io import StringIO

        table, out = self.table(), StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([_WITH_UNITS.get(column, column) for column in table.columns])
        rows = [[f"{100 * cell:.4f}" if isinstance(cell, float) else cell for cell in row] for row in table.rows]
        writer.writerows(rows)
        return out.getvalue().rstrip("\n")

    def json(self) -> str:
        """The document, indented."""
        return json_text(self.document())


def aligned(lines: Sequence[str], table: Table, color: bool = False, width: int = 0) -> str:
    """Lines and a table as text for a terminal, of ``width`` columns, or of as many as it takes.

    >>> print(aligned(["two"], Table(("name", "share"), (("a", 0.5), ("bc", 0.5)), ("total", 1.0))))
    two
    <BLANKLINE>
    name       share
    ----------------
    a        50.00 %
    bc       50.00 %
    ----------------
    total   100.00 %
    """
    cells = zip(table.numeric(), zip(table.titles(), *table.texts(), strict=True), strict=True)
    columns = [TextColumn([title], [[text] for text in texts], right) for right, (title, *texts) in cells]
    bold = "\033[1m{}\033[0m".format if color else str
    first, *others = [prose(line, width) for line in lines]
    parts = [*map(bold, first), *(line for prosaic in others for line in prosaic)]
    for block in blocks(columns, width):
        head, *rows = rows_of(block)
        rule = ruled(block)
        total = [rule, bold(rows.pop())] if table.total else []
        parts += ["", bold(head), rule, *rows, *total]
    return "\n".join(parts)


def json_text(document: object) -> str:
    """Indented JSON."""
    import json

    return json.dumps(document, indent=2)


def align_star(comments: Sequence[str], rows: Sequence[tuple[str, str]]) -> str:
    """An ``align*`` of amsmath: a row an equation, each a text and its LaTeX, below lines of comment."""
    equations = " \\\\\n".join(rf"\text{{{name}}} &= {value}" for name, value in rows)
    return "\n".join([*(f"% {line}" for line in comments), r"\begin{align*}", equations, r"\end{align*}"])
