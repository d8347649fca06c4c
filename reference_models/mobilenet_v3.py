"""MobileNetV3 in PyTorch: as torchvision has it, and as TF-slim and Keras scale it (arXiv:1905.02244)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from reference_models.layers import Add, SqueezeExcite, conv_bn, make_divisible, named

# torchvision's notation: channels in, kernel, expanded, out, squeeze-excite, activation, stride.
LARGE: list[tuple[int, int, int, int, bool, str, int]] = [
    (16, 3, 16, 16, False, "RE", 1),
    (16, 3, 64, 24, False, "RE", 2),
    (24, 3, 72, 24, False, "RE", 1),
    (24, 5, 72, 40, True, "RE", 2),
    (40, 5, 120, 40, True, "RE", 1),
    (40, 5, 120, 40, True, "RE", 1),
    (40, 3, 240, 80, False, "HS", 2),
    (80, 3, 200, 80, False, "HS", 1),
    (80, 3, 184, 80, False, "HS", 1),
    (80, 3, 184, 80, False, "HS", 1),
    (80, 3, 480, 112, True, "HS", 1),
    (112, 3, 672, 112, True, "HS", 1),
    (112, 5, 672, 160, True, "HS", 2),
    (160, 5, 960, 160, True, "HS", 1),
    (160, 5, 960, 160, True, "HS", 1),
]
SMALL: list[tuple[int, int, int, int, bool, str, int]] = [
    (16, 3, 16, 16, True, "RE", 2),
    (16, 3, 72, 24, False, "RE", 2),
    (24, 3, 88, 24, False, "RE", 1),
    (24, 5, 96, 40, True, "HS", 2),
    (40, 5, 240, 40, True, "HS", 1),
    (40, 5, 240, 40, True, "HS", 1),
    (40, 5, 120, 48, True, "HS", 1),
    (48, 5, 144, 48, True, "HS", 1),
    (48, 5, 288, 96, True, "HS", 2),
    (96, 5, 576, 96, True, "HS", 1),
    (96, 5, 576, 96, True, "HS", 1),
]

# TF-slim's and Keras' notation: expansion factor, out, kernel, stride, squeeze-excite, activation.
LARGE_FACTORS: list[tuple[float, int, int, int, bool, str]] = [
    (1, 16, 3, 1, False, "RE"),
    (4, 24, 3, 2, False, "RE"),
    (3, 24, 3, 1, False, "RE"),
    (3, 40, 5, 2, True, "RE"),
    (3, 40, 5, 1, True, "RE"),
    (3, 40, 5, 1, True, "RE"),
    (6, 80, 3, 2, False, "HS"),
    (2.5, 80, 3, 1, False, "HS"),
    (2.3, 80, 3, 1, False, "HS"),
    (2.3, 80, 3, 1, False, "HS"),
    (6, 112, 3, 1, True, "HS"),
    (6, 112, 3, 1, True, "HS"),
    (6, 160, 5, 2, True, "HS"),
    (6, 160, 5, 1, True, "HS"),
    (6, 160, 5, 1, True, "HS"),
]
SMALL_FACTORS: list[tuple[float, int, int, int, bool, str]] = [
    (1, 16, 3, 2, True, "RE"),
    (72.0 / 16, 24, 3, 2, False, "RE"),
    (88.0 / 24, 24, 3, 1, False, "RE"),
    (4, 40, 5, 2, True, "HS"),
    (6, 40, 5, 1, True, "HS"),
    (6, 40, 5, 1, True, "HS"),
    (3, 48, 5, 1, True, "HS"),
    (3, 48, 5, 1, True, "HS"),
    (6, 96, 5, 2, True, "HS"),
    (6, 96, 5, 1, True, "HS"),
    (6, 96, 5, 1, True, "HS"),
]


@dataclass(frozen=True)
class Bneck:
    """The choices of one block, all rounded."""

    channels: int
    kernel: int
    expanded: int
    out: int
    attentive: bool
    activation: str
    stride: int


def activate(name: str) -> nn.Module:
    return nn.Hardswish() if name == "HS" else nn.ReLU()


class InvertedResidual(nn.Module):
    """Expand, depthwise, squeeze-excite where the table has it, linear projection; a sum where nothing changes."""

    def __init__(self, block: Bneck) -> None:
        super().__init__()
        hidden, act = block.expanded, block.activation
        depthwise = nn.Conv2d(hidden, hidden, block.kernel, block.stride, block.kernel // 2, groups=hidden, bias=False)
        self.expand = None
        if hidden != block.channels:
            self.expand = conv_bn(nn.Conv2d(block.channels, hidden, 1, bias=False), hidden, activate(act))
        self.depthwise = conv_bn(depthwise, hidden, activate(act))
        self.squeeze_excite = None
        if block.attentive:
            squeezed = make_divisible(hidden // 4, 8)
            self.squeeze_excite = SqueezeExcite(hidden, squeezed, nn.ReLU(), nn.Hardsigmoid())
        self.project = conv_bn(nn.Conv2d(hidden, block.out, 1, bias=False), block.out)
        self.add = Add() if block.stride == 1 and block.channels == block.out else None

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.depthwise(y)
        if self.squeeze_excite is not None:
            y = self.squeeze_excite(y)
        y = self.project(y)
        return y if self.add is None else self.add(x, y)


class MobileNetV3(nn.Module):
    """A stem, blocks, a last convolution, and after the pool two linear layers."""

    def __init__(
        self, stem: int, blocks: list[Bneck], last: int, head: int, act: str, num_classes: int, in_channels: int
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv_bn(nn.Conv2d(in_channels, stem, 3, 2, 1, bias=False), stem, activate(act)),
            *map(InvertedResidual, blocks),
            conv_bn(nn.Conv2d(blocks[-1].out, last, 1, bias=False), last, activate(act)),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.head = named(linear=nn.Linear(last, head), activation=activate(act))
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(head, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.flatten(self.pool(self.features(x)))
        logits: Tensor = self.classifier(self.dropout(self.head(x)))
        return logits


def torchvision_blocks(table: list[tuple[int, int, int, int, bool, str, int]], alpha: float) -> list[Bneck]:
    """Each printed width times alpha."""
    return [
        Bneck(make_divisible(c * alpha), k, make_divisible(e * alpha), make_divisible(o * alpha), se, act, s)
        for c, k, e, o, se, act, s in table
    ]


def factor_blocks(
    table: list[tuple[float, int, int, int, bool, str]], alpha: float, channels: int, minimalistic: bool
) -> list[Bneck]:
    """Each expansion a factor of the channels that really come in."""
    blocks = []
    for factor, out, kernel, stride, attentive, act in table:
        hidden, width = make_divisible(channels * factor), make_divisible(out * alpha)
        if minimalistic:
            blocks.append(Bneck(channels, 3, hidden, width, False, "RE", stride))
        else:
            blocks.append(Bneck(channels, kernel, hidden, width, attentive, act, stride))
        channels = width
    return blocks


def mobilenet_v3_large(
    alpha: float = 1.0, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> nn.Module:
    """``""`` torchvision; ``"slim"`` and ``"minimalistic"`` TF-slim; ``"keras"`` Keras."""
    if variant == "":
        stem, last, head = make_divisible(16 * alpha), 6 * make_divisible(160 * alpha), make_divisible(1280 * alpha)
        return MobileNetV3(stem, torchvision_blocks(LARGE, alpha), last, head, "HS", num_classes, in_channels)
    stem, last, head = make_divisible(16 * alpha), make_divisible(960 * alpha), 1280
    if variant == "keras":
        stem, last = 16, make_divisible(make_divisible(160 * alpha) * 6)
        head = make_divisible(1280 * alpha) if alpha > 1.0 else 1280
    minimalistic = variant == "minimalistic"
    blocks = factor_blocks(LARGE_FACTORS, alpha, stem, minimalistic)
    return MobileNetV3(stem, blocks, last, head, "RE" if minimalistic else "HS", num_classes, in_channels)


def mobilenet_v3_small(
    alpha: float = 1.0, num_classes: int = 1000, in_channels: int = 3, variant: str = ""
) -> nn.Module:
    """As :func:`mobilenet_v3_large`, and ``"wide-head"``: TF-slim with the 1280 of the paper's other version."""
    if variant == "":
        stem, last, head = make_divisible(16 * alpha), 6 * make_divisible(96 * alpha), make_divisible(1024 * alpha)
        return MobileNetV3(stem, torchvision_blocks(SMALL, alpha), last, head, "HS", num_classes, in_channels)
    stem, last, head = make_divisible(16 * alpha), make_divisible(576 * alpha), 1024
    if variant == "keras":
        stem, last = 16, make_divisible(make_divisible(96 * alpha) * 6)
        head = make_divisible(1024 * alpha) if alpha > 1.0 else 1024
    if variant == "wide-head":
        head = 1280
    minimalistic = variant == "minimalistic"
    blocks = factor_blocks(SMALL_FACTORS, alpha, stem, minimalistic)
    return MobileNetV3(stem, blocks, last, head, "RE" if minimalistic else "HS", num_classes, in_channels)
