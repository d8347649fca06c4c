"""The options that say which network is meant, shared by every command that counts one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import click

from costmodel.capture.input_spec import InputSpec
from costmodel.cli.arguments import CHOICE, INPUT, POSITIVE, RESOLUTION, Command, options
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.loading import load_with

T = TypeVar("T")


class ModelOptions(NamedTuple):
    """What the user said of the network."""

    inputs: tuple[InputSpec, ...]
    #: Arguments of the architecture, or of the function that makes the network.
    choices: dict[str, object]
    allow_uncounted: bool
    assume: str

    def load(self, model: str) -> Network:
        """The network that ``model`` names, with these choices."""
        return load_with(model, self.choices, self.inputs, allow_uncounted=self.allow_uncounted, assume=self.assume)

    def __bool__(self) -> bool:
        return any(self)


alpha_option = click.option("--alpha", type=float, help="Width multiplier.")
resolution_option = click.option("--resolution", type=RESOLUTION, help="Height and width of the input.")
sequence_option = click.option("--sequence", type=POSITIVE, help="Tokens that a language model reads.")
classes_option = click.option("--num-classes", type=POSITIVE, help="Outputs of the classifier.")

_options = options(
    alpha_option,
    resolution_option,
    click.option(
        "--input",
        "inputs",
        type=INPUT,
        multiple=True,
        help="One sample, as in 3x192x256; 128:int64 for indices. Once for each input of a module of yours: in the"
        " order of its forward, or by name and with the batch, as in mask=1x128:int64:ones (zeros, ones or a number).",
    ),
    sequence_option,
    classes_option,
    click.option("--task", help="Head of a Hugging Face configuration: causal-lm, sequence-classification ..."),
    click.option(
        "--kwargs", "choices", type=CHOICE, multiple=True, help="An argument of a function of yours: width=0.5."
    ),
    click.option(
        "--allow-uncounted", is_flag=True, help="Count on where an operator of a module is unknown, and say so."
    ),
    click.option(
        "--assume",
        type=click.Choice(["all-nonzero"]),
        help="An upper bound where what runs depends on values: masks select all, experts are taken evenly.",
    ),
)


#: Options that are choices of a network.
_CHOICES = ("alpha", "num_classes", "resolution", "sequence", "task")


def network_options(command: Command) -> Command:
    """Adds the options, and hands them to ``command`` as one argument, ``chosen``."""

    @wraps(command)
    def collected(
        inputs: tuple[InputSpec, ...],
        choices: tuple[tuple[str, object], ...],
        allow_uncounted: bool,
        assume: str | None,
        **others: Any,
    ) -> None:
        given = given_of({name: others.pop(name) for name in _CHOICES})
        if "resolution" in given and inputs:
            raise CostModelError(
                f"--resolution={given['resolution']} and --input={inputs[0]} both say the size; give one of them"
            )
        command(chosen=ModelOptions(inputs, {**dict(choices), **given}, allow_uncounted, assume or ""), **others)

    return _options(collected)


def given_of(named: Mapping[str, T | None]) -> dict[str, T]:
    """Those of the options that the user gave."""
    return {name: value for name, value in named.items() if value is not None}
