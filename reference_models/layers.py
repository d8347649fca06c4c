"""Pieces that several networks share."""

from __future__ import annotations

from collections import OrderedDict
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn


class Add(nn.Module):
    """The sum of its arguments, as a module so that a hook can see it."""

    kind = "add"

    def forward(self, *tensors: Tensor) -> Tensor:
        return reduce(add, tensors)


class Concat(nn.Module):
    """Its arguments stacked along the channels."""

    kind = "concat"

    def forward(self, *tensors: Tensor) -> Tensor:
        return torch.cat(tensors, dim=1)


class Scale(nn.Module):
    """A tensor times one value a channel."""

    kind = "scale"

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        return x * gate


class Outputs(nn.Module):
    """All of its arguments, as a tuple."""

    kind = "outputs"

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        return tensors


def named(**modules: nn.Module | None) -> nn.Sequential:
    """A sequence of the modules given, under their names."""
    return nn.Sequential(OrderedDict({name: module for name, module in modules.items() if module is not None}))


def conv_bn(conv: nn.Module, channels: int, activation: nn.Module | None = None) -> nn.Sequential:
    """A convolution, batch norm over its output channels, and an activation."""
    return named(conv=conv, norm=nn.BatchNorm2d(channels), activation=activation)


def make_divisible(v: float, divisor: int = 8) -> int:
    """The rounding that documents 002, 003 and 004 print."""
    new_v = max(divisor, int(v + divisor / 2) // divisor * divisor)
    if new_v < 0.9 * v:
        new_v += divisor
    return new_v


class Classifier(nn.Module):
    """A network of ``features``, a pool, dropout where there is one, and a linear classifier."""

    def __init__(
        self, features: nn.Module, channels: int, num_classes: int, pool: nn.Module, dropout: float | None = None
    ) -> None:
        super().__init__()
        self.features = features
        self.pool = pool
        self.flatten = nn.Flatten()
        self.dropout = None if dropout is None else nn.Dropout(dropout)
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.flatten(self.pool(self.features(x)))
        if self.dropout is not None:
            x = self.dropout(x)
        logits: Tensor = self.classifier(x)
        return logits


class SqueezeExcite(nn.Module):
    """Each channel times a weight in 0 to 1 that follows from the means of all channels (arXiv:1709.01507)."""

    def __init__(self, channels: int, squeezed: int, activation: nn.Module, gate: nn.Module) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.activation = activation
        self.expand = nn.Conv2d(squeezed, channels, 1)
        self.gate = gate
        self.scale = Scale()

    def forward(self, x: Tensor) -> Tensor:
        weights = self.gate(self.expand(self.activation(self.reduce(self.pool(x)))))
        scaled: Tensor = self.scale(x, weights)
        return scaled
