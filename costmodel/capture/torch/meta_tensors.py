"""A module without its numbers: the same modules and shapes, on PyTorch's meta device."""

from __future__ import annotations

import copy
import copyreg
import random
import sys
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


def blank(tensor: Tensor) -> Tensor:
    """A tensor of the same sizes, strides and type that holds no numbers."""
    return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta")


class _WithoutNumbers(TorchFunctionMode):
    """Copies tensors as blanks; ``copy.deepcopy`` does the rest, and keeps shared ones shared."""

    def __init__(self) -> None:
        super().__init__()
        #: Each tensor that was copied: what stands for it, and itself.
        self.pairs: list[tuple[Tensor, Tensor]] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is Tensor.__deepcopy__:
            tensor, memo = args
            copied = memo.get(id(tensor))
            if copied is None:
                copied = memo[id(tensor)] = blank(tensor)
                self.pairs.append((copied, tensor))
            return copied
        if func is Tensor.clone:  # what a parameter copies of itself
            return blank(args[0])
        return func(*args, **(kwargs or {}))


def blanked(tree: Any) -> tuple[Any, list[tuple[Tensor, Tensor]]]:
    """A copy of arguments, however nested, with blanks for tensors; and each blank with what it stands for."""
    with torch.no_grad(), _WithoutNumbers() as mode:
        return copy.deepcopy(tree), mode.pairs


def blank_module(module: nn.Module) -> tuple[nn.Module, list[tuple[Tensor, Tensor]]]:
    """A copy of ``module`` in evaluation mode whose tensors are blanks; ``module`` itself is only read.

    What cannot be copied, such as a lock, the two share. The second result has each blank that is no parameter (a
    buffer or a plain attribute), with what it stands for.
    """
    with torch.no_grad(), _WithoutNumbers() as mode:
        try:
            copied = _deep_copy(module, {})
        except Exception:
            values = [value for child in module.modules() for value in vars(child).values()]
            shared = {id(value): value for value in values if _opaque(value)}
            if not shared:
                raise
            copied = _deep_copy(module, shared)
    copied.eval()  # whose result is not used: a module that overrides it may return nothing
    assert isinstance(copied, nn.Module)
    return copied, mode.pairs


def _deep_copy(module: nn.Module, memo: dict[int, Any]) -> Any:
    """``copy.deepcopy(module, memo)``, quicker: most of its time goes into numbers and empty tables of hooks."""
    plain = [child for child in module.modules() if id(child) not in memo and _is_plain(child)]
    for child in plain:
        memo[id(child)] = object.__new__(type(child))
    for child in reversed(plain):  # the parts before the whole, as copy.deepcopy does
        memo[id(child)].__setstate__({name: _copy_of(value, memo) for name, value in vars(child).items()})
    return copy.deepcopy(module, memo)


def _copy_of(value: Any, memo: dict[int, Any]) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind in (OrderedDict, dict, set) and not value:
        return memo.setdefault(id(value), kind())
    if isinstance(value, torch.Generator):  # its state is a tensor, and no blank can stand for it
        with torch._C.DisableTorchFunction():
            return copy.deepcopy(value, memo)
    return copy.deepcopy(value, memo)


def _is_plain(module: nn.Module) -> bool:
    """Whether ``copy.deepcopy`` makes an empty object of this type and then copies its attributes, one by one."""
    kind, says_how = type(module), ("__new__", "__reduce__", "__reduce_ex__", "__getstate__")
    ordinary = all(getattr(kind, name) is getattr(nn.Module, name) for name in says_how)
    own_way = hasattr(module, "__deepcopy__") or kind in copyreg.dispatch_table
    return ordinary and not own_way and not any(vars(base).get("__slots__") for base in kind.__mro__)


def _opaque(value: object) -> bool:
    if isinstance(value, (Tensor, nn.Module, dict, list, tuple, set)):
        return False
    try:
        copy.deepcopy(value)
    except Exception:
        return True
    return False


#: One capture at a time; one inside another, of the same thread, does not wait.
_ALONE = threading.RLock()


@contextmanager
def undisturbed() -> Iterator[None]:
    """What is global stands as before, whatever is drawn or set inside; attention takes its general path.

    PyTorch's fast path for encoders computes with nested tensors, whose sizes are values. Whoever comes from another
    thread meanwhile waits, for what is global is of all threads.
    """
    with _ALONE, _settings(), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the model's own, about values that are not there
        torch.backends.mha.set_fastpath_enabled(False)
        yield


@contextmanager
def _settings() -> Iterator[None]:
    """The default type and device, whether algorithms must be deterministic, and random generators, put back after."""
    numpy = sys.modules.get("numpy")
    before = torch.get_rng_state(), random.getstate(), numpy and numpy.random.get_state()
    fast = torch.backends.mha.get_fastpath_enabled()
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    strict, warned = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(None if device == torch.device("cpu") else device)
        torch.use_deterministic_algorithms(strict, warn_only=warned)
        torch.set_rng_state(before[0])
        random.setstate(before[1])
        if numpy:
            numpy.random.set_state(before[2])
