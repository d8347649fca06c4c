"""``costmodel formula``: the cost of an architecture as a closed form in alpha and the resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from costmodel.capture.input_spec import InputSpec
from costmodel.cli.arguments import CHOICE, INPUT, MODEL, answer, formats
from costmodel.errors import CostModelError, nearest
from costmodel.loading import is_network_file
from costmodel.models.registry import FAMILIES, architecture, names
from costmodel.report.formula import FormulaReport
from costmodel.report.separable import SeparableReport
from costmodel.scaling.closed_form.derive import closed_form
from costmodel.scaling.closed_form.form import ClosedForm
from costmodel.scaling.closed_form.over_resolutions import over_resolutions
from costmodel.scaling.closed_form.separable import separable_steps

_SEPARABLE = "separable"


@click.command("formula")
@click.argument("model", type=MODEL)
@click.option("--alpha", type=float, help="Fix the width multiplier, its rounding and all: a form in rho alone.")
@click.option(
    "--input", "inputs", type=INPUT, multiple=True, help="One sample of the input of a module of yours: 3x224x224."
)
@click.option("--kwargs", "choices", type=CHOICE, multiple=True, help="An argument of a function of yours: width=0.5.")
@click.option("--by", type=click.Choice(["term", "layer"]), help="A row of the table.  [default: term]")
@formats("text", "latex", "python", note="; python is a function to paste and run")
def command(
    model: str,
    alpha: float | None,
    inputs: tuple[InputSpec, ...],
    choices: tuple[tuple[str, object], ...],
    by: str | None,
    style: str,
) -> None:
    """Print the cost of MODEL as an exact closed form in alpha and the resolution, or in the tokens of a sequence.

    MODEL is a name that `costmodel models` lists; MODULE:NAME of something of yours, as `costmodel count` takes it; or
    `separable`: why a depthwise separable convolution costs 1/N + 1/K^2 of a standard one.

    \b
    costmodel formula mobilenet_v1
    costmodel formula mobilenet_v2 --alpha 0.35 --format python
    costmodel formula llama2_7b
    costmodel formula separable --format latex
    """
    if by is not None and (style != "text" or model == _SEPARABLE):
        raise CostModelError(f"--by={by} says what a row of the text is; leave it out here")
    if model == _SEPARABLE:
        if alpha is not None or inputs or choices:
            raise CostModelError("separable is one layer of any size; leave out --alpha, --input and --kwargs")
        report: FormulaReport | SeparableReport = SeparableReport(separable_steps())
    else:
        report = FormulaReport(_form(model, alpha, inputs, dict(choices)), by or "term")
    answer(report, style)


def _form(model: str, alpha: float | None, inputs: Sequence[InputSpec], choices: Mapping[str, object]) -> ClosedForm:
    if ":" not in model and model not in FAMILIES and not is_network_file(model):
        near = nearest(model, [_SEPARABLE, *names()])
        raise CostModelError(f"no model is called {model!r}; {near}`costmodel models` lists them all")
    reads_tokens = model in FAMILIES and "sequence" in architecture(model).choices
    if model.partition(":")[0] in FAMILIES and not inputs and not reads_tokens:
        return closed_form(model, alpha, **choices)
    return over_resolutions(model, inputs, {**choices, **({} if alpha is None else {"alpha": alpha})})
