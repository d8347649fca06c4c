"""What operators return for blanks, worked out as seldom as possible: most of a capture's time would go there."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from costmodel.capture.operator_costs import ACTIVATIONS, ELEMENTWISE
from costmodel.capture.torch.tensors import name_of, storage, tensors

_META = torch.device("meta")
#: Arguments that are the same where their types and values are.
_PLAIN = frozenset((int, float, bool, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format))


class Results:
    """Returns for an operator what PyTorch returned before for the same sizes, strides, types and choices.

    Of blanks nothing else can matter. Views are not remembered, as they share the memory of what they view.
    """

    def __init__(self) -> None:
        #: What each question was answered with: a tuple of results or one, each as sizes, strides and type.
        self._known: dict[Any, Any] = {}

    def of(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What ``func`` returns."""
        question: list[Any] = [func, torch.get_default_dtype()]
        if not (_describe(args, question) and (not kwargs or _describe(kwargs.items(), question))):
            return func(*args, **kwargs)
        key = tuple(question)
        known = self._known.get(key)
        if known is None:
            out = result_of(func, args, kwargs)
            self._known[key] = _description(func, args, kwargs, out)
            return out
        if known == "ask":
            return func(*args, **kwargs)
        if known == "in place":
            return args[0]
        made = [torch.empty_strided(size, stride, dtype=kind, device=_META) for size, stride, kind in known[1]]
        return made[0] if known[0] is Tensor else known[0](made)


def _describe(values: Iterable[Any], into: list[Any]) -> bool:
    """Writes down all that a result can depend on; False where that cannot be said."""
    for value in values:
        kind = type(value)
        if kind is Tensor or kind is Parameter:
            if not value.is_meta or value.layout is not torch.strided or value.is_nested or value.is_quantized:
                return False
            into += (value.shape, value.stride(), value.storage_offset(), value.dtype, value.is_neg(), value.is_conj())
        elif kind in _PLAIN:
            into += (kind, value)
        elif kind is list or kind is tuple:
            into.append(len(value))
            if not _describe(value, into):
                return False
        else:
            return False
    return True


def _description(func: Any, args: Any, kwargs: Any, out: Any) -> Any:
    if _in_place(func) and out is args[0]:
        return "in place"
    results = [out] if isinstance(out, Tensor) else out
    kind = type(out)
    if kind not in (Tensor, tuple, list) or any(type(result) is not Tensor for result in results):
        return "ask"
    used = {storage(tensor) for tensor in tensors((args, kwargs))}
    for result in results:
        if storage(result) in used or result.storage_offset() or result.layout is not torch.strided:
            return "ask"
        used.add(storage(result))
    return kind, [(result.shape, result.stride(), result.dtype) for result in results]


@cache
def _in_place(func: Any) -> bool:
    name = name_of(func)
    return str(func._schema.name).endswith("_") and (name in ACTIVATIONS or name in ELEMENTWISE)


def result_of(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``func`` returns for blanks: by a shortcut where it is sure to be the same, or by PyTorch itself."""
    kind = _kind(func)
    if kind == "_grouped_mm":
        return _grouped(*args, **kwargs)
    if kind and not kwargs and isinstance(args[0], Tensor) and args[0].is_meta and args[0].is_floating_point():
        if kind == "in place":
            return args[0]
        if kind == "alike":
            return torch.empty_like(args[0])
        if _fits(*args):
            return torch.empty_like(args[0]), args[0].new_empty(0), args[0].new_empty(0)
    return func(*args, **kwargs)


@cache
def _kind(func: Any) -> str:
    name = name_of(func)
    if name in ACTIVATIONS and name != "log_sigmoid_forward":  # which has a second result
        return "in place" if str(func._schema.name).endswith("_") else "alike"
    return name if name in ("native_batch_norm", "_grouped_mm") else ""


def _grouped(left: Tensor, right: Tensor, offsets: Tensor | None = None, *rest: Any, **named: Any) -> Tensor:
    """PyTorch has kernels for every type, and on meta for bfloat16 alone."""
    if left.shape[-1] != right.shape[-2]:
        raise RuntimeError(f"rows of {left.shape[-1]} values do not fit matrices of {right.shape[-2]} rows")
    # Two matrices have their groups along what they share, and make a product a group.
    groups = left.shape[:-2] if right.dim() == 3 else () if offsets is None or left.dim() == 3 else offsets.shape
    sizes = (*groups, left.shape[-2], right.shape[-1])
    return torch.empty(sizes, dtype=named.get("out_dtype") or left.dtype, device=_META)


def _fits(x: Tensor, *rest: Any) -> bool:
    """Whether a batch norm takes its statistics from storage, and they are of the channels and the type of ``x``."""
    *stored, training, _momentum, _epsilon = rest
    present = [tensor for tensor in stored if tensor is not None]
    alike = all(tensor.dtype == x.dtype and tuple(tensor.shape) == (x.shape[1],) for tensor in present)
    return not training and x.dim() > 1 and alike
