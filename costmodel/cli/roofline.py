"""``costmodel roofline``: the least time that a machine needs for a network, and what binds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costmodel.analyses.roofline import devices, roofline
from costmodel.cli.arguments import POSITIVE, answer, dtype_option, format_option, plot_option
from costmodel.cli.model_options import ModelOptions, network_options
from costmodel.core.ledger import GROUPINGS
from costmodel.report.roofline import RooflineReport

if TYPE_CHECKING:
    from pathlib import Path


@click.command("roofline")
@click.argument("model")
@network_options
@click.option("--device", default="", metavar="NAME", help=f"One of {', '.join(devices())}.")
@click.option("--peak", default="", metavar="RATE", help='FLOPs a second of another machine: "82.6 TFLOPS".')
@click.option("--bandwidth", default="", metavar="RATE", help='Bytes a second that it moves: "1008 GB/s".')
@dtype_option
@click.option("--batch", type=POSITIVE, default=1, show_default=True, help="Samples; weights are read once for all.")
@click.option("--fused", is_flag=True, help="Batch norms and activations are part of the layer before them.")
@click.option("--by", type=click.Choice(GROUPINGS), default="layer", show_default=True, help="A row of the table.")
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
    style: str,
    plot_file: Path | None,
) -> None:
    """Say how long MODEL takes at least, layer by layer, and whether computing or memory binds it.

    MODEL is what `costmodel count` takes. Peaks are dense ones, without sparsity.

    \b
    costmodel roofline mobilenet_v2 --device rtx-4090 --dtype fp16 --batch 64 --by type
    costmodel roofline resnet50 --peak "82.6 TFLOPS" --bandwidth "1008 GB/s" --plot roofline.svg
    """
    network = chosen.load(model)
    found = roofline(network, device, peak=peak, bandwidth=bandwidth, dtype=dtype, batch=batch, fused=fused)
    report = RooflineReport(found, by)
    report.table()  # whatever is wrong with it is said before there is a file
    if plot_file is not None:
        from costmodel.report import plots

        plots.save(plots.roofline(found), plot_file)
    answer(report, style)
