"""What a user gives as inputs, as the arguments of a module's ``forward``: tensors without numbers, and their names."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from costmodel.capture.input_spec import InputSpec, parse_input, says_sizes, spec_of
from costmodel.capture.torch.known_values import LARGEST
from costmodel.capture.torch.meta_tensors import blanked
from costmodel.capture.torch.tensors import tensors
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError

_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Arguments(NamedTuple):
    """The arguments of one call of ``forward``: tensors without numbers in place of what was given."""

    positional: tuple[Any, ...]
    named: dict[str, Any]
    #: The tensors without numbers, by the names that ``forward`` has for them; ``input`` where there is only one.
    inputs: dict[str, Tensor]
    #: Those with values that count, and these values: integers, booleans, and what was filled with one number.
    known: list[tuple[Tensor, Tensor]]
    #: What was given cannot be several arguments of ``forward``, and became its one.
    as_one: bool
    #: Several tensors, for a forward that can also do with one argument.
    doubtful: bool


def arguments(model: nn.Module, inputs: object, kwargs: Mapping[str, object]) -> Arguments:
    """The arguments of ``model.forward`` that ``inputs`` and ``kwargs`` say, as :func:`costmodel.from_torch` has it.

    Raises :class:`~costmodel.errors.CostModelError` for what says none.
    """
    signature = _signature(model)
    examples = _Examples(model, signature)
    examples_given = examples.of(inputs, kwargs)
    positional, named = _as_one(signature, *examples_given)
    try:
        (blanks, named_blanks), pairs = blanked((positional, named))
    except Exception as error:
        raise CostModelError(f"the example inputs cannot be read: {first_line(error)}; give plain tensors") from error
    named_tensors = _names(signature, blanks, named_blanks, [blank for blank, _ in pairs])
    known = [(blank, real) for blank, real in pairs if _counts(real) or any(real is each for each in examples.filled)]
    required = [each for each in signature.parameters.values() if each.default is each.empty and each.kind in _BY_PLACE]
    several = len(positional) > 1 and not named and all(isinstance(value, Tensor) for value in positional)
    as_one = positional is not examples_given[0]
    return Arguments(blanks, named_blanks, named_tensors, known, as_one, several and len(required) == 1)


def first_line(error: BaseException) -> str:
    """The type of ``error``, and the first line of what it says."""
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0]:.200}" if first else type(error).__name__


class _Examples:
    """Example tensors for whatever says sizes; sizes alone mean values of the type that the model holds."""

    def __init__(self, model: nn.Module, signature: inspect.Signature) -> None:
        self._signature = signature
        dtypes = (tensor.dtype for tensor in model.parameters() if tensor.is_floating_point())
        self._float = next(dtypes, torch.float32)
        #: What was filled with a number.
        self.filled: list[Tensor] = []
        self._all_sizes = True

    def of(self, inputs: object, kwargs: Mapping[str, object]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and named arguments."""
        self._all_sizes = not _holds_tensors(inputs)
        nothing = inputs is None or (isinstance(inputs, (tuple, list)) and not inputs)
        if nothing and not _binds(self._signature, (), kwargs):
            raise CostModelError(
                "this is a PyTorch module; say the shape of one sample: (3, 224, 224), --input 3x224x224,"
                ' or in a configuration input = "3x224x224"'
            )
        if self._all_sizes and not _holds_sizes(inputs) and not nothing:
            raise CostModelError(
                f"the input {inputs!r:.60} is neither sizes of one sample, as in (3, 224, 224), nor example tensors"
            )
        if inputs is None:
            return (), dict(kwargs)
        if isinstance(inputs, Mapping):
            return (), {**{name: self._named(name, value) for name, value in inputs.items()}, **kwargs}
        if says_sizes(inputs) or type(inputs) not in (tuple, list):
            inputs = (inputs,)
        assert isinstance(inputs, (tuple, list))
        inputs = [parse_input(value) if isinstance(value, str) else value for value in inputs]
        names = [value.name if isinstance(value, InputSpec) else "" for value in inputs]
        if wrong := [name for name in names if name and not name.isidentifier()]:
            raise CostModelError(f"{wrong[0]!r} names no argument of forward; write it as in input_ids=1x128:int64")
        if twice := sorted({name for name in names if name and names.count(name) > 1}):
            raise CostModelError(f"the argument {twice[0]} is given twice; give it once")
        every = list(zip(names, map(self._made, inputs), strict=True))
        return tuple([value for name, value in every if not name]), {**{n: v for n, v in every if n}, **kwargs}

    def _named(self, name: str, value: object) -> Any:
        """An argument by its name: sizes are whole."""
        if isinstance(value, str):
            return self._made(parse_input(f"{name}={value}"))
        if self._all_sizes and says_sizes(value):
            return self._made(spec_of(value)._replace(name=name))
        return self._made(value)

    def _made(self, value: Any) -> Any:
        if isinstance(value, (str, Shape, InputSpec)) or (self._all_sizes and says_sizes(value)):
            return self._tensor(spec_of(value))
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*map(self._made, value))
        if type(value) in (tuple, list):
            return type(value)(map(self._made, value))
        if type(value) is dict:
            return {key: self._made(each) for key, each in value.items()}
        return value

    def _tensor(self, spec: InputSpec) -> Tensor:
        dtype = self._float if spec.type == "float32" else getattr(torch, spec.type)
        if spec.value is None or math.prod(spec.sizes) > LARGEST:
            return torch.empty(spec.sizes, dtype=dtype, device="meta")
        self.filled.append(torch.full(spec.sizes, spec.value, dtype=dtype))
        return self.filled[-1]


