"""``costmodel count``: the multiply-adds and parameters of an architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costmodel.architectures import build
from costmodel.checks import CostModelError
from costmodel.cli.arguments import POSITIVE, SHAPE, answer, format_option, plot_option
from costmodel.ledger import GROUPINGS
from costmodel.report.count import CountReport
from costmodel.values import Shape

if TYPE_CHECKING:
    from pathlib import Path


@click.command("count")
@click.argument("model")
@click.option("--alpha", type=float, help="Width multiplier.")
@click.option("--resolution", type=POSITIVE, help="Height and width of the input.")
@click.option("--input", "shape", type=SHAPE, help="Channels, height and width of the input, as in 3x192x256.")
@click.option("--num-classes", type=POSITIVE, help="Outputs of the classifier.")
@click.option("--batch", type=POSITIVE, default=1, show_default=True, help="Samples; parameters stay the same.")
@click.option("--by", type=click.Choice(GROUPINGS), default="block", show_default=True, help="A row of the table.")
@click.option("--depth", type=POSITIVE, help="Parts of a dotted name that make a block.  [default: 2]")
@click.option(
    "--sort", default="order", show_default=True, help="Column to sort by: numbers and shapes from the largest down."
)
@format_option
@plot_option
@click.option(
    "--figure",
    type=click.Choice(["depth", "types"]),
    help="What --plot draws: the cost along the depth, or shares by type.  [default: depth; types with --by type]",
)
def command(
    model: str,
    alpha: float | None,
    resolution: int | None,
    shape: Shape | None,
    num_classes: int | None,
    batch: int,
    by: str,
    depth: int | None,
    sort: str,
    style: str,
    picture: Path | None,
    figure: str | None,
) -> None:
    """Count the multiply-adds and parameters of MODEL.

    MODEL is a name that `costmodel models` lists, with a variant after a colon: mobilenet_v2:scaled-head.
    """
    if depth is not None and by in ("layer", "type"):
        raise CostModelError(f"--depth={depth} says how much of a name makes a block; use it with --by block or stage")
    choices = {"alpha": alpha, "num_classes": num_classes, **_size(resolution, shape)}
    network = build(model, **{name: value for name, value in choices.items() if value is not None})
    report = CountReport(network, batch, by, depth or 2, sort)
    if picture is not None:
        report.table()  # whatever is wrong with it is said before there is a file
        _draw(report, figure or ("types" if by == "type" else "depth"), picture)
    elif figure is not None:
        raise CostModelError(f"--figure={figure} says what --plot draws; add --plot FILE.png")
    answer(report, style)


def _draw(report: CountReport, figure: str, picture: Path) -> None:
    from costmodel.report import plots

    if figure == "types":
        plots.save(plots.types(report.network), picture)
    else:
        by = "block" if report.by == "type" else report.by
        plots.save(plots.depth(report.network, by, report.depth, report.batch), picture)


def _size(resolution: int | None, shape: Shape | None) -> dict[str, int | tuple[int, ...] | None]:
    if shape is None:
        return {"resolution": resolution}
    if resolution is not None:
        raise CostModelError(f"--resolution={resolution} and --input={shape} both say the size; give one of them")
    if len(shape.spatial) != 2:
        raise CostModelError(
            f"--input={shape} has {len(shape.spatial)} spatial sizes, an image has 2; write CxHxW, as in 3x224x224"
        )
    height, width = shape.spatial
    return {"in_channels": shape.channels, "resolution": height if height == width else (height, width)}
