"""The cost of whatever a user names as a closed form in a size of its inputs that a letter stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from costmodel.capture.input_spec import InputSpec
from costmodel.errors import CostModelError
from costmodel.loading import is_network_file, load_with
from costmodel.scaling.closed_form.fitted import fitted

if TYPE_CHECKING:
    from costmodel.scaling.closed_form.form import ClosedForm

#: The size at which a form is first read.
_USUAL = 224

#: What the first size of a file's inputs is called in its formula.
BATCH = "batch"


def over_letter(name: str, inputs: Sequence[InputSpec], choices: Mapping[str, object] | None = None) -> ClosedForm:
    """The closed form of what ``name`` names in the one letter that stands for sizes of ``inputs``.

    Raises :class:`~costmodel.errors.CostModelError` as :func:`~costmodel.loading.load` and
    :func:`~costmodel.scaling.closed_form.fitted.fitted` do, and where several letters are open.
    """
    places = [(letter, axis) for spec in inputs for axis, letter in enumerate(spec.letters) if letter]
    letters = sorted({letter for letter, _ in places})
    if len(letters) != 1:
        raise CostModelError(
            f"a formula has one letter, and {' and '.join(letters)} are open; give one of them a number"
        )
    given = dict(choices or {})
    # Where only the first size of a file varies, that is its batch, and no window strides over it.
    whole = is_network_file(name) or all(spec.name for spec in inputs)
    stride, usual = (1, 1) if whole and all(axis == 0 for _, axis in places) else (None, _USUAL)
    form = fitted(lambda size: load_with(name, given, [spec.at(size) for spec in inputs]), usual, stride, letters[0])
    return replace(form, note=form.note.replace("captures", "the file")) if is_network_file(name) else form


def over_batch(name: str, inputs: Sequence[InputSpec] = (), choices: Mapping[str, object] | None = None) -> ClosedForm:
    """The closed form of a file in its batch: the first size of ``inputs``, or of those that the file leaves open.

    Raises as :func:`over_letter` does, and for what is no file: everything else is counted for one sample.
    """
    if not name.lower().endswith(".onnx"):
        raise CostModelError(f"{name} is counted for one sample, and n of them cost n times that; leave out {BATCH}")
    if not inputs:
        from costmodel.capture.onnx.model import inputs_with_batch

        inputs = inputs_with_batch(name, BATCH)
    else:
        inputs = [_with_batch(spec) for spec in inputs]
    return over_letter(name, inputs, choices)


def _with_batch(spec: InputSpec) -> InputSpec:
    letters = spec.letters or ("",) * len(spec.shape.sizes)
    return spec._replace(letters=(BATCH, *letters[1:]))
