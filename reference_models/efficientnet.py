"""EfficientNet in PyTorch, as torchvision has it (arXiv:1905.11946)."""

from __future__ import annotations

from math import ceil

from torch import Tensor, nn

from reference_models.layers import Add, Classifier, SqueezeExcite, conv_bn, make_divisible

# Expansion, kernel, stride, channels in, channels out, layers.
BASELINE = [
    (1, 3, 1, 32, 16, 1),
    (6, 3, 2, 16, 24, 2),
    (6, 5, 2, 24, 40, 2),
    (6, 3, 2, 40, 80, 3),
    (6, 5, 1, 80, 112, 3),
    (6, 5, 2, 112, 192, 4),
    (6, 3, 1, 192, 320, 1),
]


class MBConv(nn.Module):
    """Expand, depthwise, squeeze-excite, project; the input is added where nothing changes."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, ratio: int) -> None:
        super().__init__()
        hidden = channels * ratio
        depthwise = nn.Conv2d(hidden, hidden, kernel, stride, (kernel - 1) // 2, groups=hidden, bias=False)
        self.expand = conv_bn(nn.Conv2d(channels, hidden, 1, bias=False), hidden, nn.SiLU()) if ratio != 1 else None
        self.depthwise = conv_bn(depthwise, hidden, nn.SiLU())
        self.squeeze_excite = SqueezeExcite(hidden, max(1, channels // 4), nn.SiLU(), nn.Sigmoid())
        self.project = conv_bn(nn.Conv2d(hidden, out, 1, bias=False), out)
        self.add = Add() if stride == 1 and channels == out else None

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.squeeze_excite(self.depthwise(y)))
        return y if self.add is None else self.add(x, y)


def efficientnet(width: float, depth: float, dropout: float, num_classes: int, in_channels: int) -> nn.Module:
    """The baseline with its widths and its depth multiplied."""
    stem = make_divisible(32 * width)
    features: list[nn.Module] = [conv_bn(nn.Conv2d(in_channels, stem, 3, 2, 1, bias=False), stem, nn.SiLU())]
    for ratio, kernel, stride, channels, out, layers in BASELINE:
        wide_in, wide_out = make_divisible(channels * width), make_divisible(out * width)
        features.append(MBConv(wide_in, wide_out, kernel, stride, ratio))
        features += [MBConv(wide_out, wide_out, kernel, 1, ratio) for _ in range(ceil(layers * depth) - 1)]
    last = 4 * make_divisible(320 * width)
    features.append(conv_bn(nn.Conv2d(last // 4, last, 1, bias=False), last, nn.SiLU()))
    return Classifier(nn.Sequential(*features), last, num_classes, nn.AdaptiveAvgPool2d(1), dropout)


def efficientnet_b0(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """EfficientNet-B0, 224x224 in the paper."""
    return efficientnet(1.0, 1.0, 0.2, num_classes, in_channels)


def efficientnet_b1(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """EfficientNet-B1, 240x240 in the paper."""
    return efficientnet(1.0, 1.1, 0.2, num_classes, in_channels)


def efficientnet_b2(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """EfficientNet-B2, 260x260 in the paper."""
    return efficientnet(1.1, 1.2, 0.3, num_classes, in_channels)


def efficientnet_b3(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """EfficientNet-B3, 300x300 in the paper."""
    return efficientnet(1.2, 1.4, 0.3, num_classes, in_channels)


def efficientnet_b4(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """EfficientNet-B4, 380x380 in the paper."""
    return efficientnet(1.4, 1.8, 0.4, num_classes, in_channels)


def efficientnet_b5(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """EfficientNet-B5, 456x456 in the paper."""
    return efficientnet(1.6, 2.2, 0.4, num_classes, in_channels)


def efficientnet_b6(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """EfficientNet-B6, 528x528 in the paper."""
    return efficientnet(1.8, 2.6, 0.5, num_classes, in_channels)


def efficientnet_b7(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """EfficientNet-B7, 600x600 in the paper."""
    return efficientnet(2.0, 3.1, 0.5, num_classes, in_channels)
