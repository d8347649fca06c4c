"""A module without its numbers: the same modules and shapes, on PyTorch's meta device."""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


def blank(tensor: Tensor) -> Tensor:
    """A tensor of the same sizes, strides and type that holds no numbers."""
    return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta")


class _WithoutNumbers(TorchFunctionMode):
    """Copies tensors as blanks; ``copy.deepcopy`` does the rest, and keeps shared ones shared."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is Tensor.__deepcopy__:
            tensor, memo = args
            copied = memo.get(id(tensor))
            if copied is None:
                copied = memo[id(tensor)] = blank(tensor)
            return copied
        if func is Tensor.clone:  # what a parameter copies of itself
            return blank(args[0])
        return func(*args, **(kwargs or {}))


def blank_module(module: nn.Module) -> nn.Module:
    """A copy of ``module`` in evaluation mode whose tensors are blanks; ``module`` itself is only read."""
    with torch.no_grad(), _WithoutNumbers():
        copied = copy.deepcopy(module)
    return copied.eval()


def without_numbers() -> AbstractContextManager[object]:
    """Modules built inside have shapes and no numbers."""
    return torch.device("meta")


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Whatever draws random numbers inside, the caller's generators stand as before."""
    numpy = sys.modules.get("numpy")
    before = torch.get_rng_state(), random.getstate(), numpy and numpy.random.get_state()
    try:
        yield
    finally:
        torch.set_rng_state(before[0])
        random.setstate(before[1])
        if numpy:
            numpy.random.set_state(before[2])
