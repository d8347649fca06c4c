"""ShuffleNetV2 in PyTorch (arXiv:1807.11164, as in torchvision)."""

from __future__ import annotations

from torch import Tensor, nn

from reference_models.layers import Concat, conv_bn, named

OUT_CHANNELS = {
    0.5: [48, 96, 192, 1024],
    1.0: [116, 232, 464, 1024],
    1.5: [176, 352, 704, 1024],
    2.0: [244, 488, 976, 2048],
}


class Half(nn.Module):
    """One of the two halves of the channels: ``index`` 0 or 1."""

    kind = "channel_slice"

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, x: Tensor) -> Tensor:
        return x.chunk(2, dim=1)[self.index]


class Unit(nn.Module):
    """Figure 3 of the paper: (c) at stride 1, where half of the input passes by, and (d) at stride 2."""

    def __init__(self, inp: int, out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        features = out // 2
        if stride == 1:
            self.first_half, self.second_half = Half(0), Half(1)
            inp = features
        else:
            self.branch1 = named(
                depthwise=conv_bn(nn.Conv2d(inp, inp, 3, stride, 1, groups=inp, bias=False), inp),
                pointwise=conv_bn(nn.Conv2d(inp, features, 1, bias=False), features, nn.ReLU()),
            )
        self.branch2 = named(
            pointwise1=conv_bn(nn.Conv2d(inp, features, 1, bias=False), features, nn.ReLU()),
            depthwise=conv_bn(nn.Conv2d(features, features, 3, stride, 1, groups=features, bias=False), features),
            pointwise2=conv_bn(nn.Conv2d(features, features, 1, bias=False), features, nn.ReLU()),
        )
        self.concat = Concat()
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            x1, x2 = self.first_half(x), self.second_half(x)
            y = self.concat(x1, self.branch2(x2))
        else:
            y = self.concat(self.branch1(x), self.branch2(x))
        out: Tensor = self.shuffle(y)
        return out


class ShuffleNetV2(nn.Module):
    """Table 5 of the paper."""

    def __init__(self, widths: list[int], num_classes: int, in_channels: int) -> None:
        super().__init__()
        conv1 = conv_bn(nn.Conv2d(in_channels, 24, 3, 2, 1, bias=False), 24, nn.ReLU())
        self.stem = named(conv1=conv1, pool=nn.MaxPool2d(3, 2, 1))
        self.stage2 = self._stage(24, widths[0], 4)
        self.stage3 = self._stage(widths[0], widths[1], 8)
        self.stage4 = self._stage(widths[1], widths[2], 4)
        self.head = named(conv5=conv_bn(nn.Conv2d(widths[2], widths[3], 1, bias=False), widths[3], nn.ReLU()))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(widths[3], num_classes)

    @staticmethod
    def _stage(inp: int, out: int, repeats: int) -> nn.Sequential:
        return nn.Sequential(Unit(inp, out, 2), *(Unit(out, out, 1) for _ in range(repeats - 1)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(self.stage4(self.stage3(self.stage2(self.stem(x)))))
        logits: Tensor = self.classifier(self.flatten(self.pool(x)))
        return logits


def shufflenet_v2(alpha: float = 1.0, num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """torchvision's x0.5, x1.0, x1.5 and x2.0."""
    return ShuffleNetV2(OUT_CHANNELS[alpha], num_classes, in_channels)
