"""ShuffleNet in PyTorch (arXiv:1707.01083, with the widths of the authors' release)."""

from __future__ import annotations

from torch import Tensor, nn

from reference_models.layers import Add, Concat, conv_bn, make_divisible, named

STAGES = {
    1: [144, 288, 576],
    2: [200, 400, 800],
    3: [240, 480, 960],
    4: [272, 544, 1088],
    8: [384, 768, 1536],
}


class ShuffleUnit(nn.Module):
    """Figure 2 of the paper: (b) at stride 1, (c) at stride 2."""

    def __init__(self, inp: int, out: int, stride: int, group: int, first_group: bool) -> None:
        super().__init__()
        mid = out // 4
        outputs = out - inp if stride == 2 else out
        self.shortcut = nn.AvgPool2d(3, 2, 1) if stride == 2 else None
        self.reduce = conv_bn(nn.Conv2d(inp, mid, 1, groups=1 if first_group else group, bias=False), mid, nn.ReLU())
        self.shuffle = nn.ChannelShuffle(group) if group > 1 else None
        self.depthwise = conv_bn(nn.Conv2d(mid, mid, 3, stride, 1, groups=mid, bias=False), mid)
        self.expand = conv_bn(nn.Conv2d(mid, outputs, 1, groups=group, bias=False), outputs)
        self.concat = Concat() if stride == 2 else None
        self.add = Add() if stride == 1 else None
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        pooled = None if self.shortcut is None else self.shortcut(x)
        y = self.reduce(x)
        if self.shuffle is not None:
            y = self.shuffle(y)
        y = self.expand(self.depthwise(y))
        y = self.add(y, x) if self.concat is None else self.concat(pooled, y)
        out: Tensor = self.activation(y)
        return out


class ShuffleNet(nn.Module):
    """Table 1 of the paper."""

    def __init__(self, stem: int, widths: list[int], group: int, num_classes: int, in_channels: int) -> None:
        super().__init__()
        conv1 = conv_bn(nn.Conv2d(in_channels, stem, 3, 2, 1, bias=False), stem, nn.ReLU())
        self.stem = named(conv1=conv1, pool=nn.MaxPool2d(3, 2, 1))
        inputs = [stem, *widths]
        self.stage2 = self._stage(inputs[0], inputs[1], 4, group, first=True)
        self.stage3 = self._stage(inputs[1], inputs[2], 8, group)
        self.stage4 = self._stage(inputs[2], inputs[3], 4, group)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(widths[-1], num_classes, bias=False)

    @staticmethod
    def _stage(inp: int, out: int, repeats: int, group: int, first: bool = False) -> nn.Sequential:
        units = [ShuffleUnit(inp, out, 2, group, first_group=first)]
        units += [ShuffleUnit(out, out, 1, group, first_group=False) for _ in range(repeats - 1)]
        return nn.Sequential(*units)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage4(self.stage3(self.stage2(self.stem(x))))
        logits: Tensor = self.classifier(self.flatten(self.pool(x)))
        return logits


def shufflenet_v1(
    alpha: float = 1.0, num_classes: int = 1000, in_channels: int = 3, groups: int = 3, variant: str = ""
) -> nn.Module:
    """``""`` the authors' release, whose stem is 12, 24, 24, 48; ``"scaled-stem"`` the paper's 24 times alpha."""
    stem = 24 * alpha if variant == "scaled-stem" or alpha < 1 else 24 * int(alpha)
    # A width must split into groups, and a quarter of it, inside the unit, too.
    widths = [make_divisible(width * alpha, 4 * groups) for width in STAGES[groups]]
    return ShuffleNet(make_divisible(stem, groups), widths, groups, num_classes, in_channels)
