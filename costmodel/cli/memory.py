"""``costmodel memory``: the peak of the memory that activations take, and where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costmodel.analyses.memory import memory
from costmodel.cli.arguments import MODEL, answer, dtype_option, format_option, plot_option, policy_option
from costmodel.cli.model_options import ModelOptions, network_options
from costmodel.report.memory import MemoryReport

if TYPE_CHECKING:
    from pathlib import Path


@click.command("memory")
@click.argument("model", type=MODEL)
@network_options
@dtype_option
@policy_option
@click.option("--best-order", is_flag=True, help="Search for the order of operations that has the lowest peak.")
@format_option
@plot_option
def command(
    model: str,
    chosen: ModelOptions,
    dtype: str,
    policy: str,
    best_order: bool,
    style: str,
    plot_file: Path | None,
) -> None:
    """Say how much memory the activations of MODEL take at most, at which operation, and what is alive there.

    MODEL is what `costmodel count` takes. A policy says what shares memory: engines differ.

    \b
    costmodel memory mobilenet_v2 --dtype int8
    costmodel memory mobilenet_v2 --dtype int8 --policy in-place --plot memory.svg
    """
    usage = memory(chosen.load(model), dtype, policy, best_order)
    report = MemoryReport(usage)
    report.lines()  # whatever is wrong with it is said before there is a file
    if plot_file is not None:
        from costmodel.report import plots

        plots.save(plots.memory(usage), plot_file)
    answer(report, style)
