"""``costmodel compare``: networks side by side."""

from __future__ import annotations

import click

from costmodel.capture.input_spec import InputSpec
from costmodel.cli.arguments import BUDGET, INPUT, MODEL, POSITIVE, answer, dtype_option, format_option, policy_option
from costmodel.report.compare import CompareReport
from costmodel.scaling.compare import compare


@click.command("compare")
@click.argument("models", type=MODEL, metavar="MODEL MODEL...", nargs=-1)
@click.option("--alpha", type=float, help="Width multiplier of all.")
@click.option("--resolution", type=POSITIVE, help="Height and width of the input of all.")
@click.option("--input", "inputs", type=INPUT, multiple=True, help="One sample of all, as `costmodel count` takes it.")
@click.option("--budget", type=BUDGET, help="Compare the largest alpha of each within it.")
@dtype_option
@policy_option
@format_option
def command(
    models: tuple[str, ...],
    alpha: float | None,
    resolution: int | None,
    inputs: tuple[InputSpec, ...],
    budget: tuple[str, str] | None,
    dtype: str,
    policy: str,
    style: str,
) -> None:
    """Compare MODELs stage by stage, at one resolution or at one budget; with a type, their bytes as well.

    \b
    costmodel compare mobilenet_v1 mobilenet_v2 --resolution 160
    costmodel compare mynet:Net resnet18 --input 3x224x224
    costmodel compare mobilenet_v1 mobilenet_v2 --budget multiply_adds=300M
    """
    comparison = compare(
        models, alpha=alpha, resolution=resolution, inputs=inputs, budget=budget, dtype=dtype, policy=policy
    )
    answer(CompareReport(comparison), style)
