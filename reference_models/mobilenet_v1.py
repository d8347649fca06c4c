"""MobileNetV1 in PyTorch (arXiv:1704.04861; documents 000, 001 and 004)."""

from __future__ import annotations

from torch import nn

from reference_models.layers import Classifier, conv_bn, make_divisible, named

BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]


def mobilenet_v1(alpha: float = 1.0, num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """``""`` document 004; ``"plain"`` document 001 (7x7 pool); ``"biased"`` document 000 (bias, ReLU6).

    ``"standard"`` and ``"shallow"`` are the paper's Conv MobileNet (Table 4) and Shallow MobileNet (Table 5).
    """
    bias = variant == "biased"
    activation = nn.ReLU6 if bias else nn.ReLU
    channels = make_divisible(32 * alpha)
    features = [conv_bn(nn.Conv2d(in_channels, channels, 3, 2, 1, bias=bias), channels, activation())]
    for width, stride in BLOCKS[:6] + BLOCKS[11:] if variant == "shallow" else BLOCKS:
        out = make_divisible(width * alpha)
        if variant == "standard":
            features.append(conv_bn(nn.Conv2d(channels, out, 3, stride, 1, bias=False), out, nn.ReLU()))
            channels = out
            continue
        depthwise = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=bias)
        pointwise = nn.Conv2d(channels, out, 1, bias=bias)
        features.append(
            named(depthwise=conv_bn(depthwise, channels, activation()), pointwise=conv_bn(pointwise, out, activation()))
        )
        channels = out
    pool = nn.AvgPool2d(7) if variant == "plain" else nn.AdaptiveAvgPool2d(1)
    return Classifier(nn.Sequential(*features), channels, num_classes, pool)
