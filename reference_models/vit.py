"""Vision Transformers in PyTorch (arXiv:2010.11929; Ti and S: arXiv:2012.12877)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reference_models.layers import Add, named
from reference_models.transformer import MLP, Attention, LayerNorm, Weight


class Sequence(nn.Module):
    """The class token, and behind it the patches, row by row."""

    kind = "concat"

    def forward(self, token: Tensor, patches: Tensor) -> Tensor:
        return torch.cat([token.expand(len(patches), -1, -1), patches.flatten(2).transpose(1, 2)], 1)


class Embedding(nn.Module):
    """Patches as tokens, with a class token and positions."""

    def __init__(self, width: int, patch: int, in_channels: int, resolution: int | tuple[int, int]) -> None:
        super().__init__()
        height, wide = (resolution, resolution) if isinstance(resolution, int) else resolution
        self.patches = nn.Conv2d(in_channels, width, patch, patch)
        self.token = Weight(1, width)
        self.concat = Sequence()
        self.positions = Weight((height // patch) * (wide // patch) + 1, width)
        self.add = Add()

    def forward(self, x: Tensor) -> Tensor:
        # The patches come first where a graph is walked from its end: they are made before anything reads them.
        token, patches = self.token(), self.patches(x)
        added: Tensor = self.add(self.concat(token, patches), self.positions())
        return added


class FirstToken(nn.Module):
    """The class token alone."""

    kind = "select"

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]


def _vit(
    layers: int, width: int, heads: int, patch: int, num_classes: int, in_channels: int, resolution: int
) -> nn.Module:
    blocks: dict[str, nn.Module] = {
        f"layer{number}": named(attention=Attention(width, heads, heads, LayerNorm, True), mlp=MLP(width, 4 * width))
        for number in range(layers)
    }
    return named(
        embedding=Embedding(width, patch, in_channels, resolution),
        **blocks,
        head=named(norm=LayerNorm(width), token=FirstToken(), linear=nn.Linear(width, num_classes)),
    )


def vit_ti_16(num_classes: int = 1000, in_channels: int = 3, resolution: int = 224, variant: str = "") -> nn.Module:
    """Ti/16."""
    return _vit(12, 192, 3, 16, num_classes, in_channels, resolution)


def vit_s_16(num_classes: int = 1000, in_channels: int = 3, resolution: int = 224, variant: str = "") -> nn.Module:
    """S/16."""
    return _vit(12, 384, 6, 16, num_classes, in_channels, resolution)


def vit_b_16(num_classes: int = 1000, in_channels: int = 3, resolution: int = 224, variant: str = "") -> nn.Module:
    """B/16."""
    return _vit(12, 768, 12, 16, num_classes, in_channels, resolution)


def vit_b_32(num_classes: int = 1000, in_channels: int = 3, resolution: int = 224, variant: str = "") -> nn.Module:
    """B/32."""
    return _vit(12, 768, 12, 32, num_classes, in_channels, resolution)


def vit_l_16(num_classes: int = 1000, in_channels: int = 3, resolution: int = 224, variant: str = "") -> nn.Module:
    """L/16."""
    return _vit(24, 1024, 16, 16, num_classes, in_channels, resolution)


def vit_l_32(num_classes: int = 1000, in_channels: int = 3, resolution: int = 224, variant: str = "") -> nn.Module:
    """L/32."""
    return _vit(24, 1024, 16, 32, num_classes, in_channels, resolution)


def vit_h_14(num_classes: int = 1000, in_channels: int = 3, resolution: int = 224, variant: str = "") -> nn.Module:
    """H/14."""
    return _vit(32, 1280, 16, 14, num_classes, in_channels, resolution)
