"""Lines and a table in each format: text for a terminal, Markdown, LaTeX, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from costmodel.core.values import Shape
from costmodel.report.table import Table

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    }
)  # fmt: skip


def text(lines: Sequence[str], table: Table, color: bool) -> str:
    """The lines, the first of them bold, and an aligned table; ANSI codes only with ``color``. Loads rich."""
    from rich.box import Box
    from rich.console import Console
    from rich.table import Table as RichTable

    rules = Box("    \n    \n -- \n    \n    \n -- \n    \n    \n", ascii=True)
    drawn = RichTable(
        box=rules,
        show_edge=False,
        show_footer=bool(table.total),
        pad_edge=False,
        header_style="bold",
        footer_style="bold",
    )
    rows = table.texts()
    totals = rows.pop() if table.total else [""] * len(table.columns)
    for index, (title, total) in enumerate(zip(table.titles(), totals, strict=True)):
        drawn.add_column(title, total, justify="right" if table.numeric(index) else "left", no_wrap=True)
    for row in rows:
        drawn.add_row(*row)
    out = io.StringIO()
    # As wide as it needs: a figure is never cut to fit a terminal.
    # The height is of no use, but without it rich takes a dumb terminal's word for the width.
    console = Console(
        file=out, width=10_000, height=25, highlight=False, markup=False, emoji=False, force_terminal=color
    )
    console.print(lines[0], style="bold")
    console.print(*lines[1:], *[""] * bool(lines[1:]), sep="\n")
    console.print(drawn)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def markdown(lines: Sequence[str], table: Table) -> str:
    """The lines as paragraphs and a pipe table with the totals in its last row."""
    rules = ["---:" if table.numeric(index) else ":---" for index in range(len(table.columns))]
    rows = [_markdown_row(table.titles()), _markdown_row(rules), *map(_markdown_row, table.texts())]
    return "\n\n".join([*lines, "\n".join(rows)])


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def latex(lines: Sequence[str], table: Table) -> str:
    """A booktabs ``tabular`` with the lines as comments above it."""
    spec = "".join("r" if table.numeric(index) else "l" for index in range(len(table.columns)))
    rows = [" & ".join(cell.translate(_LATEX) for cell in row) + r" \\" for row in table.texts()]
    if table.total:
        rows.insert(-1, r"\midrule")
    head = " & ".join(title.translate(_LATEX) for title in table.titles()) + r" \\"
    return "\n".join(
        [
            *(f"% {line}" for line in lines),
            rf"\begin{{tabular}}{{{spec}}}",
            r"\toprule",
            head,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def html(lines: Sequence[str], table: Table) -> str:
    """A fragment: the first line bold, a table. Every text escaped."""
    from html import escape

    sides = ["right" if table.numeric(index) else "left" for index in range(len(table.columns))]

    def row(cells: Sequence[str], tag: str) -> str:
        styled = (
            f'<{tag} style="text-align: {side}; padding: 0 0.6em">{escape(cell)}</{tag}>'
            for side, cell in zip(sides, cells, strict=True)
        )
        return f"<tr>{''.join(styled)}</tr>"

    rows = table.texts()
    totals = [f"<tfoot>{row(rows.pop(), 'th')}</tfoot>"] if table.total else []
    first, *others = map(escape, lines)
    return "\n".join(
        [
            f"<p><strong>{first}</strong><br>",
            *(f"{line}<br>" for line in others),
            "</p>",
            "<table>",
            f"<thead>{row(table.titles(), 'th')}</thead>",
            "<tbody>",
            *(row(cells, "td") for cells in rows),
            "</tbody>",
            *totals,
            "</table>",
        ]
    )


def csv_text(table: Table) -> str:
    """The rows alone, exact integers, ``share`` from 0 to 1 to six decimals; no row of totals."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([[f"{cell:.6f}" if isinstance(cell, float) else cell for cell in row] for row in table.rows])
    return out.getvalue().rstrip("\n")


def json_text(document: object) -> str:
    """Indented JSON."""
    return json.dumps(document, indent=2)


def records(table: Table) -> list[dict[str, object]]:
    """The rows as JSON objects: shapes as lists, exact integers; no share, which is not one."""
    return [
        {
            column: list(cell.sizes) if isinstance(cell, Shape) else cell
            for column, cell in zip(table.columns, row, strict=True)
            if not isinstance(cell, float)
        }
        for row in table.rows
    ]
