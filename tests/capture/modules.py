"""Modules to capture, and PyTorch's own counter to hold a capture against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


class Calls(nn.Module):
    """A module whose forward pass is a function of the module and its inputs.

    Keywords become its submodules and parameters; plain tensors become buffers.
    """

    def __init__(self, function: Callable[..., Any], **parts: nn.Module | Tensor) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            if isinstance(part, nn.Module | nn.Parameter):
                setattr(self, name, part)
            else:
                self.register_buffer(name, part)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        return self.function(self, *inputs, **named)


def counted(make: Callable[[], nn.Module], inputs: Sequence[Tensor]) -> int:
    """Multiply-adds as PyTorch's FlopCounterMode counts them on the meta device: two FLOPs each."""
    with torch.device("meta"):
        module = make().eval()
    blanks = [torch.empty_like(tensor, device="meta") for tensor in inputs]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*blanks)
    flops = counter.get_total_flops()
    assert flops % 2 == 0
    return int(flops) // 2


def stored(module: nn.Module) -> int:
    """Trainable numbers, each once."""
    return sum(parameter.numel() for parameter in module.parameters())
