"""LeNet in PyTorch (LeCun et al. 1998; document 003)."""

from __future__ import annotations

from torch import nn

from reference_models.layers import named


def lenet(num_classes: int = 10, in_channels: int = 3, variant: str = "") -> nn.Module:
    """Document 003: color images, max pools."""
    return _lenet(in_channels, 16, 32, nn.MaxPool2d, num_classes)


def lenet5(num_classes: int = 10, in_channels: int = 1, variant: str = "") -> nn.Module:
    """Grey images, 6 and 16 channels, average pools."""
    return _lenet(in_channels, 6, 16, nn.AvgPool2d, num_classes)


def _lenet(channels: int, c1: int, c2: int, pool: type[nn.Module], num_classes: int) -> nn.Module:
    return named(
        features=named(
            conv1=named(conv=nn.Conv2d(channels, c1, 5), activation=nn.ReLU()),
            pool1=pool(2, 2),
            conv2=named(conv=nn.Conv2d(c1, c2, 5), activation=nn.ReLU()),
            pool2=pool(2, 2),
        ),
        flatten=nn.Flatten(),
        classifier=named(
            fc1=named(linear=nn.Linear(c2 * 5 * 5, 120), activation=nn.ReLU()),
            fc2=named(linear=nn.Linear(120, 84), activation=nn.ReLU()),
            fc3=nn.Linear(84, num_classes),
        ),
    )
