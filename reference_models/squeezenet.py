"""SqueezeNet in PyTorch (arXiv:1602.07360, as torchvision builds it)."""

from __future__ import annotations

from torch import Tensor, nn

from reference_models.layers import Concat, named


def conv_relu(channels: int, out: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Sequential:
    """A convolution with bias and ReLU."""
    return named(conv=nn.Conv2d(channels, out, kernel, stride, padding), activation=nn.ReLU())


class Fire(nn.Module):
    """``squeeze`` channels by 1x1, then as many by 1x1 as by 3x3, stacked."""

    def __init__(self, channels: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = conv_relu(channels, squeeze, 1)
        self.expand1x1 = conv_relu(squeeze, expand, 1)
        self.expand3x3 = conv_relu(squeeze, expand, 3, padding=1)
        self.concat = Concat()

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x)
        stacked: Tensor = self.concat(self.expand1x1(x), self.expand3x3(x))
        return stacked


def pool() -> nn.MaxPool2d:
    """Every max pool of both networks."""
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def head(features: nn.Module, num_classes: int) -> nn.Module:
    """Dropout, a 1x1 convolution to the classes, and their mean over the map."""
    return named(
        features=features,
        dropout=nn.Dropout(0.5),
        classifier=conv_relu(512, num_classes, 1),
        pool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
    )


def squeezenet1_0(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """The paper's network."""
    features = named(
        conv1=conv_relu(in_channels, 96, 7, 2),
        pool1=pool(),
        fire2=Fire(96, 16, 64),
        fire3=Fire(128, 16, 64),
        fire4=Fire(128, 32, 128),
        pool4=pool(),
        fire5=Fire(256, 32, 128),
        fire6=Fire(256, 48, 192),
        fire7=Fire(384, 48, 192),
        fire8=Fire(384, 64, 256),
        pool8=pool(),
        fire9=Fire(512, 64, 256),
    )
    return head(features, num_classes)


def squeezenet1_1(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """The authors' second release."""
    features = named(
        conv1=conv_relu(in_channels, 64, 3, 2),
        pool1=pool(),
        fire2=Fire(64, 16, 64),
        fire3=Fire(128, 16, 64),
        pool3=pool(),
        fire4=Fire(128, 32, 128),
        fire5=Fire(256, 32, 128),
        pool5=pool(),
        fire6=Fire(256, 48, 192),
        fire7=Fire(384, 48, 192),
        fire8=Fire(384, 64, 256),
        fire9=Fire(512, 64, 256),
    )
    return head(features, num_classes)
