"""``costmodel training``: what a step of training costs, and whether it fits into memory."""

from __future__ import annotations

from fractions import Fraction

import click

from costmodel.analyses.optimizers import OPTIMIZERS, optimizer_named
from costmodel.analyses.roofline import named_machine, own_dtype
from costmodel.analyses.training import largest_batch, training
from costmodel.cli.arguments import BUDGET, MODEL, POSITIVE, Parsed, answer, dtype_option, format_option
from costmodel.cli.model_options import ModelOptions, network_options
from costmodel.errors import CostModelError
from costmodel.quantities import parse_seconds
from costmodel.report.training import TrainingReport


@click.command("training")
@click.argument("model", type=MODEL)
@network_options
@click.option("--batch", type=POSITIVE, help="Samples of a step.  [default: 1, or the most that --max allows]")
@dtype_option
@click.option(
    "--optimizer",
    type=Parsed("NAME", lambda text: optimizer_named(text).name),
    default="adamw",
    show_default=True,
    help=f"One of {', '.join(OPTIMIZERS)}.",
)
@click.option("--checkpoint", type=click.Choice(["block"]), help="Run each block again instead of keeping its values.")
@click.option("--depth", type=POSITIVE, help="Parts of a dotted name that make a block.  [default: 2]")
@click.option("--max", "most", type=BUDGET, help="Find the largest batch: peak_memory=24GB.")
@click.option("--step-time", type=Parsed("TIME", parse_seconds), help="What a step took, as in 0.31s; with --device.")
@click.option("--device", default="", metavar="NAME", help="Say what share of its peak a step reaches.")
@format_option
def command(
    model: str,
    chosen: ModelOptions,
    batch: int | None,
    dtype: str,
    optimizer: str,
    checkpoint: str | None,
    depth: int | None,
    most: tuple[str, str] | None,
    step_time: Fraction | None,
    device: str,
    style: str,
) -> None:
    """Say what a step of training MODEL costs: multiply-adds forward and backward, and the bytes it must hold.

    MODEL is what `costmodel count` takes. With a --dtype of 16 bits, the optimizer keeps the weights in fp32 as well.

    \b
    costmodel training mobilenet_v2 --batch 32
    costmodel training vit_b_16 --dtype bf16 --max peak_memory=24GB
    costmodel training gpt2 --batch 8 --dtype bf16 --step-time 0.31s --device a100-sxm-80gb
    """
    if depth is not None and checkpoint is None:
        raise CostModelError(f"--depth={depth} says what a block is, for --checkpoint block; add that")
    if (step_time is None) != (not device):
        raise CostModelError("--step-time and --device belong together: a share is of a device's peak; give both")
    if batch is not None and most is not None:
        raise CostModelError(f"--max looks for the largest batch, and --batch={batch} gives one; drop one of them")
    network = chosen.load(model)
    machine = named_machine(device, dtype or own_dtype(network)) if device else None
    if most is not None:
        step = largest_batch(network, *most, dtype, optimizer, checkpoint or "", depth or 2)
    else:
        step = training(network, batch or 1, dtype, optimizer, checkpoint or "", depth or 2)
    answer(TrainingReport(step, machine, step_time or Fraction(0)), style)
