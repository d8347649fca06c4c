"""Operators whose results have sizes that follow from values, where only some of what they read is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

_MASKS = (torch.bool, torch.uint8)


class Values(Protocol):
    """The values that are known."""

    def read(self, tensor: Tensor) -> Tensor:
        """``tensor`` with its numbers; raises where they are not known."""

    def positions(self, mask: Tensor) -> Tensor:
        """Where ``mask`` is not zero, a row a place; raises where that is not known."""


def _index(values: Values, func: Any, args: Any, kwargs: Any, on_meta: Callable[..., Any]) -> Any:
    """A mask selects as many as it has true places."""
    x, indices = args
    places: list[Tensor | None] = []
    for index in indices:
        if index is None or index.dtype not in _MASKS:
            places.append(index)
        else:
            places += values.positions(index).unbind(1)
    return on_meta(func, (x, places), kwargs)


def _masked_select(values: Values, func: Any, args: Any, kwargs: Any, on_meta: Callable[..., Any]) -> Any:
    x, mask = args
    chosen = values.positions(torch.ops.aten.broadcast_tensors([x, mask])[1])
    return torch.empty(chosen.shape[0], dtype=x.dtype, device="meta")


def _nonzero(values: Values, func: Any, args: Any, kwargs: Any, on_meta: Callable[..., Any]) -> Any:
    return values.positions(args[0])


def _packed(values: Values, func: Any, args: Any, kwargs: Any, on_meta: Callable[..., Any]) -> Any:
    """The lengths say how many samples each step has; the recurrent layer reads that on the CPU."""
    x, lengths, batch_first = args
    empty = torch.empty((*x.shape[:2], 1))
    data, sizes = torch._VF._pack_padded_sequence(empty, values.read(lengths), batch_first)
    return torch.empty((data.shape[0], *x.shape[2:]), dtype=x.dtype, device="meta"), sizes


def padded_rows(data: Tensor, sizes: Tensor, *layout: Any) -> tuple[Tensor, Tensor]:
    """Which row of the packed ``data`` stands at each place of the padded sequences, and how long each is."""
    with _disable_current_modes():
        numbers = torch.arange(data.shape[0], dtype=torch.float64)[:, None]
        rows, lengths = torch._VF._pad_packed_sequence(numbers, sizes, *layout)
        return rows[..., 0].long().clamp(0, data.shape[0] - 1), lengths


#: By the name of the operator. Each takes the values, the operator, its arguments, and who asks PyTorch on meta.
SIZED_BY_VALUES: dict[str, Callable[..., Any]] = {
    "index": _index,
    "masked_select": _masked_select,
    "nonzero": _nonzero,
    "_pack_padded_sequence": _packed,
}
