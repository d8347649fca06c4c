"""``costmodel count``: the multiply-adds and parameters of an architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from costmodel.cli.arguments import (
    CONVENTION,
    MODEL,
    POSITIVE,
    Parsed,
    answer,
    dtype_option,
    format_option,
    plot_option,
)
from costmodel.cli.model_options import ModelOptions, network_options
from costmodel.core.ledger import GROUPINGS
from costmodel.errors import CostModelError
from costmodel.report.count import CountReport

if TYPE_CHECKING:
    from pathlib import Path

    from costmodel.conventions import Convention
    from costmodel.report.formula import FormulaReport


#: What --symbolic goes with.
_OF_A_FORMULA = ("model", "alpha", "inputs", "num_classes", "choices", "symbolic", "style")


@click.command("count")
@click.argument("model", type=MODEL)
@network_options
@click.option("--batch", type=POSITIVE, default=1, show_default=True, help="Samples; parameters stay the same.")
@click.option("--by", type=click.Choice(GROUPINGS), default="block", show_default=True, help="A row of the table.")
@click.option("--depth", type=POSITIVE, help="Parts of a dotted name that make a block.  [default: 2]")
@click.option(
    "--sort", default="order", show_default=True, help="Column to sort by: numbers and shapes from the largest down."
)
@click.option(
    "--columns",
    type=Parsed("NAME,...", "costmodel.report.columns:parse_columns"),
    default=(),
    help="Columns of the table beside its first, among them read_bytes, written_bytes, weights_bytes and intensity.",
)
@dtype_option
@click.option(
    "--convention", type=CONVENTION, help="Count as a tool or paper does; `costmodel conventions` lists them."
)
@click.option(
    "--symbolic",
    type=click.Choice(["resolution", "batch"]),
    help="Print a formula instead: the cost of square images of any size that the network's stride divides; or of an"
    " ONNX file's batch of any size. A letter in --input does so too: x=1x3xRxR.",
)
@format_option
@plot_option
@click.option(
    "--plot-kind",
    "kind",
    type=click.Choice(["depth", "types"]),
    help="What --plot draws: the cost along the depth, or shares by type.  [default: depth; types with --by type]",
)
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    chosen: ModelOptions,
    batch: int,
    by: str,
    depth: int | None,
    sort: str,
    columns: tuple[str, ...],
    dtype: str,
    convention: Convention | None,
    symbolic: str | None,
    style: str,
    plot_file: Path | None,
    kind: str | None,
) -> None:
    """Count the multiply-adds and parameters of MODEL.

    MODEL is a name that `costmodel models` lists, with a variant after a colon: mobilenet_v2:scaled-head. Or it is
    MODULE:NAME: a torch.nn.Module or a Keras model of yours, or a function or class that makes one, as in
    keras.applications:MobileNetV2, or a costmodel.Network. Or it is a file: model.onnx, model.tflite, model.keras.
    """
    if depth is not None and by in ("layer", "type"):
        raise CostModelError(f"--depth={depth} says how much of a name makes a block; use it with --by block or stage")
    if symbolic is not None or any(spec.letters for spec in chosen.inputs):
        _refuse_beside_symbolic(ctx, "a letter as size" if symbolic is None else f"--symbolic {symbolic}")
        answer(_formula(model, chosen, symbolic), style)
        return
    if convention is not None and chosen.allow_uncounted:
        raise CostModelError(f"{convention.name} has no number for what is unknown; drop --allow-uncounted")
    report = CountReport(chosen.load(model), batch, by, depth or 2, sort, convention, columns, dtype)
    if dtype and not report.in_bytes:
        raise CostModelError(f"--dtype={dtype} is of columns in bytes; ask for them, as in --columns read_bytes")
    if plot_file is not None and convention is not None:
        raise CostModelError(f"--plot draws multiply-adds, not what {convention.name} counts; drop one of them")
    if plot_file is not None:
        report.table()  # whatever is wrong with it is said before there is a file
        _draw(report, kind or ("types" if by == "type" else "depth"), plot_file)
    elif kind is not None:
        raise CostModelError(f"--plot-kind={kind} says what --plot draws; add --plot FILE.png")
    answer(report, style)


def _formula(model: str, chosen: ModelOptions, symbolic: str | None) -> FormulaReport:
    from costmodel.report.formula import FormulaReport

    if symbolic == "batch":
        from costmodel.scaling.closed_form.over_letter import over_batch

        return FormulaReport(over_batch(model, chosen.inputs, chosen.choices))
    from costmodel.scaling.closed_form.over_resolutions import over_resolutions

    return FormulaReport(over_resolutions(model, chosen.inputs, chosen.choices))


def _refuse_beside_symbolic(ctx: click.Context, asked: str) -> None:
    for parameter in ctx.command.params:
        given = ctx.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name not in _OF_A_FORMULA:
            option = parameter.opts[0]
            raise CostModelError(f"{asked} prints a formula, to which {option} does not apply; drop one")


def _draw(report: CountReport, kind: str, plot_file: Path) -> None:
    from costmodel.report import plots

    if kind == "types":
        plots.save(plots.types(report.network), plot_file)
    else:
        by = "block" if report.by == "type" else report.by
        plots.save(plots.depth(report.network, by, report.depth, report.batch), plot_file)
