"""The options that say which network is meant, shared by every command that counts one."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce, wraps
from typing import Any, NamedTuple

import click

from costmodel.capture.input_spec import InputSpec
from costmodel.cli.arguments import CHOICE, INPUT, POSITIVE
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.loading import load_with


class ModelOptions(NamedTuple):
    """What the user said of the network."""

    inputs: tuple[InputSpec, ...]
    #: Arguments of the architecture, or of the function that makes the network.
    choices: dict[str, object]
    allow_uncounted: bool

    def load(self, model: str) -> Network:
        """The network that ``model`` names, with these choices."""
        return load_with(model, self.choices, self.inputs, allow_uncounted=self.allow_uncounted)

    def __bool__(self) -> bool:
        return bool(self.inputs or self.choices or self.allow_uncounted)


_OPTIONS = (
    click.option("--alpha", type=float, help="Width multiplier."),
    click.option("--resolution", type=POSITIVE, help="Height and width of the input."),
    click.option(
        "--input",
        "inputs",
        type=INPUT,
        multiple=True,
        help="One sample, as in 3x192x256; 128:int64 for indices. Once for each input of a module of yours.",
    ),
    click.option("--num-classes", type=POSITIVE, help="Outputs of the classifier."),
    click.option(
        "--kwargs", "choices", type=CHOICE, multiple=True, help="An argument of a function of yours: width=0.5."
    ),
    click.option(
        "--allow-uncounted", is_flag=True, help="Count on where an operator of a module is unknown, and say so."
    ),
)


def network_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options, and hands them to ``command`` as one argument, ``chosen``."""

    @wraps(command)
    def collected(
        alpha: float | None,
        resolution: int | None,
        inputs: tuple[InputSpec, ...],
        num_classes: int | None,
        choices: tuple[tuple[str, object], ...],
        allow_uncounted: bool,
        **others: Any,
    ) -> None:
        if resolution is not None and inputs:
            raise CostModelError(
                f"--resolution={resolution} and --input={inputs[0]} both say the size; give one of them"
            )
        named = {"alpha": alpha, "num_classes": num_classes, "resolution": resolution}
        given = {**dict(choices), **{name: value for name, value in named.items() if value is not None}}
        command(chosen=ModelOptions(inputs, given, allow_uncounted), **others)

    return reduce(lambda wrapped, option: option(wrapped), reversed(_OPTIONS), collected)
