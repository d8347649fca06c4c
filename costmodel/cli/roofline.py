"""``costmodel roofline``: the least time that a machine needs for a network, and what binds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costmodel.analyses.roofline import Roofline, bounded, devices, own_dtype, roofline
from costmodel.cli.arguments import MODEL, POSITIVE, answer, dtype_option, format_option, plot_option
from costmodel.cli.model_options import ModelOptions, network_options
from costmodel.cli.progress import each
from costmodel.core.graph import Node
from costmodel.core.ledger import GROUPINGS
from costmodel.core.network import Network
from costmodel.errors import CostModelError, missing_package
from costmodel.report.roofline import RooflineReport

if TYPE_CHECKING:
    from pathlib import Path


@click.command("roofline")
@click.argument("model", type=MODEL)
@network_options
@click.option("--device", default="", metavar="NAME", help=f"One of {', '.join(devices())}.")
@click.option("--peak", default="", metavar="RATE", help='FLOPs a second of another machine: "82.6 TFLOPS".')
@click.option("--bandwidth", default="", metavar="RATE", help='Bytes a second that it moves: "1008 GB/s".')
@dtype_option
@click.option("--batch", type=POSITIVE, default=1, show_default=True, help="Samples; weights are read once for all.")
@click.option("--fused", is_flag=True, help="Batch norms and activations are part of the layer before them.")
@click.option("--by", type=click.Choice(GROUPINGS), default="layer", show_default=True, help="A row of the table.")
@click.option("--measure", is_flag=True, help="Fit this machine, and run each layer on it with PyTorch.")
@click.option("--repeat", type=POSITIVE, help="Runs of which --measure takes the fastest.  [default: 10]")
@format_option
@plot_option
def command(
    model: str,
    chosen: ModelOptions,
    device: str,
    peak: str,
    bandwidth: str,
    dtype: str,
    batch: int,
    fused: bool,
    by: str,
    measure: bool,
    repeat: int | None,
    style: str,
    plot_file: Path | None,
) -> None:
    """Say how long MODEL takes at least, layer by layer, and whether computing or memory binds it.

    With --measure, the machine is this one: its peak and bandwidth are those of a few convolutions and copies, and
    each layer is run beside its bound. Needs PyTorch: pip install torch

    MODEL is what `costmodel count` takes. Peaks are dense ones, without sparsity.

    \b
    costmodel roofline mobilenet_v2 --device rtx-4090 --dtype fp16 --batch 64 --by type
    costmodel roofline resnet50 --peak "82.6 TFLOPS" --bandwidth "1008 GB/s" --plot roofline.svg
    costmodel roofline mobilenet_v2 --measure --by type
    """
    if repeat is not None and not measure:
        raise CostModelError(f"--repeat={repeat} says how often --measure runs a layer; add --measure")
    if measure:
        _refuse_beside_measure(device=device, peak=peak, bandwidth=bandwidth, fused=fused)
        bounds, measured = _measured(chosen.load(model), dtype, batch, repeat or 10)
    else:
        network, measured = chosen.load(model), {}
        bounds = roofline(network, device, peak=peak, bandwidth=bandwidth, dtype=dtype, batch=batch, fused=fused)
    report = RooflineReport(bounds, by, measured)
    report.table()  # whatever is wrong with it is said before there is a file
    if plot_file is not None:
        from costmodel.report import plots

        plots.save(plots.roofline(bounds, measured), plot_file)
    answer(report, style)


def _refuse_beside_measure(**given: object) -> None:
    for option, value in given.items():
        if value:
            raise CostModelError(f"--measure fits this machine and runs each operation alone; leave out --{option}")


def _measured(network: Network, dtype: str, batch: int, repeat: int) -> tuple[Roofline, dict[Node, float]]:
    """The bounds of this machine, and what layers took on it; a bar on the standard error, where somebody watches."""
    try:
        from costmodel.analyses.measure import this_machine, times_of
    except ModuleNotFoundError as missing:
        raise missing_package("--measure", missing.name) from None
    kind = dtype or own_dtype(network)
    machine = this_machine(kind, repeat)
    measured = times_of(each(network.ledger.operations, "running"), kind, batch, repeat)
    return bounded(network, machine, dtype, batch), measured
