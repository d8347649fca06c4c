"""``costmodel report``: a page about a model, or about two, that one attaches to a review."""

from __future__ import annotations

import os

import click

from costmodel.cli.arguments import MODEL
from costmodel.cli.model_options import ModelOptions, network_options
from costmodel.errors import CostModelError
from costmodel.files import write_whole
from costmodel.report.review.page import page


@click.command("report")
@click.argument("models", type=MODEL, metavar="MODEL [MODEL]", nargs=-1, required=True)
@network_options
@click.option("-o", "--output", "path", required=True, metavar="FILE.html", help="Where to write the page.")
def command(models: tuple[str, ...], chosen: ModelOptions, path: str) -> None:
    """Write a page about MODEL, or about two side by side with what changed from the first to the second.

    One self-contained file: numbers, cost and memory and receptive field along the depth, a table of operations that
    sorts, filters and folds, what papers and tools would print, and what is not counted. MODEL is what `costmodel
    count` takes; the options are for both. It reads without JavaScript too.

    \b
    costmodel report mobilenet_v2 --resolution 192 -o report.html
    costmodel report mobilenet_v1 mobilenet_v2 -o report.html
    """
    if len(models) > 2:
        raise CostModelError(f"a report is of one model or of two, {len(models)} given; compare takes more")
    if os.path.splitext(path)[1].lower() not in (".html", ".htm"):
        raise CostModelError(f"{path} would be a page for a browser; end it in .html")
    write_whole(path, page([chosen.load(model) for model in models]).encode())
    click.echo(f"Wrote {path}: open it in a browser.")
