"""VGG in PyTorch (arXiv:1409.1556; document 003)."""

from __future__ import annotations

from torch import nn

from reference_models.layers import conv_bn, named

M = "M"  # a max pool
A = [64, M, 128, M, 256, 256, M, 512, 512, M, 512, 512, M]
B = [64, 64, M, 128, 128, M, 256, 256, M, 512, 512, M, 512, 512, M]
D = [64, 64, M, 128, 128, M, 256, 256, 256, M, 512, 512, 512, M, 512, 512, 512, M]
E = [64, 64, M, 128, 128, M, 256, 256, 256, 256, M, 512, 512, 512, 512, M, 512, 512, 512, 512, M]


def make_features(cfg: list[int | str], channels: int, batch_norm: bool) -> nn.Sequential:
    """Document 003's reading of a configuration; a pool closes the block that ``conv1, conv2 ...`` are numbered in."""
    blocks: dict[str, nn.Module] = {}
    layers: dict[str, nn.Module] = {}
    for v in cfg:
        if isinstance(v, str):
            blocks[str(len(blocks) + 1)] = named(**layers, pool=nn.MaxPool2d(2, 2))
            layers = {}
            continue
        conv = nn.Conv2d(channels, v, 3, padding=1)
        unit = conv_bn(conv, v, nn.ReLU()) if batch_norm else named(conv=conv, activation=nn.ReLU())
        layers[f"conv{len(layers) + 1}"] = unit
        channels = v
    return named(**blocks)


def vgg(cfg: list[int | str], num_classes: int, in_channels: int, variant: str) -> nn.Module:
    """``""`` and ``"bn"`` torchvision; ``"plain"`` document 003, without adaptive pool."""
    return named(
        features=make_features(cfg, in_channels, variant == "bn"),
        pool=None if variant == "plain" else nn.AdaptiveAvgPool2d((7, 7)),
        flatten=nn.Flatten(),
        classifier=named(
            fc1=named(linear=nn.Linear(512 * 7 * 7, 4096), activation=nn.ReLU(), dropout=nn.Dropout(0.5)),
            fc2=named(linear=nn.Linear(4096, 4096), activation=nn.ReLU(), dropout=nn.Dropout(0.5)),
            fc3=nn.Linear(4096, num_classes),
        ),
    )


def vgg11(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """Configuration A."""
    return vgg(A, num_classes, in_channels, variant)


def vgg13(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """Configuration B."""
    return vgg(B, num_classes, in_channels, variant)


def vgg16(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """Configuration D."""
    return vgg(D, num_classes, in_channels, variant)


def vgg19(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """Configuration E."""
    return vgg(E, num_classes, in_channels, variant)
