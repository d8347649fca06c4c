"""ResNet and ResNeXt in PyTorch (document 003 for the basic block; torchvision's layout for the bottlenecks)."""

from __future__ import annotations

from torch import Tensor, nn

from reference_models.layers import Add, conv_bn, named


class BasicBlock(nn.Module):
    """Document 003: two 3x3 convolutions around which the input goes."""

    expansion = 1

    def __init__(self, in_channel: int, channel: int, stride: int, **bottleneck: int | bool) -> None:
        super().__init__()
        self.conv1 = conv_bn(nn.Conv2d(in_channel, channel, 3, stride, 1, bias=False), channel, nn.ReLU())
        self.conv2 = conv_bn(nn.Conv2d(channel, channel, 3, 1, 1, bias=False), channel)
        self.downsample = downsample(in_channel, channel, stride)
        self.add = Add()
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv2(self.conv1(x))
        identity = x if self.downsample is None else self.downsample(x)
        y: Tensor = self.activation(self.add(out, identity))
        return y


class Bottleneck(nn.Module):
    """1x1, 3x3 (grouped in ResNeXt), 1x1; torchvision strides in the 3x3, the paper's networks in the first 1x1."""

    expansion = 4

    def __init__(
        self, in_channel: int, channel: int, stride: int, groups: int, width_per_group: int, paper_stride: bool
    ) -> None:
        super().__init__()
        width = int(channel * (width_per_group / 64.0)) * groups
        out = channel * self.expansion
        first, second = (stride, 1) if paper_stride else (1, stride)
        self.conv1 = conv_bn(nn.Conv2d(in_channel, width, 1, first, bias=False), width, nn.ReLU())
        self.conv2 = conv_bn(nn.Conv2d(width, width, 3, second, 1, groups=groups, bias=False), width, nn.ReLU())
        self.conv3 = conv_bn(nn.Conv2d(width, out, 1, bias=False), out)
        self.downsample = downsample(in_channel, out, stride)
        self.add = Add()
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv3(self.conv2(self.conv1(x)))
        identity = x if self.downsample is None else self.downsample(x)
        y: Tensor = self.activation(self.add(out, identity))
        return y


def downsample(in_channel: int, out: int, stride: int) -> nn.Module | None:
    """What makes a shortcut fit: a projection, or every second position where the channels fit already (TF-slim)."""
    if in_channel == out:
        return None if stride == 1 else nn.MaxPool2d(1, stride)
    return conv_bn(nn.Conv2d(in_channel, out, 1, stride, bias=False), out)


class ResNet(nn.Module):
    """A stem, four stages and a classifier."""

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        blocks_num: list[int],
        num_classes: int,
        in_channels: int,
        variant: str,
        groups: int = 1,
        width_per_group: int = 64,
    ) -> None:
        super().__init__()
        self.in_channel = 64
        self.block = block
        self.stride_last = variant == "slim-stride"
        self.bottleneck = {
            "groups": groups,
            "width_per_group": width_per_group,
            "paper_stride": variant == "paper-stride",
        }
        self.stem = named(
            conv1=conv_bn(nn.Conv2d(in_channels, 64, 7, 2, 3, bias=False), 64, nn.ReLU()), pool=nn.MaxPool2d(3, 2, 1)
        )
        strides = (2, 2, 2, 1) if self.stride_last else (1, 2, 2, 2)
        self.layer1 = self._make_layer(64, blocks_num[0], strides[0])
        self.layer2 = self._make_layer(128, blocks_num[1], strides[1])
        self.layer3 = self._make_layer(256, blocks_num[2], strides[2])
        self.layer4 = self._make_layer(512, blocks_num[3], strides[3])
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(512 * block.expansion, num_classes)

    def _make_layer(self, channel: int, block_num: int, stride: int) -> nn.Sequential:
        layers = []
        strides = [1] * block_num
        strides[-1 if self.stride_last else 0] = stride
        for step in strides:
            layers.append(self.block(self.in_channel, channel, step, **self.bottleneck))
            self.in_channel = channel * self.block.expansion
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        logits: Tensor = self.classifier(self.flatten(self.pool(x)))
        return logits


def resnet18(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """torchvision's."""
    return ResNet(BasicBlock, [2, 2, 2, 2], num_classes, in_channels, variant)


def resnet34(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """Document 003."""
    return ResNet(BasicBlock, [3, 4, 6, 3], num_classes, in_channels, variant)


def resnet50(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """``""`` torchvision; ``"paper-stride"`` the stride in the first 1x1; ``"slim-stride"`` at a stage's end."""
    return ResNet(Bottleneck, [3, 4, 6, 3], num_classes, in_channels, variant)


def resnet101(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """``""`` torchvision; ``"paper-stride"`` the stride in the first 1x1; ``"slim-stride"`` at a stage's end."""
    return ResNet(Bottleneck, [3, 4, 23, 3], num_classes, in_channels, variant)


def resnet152(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """``""`` torchvision; ``"paper-stride"`` the stride in the first 1x1; ``"slim-stride"`` at a stage's end."""
    return ResNet(Bottleneck, [3, 8, 36, 3], num_classes, in_channels, variant)
