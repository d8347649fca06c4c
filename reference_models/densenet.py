"""DenseNet in PyTorch (arXiv:1608.06993, as in torchvision)."""

from __future__ import annotations

from torch import Tensor, nn

from reference_models.layers import Concat, conv_bn, named


def norm_conv(channels: int, conv: nn.Conv2d) -> nn.Sequential:
    """BN-ReLU-Conv, the order of section 3 of the paper."""
    return named(norm=nn.BatchNorm2d(channels), activation=nn.ReLU(), conv=conv)


class DenseLayer(nn.Module):
    """A 1x1 bottleneck and a 3x3 convolution on everything before it."""

    def __init__(self, channels: int, growth_rate: int, first: bool) -> None:
        super().__init__()
        self.concat = None if first else Concat()
        inner = 4 * growth_rate
        self.conv1 = norm_conv(channels, nn.Conv2d(channels, inner, 1, bias=False))
        self.conv2 = norm_conv(inner, nn.Conv2d(inner, growth_rate, 3, padding=1, bias=False))

    def forward(self, *features: Tensor) -> Tensor:
        x = features[0] if self.concat is None else self.concat(*features)
        new: Tensor = self.conv2(self.conv1(x))
        return new


class DenseBlock(nn.Module):
    """Dense layers, and at the end all of their outputs stacked."""

    def __init__(self, num_layers: int, channels: int, growth_rate: int) -> None:
        super().__init__()
        for i in range(num_layers):
            self.add_module(f"layer{i + 1}", DenseLayer(channels + i * growth_rate, growth_rate, first=i == 0))
        self.concat = Concat()

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for name, child in self.named_children():
            if name != "concat":
                features.append(child(*features))
        stacked: Tensor = self.concat(*features)
        return stacked


class DenseNet(nn.Module):
    """A stem, four dense blocks with transitions between them, a last norm, and a classifier."""

    def __init__(
        self, growth_rate: int, block_config: list[int], stem: int, num_classes: int, in_channels: int
    ) -> None:
        super().__init__()
        self.stem = named(
            conv1=conv_bn(nn.Conv2d(in_channels, stem, 7, 2, 3, bias=False), stem, nn.ReLU()),
            pool=nn.MaxPool2d(3, 2, 1),
        )
        channels = stem
        for i, num_layers in enumerate(block_config, start=1):
            self.add_module(f"block{i}", DenseBlock(num_layers, channels, growth_rate))
            channels += num_layers * growth_rate
            if i < len(block_config):
                conv = norm_conv(channels, nn.Conv2d(channels, channels // 2, 1, bias=False))
                self.add_module(f"transition{i}", named(conv=conv, pool=nn.AvgPool2d(2, 2)))
                channels //= 2
        self.norm = nn.BatchNorm2d(channels)
        self.activation = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        # The modules were added in the order they run.
        for child in self.children():
            x = child(x)
        return x


def densenet121(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """torchvision's."""
    return DenseNet(32, [6, 12, 24, 16], 64, num_classes, in_channels)


def densenet161(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """torchvision's."""
    return DenseNet(48, [6, 12, 36, 24], 96, num_classes, in_channels)


def densenet169(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """torchvision's."""
    return DenseNet(32, [6, 12, 32, 32], 64, num_classes, in_channels)


def densenet201(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """torchvision's."""
    return DenseNet(32, [6, 12, 48, 32], 64, num_classes, in_channels)
