"""``costmodel receptive-field``: what part of the input each operation sees."""

from __future__ import annotations

import click

from costmodel.cli.arguments import MODEL, answer, format_option
from costmodel.cli.model_options import ModelOptions, network_options
from costmodel.report.receptive_field import ReceptiveFieldReport


@click.command("receptive-field")
@click.argument("model", type=MODEL)
@network_options
@format_option
def command(model: str, chosen: ModelOptions, style: str) -> None:
    """Tell what part of the input one position of each operation of MODEL sees.

    MODEL is named as for `costmodel count`. Where all positions are seen (a global pool, attention), or the paths
    into an operation do not align, there is no such part, and the reason is said.

    \b
    costmodel receptive-field resnet50
    costmodel receptive-field mobilenet_v1 --format csv
    """
    answer(ReceptiveFieldReport(chosen.load(model)), style)
