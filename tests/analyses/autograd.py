"""What PyTorch's autograd does in a step of training: the tensors that it keeps, and the products that it computes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten


def meta(module: nn.Module, dtype: torch.dtype = torch.float32) -> nn.Module:
    """The module in training, without numbers."""
    return module.to("meta").to(dtype).train()


def saved_bytes(module: nn.Module, *inputs: Tensor, constants: Callable[[Tensor], bool] = lambda tensor: False) -> int:
    """The bytes of all storages that the forward pass keeps, but those of parameters, buffers and ``constants``."""
    held = {tensor.untyped_storage()._cdata for tensor in (*module.parameters(), *module.buffers())}
    found: dict[int, int] = {}
    alive = []

    def pack(tensor: Tensor) -> Tensor:
        alive.append(tensor)  # so that no other storage gets its address
        storage = tensor.untyped_storage()
        if storage._cdata not in held and not constants(tensor):
            found[storage._cdata] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module(*inputs)
    return sum(found.values())


class Products(TorchDispatchMode):
    """Multiply-adds by operator, of convolutions and matrix products, with their backward passes counted right.

    FlopCounterMode counts the backward pass of a convolution in groups as if it had one group (torch 2.13).
    """

    def __init__(self) -> None:
        super().__init__()
        self.forward: Counter[str] = Counter()
        self.input_gradient = self.weight_gradient = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        packet = func._overloadpacket
        if packet is aten.convolution:
            x, weight, transposed = args[0], args[1], args[6]
            self.forward["convolution"] += _convolved(x, weight, output, transposed)
        elif packet is aten.convolution_backward:
            gradient, x, weight, transposed, mask = args[0], args[1], args[2], args[7], args[10]
            once = _convolved(x, weight, gradient, transposed)
            self.input_gradient += once * mask[0]
            self.weight_gradient += once * mask[1]
        elif packet in (aten.mm, aten.bmm):
            self.forward["matmul"] += args[0].numel() * args[1].shape[-1]
        elif packet is aten.addmm:
            self.forward["matmul"] += args[1].numel() * args[2].shape[-1]
        return output


def _convolved(x: Tensor, weight: Tensor, output: Tensor, transposed: bool) -> int:
    """Each value of the input or output, where the window slides, meets each weight of its group."""
    positions = x if transposed else output
    return positions.shape[0] * positions[0, 0].numel() * weight.numel()


def step(module: nn.Module, *inputs: Tensor) -> tuple[int, int]:
    """Multiply-adds of a forward pass, and of the backward pass from all of its outputs."""
    products = Products()
    with products:
        output = module(*inputs)
        forward = sum(products.forward.values())
        tensors = output if isinstance(output, tuple) else (output,)
        torch.autograd.backward(tensors, [torch.empty_like(tensor) for tensor in tensors])
    matrices = sum(products.forward.values()) - forward
    return forward, matrices + products.input_gradient + products.weight_gradient
