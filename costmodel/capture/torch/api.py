"""Any PyTorch module as a network: run once on blanks, operator by operator. The only room that loads torch."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from costmodel.capture.input_spec import parse_inputs
from costmodel.capture.torch.dispatch import Recorder
from costmodel.capture.torch.meta_tensors import blank_module, blanked, undisturbed
from costmodel.capture.torch.source_location import raised_at
from costmodel.capture.torch.tape import tensors
from costmodel.core.graph import Node
from costmodel.core.network import Network
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, type_name


def from_torch(
    model: nn.Module,
    inputs: str | Shape | Tensor | Sequence[object],
    kwargs: Mapping[str, object] | None = None,
    *,
    name: str = "",
    allow_uncounted: bool = False,
) -> Network:
    """The network that ``model`` is, for ``inputs``: the sizes of one sample, or example tensors with their batch.

    Nothing is computed: the module's shapes run through it on PyTorch's meta device, in evaluation mode, and every
    operator is written down under the path of the module that asked for it. ``model`` is only read. Several inputs are
    a list of sizes, ``[(3, 224, 224), "77:int64"]``, or a tuple of tensors. Example tensors (of any device) lend their
    sizes and types; numbers are then of that call, whatever its batch. ``kwargs`` are keyword arguments of ``forward``.
    Hooks run, as they do in any forward pass.

    Raises :class:`~costmodel.errors.CostModelError` for an operator that nobody has decided on (unless
    ``allow_uncounted``, which puts a layer of kind ``uncounted`` in its place), for control flow that depends on
    values, and where the model itself fails.

    >>> import costmodel as cm
    >>> net = cm.from_torch(nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU()), (3, 32, 32))
    >>> net.multiply_adds, net.parameters, [node.name for node in net.nodes]
    (442368, 448, ['input', '0', '1'])
    """
    title = name or type(model).__name__
    if not isinstance(model, nn.Module):
        raise CostModelError(f"from_torch takes a torch.nn.Module, not {type_name(model)}; build the model first")
    return _captured(model, _arguments(inputs, model, kwargs), kwargs or {}, title, {}, allow_uncounted)


def captured(
    model: nn.Module, inputs: object, name: str, choices: Mapping[str, object], allow_uncounted: bool
) -> Network:
    """The network of a module that was built with ``choices``; otherwise as :func:`from_torch`."""
    return _captured(model, _arguments(inputs, model, None), {}, name, choices, allow_uncounted)


def _captured(
    model: nn.Module,
    arguments: tuple[Any, ...],
    kwargs: Mapping[str, object],
    title: str,
    choices: Mapping[str, object],
    allow_uncounted: bool,
) -> Network:
    if any(isinstance(parameter, UninitializedParameter) for parameter in model.parameters()):
        raise CostModelError(f"{title} has lazy layers that know no sizes yet; run it once on an example first")
    if isinstance(model, torch.jit.ScriptModule):
        raise CostModelError(f"{title} is a scripted module, which shows no tensors; give the module it was made from")
    with undisturbed():
        output = _recorded(model, arguments, kwargs, title, allow_uncounted)
    network = Network(output, title, choices, f"captured from {type(model).__module__}.{type(model).__qualname__}")
    held = sum(parameter.numel() for parameter in model.parameters())
    if network.parameters != held:
        raise CostModelError(
            f"{title} holds {held} parameters and its capture found {network.parameters}: some were swapped while it"
            " ran; this model cannot be counted yet"
        )
    return network


def _arguments(inputs: object, model: nn.Module, kwargs: object) -> tuple[Any, ...]:
    """The positional arguments of ``forward``; sizes alone mean values of the type that the model holds."""
    if isinstance(inputs, Tensor):
        return (inputs,)
    if specs := parse_inputs(inputs):
        held = next((tensor.dtype for tensor in model.parameters() if tensor.is_floating_point()), torch.float32)
        typed = [(shape.sizes, held if kind == "float32" else getattr(torch, kind)) for shape, kind, _ in specs]
        return tuple([torch.empty(1, *sizes, dtype=dtype, device="meta") for sizes, dtype in typed])
    if isinstance(inputs, Sequence) and not isinstance(inputs, str) and (inputs or kwargs):
        return tuple(inputs)
    raise CostModelError(
        f"the input {inputs!r:.60} is neither sizes of one sample, as in (3, 224, 224), nor example tensors"
    )


def _recorded(
    model: nn.Module, arguments: tuple[Any, ...], kwargs: Mapping[str, object], title: str, allow_uncounted: bool
) -> Node:
    try:
        (positional, named), blanks = blanked((arguments, dict(kwargs)))
    except Exception as error:
        raise CostModelError(
            f"{title}: the example inputs cannot be read: {_told(error)}; give plain tensors"
        ) from error
    inputs = _names(model, positional, named, blanks)
    # Some models read their own constants: a list of rates, a table of windows. In a second attempt those are real.
    for real in (False, True):
        try:
            copied = blank_module(model)
        except Exception as error:
            raise CostModelError(
                f"{title} cannot be copied without its numbers: {_told(error)}; give a module that copy.deepcopy takes"
            ) from error
        recorder = Recorder(copied, inputs, allow_uncounted=allow_uncounted, real=real)
        try:
            with recorder.recording():
                result = copied(*positional, **named)
            return recorder.graph(result)
        except CostModelError as error:
            raise error.at(title) from None
        except (Exception, SystemExit) as error:
            failure, where = error, recorder.modules.failed
    place = ", ".join(filter(None, (where, raised_at(failure))))
    told = f"{title} cannot be captured, it stopped {place}: {_told(failure)}"
    raise CostModelError(told + _mend(failure, inputs)) from failure


def _mend(failure: BaseException, inputs: Mapping[str, Tensor]) -> str:
    """What to do about the commonest failures."""
    text = str(failure)
    if "item()" in text or "nonzero" in text or "data-dependent" in text.lower():
        return "; what runs depends on values, and a capture has none: take the shapes instead, or fix the branch"
    if "HigherOrderOperator" in text or "higher_order" in text:
        return "; a capture cannot choose the branch of a torch.cond or the steps of a torch.while_loop"
    if isinstance(failure, TypeError) and "positional argument" in text:
        return "; give as many inputs as forward takes"
    shapes = ", ".join(f"{name} {'x'.join(map(str, tensor.shape[1:]))}" for name, tensor in inputs.items())
    if any(tuple(tensor.shape[:2]) == (1, 1) and tensor.dim() > 3 for tensor in inputs.values()):
        shapes += " next to the batch, which sizes leave out"
    return f"; it was given {shapes}" if shapes else ""


def _names(
    model: nn.Module, arguments: tuple[Any, ...], kwargs: Mapping[str, object], blanks: Sequence[Tensor]
) -> dict[str, Tensor]:
    """Each input tensor under the name that ``forward`` has for it; ``input`` where there is only one.

    ``blanks`` are all of them: some may be inside objects that only the model can read.
    """
    found: dict[str, Tensor] = {}
    try:
        bound: Mapping[Any, Any] = inspect.signature(model.forward).bind(*arguments, **kwargs).arguments
    except (TypeError, ValueError):  # it says so itself when it is called
        bound = dict(enumerate(arguments))  # numbers stand for the names
    for argument, value in bound.items():
        held = tensors(value)
        for index, tensor in enumerate(held):
            found[f"{argument}.{index}" if len(held) > 1 else str(argument)] = tensor
    for tensor in blanks:
        if all(tensor is not known for known in found.values()):
            found[f"input.{len(found)}"] = tensor
    return dict(zip(["input"], found.values(), strict=True)) if len(found) == 1 else found


def _told(error: BaseException) -> str:
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0]:.200}" if first else type(error).__name__
