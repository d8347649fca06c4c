"""``costmodel verify``: check an architecture against its PyTorch module on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from costmodel.capture.input_spec import InputSpec
from costmodel.cli.arguments import INPUT, MODEL, answer, format_option
from costmodel.cli.model_options import alpha_option, classes_option, given_of, resolution_option, sequence_option
from costmodel.cli.progress import each
from costmodel.conventions import under
from costmodel.errors import CostModelError, missing_package
from costmodel.loading import code_of_the_user, load, load_with, module_of
from costmodel.models.registry import names
from costmodel.report.verify import KerasReport, ToolReport, VerifyAllReport, VerifyReport
from costmodel.reproduction.keras_models import KERAS_MODELS, KerasResult, against_keras
from costmodel.reproduction.verification import TOOLS, ToolResult, VerificationResult, compare


@click.command("verify")
@click.argument("model", type=MODEL, required=False)
@click.option("--all", "everything", is_flag=True, help="Every model and variant at its defaults, a row each.")
@click.option(
    "--against",
    type=click.Choice(("pytorch", "keras", *TOOLS)),
    default="pytorch",
    show_default=True,
    help="An implementation: a module of PyTorch, run and counted by fvcore, or keras.applications. Or a tool, whose"
    " figure for MODEL, a module of yours too, must be the one that its convention here gives.",
)
@click.option("--input", "inputs", type=INPUT, multiple=True, help="One sample, as `costmodel count` takes it.")
@alpha_option
@resolution_option
@sequence_option
@classes_option
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str | None,
    everything: bool,
    against: str,
    inputs: tuple[InputSpec, ...],
    style: str,
    **named: float | None,
) -> None:
    """Build MODEL in PyTorch, run it, and compare every operation; exit status 1 on a difference.

    Needs PyTorch and fvcore: pip install torch fvcore; and --against keras: pip install keras torch
    """
    given = given_of(named)
    if inputs and against not in TOOLS:
        raise CostModelError(f"--input={inputs[0]} is for --against {' and '.join(TOOLS)}; an architecture has its own")
    if everything:
        if against in TOOLS:
            raise CostModelError(f"--all is for pytorch and keras; name the model to compare with {against}")
        if model or given:
            raise CostModelError("--all takes every model at its defaults; leave out the model and its choices")
        if against == "keras":
            equal = _print_all([against_keras(name, {}) for name in each(list(KERAS_MODELS), "verifying")], style)
        else:
            _references()
            equal = _print_all([_verify(name, {}) for name in each(names(), "verifying")], style)
    elif model is None:
        raise CostModelError("name a model, or --all for every one; `costmodel models` lists them")
    elif against in TOOLS:
        checked = _against_tool(against, model, given, inputs)
        answer(ToolReport(checked), style)
        equal = checked.equal
    elif against == "keras":
        beside_keras = against_keras(model, given)
        answer(KerasReport(beside_keras), style)
        equal = beside_keras.difference is None
    else:
        result = _verify(model, given)
        answer(VerifyReport(result), style)
        equal = result.difference is None
    if not equal:
        ctx.exit(1)


def _print_all(results: Sequence[VerificationResult] | Sequence[KerasResult], style: str) -> bool:
    """Whether all are equal."""
    answer(VerifyAllReport(results), style)
    return all(result.difference is None for result in results)


def _verify(name: str, choices: dict[str, Any]) -> VerificationResult:
    network = load(name, **choices)
    references, oracles = _references()
    try:
        module = references.build(name, **choices)
        measured = oracles.measure(module, oracles.sample(network.input.sizes, network.nodes[0].dtype, module))
    except (RuntimeError, MemoryError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CostModelError(f"{name} cannot be measured on this machine: {reason}") from None
    return compare(network, measured)


def _against_tool(tool: str, name: str, choices: dict[str, Any], inputs: tuple[InputSpec, ...]) -> ToolResult:
    """What ``tool`` prints for the module that ``name`` is or names, beside what its convention gives."""
    references, oracles = _references()
    network = load_with(name, choices, inputs)
    with code_of_the_user(name):
        module = references.build(name, **choices) if name in names() else module_of(name, choices)
        specs = inputs or tuple([InputSpec(shape) for shape in network.inputs])
        printed = oracles.tool_total(tool, module.eval(), oracles.examples(specs))
    return ToolResult(network, tool, under(network, tool), printed)


def _references() -> tuple[Any, Any]:
    from importlib import import_module

    try:
        return import_module("reference_models"), import_module("reference_models.oracles")
    except ModuleNotFoundError as missing:
        raise missing_package("verify", missing.name, "torch", "fvcore") from None
