"""What a test names as a model, and its input, as a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costmodel.capture.input_spec import InputSpec, parse_input
from costmodel.core.network import Network
from costmodel.core.values import Shape
from costmodel.errors import CostModelError, positive_int, type_name
from costmodel.load import is_module, network_of, open_model


def network(model: object, given: object = None) -> Network:
    """The network that ``model`` is: a network, a name, a ``torch.nn.Module``, or a function or class of one.

    ``given`` is the input: the sizes of one sample as a tuple or a text, a list of texts where there are several
    inputs, or example tensors for a module that is built. Counted anew at every call.

    Raises :class:`~costmodel.errors.CostModelError` for everything that cannot be built, captured or counted, and
    for an input that a network was not built for.

    >>> network("mobilenet_v2", (3, 192, 192)).multiply_adds, str(network("lenet").input)
    (221316608, '3x32x32')
    """
    inputs = _inputs(given)
    if is_module(model):
        return _captured(model, inputs, given)
    name = model if isinstance(model, str) else getattr(model, "__name__", type(model).__name__)
    if inputs is None:
        raise CostModelError(
            f"the input of {name} is {type_name(given)}; give the sizes of one sample, as in (3, 224, 224) or"
            " '3x224x224' (example tensors are for a torch.nn.Module that is built)"
        )
    if isinstance(model, str):
        return open_model(model, inputs)
    if isinstance(model, Network):
        shapes = tuple([shape for shape, _ in inputs])
        if shapes and shapes != model.inputs:
            built, asked = (" and ".join(map(str, sizes)) for sizes in (model.inputs, shapes))
            raise CostModelError(
                f"{model.name} is built for {built}, not for {asked}; build it for that, or leave it out"
            )
        return model
    return network_of(model, name, inputs)


def _captured(module: Any, inputs: tuple[InputSpec, ...] | None, given: object) -> Network:
    from costmodel.capture.torch.api import from_torch

    name = type(module).__name__
    if inputs is None:
        return from_torch(module, given)  # type: ignore[arg-type]  # it says itself what it does not take
    if not inputs:
        raise CostModelError(f"{name} is a PyTorch module; give the sizes of one sample as well, as in (3, 224, 224)")
    if len(inputs) == 1 and inputs[0].type == "float32":
        return from_torch(module, inputs[0].shape.sizes)  # in the type that the module holds
    return network_of(module, name, inputs)


def _inputs(given: object) -> tuple[InputSpec, ...] | None:
    """The sizes that ``given`` writes; None where it is something else, such as tensors."""
    if given is None:
        return ()
    if isinstance(given, str):
        return (parse_input(given),)
    if isinstance(given, Shape):
        return (InputSpec(given),)
    if isinstance(given, Sequence) and given:
        if all(isinstance(text, str) for text in given):
            return tuple([parse_input(text) for text in given])
        if all(isinstance(size, int) for size in given):
            return (InputSpec(Shape.of([positive_int(size, "an input size") for size in given])),)
    return None
