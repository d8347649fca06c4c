"""What may be assumed of values that a capture does not know, where a user asks for it: an upper bound, told as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

#: The name of the assumption on the command line and in Python.
ASSUMPTIONS = ("all-nonzero",)

#: In sentences, as they stand in an answer.
ALL_NONZERO = "all that a mask can select is selected, so this is an upper bound"
EVEN_ROUTING = "each row takes its largest as often as it does, spread evenly, as tokens over experts"

_META = torch.device("meta")

#: Return the places of the largest along an axis: what a router of a mixture of experts asks.
CHOOSES_LARGEST = frozenset(("topk", "argmax", "max"))


def all_places(mask: Tensor) -> Tensor:
    """As many places as ``mask`` has, a row each."""
    return torch.empty((mask.numel(), mask.dim()), dtype=torch.int64, device=_META)


def evenly_spread(name: str, indices: Tensor, args: Sequence[Any]) -> Tensor | None:
    """Numbers for ``indices``, the places of the largest along an axis: each place as often as any other.

    None where the largest of all was looked for.
    """
    axis = args[2] if name == "topk" and len(args) > 2 else -1 if name == "topk" else args[1] if len(args) > 1 else None
    if axis is None:
        return None
    kept = indices.dim() == args[0].dim()
    sizes = indices.movedim(axis, -1).shape if kept else indices.shape
    spread: Tensor = (torch.arange(indices.numel()) % args[0].shape[axis]).view(sizes)
    return spread.movedim(-1, axis) if kept else spread


def _unique(x: Tensor, *rest: Any, return_inverse: bool = False, return_counts: bool = False) -> tuple[Tensor, ...]:
    """Every value is its own."""
    inverse = (rest[1] if len(rest) > 1 else return_inverse) or False
    counts = (rest[2] if len(rest) > 2 else return_counts) or False
    sizes = [tuple(x.shape) if inverse else (0,), (x.numel() if counts else 0,)]
    values = torch.empty(x.numel(), dtype=x.dtype, device=_META)
    return values, *[torch.empty(size, dtype=torch.int64, device=_META) for size in sizes]


#: Operators that return each value once.
DISTINCT: dict[str, Callable[..., Any]] = {"_unique2": _unique}
