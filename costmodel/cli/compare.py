"""``costmodel compare``: networks side by side."""

from __future__ import annotations

import click

from costmodel.cli.arguments import BUDGET, MODEL, POSITIVE, answer, dtype_option, format_option, policy_option
from costmodel.report.compare import CompareReport
from costmodel.scaling.compare import compare


@click.command("compare")
@click.argument("models", type=MODEL, metavar="MODEL MODEL...", nargs=-1)
@click.option("--alpha", type=float, help="Width multiplier of all.")
@click.option("--resolution", type=POSITIVE, help="Height and width of the input of all.")
@click.option("--budget", type=BUDGET, help="Compare the largest alpha of each within it.")
@dtype_option
@policy_option
@format_option
def command(
    models: tuple[str, ...],
    alpha: float | None,
    resolution: int | None,
    budget: tuple[str, str] | None,
    dtype: str,
    policy: str,
    style: str,
) -> None:
    """Compare MODELs stage by stage, at one resolution or at one budget; with a type, their bytes as well.

    \b
    costmodel compare mobilenet_v1 mobilenet_v2 --resolution 160
    costmodel compare mobilenet_v1 mobilenet_v2 --budget multiply_adds=300M
    """
    comparison = compare(models, alpha=alpha, resolution=resolution, budget=budget, dtype=dtype, policy=policy)
    answer(CompareReport(comparison), style)
