"""Operators of a user's own that have a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from costmodel.capture.own_operators import call_cost
from costmodel.capture.torch.ops.handler_utils import known_among, rest
from costmodel.capture.torch.tensors import first_tensor, name_of
from costmodel.core.layers import Operation

if TYPE_CHECKING:
    from costmodel.capture.torch.tape import Tape


def own(tape: Tape, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
    """Writes down one call; on constants alone, it is a constant."""
    made, reads = first_tensor(output), known_among(tape, (args, kwargs))
    if made is None or not reads:
        return
    sizes = torch.utils._pytree.tree_map_only(Tensor, lambda tensor: tuple(tensor.shape), (args, kwargs))
    layer = Operation(name_of(func), tape.output_shape(made, reads), call_cost(str(func._schema.name), *sizes))
    tape.add(name_of(func), layer, reads, made, others=rest(output, made), real=True)
