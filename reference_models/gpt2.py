"""GPT-2 in PyTorch (Radford et al., 2019, Table 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reference_models.layers import Add, named
from reference_models.transformer import MLP, Attention, LayerNorm, Tokens


class Positions(Tokens):
    """The row of each token's place in the sequence."""

    def forward(self, tokens: Tensor) -> Tensor:
        return super().forward(torch.arange(tokens.shape[1], device=tokens.device)[None])


class Embedding(nn.Module):
    """A row for the token, and one for its position."""

    def __init__(self, vocabulary: int, positions: int, width: int) -> None:
        super().__init__()
        self.tokens = Tokens(vocabulary, width)
        self.positions = Positions(positions, width)
        self.add = Add()

    def forward(self, tokens: Tensor) -> Tensor:
        added: Tensor = self.add(self.tokens(tokens), self.positions(tokens))
        return added


class TiedLinear(nn.Module):
    """A linear layer with the table of an embedding, which alone holds it."""

    kind = "linear"

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.table = [table]  # in a list it is no submodule

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.table[0].weight)


def _gpt2(layers: int, width: int, heads: int) -> nn.Module:
    blocks: dict[str, nn.Module] = {
        f"layer{number}": named(
            attention=Attention(width, heads, heads, LayerNorm, True, causal=True), mlp=MLP(width, 4 * width)
        )
        for number in range(layers)
    }
    embedding = Embedding(50257, 1024, width)
    head = named(norm=LayerNorm(width), linear=TiedLinear(embedding.tokens))
    return named(embedding=embedding, **blocks, head=head)


def gpt2(variant: str = "") -> nn.Module:
    """The smallest."""
    return _gpt2(12, 768, 12)


def gpt2_medium(variant: str = "") -> nn.Module:
    """The second."""
    return _gpt2(24, 1024, 16)


def gpt2_large(variant: str = "") -> nn.Module:
    """The third."""
    return _gpt2(36, 1280, 20)


def gpt2_xl(variant: str = "") -> nn.Module:
    """The largest."""
    return _gpt2(48, 1600, 25)
