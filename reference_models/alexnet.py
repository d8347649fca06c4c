"""AlexNet in PyTorch (Krizhevsky et al. 2012, arXiv:1404.5997; document 003)."""

from __future__ import annotations

from torch import nn

from reference_models.layers import named


def conv_relu(channels: int, out: int, kernel: int, **choices: int) -> nn.Sequential:
    """A convolution with bias and ReLU."""
    return named(conv=nn.Conv2d(channels, out, kernel, **choices), activation=nn.ReLU())


def alexnet(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """``""`` torchvision; ``"halved"`` document 003; ``"two-gpu"`` the paper of 2012 without its normalization."""
    if variant == "halved":
        c1, c2, c3, c4, c5, hidden = 48, 128, 192, 192, 128, 2048
    elif variant == "two-gpu":
        c1, c2, c3, c4, c5, hidden = 96, 256, 384, 384, 256, 4096
    else:
        c1, c2, c3, c4, c5, hidden = 64, 192, 384, 256, 256, 4096
    # The two GPUs talk to each other before the third convolution and in the linear layers alone.
    towers = 2 if variant == "two-gpu" else 1
    features = named(
        conv1=conv_relu(in_channels, c1, 11, stride=4, padding=2),
        pool1=nn.MaxPool2d(3, 2),
        conv2=conv_relu(c1, c2, 5, padding=2, groups=towers),
        pool2=nn.MaxPool2d(3, 2),
        conv3=conv_relu(c2, c3, 3, padding=1),
        conv4=conv_relu(c3, c4, 3, padding=1, groups=towers),
        conv5=conv_relu(c4, c5, 3, padding=1, groups=towers),
        pool5=nn.MaxPool2d(3, 2),
    )
    classifier = named(
        fc1=named(dropout=nn.Dropout(0.5), linear=nn.Linear(c5 * 6 * 6, hidden), activation=nn.ReLU()),
        fc2=named(dropout=nn.Dropout(0.5), linear=nn.Linear(hidden, hidden), activation=nn.ReLU()),
        fc3=nn.Linear(hidden, num_classes),
    )
    pool = nn.AdaptiveAvgPool2d((6, 6)) if variant == "" else None
    return named(features=features, pool=pool, flatten=nn.Flatten(), classifier=classifier)
