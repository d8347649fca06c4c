"""``costmodel count``: the multiply-adds and parameters of an architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costmodel.adapters import Input, open_model
from costmodel.checks import CostModelError
from costmodel.cli.arguments import CHOICE, CONVENTION, INPUT, POSITIVE, answer, format_option, plot_option
from costmodel.ledger import GROUPINGS
from costmodel.report.count import CountReport

if TYPE_CHECKING:
    from pathlib import Path

    from costmodel.conventions import Convention


@click.command("count")
@click.argument("model")
@click.option("--alpha", type=float, help="Width multiplier.")
@click.option("--resolution", type=POSITIVE, help="Height and width of the input.")
@click.option(
    "--input",
    "inputs",
    type=INPUT,
    multiple=True,
    help="One sample of the input, as in 3x192x256; 128:int64 for indices. Once for each input of a module of yours.",
)
@click.option("--kwargs", "choices", type=CHOICE, multiple=True, help="An argument of a function of yours: width=0.5.")
@click.option("--allow-uncounted", is_flag=True, help="Count on where an operator of a module is unknown, and say so.")
@click.option("--num-classes", type=POSITIVE, help="Outputs of the classifier.")
@click.option("--batch", type=POSITIVE, default=1, show_default=True, help="Samples; parameters stay the same.")
@click.option("--by", type=click.Choice(GROUPINGS), default="block", show_default=True, help="A row of the table.")
@click.option("--depth", type=POSITIVE, help="Parts of a dotted name that make a block.  [default: 2]")
@click.option(
    "--sort", default="order", show_default=True, help="Column to sort by: numbers and shapes from the largest down."
)
@click.option(
    "--convention", type=CONVENTION, help="Count as a tool or paper does; `costmodel conventions` lists them."
)
@click.option(
    "--symbolic",
    type=click.Choice(["resolution"]),
    help="Print a formula instead: the cost of square images of any size that the network's stride divides.",
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
    inputs: tuple[Input, ...],
    choices: tuple[tuple[str, object], ...],
    allow_uncounted: bool,
    num_classes: int | None,
    batch: int,
    by: str,
    depth: int | None,
    sort: str,
    convention: Convention | None,
    symbolic: str | None,
    style: str,
    picture: Path | None,
    figure: str | None,
) -> None:
    """Count the multiply-adds and parameters of MODEL.

    MODEL is a name that `costmodel models` lists, with a variant after a colon: mobilenet_v2:scaled-head. Or it is
    MODULE:NAME: a torch.nn.Module of yours, or a function or class that makes one, or a costmodel.Network.
    """
    if depth is not None and by in ("layer", "type"):
        raise CostModelError(f"--depth={depth} says how much of a name makes a block; use it with --by block or stage")
    if resolution is not None and inputs:
        raise CostModelError(f"--resolution={resolution} and --input={inputs[0]} both say the size; give one of them")
    named = {"alpha": alpha, "num_classes": num_classes, "resolution": resolution}
    given = {**dict(choices), **{name: value for name, value in named.items() if value is not None}}
    if symbolic is not None:
        _refuse_beside_symbolic(
            ("--resolution", resolution),
            ("--allow-uncounted", allow_uncounted),
            ("--batch", batch > 1),
            ("--by", by != "block"),
            ("--depth", depth),
            ("--sort", sort != "order"),
            ("--plot", picture),
            ("--figure", figure),
            ("--convention", convention),
        )
        from costmodel.adapters.dynamic import over_resolutions
        from costmodel.report.formula import FormulaReport

        answer(FormulaReport(over_resolutions(model, inputs, given)), style)
        return
    network = open_model(model, inputs, given, allow_uncounted=allow_uncounted)
    report = CountReport(network, batch, by, depth or 2, sort, convention)
    if picture is not None and convention is not None:
        raise CostModelError(f"--plot draws multiply-adds, not what {convention.name} counts; drop one of them")
    if picture is not None:
        report.table()  # whatever is wrong with it is said before there is a file
        _draw(report, figure or ("types" if by == "type" else "depth"), picture)
    elif figure is not None:
        raise CostModelError(f"--figure={figure} says what --plot draws; add --plot FILE.png")
    answer(report, style)


def _refuse_beside_symbolic(*given: tuple[str, object]) -> None:
    for option, value in given:
        if value:
            raise CostModelError(f"--symbolic resolution prints a formula, to which {option} does not apply; drop one")


def _draw(report: CountReport, figure: str, picture: Path) -> None:
    from costmodel.report import plots

    if figure == "types":
        plots.save(plots.types(report.network), picture)
    else:
        by = "block" if report.by == "type" else report.by
        plots.save(plots.depth(report.network, by, report.depth, report.batch), picture)
