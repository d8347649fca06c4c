"""MnasNet in PyTorch: B1 as torchvision has it, A1 after the paper (arXiv:1807.11626, Figure 7)."""

from __future__ import annotations

from torch import Tensor, nn

from reference_models.layers import Add, Classifier, SqueezeExcite, conv_bn, named


def round_to_multiple_of(value: float, divisor: int) -> int:
    """Rounds up, unless that adds more than 10 % to what rounding down gives."""
    nearest = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * value else nearest + divisor


class InvertedResidual(nn.Module):
    """Expand, depthwise, squeeze-excite where asked for, linear projection; a sum where nothing changes."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, factor: int, attentive: bool) -> None:
        super().__init__()
        middle = channels * factor
        depthwise = nn.Conv2d(middle, middle, kernel, stride, kernel // 2, groups=middle, bias=False)
        self.expand = conv_bn(nn.Conv2d(channels, middle, 1, bias=False), middle, nn.ReLU())
        self.depthwise = conv_bn(depthwise, middle, nn.ReLU())
        self.squeeze_excite = (
            SqueezeExcite(middle, int(channels * 0.25), nn.ReLU(), nn.Sigmoid()) if attentive else None
        )
        self.project = conv_bn(nn.Conv2d(middle, out, 1, bias=False), out)
        self.add = Add() if stride == 1 and channels == out else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.depthwise(self.expand(x))
        if self.squeeze_excite is not None:
            y = self.squeeze_excite(y)
        y = self.project(y)
        return y if self.add is None else self.add(x, y)


def mnasnet(alpha: float = 1.0, num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """``""`` MnasNet-B1, torchvision; ``"a1"`` MnasNet-A1."""
    if variant == "a1":
        kernels, factors = [3, 5, 3, 3, 5, 3], [6, 3, 6, 6, 6, 6]
        base, repeats = [24, 40, 80, 112, 160, 320], [2, 3, 4, 2, 3, 1]
        attentive = [False, True, False, True, True, False]
    else:
        kernels, factors = [3, 5, 5, 3, 5, 3], [3, 3, 6, 6, 6, 6]
        base, repeats = [24, 40, 80, 96, 192, 320], [3, 3, 3, 2, 4, 1]
        attentive = [False] * 6
    stem, separable, *depths = [round_to_multiple_of(depth * alpha, 8) for depth in [32, 16, *base]]
    features: list[nn.Module] = [
        conv_bn(nn.Conv2d(in_channels, stem, 3, 2, 1, bias=False), stem, nn.ReLU()),
        named(
            depthwise=conv_bn(nn.Conv2d(stem, stem, 3, 1, 1, groups=stem, bias=False), stem, nn.ReLU()),
            project=conv_bn(nn.Conv2d(stem, separable, 1, bias=False), separable),
        ),
    ]
    channels = separable
    strides = [2, 2, 2, 1, 2, 1]
    for kernel, factor, depth, repeat, stride, attention in zip(
        kernels, factors, depths, repeats, strides, attentive, strict=True
    ):
        features.append(InvertedResidual(channels, depth, kernel, stride, factor, attention))
        features += [InvertedResidual(depth, depth, kernel, 1, factor, attention) for _ in range(repeat - 1)]
        channels = depth
    features.append(conv_bn(nn.Conv2d(channels, 1280, 1, bias=False), 1280, nn.ReLU()))
    return Classifier(nn.Sequential(*features), 1280, num_classes, nn.AdaptiveAvgPool2d(1), dropout=0.2)
