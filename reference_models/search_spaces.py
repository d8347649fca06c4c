"""Networks of search spaces in PyTorch, from the names of their choices: what sampled networks are checked against."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from reference_models.layers import Add, conv_bn, make_divisible, named
from reference_models.mobilenet_v3 import Bneck, InvertedResidual


def in_order(parts: dict[str, nn.Module]) -> nn.Sequential:
    """Modules under dotted names, one after the other."""
    tree: OrderedDict[str, nn.Module] = OrderedDict()
    for name, module in parts.items():
        first, _, rest = name.partition(".")
        if rest:
            tree.setdefault(first, nn.Sequential()).add_module(rest, module)
        else:
            tree[first] = module
    return nn.Sequential(tree)


def classifier(channels: int, classes: int = 1000) -> dict[str, nn.Module]:
    return {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "classifier": nn.Linear(channels, classes)}


def once_for_all_mobilenet_v3(choices: Sequence[str]) -> nn.Module:
    """Five stages of up to four blocks: k5e4 is kernel 5 and expansion 4."""
    parts: dict[str, nn.Module] = {
        "stage1": conv_bn(nn.Conv2d(3, 16, 3, 2, 1, bias=False), 16, nn.Hardswish()),
        "stage2": InvertedResidual(Bneck(16, 3, 16, 16, False, "RE", 1)),
    }
    read, left = 16, iter(choices)
    for number, (width, stride, attentive, activation) in enumerate(
        [(24, 2, False, "RE"), (40, 2, True, "RE"), (80, 2, False, "HS"), (112, 1, True, "HS"), (160, 2, True, "HS")]
    ):
        for block in range(4):
            choice = next(left)
            if choice == "none":
                continue
            kernel, expansion = int(choice[1]), int(choice[3])
            row = Bneck(
                read,
                kernel,
                make_divisible(read * expansion),
                width,
                attentive,
                activation,
                stride if block == 0 else 1,
            )
            parts[f"stage{number + 3}.{block + 1}"] = InvertedResidual(row)
            read = width
    parts["stage8"] = conv_bn(nn.Conv2d(160, 960, 1, bias=False), 960, nn.Hardswish())
    parts["pool"] = nn.AdaptiveAvgPool2d(1)
    parts["feature_mix"] = named(conv=nn.Conv2d(960, 1280, 1, bias=False), activation=nn.Hardswish())
    return in_order({**parts, "flatten": nn.Flatten(), "classifier": nn.Linear(1280, 1000)})


class PooledBottleneck(nn.Module):
    """A bottleneck whose shortcut is an average pool and a 1x1 convolution, where there is anything to change."""

    def __init__(self, read: int, width: int, ratio: float, stride: int) -> None:
        super().__init__()
        inner = make_divisible(round(width * ratio))
        self.conv1 = conv_bn(nn.Conv2d(read, inner, 1, bias=False), inner, nn.ReLU())
        self.conv2 = conv_bn(nn.Conv2d(inner, inner, 3, stride, 1, bias=False), inner, nn.ReLU())
        self.conv3 = conv_bn(nn.Conv2d(inner, width, 1, bias=False), width)
        self.pool = nn.AvgPool2d(stride, stride, ceil_mode=True) if stride > 1 else None
        self.downsample = conv_bn(nn.Conv2d(read, width, 1, bias=False), width) if stride > 1 or read != width else None
        self.add = Add()
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv3(self.conv2(self.conv1(x)))
        if self.pool is not None:
            x = self.pool(x)
        if self.downsample is not None:
            x = self.downsample(x)
        total: Tensor = self.activation(self.add(y, x))
        return total


class StemResidual(nn.Module):
    """A convolution, and the sum with what it reads."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.activation = nn.ReLU()
        self.add = Add()

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.add(self.activation(self.norm(self.conv(x))), x)
        return total


def once_for_all_resnet50(choices: Sequence[str]) -> nn.Module:
    """o168r0.25 is a width and a ratio; blocks after the first of a stage keep its width."""
    left = iter(choices)
    width = int(next(left)[1:])
    parts: dict[str, nn.Module] = {"stem.1": conv_bn(nn.Conv2d(3, width, 3, 2, 1, bias=False), width, nn.ReLU())}
    if next(left) != "skip":
        parts["stem.2"] = StemResidual(width)
    read, width = width, int(next(left)[1:])
    parts["stem.3"] = conv_bn(nn.Conv2d(read, width, 3, 1, 1, bias=False), width, nn.ReLU())
    parts["stem.pool"] = nn.MaxPool2d(3, 2, 1)
    for stage, most in enumerate((4, 4, 6, 4), start=1):
        read = width
        for block in range(most):
            choice = next(left)
            if choice == "none":
                continue
            values = dict(re.findall(r"([or])([\d.]+)", choice))
            width = int(values.get("o", width))
            stride = 2 if stage > 1 and block == 0 else 1
            parts[f"layer{stage}.{block + 1}"] = PooledBottleneck(read, width, float(values["r"]), stride)
            read = width
    return in_order({**parts, **classifier(width)})


