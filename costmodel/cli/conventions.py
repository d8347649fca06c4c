"""``costmodel conventions``: what every paper and tool would print for a network."""

from __future__ import annotations

import click

from costmodel.adapters import Input, open_model
from costmodel.checks import CostModelError
from costmodel.cli.arguments import CHOICE, INPUT, POSITIVE, answer, format_option
from costmodel.report.conventions import ConventionsReport, ReferenceReport


@click.command("conventions")
@click.argument("model", required=False)
@click.option("--alpha", type=float, help="Width multiplier.")
@click.option("--resolution", type=POSITIVE, help="Height and width of the input.")
@click.option("--input", "inputs", type=INPUT, multiple=True, help="One sample of the input, as in 3x192x256.")
@click.option("--kwargs", "choices", type=CHOICE, multiple=True, help="An argument of a function of yours: width=0.5.")
@click.option("--num-classes", type=POSITIVE, help="Outputs of the classifier.")
@click.option("--batch", type=POSITIVE, default=1, show_default=True, help="Samples; parameters stay the same.")
@format_option
def command(
    model: str | None,
    alpha: float | None,
    resolution: int | None,
    inputs: tuple[Input, ...],
    choices: tuple[tuple[str, object], ...],
    num_classes: int | None,
    batch: int,
    style: str,
) -> None:
    """Say what every paper and tool would print for MODEL, and why: itemised against the paper's multiply-adds.

    Without MODEL: what each of them counts, and where that is written.

    \b
    costmodel conventions mobilenet_v2
    costmodel conventions mypackage.models:net --input 3x224x224
    """
    named = {"alpha": alpha, "num_classes": num_classes, "resolution": resolution}
    given = {**dict(choices), **{name: value for name, value in named.items() if value is not None}}
    if model is None:
        if given or inputs or batch > 1:
            raise CostModelError("name a model to count; without one, only --format is of use")
        answer(ReferenceReport(), style)
        return
    if resolution is not None and inputs:
        raise CostModelError(f"--resolution={resolution} and --input={inputs[0]} both say the size; give one of them")
    answer(ConventionsReport(open_model(model, inputs, given), batch), style)