def _holds_tensors(inputs: Any) -> bool:
    """Whether there are tensors in it; what is inside an object that is no plain container, only its model knows."""
    if isinstance(inputs, (tuple, list, Mapping)):
        return any(map(_holds_tensors, inputs.values() if isinstance(inputs, Mapping) else inputs))
    return isinstance(inputs, Tensor) or hasattr(inputs, "__dict__")


def _holds_sizes(inputs: Any) -> bool:
    if says_sizes(inputs):
        return True
    inside = inputs.values() if isinstance(inputs, Mapping) else inputs if isinstance(inputs, (tuple, list)) else ()
    return any(map(_holds_sizes, inside))


def _counts(real: Tensor) -> bool:
    return not (real.is_floating_point() or real.is_complex())


def _signature(model: nn.Module) -> inspect.Signature:
    try:
        return inspect.signature(model.forward)
    except (TypeError, ValueError):  # what is not written in Python takes anything
        return inspect.signature(lambda *args, **kwargs: None)


def _binds(signature: inspect.Signature, positional: Sequence[Any], named: Mapping[str, Any]) -> bool:
    try:
        signature.bind(*positional, **named)
    except TypeError:
        return False
    return True


def _as_one(
    signature: inspect.Signature, positional: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A tuple or mapping that cannot be the arguments of ``forward`` is its one argument, where it takes one."""
    if _binds(signature, positional, named):
        return positional, named
    if len(positional) > 1 and not named and _binds(signature, (positional,), {}):
        return (positional,), {}
    if named and not positional and named.keys().isdisjoint(signature.parameters) and _binds(signature, (named,), {}):
        return (named,), {}
    return positional, named


def _names(
    signature: inspect.Signature, positional: Sequence[Any], named: Mapping[str, Any], blanks: Sequence[Tensor]
) -> dict[str, Tensor]:
    """Each input tensor under its name. ``blanks`` are all: some may be inside objects that only the model can read."""
    named_tensors: dict[str, Tensor] = {}
    try:
        bound: Mapping[Any, Any] = signature.bind(*positional, **named).arguments
    except TypeError:  # it says so itself when it is called
        bound = dict(enumerate(positional))  # numbers stand for the names
    for argument, value in bound.items():
        # What a forward takes as **kwargs has names of its own.
        declared = signature.parameters.get(argument)
        parts = value if declared and declared.kind is inspect.Parameter.VAR_KEYWORD else {argument: value}
        for name, part in parts.items():
            members = tensors(part)
            for index, tensor in enumerate(members):
                named_tensors[f"{name}.{index}" if len(members) > 1 else str(name)] = tensor
    for tensor in blanks:
        if all(tensor is not known for known in named_tensors.values()):
            named_tensors[f"input.{len(named_tensors)}"] = tensor
    return dict(zip(["input"], named_tensors.values(), strict=True)) if len(named_tensors) == 1 else named_tensors