def _searched(stages: Sequence[tuple[int, int, int]], read: int) -> Iterator[tuple[str, int, int, int]]:
    """Name, channels in and out, and stride of each position: the stages of a space begin with its third row."""
    for number, (width, repeat, stride) in enumerate(stages):
        for block in range(repeat):
            yield f"{number}.{block + 1}" if repeat > 1 else f"{number}", read, width, stride if block == 0 else 1
            read = width


class Relu6Residual(nn.Module):
    """An inverted residual with ReLU6."""

    def __init__(self, read: int, width: int, kernel: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = make_divisible(read * expansion)
        self.expand = conv_bn(nn.Conv2d(read, inner, 1, bias=False), inner, nn.ReLU6()) if expansion > 1 else None
        depthwise = nn.Conv2d(inner, inner, kernel, stride, kernel // 2, groups=inner, bias=False)
        self.depthwise = conv_bn(depthwise, inner, nn.ReLU6())
        self.project = conv_bn(nn.Conv2d(inner, width, 1, bias=False), width)
        self.add = Add() if stride == 1 and read == width else None

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return y if self.add is None else self.add(x, y)


def proxyless(choices: Sequence[str]) -> nn.Module:
    """k5e3 is kernel 5 and expansion 3; a block may be left out."""
    parts: dict[str, nn.Module] = {
        "stage1": conv_bn(nn.Conv2d(3, 32, 3, 2, 1, bias=False), 32, nn.ReLU6()),
        "stage2": Relu6Residual(32, 16, 3, 1, 1),
    }
    stages = [(24, 4, 2), (40, 4, 2), (80, 4, 2), (96, 4, 1), (192, 4, 2), (320, 1, 1)]
    for choice, (name, read, width, stride) in zip(choices, _searched(stages, 16), strict=True):
        number, dot, block = name.partition(".")
        if choice != "skip":
            module = Relu6Residual(read, width, int(choice[1]), int(choice[3]), stride)
            parts[f"stage{int(number) + 3}{dot}{block}"] = module
    parts["stage9"] = conv_bn(nn.Conv2d(320, 1280, 1, bias=False), 1280, nn.ReLU6())
    return in_order({**parts, **classifier(1280)})


class GroupedResidual(nn.Module):
    """1x1, depthwise, 1x1, the 1x1 ones in groups; channels are shuffled after the first."""

    def __init__(self, read: int, width: int, kernel: int, expansion: int, groups: int, stride: int) -> None:
        super().__init__()
        inner = read * expansion
        self.expand = conv_bn(nn.Conv2d(read, inner, 1, groups=groups, bias=False), inner, nn.ReLU())
        self.shuffle = nn.ChannelShuffle(groups) if groups > 1 else None
        depthwise = nn.Conv2d(inner, inner, kernel, stride, kernel // 2, groups=inner, bias=False)
        self.depthwise = conv_bn(depthwise, inner, nn.ReLU())
        self.project = conv_bn(nn.Conv2d(inner, width, 1, groups=groups, bias=False), width)
        self.add = Add() if stride == 1 and read == width else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(x)
        if self.shuffle is not None:
            y = self.shuffle(y)
        y = self.project(self.depthwise(y))
        return y if self.add is None else self.add(y, x)


def fbnet(choices: Sequence[str]) -> nn.Module:
    """k5_e1_g2 is kernel 5, expansion 1, two groups; skip is a 1x1 convolution where the shape changes."""
    parts: dict[str, nn.Module] = {"stage1": conv_bn(nn.Conv2d(3, 16, 3, 2, 1, bias=False), 16, nn.ReLU())}
    stages = [(16, 1, 1), (24, 4, 2), (32, 4, 2), (64, 4, 2), (112, 4, 1), (184, 4, 2), (352, 1, 1)]
    for choice, (name, read, width, stride) in zip(choices, _searched(stages, 16), strict=True):
        number, dot, block = name.partition(".")
        place = f"stage{int(number) + 2}{dot}{block}"
        if choice != "skip":
            kernel, expansion, *groups = (int(part[1:]) for part in choice.split("_"))
            parts[place] = GroupedResidual(read, width, kernel, expansion, *(groups or [1]), stride)
        elif stride > 1 or read != width:
            parts[place] = conv_bn(nn.Conv2d(read, width, 1, stride, bias=False), width, nn.ReLU())
    parts["stage9"] = conv_bn(nn.Conv2d(352, 1504, 1, bias=False), 1504, nn.ReLU())
    return in_order({**parts, **classifier(1504)})
