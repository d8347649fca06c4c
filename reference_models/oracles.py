"""What PyTorch and its counters say: the other route for everything that has a forward pass."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

with warnings.catch_warnings():
    # fvcore compiles a loss with torch.jit when it is imported; PyTorch deprecates that, and it is not our news.
    warnings.simplefilter("ignore")
    from fvcore.nn import FlopCountAnalysis


@contextmanager
def quiet() -> Iterator[None]:
    """Without the tracer's warnings, which are about the trace and not about the count."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def fvcore_multiply_adds(module: nn.Module, x: Tensor) -> int:
    """fvcore's conv + linear. Not its total, which adds batch norm and pooling; blind to padding="same"."""
    with quiet(), torch.no_grad():
        analysis = FlopCountAnalysis(module, x)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        operators = analysis.by_operator()
    return int(operators["conv"] + operators["linear"])


def torch_multiply_adds(module: nn.Module, x: Tensor) -> int:
    """Half of FlopCounterMode: it counts 2 a multiply-add, and sees padding="same"."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(x)
    total = counter.get_total_flops()
    assert total % 2 == 0
    return total // 2


def numel(module: nn.Module) -> int:
    """Trainable parameters, each tensor once."""
    return sum(parameter.numel() for parameter in module.parameters())
