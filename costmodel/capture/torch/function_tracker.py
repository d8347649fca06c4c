"""What the model's own code called: PyTorch dispatches operators, and some counters look at the function above them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from torch.overrides import TorchFunctionMode

from costmodel.capture.torch.complex_numbers import whole_convolution
from costmodel.capture.torch.known_values import READERS, KnownValues


class FunctionTracker(TorchFunctionMode):
    """Knows, while it is entered, which function of PyTorch is running: the outermost, with the number of its call."""

    def __init__(self, values: KnownValues) -> None:
        super().__init__()
        self._values = values
        self.current: tuple[str, int] = ("", 0)
        self._calls = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        # The mode is off inside, so what the function calls in its turn does not come by here.
        self._calls += 1
        self.current = (function_name(func), self._calls)
        try:
            if func in READERS:
                return self._values.call(func, args, kwargs or {})
            whole = whole_convolution(func, args, kwargs or {})
            return func(*args, **(kwargs or {})) if whole is None else whole
        finally:
            self.current = ("", 0)


@cache
def function_name(func: Any) -> str:
    """The function as a user writes it.

    >>> import torch
    >>> from torch.nn import functional
    >>> [function_name(f) for f in (functional.relu, torch.add, torch.Tensor.add, torch.Tensor.__matmul__)]
    ['torch.nn.functional.relu', 'torch.add', 'torch.Tensor.add', 'torch.Tensor.__matmul__']
    """
    name = getattr(func, "__qualname__", "") or getattr(func, "__name__", "")
    kind, _, last = name.rpartition(".")
    if kind in ("TensorBase", "Tensor"):
        return f"torch.Tensor.{last}"
    if kind == "_VariableFunctionsClass":
        return f"torch.{last}"
    home = (getattr(func, "__module__", "") or "torch").replace("torch._C._nn", "torch.nn.functional")
    return f"{home}.{last}"
