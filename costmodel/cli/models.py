"""``costmodel models``: what costmodel knows by name."""

from __future__ import annotations

import sys

import click

from costmodel.cli.arguments import on_a_terminal
from costmodel.models.registry import Architecture, architecture, architectures, check_variant
from costmodel.report import models


@click.command("models")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(names: tuple[str, ...], style: str) -> None:
    """List the architectures with their variants and defaults, or say more of those named."""
    found = [_named(name) for name in names] or list(architectures())
    if style == "json":
        print(models.json(found))
    elif names:
        print("\n\n".join(map(models.details, found)))
    else:
        print(models.overview(found, on_a_terminal(sys.stdout)))


def _named(name: str) -> Architecture:
    base, _, variant = name.partition(":")
    found = architecture(base)
    check_variant(base, variant, found.variants)
    return found
