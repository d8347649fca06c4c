"""Foreign models as networks, and the one door for all that a user can name: an architecture, or a model of theirs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from costmodel.architectures import FAMILIES, build, called, own
from costmodel.checks import CostModelError, a, nearest
from costmodel.network import Network
from costmodel.values import Shape

if TYPE_CHECKING:
    from torch import nn

#: What an input of a captured model may hold, as PyTorch calls it.
TYPES = ("float32", "int64", "int32", "bool", "float16", "bfloat16", "float64")


class Input(NamedTuple):
    """One sample of one input of a model: its shape and the type of its values."""

    shape: Shape
    type: str = "float32"

    def __str__(self) -> str:
        return str(self.shape) if self.type == "float32" else f"{self.shape}:{self.type}"


def parse_input(text: str) -> Input:
    """``CxHxW``, or any sizes, without batch; after a colon the type of the values where they are no floats.

    Raises :class:`~costmodel.checks.CostModelError` for what is no shape and no type.

    >>> parse_input("3x224x224"), str(parse_input("128:int64"))
    (Input(shape=Shape(channels=3, spatial=(224, 224)), type='float32'), '128:int64')
    """
    sizes, colon, kind = text.partition(":")
    if colon and kind not in TYPES:
        raise CostModelError(f"{text!r} names no type of values; {nearest(kind, TYPES)}there are {', '.join(TYPES)}")
    return Input(Shape.parse(sizes), kind or "float32")


def open_model(
    name: str,
    inputs: Sequence[Input] = (),
    choices: Mapping[str, object] | None = None,
    *,
    allow_uncounted: bool = False,
) -> Network:
    """The network that ``name`` names: ``NAME``, ``NAME:VARIANT``, or ``MODULE:NAME`` for something of the user's own.

    That is a :class:`~costmodel.network.Network`, a ``torch.nn.Module``, or a function or class of ``choices`` that
    makes one. A module is built on PyTorch's meta device where it can be, and captured for ``inputs``; torch is loaded
    by nobody but the user's own code.

    Raises :class:`~costmodel.checks.CostModelError` for everything that cannot be built, captured or counted.

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
    inputs: Sequence[Input] = (),
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
        from costmodel.adapters.pytorch import captured

        return captured(made, inputs, name, given, allow_uncounted)
    if not callable(thing):
        raise CostModelError(f"{name} is {a(thing)}; name a costmodel.Network, a torch.nn.Module, or a function of one")
    raise CostModelError(f"{name} returned {a(made)}; let it return a costmodel.Network or a torch.nn.Module")


def _sizes(inputs: Sequence[Input]) -> dict[str, object]:
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
    from costmodel.adapters.pytorch.blank import without_numbers

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
