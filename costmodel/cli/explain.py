"""``costmodel explain``: what a printed number counted."""

from __future__ import annotations

import click

from costmodel.cli.arguments import MODEL, answer, format_option
from costmodel.cli.model_options import ModelOptions, network_options
from costmodel.report.explain import ExplainReport
from costmodel.reproduction.claim import CLAIMED
from costmodel.reproduction.explain import explain
from costmodel.reproduction.hints import SOURCES, UNITS, VARIANTS


@click.command("explain")
@click.argument("model", type=MODEL)
@click.option("--claim", metavar="NUMBER", required=True, help="The number as it is printed: 233M, 4.1 GFLOPs.")
@click.option("--of", type=click.Choice(CLAIMED), help="What it is of.  [default: what its unit says; multiply_adds]")
@click.option("--tool", metavar="CONVENTION", help="The tool that printed it, as `conventions` lists them.")
@click.option("--source", type=click.Choice(SOURCES), help="What printed it, where no more is known.")
@click.option("--variant", type=click.Choice(VARIANTS), help="Any variant is as likely as the one named.")
@click.option("--unit", type=click.Choice(UNITS), help="One operation: a multiply-add, or a FLOP.")
@network_options
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    claim: str,
    of: str | None,
    tool: str | None,
    source: str | None,
    variant: str | None,
    unit: str | None,
    chosen: ModelOptions,
    style: str,
) -> None:
    """Find what a number that is printed for MODEL counted; exit status 1 where no rule fits or several do.

    Tried are parts left out, two operations a multiply-add, what tools count, batches, an M of 1024^2, and MODEL's
    variants, other numbers of classes and other resolutions (of a model of yours, not these); the result rounded or cut
    off at the last digit of the claim. What you know of the claim makes the answer surer.

    \b
    costmodel explain mobilenet_v1 --alpha 0.75 --resolution 192 --claim 233M --source paper
    costmodel explain mobilenet_v2 --claim 3.4698M --of parameters
    costmodel explain mobilenet_v2 --claim "0.32 GMac" --tool ptflops
    """
    answered = explain(chosen.load(model), claim, of, tool=tool, source=source, variant=variant, unit=unit)
    answer(ExplainReport(answered), style)
    if answered.best is None:
        ctx.exit(1)
