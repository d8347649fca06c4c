"""Modules built without their weights: parameters have sizes alone, and what is few and known keeps its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from costmodel.capture.torch.known_values import READERS, KnownValues
from costmodel.capture.torch.tensors import name_of

T = TypeVar("T")


def built(make: Callable[[], T]) -> T:
    """What ``make`` returns, built on PyTorch's meta device.

    Buffers and plain tensors of the modules in it have their numbers, where a capture may know them.
    Raises what ``make`` raises; what reads the numbers of a weight raises a ``RuntimeError`` about the meta device.
    """
    values = KnownValues(lambda tensor: RuntimeError("the numbers of a weight are read, which the meta device has not"))
    with _Readers(values), _OnMeta(values):
        made = make()
    if isinstance(made, nn.Module):
        for module in made.modules():
            _with_numbers(vars(module), values)
            _with_numbers(module._buffers, values)
    return made


class _OnMeta(TorchDispatchMode):
    """Makes every tensor on the meta device, and what is known beside it."""

    def __init__(self, values: KnownValues) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own has no types
        self._values = values

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if name_of(func) == "lift_fresh":
            return self._values.stand_in(args[0])
        if any(result.alias_info is not None and not result.alias_info.is_write for result in func._schema.returns):
            return func(*args, **(kwargs or {}))
        if args and isinstance(args[0], nn.Parameter):  # a weight that gets its first numbers has none here
            return func(*args, **(kwargs or {}))
        return self._values.result(func, args, kwargs or {}, lambda func, args, kwargs: func(*args, **kwargs))


class _Readers(TorchFunctionMode):
    """Functions that hand out numbers, or take them in."""

    def __init__(self, values: KnownValues) -> None:
        super().__init__()
        self._values = values

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in READERS:
            return self._values.call(func, args, kwargs or {})
        return func(*args, **(kwargs or {}))


def _with_numbers(attributes: dict[str, Any], values: KnownValues) -> None:
    for name, value in attributes.items():
        if isinstance(value, Tensor) and not isinstance(value, nn.Parameter) and value.is_meta:
            real = values.of(value)
            if real is not None:
                attributes[name] = real
