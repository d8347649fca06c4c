"""MobileNetV2 in PyTorch (arXiv:1801.04381; documents 002, 003 and 004)."""

from __future__ import annotations

from torch import Tensor, nn

from reference_models.layers import Add, Classifier, conv_bn, make_divisible

SETTING = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


class InvertedResidual(nn.Module):
    """Documents 003 and 004: expand unless t is 1, depthwise, linear projection; a sum where nothing changes."""

    def __init__(self, channels: int, out: int, stride: int, t: int) -> None:
        super().__init__()
        hidden = channels * t
        self.expand = conv_bn(nn.Conv2d(channels, hidden, 1, bias=False), hidden, nn.ReLU6()) if t != 1 else None
        self.depthwise = conv_bn(nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False), hidden, nn.ReLU6())
        self.project = conv_bn(nn.Conv2d(hidden, out, 1, bias=False), out)
        self.add = Add() if stride == 1 and channels == out else None

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return y if self.add is None else self.add(x, y)


def mobilenet_v2(alpha: float = 1.0, num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """``""`` document 004, torchvision; ``"scaled-head"`` document 003."""
    channels = make_divisible(32 * alpha)
    features: list[nn.Module] = [conv_bn(nn.Conv2d(in_channels, channels, 3, 2, 1, bias=False), channels, nn.ReLU6())]
    for t, c, n, s in SETTING:
        out = make_divisible(c * alpha)
        for repeat in range(n):
            features.append(InvertedResidual(channels, out, s if repeat == 0 else 1, t))
            channels = out
    last = make_divisible(1280 * alpha) if variant == "scaled-head" else make_divisible(1280 * max(1.0, alpha))
    features.append(conv_bn(nn.Conv2d(channels, last, 1, bias=False), last, nn.ReLU6()))
    return Classifier(nn.Sequential(*features), last, num_classes, nn.AdaptiveAvgPool2d(1), dropout=0.2)
