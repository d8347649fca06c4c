"""Foreign models as networks, and the one door for all that a user can name: an architecture, or a model of theirs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeGuard

from costmodel.capture.input_spec import InputSpec
from costmodel.core.network import Network
from costmodel.errors import CostModelError, type_name
from costmodel.models.registry import FAMILIES, build, called, own

if TYPE_CHECKING:
    from torch import nn


def open_model(
    name: str,
    inputs: Sequence[InputSpec] = (),
    choices: Mapping[str, object] | None = None,
    *,
    allow_uncounted: bool = False,
) -> Network:
    """The network that ``name`` names: ``NAME``, ``NAME:VARIANT``, or ``MODULE:NAME`` for something of the user's own.

    That is a :class:`~costmodel.core.network.Network`, a ``torch.nn.Module``, or a function or class of ``choices``
    that makes one. A module is built on PyTorch's meta device where it can be, and captured for ``inputs``; torch is
    loaded by nobody but the user's own code.

    Raises :class:`~costmodel.errors.CostModelError` for everything that cannot be built, captured or counted.

    >>> from costmodel.capture.input_spec import parse_input
    >>> open_model("mobilenet_v2", [parse_input("3x192x192")], {"alpha": 0.5}).multiply_adds
    71701760
    """
    given = dict(choices or {})
    if name.partition(":")[0] in FAMILIES or ":" not in name:
        return build(name, **given, **_sizes(inputs))
    return network_of(own(name), name, inputs, given, allow_uncounted=allow_uncounted)


def network_of(
    thing: object,
    name: str,
    inputs: Sequence[InputSpec] = (),
    choices: Mapping[str, object] | None = None,
    *,
    allow_uncounted: bool = False,
) -> Network:
    """The network that ``thing`` is, or makes of ``choices``, as by :func:`open_model`; messages call it ``name``."""
    given = dict(choices or {})
    if isinstance(thing, Network) or not callable(thing) or is_module(thing):
        if given:
            raise CostModelError(f"{name} is built already and takes no {', '.join(given)}; name the function or class")
        made: object = thing
    else:
        made = _made(name, thing, given)
        if isinstance(made, Network) and inputs:  # a module gets its inputs when it is captured, a network before
            made = _made(name, thing, {**given, **_sizes(inputs)})
    if isinstance(made, Network):
        return made
    if is_module(made):
        from costmodel.capture.torch.api import captured

        return captured(made, inputs, name, given, allow_uncounted)
    if not callable(thing):
        raise CostModelError(
            f"{name} is {type_name(thing)}; name a costmodel.Network, a torch.nn.Module, or a function of one"
        )
    raise CostModelError(f"{name} returned {type_name(made)}; let it return a costmodel.Network or a torch.nn.Module")


def _sizes(inputs: Sequence[InputSpec]) -> dict[str, object]:
    """An image as the choices of an architecture."""
    if not inputs:
        return {}
    if len(inputs) > 1:
        raise CostModelError(f"--input is given {len(inputs)} times; this model reads one image")
    shape, kind = inputs[0]
    if kind != "float32":
        raise CostModelError(f"--input={inputs[0]}: an image has no type here; write {shape}")
    if len(shape.spatial) != 2:
        raise CostModelError(
            f"--input={shape} has {len(shape.spatial)} spatial sizes, an image has 2; write CxHxW, as in 3x224x224"
        )
    height, width = shape.spatial
    return {"in_channels": shape.channels, "resolution": height if height == width else (height, width)}


def _made(name: str, function: Callable[..., object], choices: Mapping[str, object]) -> object:
    if "torch" not in sys.modules:
        return called(name, function, choices)
    from costmodel.capture.torch.meta_tensors import without_numbers

    try:
        with without_numbers():
            return called(name, function, choices)
    except CostModelError as error:
        # Some models read their own numbers while they are built; then they get them.
        if "meta" not in str(error):
            raise
    return called(name, function, choices)


def is_module(thing: object) -> TypeGuard[nn.Module]:
    """Whether ``thing`` is a ``torch.nn.Module``; torch is not loaded for that."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, torch.nn.Module)
