"""``costmodel conventions``: what every paper and tool would print for a network."""

from __future__ import annotations

import click

from costmodel.cli.arguments import MODEL, POSITIVE, answer, format_option
from costmodel.cli.model_options import ModelOptions, network_options
from costmodel.errors import CostModelError
from costmodel.report.conventions import ConventionsReport, ReferenceReport


@click.command("conventions")
@click.argument("model", type=MODEL, required=False)
@network_options
@click.option("--batch", type=POSITIVE, default=1, show_default=True, help="Samples; parameters stay the same.")
@format_option
def command(model: str | None, chosen: ModelOptions, batch: int, style: str) -> None:
    """Say what every paper and tool would print for MODEL, and why: itemized against the paper's multiply-adds.

    Without MODEL: what each of them counts, and where that is written.

    \b
    costmodel conventions mobilenet_v2
    costmodel conventions llama2_7b --sequence 8192 --batch 4
    costmodel conventions mypackage.models:net --input 3x224x224
    """
    if model is None:
        if chosen or batch > 1:
            raise CostModelError("name a model to count; without one, only --format is of use")
        answer(ReferenceReport(), style)
        return
    answer(ConventionsReport(chosen.load(model), batch), style)
