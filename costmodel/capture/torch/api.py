"""Any PyTorch module as a network: run once on blanks, operator by operator. The only room that loads torch."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from costmodel.capture.torch.arguments import Arguments, arguments, first_line
from costmodel.capture.torch.assumptions import ASSUMPTIONS
from costmodel.capture.torch.dispatch import Recorder
from costmodel.capture.torch.meta_tensors import blank_module, undisturbed
from costmodel.capture.torch.source_location import raised_at
from costmodel.core.graph import Node
from costmodel.core.layers import Input, Outputs
from costmodel.core.network import Network
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, nearest, type_name


def from_torch(
    model: nn.Module,
    inputs: str | Shape | Tensor | Sequence[object],
    kwargs: Mapping[str, object] | None = None,
    *,
    name: str = "",
    allow_uncounted: bool = False,
    assume: str = "",
) -> Network:
    """The network that ``model`` is, for ``inputs``: the sizes of one sample, or example tensors with their batch.

    No weight is allocated and nothing large is computed: the module's shapes run through it on PyTorch's meta device,
    in evaluation mode, and every operator is written down under the path of the module that asked for it. ``model``
    is only read. Hooks run, as they do in any forward pass.

    ``inputs`` are one of:

    - numbers or a text, the sizes of one sample without batch: ``(3, 224, 224)``, ``"3x224x224"``, ``"128:int64"``;
    - a tuple or list of those, ``[(3, 224, 224), "77:int64"]``: an argument of ``forward`` each, nested as it takes it;
    - texts with a name, ``["input_ids=1x128:int64", "attention_mask=1x128:int64:ones"]``: an argument by its name, the
      batch among its sizes; after the type all its values, ``zeros``, ``ones`` or a whole number;
    - an example tensor, or a tuple or list with tensors in it: the arguments of one call, whatever its batch; numbers
      beside tensors are themselves. A tuple that ``forward`` cannot take apart is its one argument;
    - a mapping (a dict, a ``BatchEncoding``): arguments by their names, tensors or whole sizes.

    ``kwargs`` are more arguments by name. Example tensors lend their sizes and types. Values are known where they are
    at most 1,048,576 and depend on no weight, no random draw and no example of floating point: integer and boolean
    inputs, buffers, plain tensors of a module, constants, and what is computed of those alone. What runs may depend on
    them.

    ``assume="all-nonzero"`` makes an upper bound where what runs depends on other values: a mask selects all that it
    can, and what takes the largest of a row, as a router of experts, takes them evenly spread. The answer says where.

    Raises :class:`~costmodel.errors.CostModelError` for an operator that nobody has decided on (unless
    ``allow_uncounted``, which puts a layer of kind ``uncounted`` in its place), for control flow that depends on
    other values, and where the model itself fails.

    >>> import costmodel as cm
    >>> net = cm.from_torch(nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU()), (3, 32, 32))
    >>> net.multiply_adds, net.parameters, [node.name for node in net.nodes]
    (442368, 448, ['input', '0', '1'])
    """
    title = name or type(model).__name__
    if not isinstance(model, nn.Module):
        raise CostModelError(f"from_torch takes a torch.nn.Module, not {type_name(model)}; build the model first")
    return captured(model, inputs, title, {}, allow_uncounted, assume, kwargs)


def captured(
    model: nn.Module,
    inputs: object,
    title: str,
    choices: Mapping[str, object],
    allow_uncounted: bool = False,
    assume: str = "",
    kwargs: Mapping[str, object] | None = None,
) -> Network:
    """The network of a module that was built with ``choices``; otherwise as :func:`from_torch`."""
    if assume and assume not in ASSUMPTIONS:
        raise CostModelError(
            f"nothing is called {assume!r} to be assumed; {nearest(assume, ASSUMPTIONS) or 'all-nonzero'}"
        )
    if assume and allow_uncounted:
        raise CostModelError("what is not counted is at least as much, what is assumed at most; ask for one of them")
    modes = _modes(model, title)
    if any(isinstance(parameter, UninitializedParameter) for parameter in model.parameters()):
        raise CostModelError(f"{title} has lazy layers that know no sizes yet; run it once on an example first")
    if isinstance(model, torch.jit.ScriptModule):
        raise CostModelError(f"{title} is a scripted module, which shows no tensors; give the module it was made from")
    try:
        given = arguments(model, inputs, kwargs or {})
    except CostModelError as error:
        raise error.at(title) from error.__cause__
    try:
        with undisturbed():
            output = _recorded(model, given, title, allow_uncounted, bool(assume))
    finally:
        for part, training in modes:
            if part.training is not training:  # a part that copies as itself has been switched to evaluation
                part.training = training
    network = Network(output, title, choices, f"captured from {type(model).__module__}.{type(model).__qualname__}")
    if given.doubtful and _read(network) == 1:
        raise CostModelError(
            f"{title} read only the first of {len(given.positional)} tensors; where they are its one argument, write"
            " ((a, b),), and where it needs only one, give that one"
        )
    stored = sum(parameter.numel() for parameter in model.parameters())
    if network.parameters != stored:
        raise CostModelError(
            f"{title} holds {stored} parameters and its capture found {network.parameters}: some were swapped while it"
            " ran; this model cannot be counted yet"
        )
    return network


def _modes(model: nn.Module, title: str) -> list[tuple[nn.Module, bool]]:
    """Each part of ``model``, and whether it is in training."""
    try:
        return [(part, part.training) for part in model.modules()]
    except RecursionError:
        raise CostModelError(
            f"{title} has more modules inside each other than Python's recursion limit of {sys.getrecursionlimit()}"
            " lets anyone visit; raise that with sys.setrecursionlimit"
        ) from None


def _read(network: Network) -> int:
    """How many of its inputs something reads."""
    read = {id(source) for node in network.nodes if not isinstance(node.layer, Outputs) for source in node.inputs}
    return sum(isinstance(node.layer, Input) and id(node) in read for node in network.nodes)


def _recorded(model: nn.Module, given: Arguments, title: str, allow_uncounted: bool, assume: bool) -> Node:
    try:
        copied, pairs = blank_module(model)
    except Exception as error:
        raise CostModelError(
            f"{title} cannot be copied without its numbers: {first_line(error)}; give a module that copy.deepcopy takes"
        ) from error
    known = [*given.known, *pairs]
    recorder = Recorder(copied, given.inputs, known, allow_uncounted=allow_uncounted, assume=assume)
    try:
        with recorder.recording():
            result = copied(*given.positional, **given.named)
        return recorder.graph(result)
    except CostModelError as error:
        raise error.at(title) from None
    except (Exception, SystemExit) as error:
        place = ", ".join(filter(None, (recorder.modules.failed, raised_at(error))))
        message = f"{title} cannot be captured, it stopped {place}: {first_line(error)}"
        raise CostModelError(message + _mend(error, model, given)) from error


def _mend(failure: BaseException, model: nn.Module, given: Arguments) -> str:
    """What to do about the commonest failures."""
    text = str(failure)
    if "HigherOrderOperator" in text or "higher_order" in text:
        return "; a capture cannot choose the branch of a torch.cond or the steps of a torch.while_loop"
    if given.as_one or (isinstance(failure, TypeError) and "argument" in text and "forward()" in text):
        whole = " and was given all as its first argument" if given.as_one else ""
        return f"; forward takes {', '.join(inspect.signature(model.forward).parameters) or 'nothing'}{whole}"
    if "indices" in text and "scalar type" in text:
        return "; an embedding reads whole numbers: say so, as in --input 12:int64 (inputs='12:int64')"
    shapes = ", ".join(f"{name} {'x'.join(map(str, tensor.shape[1:]))}" for name, tensor in given.inputs.items())
    if any(tuple(tensor.shape[:2]) == (1, 1) and tensor.dim() > 3 for tensor in given.inputs.values()):
        shapes += " next to the batch, which sizes leave out"
    return f"; it was given {shapes}" if shapes else ""
