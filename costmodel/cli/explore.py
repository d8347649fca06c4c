"""``costmodel explore``: a page of sliders over the exact cost of every architecture."""

from __future__ import annotations

import os

import click

from costmodel.cli.progress import each
from costmodel.errors import CostModelError
from costmodel.files import write_whole
from costmodel.report.explore.page import drawable, page
from costmodel.scaling.tables import tables


@click.command("explore")
@click.option("-o", "--output", "path", required=True, metavar="FILE.html", help="Where to write the page.")
def command(path: str) -> None:
    """Write a page of sliders: architecture, alpha, resolution and classes, and what that network costs, exactly.

    One self-contained file for a browser, without server and network. It shows multiply-adds, parameters and peak
    memory, the share of each stage, published accuracies, one layer beside the separable one in its place, and the
    command that prints the same figures.

    \b
    costmodel explore -o explore.html
    """
    if os.path.splitext(path)[1].lower() not in (".html", ".htm"):
        raise CostModelError(f"{path} would be a page for a browser; end it in .html")
    text = page([tables(name) for name in each(drawable(), "counting")])
    write_whole(path, text.encode())
    click.echo(f"Wrote {path}: open it in a browser.")
