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


class BiasedInvertedResidual(nn.Module):
    """Document 002, PyTorch listing: on stride 1 the shortcut is always a convolution with batch norm."""

    def __init__(self, channels: int, out: int, stride: int, t: int) -> None:
        super().__init__()
        mid = channels * t
        self.expand = conv_bn(nn.Conv2d(channels, mid, 1, 1), mid, nn.ReLU6())
        self.depthwise = conv_bn(nn.Conv2d(mid, mid, 3, stride, padding=1, groups=mid), mid, nn.ReLU6())
        self.project = conv_bn(nn.Conv2d(mid, out, 1, 1), out)
        self.shortcut = conv_bn(nn.Conv2d(channels, out, 1, 1), out) if stride == 1 else None
        self.add = Add() if stride == 1 else None

    def forward(self, x: Tensor) -> Tensor:
        out = self.project(self.depthwise(self.expand(x)))
        if self.shortcut is None or self.add is None:
            return out
        return self.add(out, self.shortcut(x))


class CorrectPad(nn.Module):
    """Document 002, ``pad_size`` for a kernel of 3: it looks at the sizes it is given."""

    kind = "zero_pad"

    def forward(self, x: Tensor) -> Tensor:
        (top, bottom), (left, right) = ((1 - (1 - size % 2), 1) for size in x.shape[2:])
        return nn.functional.pad(x, (left, right, top, bottom))


class SameConv2d(nn.Conv2d):
    """A convolution that pads as TensorFlow's "SAME" does: as little as is needed, the odd zero at the end."""

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        for size, kernel, stride in zip(x.shape[2:], self.kernel_size, self.stride, strict=True):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads = [total // 2, total - total // 2, *pads]  # the last axis comes first
        return super().forward(nn.functional.pad(x, pads))


class KerasInvertedResidual(nn.Module):
    """Document 002, Keras listing: padded before a "valid" convolution of stride 2."""

    def __init__(self, channels: int, out: int, stride: int, t: int) -> None:
        super().__init__()
        hidden = channels * t
        padding = 1 if stride == 1 else 0
        depthwise = nn.Conv2d(hidden, hidden, 3, stride, padding, groups=hidden, bias=False)
        self.expand = conv_bn(nn.Conv2d(channels, hidden, 1, bias=False), hidden, nn.ReLU6())
        self.pad = CorrectPad() if stride == 2 else None
        self.depthwise = conv_bn(depthwise, hidden, nn.ReLU6())
        self.project = conv_bn(nn.Conv2d(hidden, out, 1, bias=False), out)
        self.add = Add() if stride == 1 and channels == out else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(x)
        if self.pad is not None:
            y = self.pad(y)
        y = self.project(self.depthwise(y))
        return y if self.add is None else self.add(y, x)


def mobilenet_v2(alpha: float = 1.0, num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """``""`` document 004, torchvision; ``"scaled-head"`` document 003; ``"biased"`` and ``"keras"`` document 002."""
    bias, keras = variant == "biased", variant == "keras"
    block = {"biased": BiasedInvertedResidual, "keras": KerasInvertedResidual}.get(variant, InvertedResidual)
    channels = make_divisible(32 * alpha)
    stem = (
        SameConv2d(in_channels, channels, 3, 2, bias=False)
        if keras
        else nn.Conv2d(in_channels, channels, 3, 2, 1, bias=bias)
    )
    features: list[nn.Module] = [conv_bn(stem, channels, nn.ReLU6())]
    for t, c, n, s in SETTING:
        out = int(c * alpha) if keras else make_divisible(c * alpha)
        for repeat in range(n):
            features.append(block(channels, out, s if repeat == 0 else 1, t))
            channels = out
    last = make_divisible(1280 * alpha) if variant == "scaled-head" else make_divisible(1280 * max(1.0, alpha))
    features.append(conv_bn(nn.Conv2d(channels, last, 1, bias=bias), last, nn.ReLU6()))
    dropout = None if keras else 0.2
    return Classifier(nn.Sequential(*features), last, num_classes, nn.AdaptiveAvgPool2d(1), dropout)
