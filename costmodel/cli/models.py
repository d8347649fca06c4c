"""``costmodel models``: what costmodel knows by name."""

from __future__ import annotations

import click

from costmodel.architectures import architectures
from costmodel.report import models


@click.command("models")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(style: str) -> None:
    """List the architectures, with their variants and defaults."""
    print(models.json(architectures()) if style == "json" else models.text(architectures()))
