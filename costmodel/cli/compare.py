"""``costmodel compare``: networks side by side."""

from __future__ import annotations

import click

from costmodel.cli.arguments import BUDGET, POSITIVE, answer, format_option
from costmodel.report.compare import CompareReport
from costmodel.scaling.compare import compare


@click.command("compare")
@click.argument("models", metavar="MODEL MODEL...", nargs=-1)
@click.option("--alpha", type=float, help="Width multiplier of all.")
@click.option("--resolution", type=POSITIVE, help="Height and width of the input of all.")
@click.option("--budget", type=BUDGET, help="Compare the largest alpha of each within it.")
@format_option
def command(
    models: tuple[str, ...], alpha: float | None, resolution: int | None, budget: tuple[str, int] | None, style: str
) -> None:
    """Compare MODELs stage by stage, at one resolution or at one budget.

    \b
    costmodel compare mobilenet_v1 mobilenet_v2 --resolution 160
    costmodel compare mobilenet_v1 mobilenet_v2 --budget multiply_adds=300M
    """
    answer(CompareReport(compare(models, alpha=alpha, resolution=resolution, budget=budget)), style)
