"""``costmodel sweep``: the cost of every design of a grid."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from costmodel.cli.arguments import (
    BUDGET,
    STYLES,
    answer,
    dtype_option,
    formats,
    options,
    plot_option,
    policy_option,
    rows_options,
)
from costmodel.cli.model_options import given_of
from costmodel.cli.progress import progress
from costmodel.errors import CostModelError
from costmodel.files import write_whole
from costmodel.models.registry import spelled
from costmodel.report.summary import SummaryReport
from costmodel.report.sweep import SweepReport, file_suffix
from costmodel.scaling.summary.run import summarize
from costmodel.scaling.sweep import sweep

if TYPE_CHECKING:
    from pathlib import Path

    import pandas

_VALUES = "VALUES"


_summary_options = options(
    click.option("--summary", "summary", is_flag=True, help="A summary of a grid of any size, in constant memory."),
    click.option("--max", "limits", type=BUDGET, multiple=True, help="Of --summary: those within this budget alone."),
    click.option("--best", type=click.IntRange(0), metavar="N", help="Of --summary: the N largest.  [default: 10]"),
    click.option("--checkpoint", metavar="FILE", help="Of --summary: write the state here; go on from it."),
    click.option("--workers", type=click.IntRange(1), metavar="N", help="Of --summary: count in N processes."),
    click.option("--dask", metavar="tcp://HOST:PORT", help="Of --summary: count on a Dask cluster."),
)


@click.command("sweep", context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="MODEL...", nargs=-1)
@click.option("--alpha", metavar=_VALUES, help="Width multipliers.")
@click.option("--resolution", metavar=_VALUES, help="Heights and widths of the input.")
@click.option("--num-classes", metavar=_VALUES, help="Outputs of the classifier.")
@click.option("--in-channels", metavar=_VALUES, help="Channels of the input.")
@click.option("--variant", metavar=_VALUES, help="Variants, as `costmodel models NAME` lists them.")
@dtype_option
@policy_option
@rows_options
@click.option("-o", "--output", "path", metavar="FILE", help="Write a .csv, .parquet, .json or .md file instead.")
@formats(*STYLES, default=None)
@_summary_options
@plot_option
@click.option(
    "--plot-kind",
    "kind",
    type=click.Choice(["accuracy", "parameters", "peak_memory", "size", "contour", "time"]),
    help="What --plot draws: accuracy against multiply-adds or what is named; their contour; measured time."
    "  [default: accuracy]",
)
@click.option("--point", "points", multiple=True, metavar="NAME:COST:TOP1", help="Of --plot: a design of your own.")
def command(
    words: tuple[str, ...],
    path: str | None,
    style: str | None,
    plot_file: Path | None,
    kind: str | None,
    points: tuple[str, ...],
    dtype: str,
    policy: str,
    summary: bool,
    limits: tuple[tuple[str, str], ...],
    best: int | None,
    checkpoint: str | None,
    workers: int | None,
    dask: str | None,
    **given: str | None,
) -> None:
    """Count every combination of the VALUES of some arguments: a row a design.

    VALUES are a list (0.5,0.75,1.0) or start:stop:step with both ends (0.25:1.4:0.05). Any other argument of a MODEL
    is an axis too: --groups 1,2,3. A MODEL is a name, NAME:VARIANT, or MODULE:FUNCTION, a function of yours. With
    --dtype there are columns of the peak memory and of the size, in bytes.

    \b
    costmodel sweep mobilenet_v1 --alpha 0.25:1.4:0.05 --resolution 96:320:32 -o grid.csv
    costmodel sweep mobilenet_v1 mobilenet_v2 --alpha 0.5,0.75,1.0 --resolution 128:224:32 --plot tradeoff.svg
    costmodel sweep mobilenet_v2 --alpha 0.25:1.4:0.000001 --resolution 96:960:1 --summary --checkpoint state.json
    """
    models, axes = _read(words, given_of(given))
    if not models:
        raise CostModelError("name a model to sweep, as in costmodel sweep mobilenet_v2; `costmodel models` lists them")
    if path is not None and style is not None:
        raise CostModelError(f"--format={style} is for the screen; the suffix of {path} says what the file holds")
    if plot_file is None and kind is not None:
        raise CostModelError(f"--plot-kind={kind} says what --plot draws; add --plot FILE.png")
    if plot_file is None and points:
        raise CostModelError(f"--point={points[0]} is of a plot; add --plot FILE.png")
    suffix = None if path is None else file_suffix(path)
    of_summary = {"most": dict(limits), "best": best, "checkpoint": checkpoint, "workers": workers, "dask": dask}
    asked: dict[str, Any] = {name: value for name, value in of_summary.items() if value not in (None, {})}
    if len(dict(limits)) < len(limits):
        raise CostModelError("--max names a quantity twice; give each once")
    if summary:
        if path is not None or plot_file is not None:
            raise CostModelError("--summary keeps no row a design to write or draw; leave out --output and --plot")
        asked |= axes
        with progress("counting") as counting:
            counted = summarize(models, progress=counting, dtype=dtype, policy=policy, **asked)
        answer(SummaryReport(counted), style or "text")
        return
    if asked:
        option = "max" if "most" in asked else next(iter(asked))
        raise CostModelError(f"--{option} is of a summary; add --summary")
    report = SweepReport(_with_a_bar(models, axes, dtype, policy))
    if plot_file is not None:
        _draw(report, kind or "accuracy", points, plot_file)
    if path is not None and suffix is not None:
        write_whole(path, report.file(suffix))
    elif plot_file is None or style is not None:
        answer(report, style or "text")
        return
    written = " and ".join(str(file) for file in (path, plot_file) if file is not None)
    print(f"{report.lines()[0]}; written to {written}")


def _draw(report: SweepReport, kind: str, points: Sequence[str], plot_file: Path) -> None:
    from costmodel.report import plots

    plots.save(plots.of_sweep(report.frame, kind, points), plot_file)
    names = plots.unmeasured(report.frame) if kind not in ("contour", "time") else []
    if names:
        print(f"No accuracy is published for {', '.join(names)}: marked on the axis of cost.", file=sys.stderr)


def _read(words: Sequence[str], axes: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Models and axes: options that click does not know are arguments of a model."""
    models = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            models.append(spelled(word))
            continue
        option, equals, text = word.partition("=")
        name = option.removeprefix("--").replace("-", "_")
        if not word.startswith("--") or not name.isidentifier():
            raise click.UsageError(f"No such option {option!r}.")
        if not equals and (text := next(rest, "")) == "":
            raise click.UsageError(f"Option {option!r} requires values, as in {option} 1,2,3.")
        if name in axes:
            raise click.UsageError(f"Option {option!r} is given twice; separate its values by commas.")
        axes[name] = text
    return models, axes


def _with_a_bar(models: list[str], axes: dict[str, str], dtype: str, policy: str) -> pandas.DataFrame:
    with progress("counting") as report:
        return sweep(models, progress=report, dtype=dtype, policy=policy, **axes)
