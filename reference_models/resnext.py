"""ResNeXt (arXiv:1611.05431): torchvision's ResNet, its bottlenecks in groups."""

from __future__ import annotations

from torch import nn

from reference_models.resnet import Bottleneck, ResNet


def resnext50_32x4d(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """torchvision's."""
    return ResNet(Bottleneck, [3, 4, 6, 3], num_classes, in_channels, variant, groups=32, width_per_group=4)


def resnext101_32x4d(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """The paper's, in torchvision's layout."""
    return ResNet(Bottleneck, [3, 4, 23, 3], num_classes, in_channels, variant, groups=32, width_per_group=4)


def resnext101_32x8d(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """torchvision's."""
    return ResNet(Bottleneck, [3, 4, 23, 3], num_classes, in_channels, variant, groups=32, width_per_group=8)


def resnext101_64x4d(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """torchvision's."""
    return ResNet(Bottleneck, [3, 4, 23, 3], num_classes, in_channels, variant, groups=64, width_per_group=4)
