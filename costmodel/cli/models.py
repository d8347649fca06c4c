"""``costmodel models``: what costmodel knows by name."""

from __future__ import annotations

import click

from costmodel.cli.arguments import answer, format_option
from costmodel.models.registry import Architecture, architecture, architectures, check_variant
from costmodel.report.models import ModelsReport


@click.command("models")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@format_option
def command(names: tuple[str, ...], style: str) -> None:
    """List the architectures with their variants and defaults, or say more of those named."""
    chosen = [_named(name) for name in names] or list(architectures())
    answer(ModelsReport(chosen, named=bool(names)), style)


def _named(name: str) -> Architecture:
    base, _, variant = name.partition(":")
    named = architecture(base)
    check_variant(base, variant, named.variants)
    return named
