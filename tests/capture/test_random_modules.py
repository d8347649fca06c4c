"""Modules, drawn: chains of layers, functions and residuals cost what PyTorch's own counter finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from costmodel.capture.torch.api import from_torch
from tests.capture.modules import counted, stored

Part = Callable[[], nn.Module]

#: Each keeps a map of 4 channels and its size, so that any order fits.
PARTS: dict[str, Callable[..., nn.Module]] = {
    "conv": lambda k, groups, bias: nn.Conv2d(4, 4, k, padding="same", groups=groups, bias=bias),
    "there and back": lambda k, groups, bias: nn.Sequential(
        nn.Conv2d(4, 8, k, stride=k, padding=k, groups=groups, bias=bias), nn.ConvTranspose2d(8, 4, 1), Fitted()
    ),
    "linear": lambda k, groups, bias: nn.Linear(6, 6, bias=bias),
    "norm": lambda k, groups, bias: [nn.BatchNorm2d(4), nn.GroupNorm(groups, 4), nn.LayerNorm(6, bias=bias)][k - 1],
    "activation": lambda k, groups, bias: [nn.ReLU(inplace=bias), nn.GELU(), nn.SiLU(inplace=bias)][k - 1],
    "dropout": lambda k, groups, bias: nn.Dropout(inplace=bias),
    "pool": lambda k, groups, bias: nn.MaxPool2d(3, 1, 1) if bias else nn.AvgPool2d(3, 1, 1),
    "product": lambda k, groups, bias: Function(
        lambda x: x @ x.mT @ x if bias else torch.einsum("bchw,bcwv->bchv", x, x)
    ),
    "attention": lambda k, groups, bias: Function(
        lambda x: F.scaled_dot_product_attention(x, x.flip(-1), x, is_causal=bias)
    ),
}  # fmt: skip


class Function(nn.Module):
    """A function call among modules."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Fitted(nn.Module):
    """Cuts or pads a map to 6 x 6."""

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, 6 - x.shape[3], 0, 6 - x.shape[2]))


class Drawn(nn.Module):
    """The parts one after the other, some with a residual around them, some called twice."""

    def __init__(self, draws: list[tuple[str, int, int, bool, str]]) -> None:
        super().__init__()
        self.parts = nn.ModuleList([PARTS[name](k, groups, bias) for name, k, groups, bias, _ in draws])
        self.ways = [way for *_, way in draws]

    def forward(self, x: Tensor) -> Any:
        for part, way in zip(self.parts, self.ways, strict=True):
            if way == "residual":
                x = x.clone() + part(x)
            elif way == "twice":
                x = part(part(x))
            elif way == "beside":
                part(x.clone())
            else:
                x = part(x)
        return x


draws = st.lists(
    st.tuples(
        st.sampled_from(list(PARTS)),
        st.integers(1, 3),
        st.sampled_from([1, 2, 4]),
        st.booleans(),
        st.sampled_from(["plain", "residual", "twice", "beside"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60)
@given(drawn=draws, batch=st.integers(1, 3))
def test_a_drawn_module_costs_what_pytorch_counts(drawn: list[tuple[str, int, int, bool, str]], batch: int) -> None:
    module, inputs = Drawn(drawn), torch.ones(batch, 4, 6, 6)
    network = from_torch(module, inputs)
    assert network.multiply_adds == counted(lambda: Drawn(drawn), (inputs,))
    assert network.parameters == stored(module)
    assert network.ledger.params.buffer == sum(b.numel() for b in module.buffers() if b.dim())
    # A batch is so many samples, in each kind of operation.
    one = from_torch(module, (4, 6, 6)).ledger
    for kind in ("mac", "add", "mul", "div", "cmp", "exp"):
        total = sum(getattr(entry.ops, kind) for entry in network.ledger)
        assert total == batch * sum(getattr(entry.ops, kind) for entry in one)
    names = [node.name for node in network.nodes]
    assert len(set(names)) == len(names)
