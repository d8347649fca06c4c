"""Pieces of transformers; every operation is a module of its own, and attention is written out in matrices."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from reference_models.layers import Add, named


class Multiply(nn.Module):
    """The product of its arguments, value by value."""

    kind = "mul"

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x * y


class Times(nn.Module):
    """Its argument times a number that never changes."""

    kind = "mul"

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class Softmax(nn.Softmax):
    """Over the last axis."""

    kind = "softmax"

    def __init__(self) -> None:
        super().__init__(dim=-1)


class Weight(nn.Module):
    """A tensor of parameters, as a module so that a hook can see it."""

    kind = "parameter"

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, *sizes))  # of one sample

    def forward(self) -> Tensor:
        return self.weight


class RootMeanSquare(nn.Module):
    """A token over the root of the mean of its squares, times a gamma."""

    kind = "rms_norm"

    def forward(self, x: Tensor, gamma: Tensor) -> Tensor:
        return x * torch.rsqrt((x * x).mean(dim=-1, keepdim=True) + 1e-5) * gamma


class RMSNorm(nn.Module):
    """Its gamma and the norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = Weight(width)
        self.rms = RootMeanSquare()

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.rms(x, self.weight())
        return normed


class LayerNorm(nn.LayerNorm):
    """Over the features."""

    kind = "layer_norm"


class GELU(nn.GELU):
    """GELU."""

    kind = "gelu"


class Roll(nn.Module):
    """The halves of each head, exchanged."""

    kind = "roll"

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.size)).roll(self.size // 2, -1).flatten(-2)


class Turn(nn.Module):
    """Each value times the cosine of its position's angle, or a half of them minus the sine and a half the sine."""

    kind = "mul"

    def __init__(self, size: int, sine: bool) -> None:
        super().__init__()
        self.size, self.sine = size, sine

    def forward(self, x: Tensor) -> Tensor:
        half = self.size // 2
        speeds = 10000.0 ** (-torch.arange(half, device=x.device) / half)
        angles = torch.arange(x.shape[1], device=x.device)[:, None] * speeds
        turned = torch.cat([-angles.sin(), angles.sin()], -1) if self.sine else torch.cat([angles.cos()] * 2, -1)
        return (x.unflatten(-1, (-1, self.size)) * turned[:, None]).flatten(-2)


class Scores(nn.Module):
    """How much each token asks of each, a matrix a head; a key may answer several heads."""

    kind = "matmul"

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        query, key = (x.unflatten(-1, (-1, self.size)).transpose(1, 2) for x in (query, key))
        return query @ key.repeat_interleave(query.shape[1] // key.shape[1], 1).transpose(-1, -2)


class Context(nn.Module):
    """The values of the tokens, weighed by the scores."""

    kind = "matmul"

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, scores: Tensor, value: Tensor) -> Tensor:
        value = value.unflatten(-1, (-1, self.size)).transpose(1, 2)
        return scores @ value.repeat_interleave(scores.shape[1] // value.shape[1], 1)


class Output(nn.Linear):
    """The heads side by side, and a linear layer."""

    kind = "linear"

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2).flatten(2))


class Mask(nn.Module):
    """No token sees those after it, nor those further back than a window, where there is one."""

    kind = "masked_fill"

    def __init__(self, window: int = 0) -> None:
        super().__init__()
        self.window = window

    def forward(self, scores: Tensor) -> Tensor:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        if self.window:
            seen = seen.triu(1 - self.window)
        return scores.masked_fill(~seen, -math.inf)


class Attention(nn.Module):
    """A norm, attention, and the sum with what it read."""

    def __init__(
        self,
        width: int,
        heads: int,
        kv_heads: int,
        norm: type[nn.Module],
        bias: bool,
        rotary: bool = False,
        causal: bool = False,
        window: int = 0,
    ) -> None:
        super().__init__()
        size = width // heads
        self.norm = norm(width)
        self.query = nn.Linear(width, heads * size, bias)
        self.key = nn.Linear(width, kv_heads * size, bias)
        self.rotary = rotary
        if rotary:
            self.query_cosine, self.query_roll, self.query_sine = Turn(size, False), Roll(size), Turn(size, True)
            self.query_add = Add()
            self.key_cosine, self.key_roll, self.key_sine = Turn(size, False), Roll(size), Turn(size, True)
            self.key_add = Add()
        self.scores = Scores(size)
        self.scale = Times(size**-0.5)
        self.mask = Mask(window) if causal else None
        self.softmax = Softmax()
        self.value = nn.Linear(width, kv_heads * size, bias)
        self.context = Context(size)
        self.output = Output(heads * size, width, bias)
        self.add = Add()

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        query = self.query(y)
        if self.rotary:
            query = self.query_add(self.query_cosine(query), self.query_sine(self.query_roll(query)))
        key = self.key(y)
        if self.rotary:
            key = self.key_add(self.key_cosine(key), self.key_sine(self.key_roll(key)))
        scores = self.scale(self.scores(query, key))
        if self.mask is not None:
            scores = self.mask(scores)
        mixed: Tensor = self.add(x, self.output(self.context(self.softmax(scores), self.value(y))))
        return mixed


class MLP(nn.Module):
    """A norm, two linear layers with GELU between them, and the sum with what it read."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.gelu = GELU()
        self.down = nn.Linear(hidden, width)
        self.add = Add()

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.add(x, self.down(self.gelu(self.up(self.norm(x)))))
        return added


class GatedMLP(nn.Module):
    """A norm, a linear layer gated by another one, one back, and the sum with what it read."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = RMSNorm(width)
        self.gate = nn.Linear(width, hidden, bias=False)
        self.swish = nn.SiLU()
        self.up = nn.Linear(width, hidden, bias=False)
        self.product = Multiply()
        self.down = nn.Linear(hidden, width, bias=False)
        self.add = Add()

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        added: Tensor = self.add(x, self.down(self.product(self.swish(self.gate(y)), self.up(y))))
        return added


def llama(
    layers: int, width: int, heads: int, kv_heads: int, hidden: int, vocabulary: int, window: int = 0
) -> nn.Module:
    """A decoder with rotary positions, RMS norms and gated MLPs, without biases."""
    blocks: dict[str, nn.Module] = {
        f"layer{number}": named(
            attention=Attention(width, heads, kv_heads, RMSNorm, False, rotary=True, causal=True, window=window),
            mlp=GatedMLP(width, hidden),
        )
        for number in range(layers)
    }
    return named(
        embedding=named(tokens=Tokens(vocabulary, width)),
        **blocks,
        head=named(norm=RMSNorm(width), linear=nn.Linear(width, vocabulary, bias=False)),
    )


class Tokens(nn.Embedding):
    """A row of a table for each token."""

    kind = "embedding"
    shapes_alone = True
