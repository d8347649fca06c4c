"""``costmodel explain``: what a printed number counted."""

from __future__ import annotations

import click

from costmodel.cli.arguments import answer, format_option
from costmodel.cli.model_options import ModelOptions, network_options
from costmodel.report.explain import ExplainReport
from costmodel.reproduction.claim import CLAIMED
from costmodel.reproduction.explain import explain


@click.command("explain")
@click.argument("model")
@click.option("--claim", metavar="NUMBER", required=True, help="The number as it is printed: 233M, 4.1 GFLOPs.")
@click.option("--of", type=click.Choice(CLAIMED), help="What it is of.  [default: what its unit says; multiply_adds]")
@network_options
@format_option
@click.pass_context
def command(ctx: click.Context, model: str, claim: str, of: str | None, chosen: ModelOptions, style: str) -> None:
    """Find what a number that is printed for MODEL counted; exit status 1 where no rule fits.

    Tried are parts left out, two operations a multiply-add, what tools count, and MODEL's variants, other numbers of
    classes and other resolutions (of a model of yours, the parts and the tools alone); the result rounded or cut off at
    the last digit of the claim.

    \b
    costmodel explain mobilenet_v1 --alpha 0.75 --resolution 192 --claim 233M
    costmodel explain mobilenet_v2 --claim 3.47M --of parameters
    """
    answered = explain(chosen.load(model), claim, of)
    answer(ExplainReport(answered), style)
    if answered.best is None:
        ctx.exit(1)
