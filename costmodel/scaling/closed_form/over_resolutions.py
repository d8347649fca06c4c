"""The cost of whatever a user names as a closed form in the resolution.

A captured module is not exported with symbolic sizes: ``torch.export`` takes seconds, refuses what it cannot prove
rather than what the module cannot run, and gives sizes without the names and layers of a capture. Instead the module is
captured at several resolutions, 0.1 to 0.4 s each, and ``closed_form.fitted`` finds the polynomial of each layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from costmodel.capture.input_spec import InputSpec
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError
from costmodel.loading import load_with
from costmodel.models.registry import FAMILIES, architecture
from costmodel.scaling.closed_form.derive import closed_form_of
from costmodel.scaling.closed_form.over_letter import over_letter

if TYPE_CHECKING:
    from costmodel.core.network import Network
    from costmodel.scaling.closed_form.form import ClosedForm


def over_resolutions(
    name: str, inputs: Sequence[InputSpec] = (), choices: Mapping[str, object] | None = None
) -> ClosedForm:
    """The closed form of what ``name`` names, for square images; the first of ``inputs`` is the one that varies,
    or the letter that stands for a size in them.

    Raises :class:`~costmodel.errors.CostModelError` as :func:`~costmodel.loading.load` and
    :func:`~costmodel.scaling.closed_form.derive.closed_form_of` do, and for an input that is no square image.

    A language model by name has one in the number of tokens.

    >>> over_resolutions("resnet18").multiply_adds(resolution=224)
    Fraction(1814073344, 1)
    >>> over_resolutions("gpt2")
    <closed form of gpt2: sequence T>
    """
    given = dict(choices or {})
    if any(spec.letters for spec in inputs):
        return over_letter(name, inputs, given)
    if name in FAMILIES and "sequence" in architecture(name).choices:
        return _over_tokens(name, given)
    usual = inputs[0].shape if inputs else load_with(name, given, inputs).input
    if len(usual.spatial) != 2 or usual.spatial[0] != usual.spatial[1]:
        raise CostModelError(
            f"a closed form in the resolution is of a square image, as in 3x224x224; the input of {name} is {usual}"
        )

    def at(resolution: int) -> Network:
        if not inputs:
            return load_with(name, {**given, "resolution": resolution})
        square = InputSpec(Shape(usual.channels, (resolution, resolution)), inputs[0].type)
        return load_with(name, given, (square, *inputs[1:]))

    return closed_form_of(at, usual.spatial[0])


def _over_tokens(name: str, choices: Mapping[str, object]) -> ClosedForm:
    usual = load_with(name, choices).input.elements
    form = closed_form_of(lambda tokens: load_with(name, {**choices, "sequence": tokens}), usual)
    return replace(form, resolutions=replace(form.resolutions, what="sequence", letter="T"))
