"""GoogLeNet in PyTorch (arXiv:1409.4842; document 003, and torchvision's form of it)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from reference_models.layers import Concat, Outputs, conv_bn, named

BasicConv = Callable[..., nn.Sequential]


def document_conv(channels: int, out: int, kernel: int, **choices: int) -> nn.Sequential:
    """Document 003's: bias, no batch norm."""
    return named(conv=nn.Conv2d(channels, out, kernel, **choices), activation=nn.ReLU())


def torchvision_conv(channels: int, out: int, kernel: int, **choices: int) -> nn.Sequential:
    """torchvision's: batch norm, no bias."""
    return conv_bn(nn.Conv2d(channels, out, kernel, bias=False, **choices), out, nn.ReLU())


class Inception(nn.Module):
    """Four branches and their concatenation. The third is 5x5 in the paper and 3x3 in torchvision."""

    def __init__(
        self,
        basic: BasicConv,
        third: int,
        channels: int,
        ch1x1: int,
        ch3x3red: int,
        ch3x3: int,
        ch5x5red: int,
        ch5x5: int,
        pool_proj: int,
    ) -> None:
        super().__init__()
        self.branch1 = basic(channels, ch1x1, 1)
        self.branch2 = named(reduce=basic(channels, ch3x3red, 1), expand=basic(ch3x3red, ch3x3, 3, padding=1))
        self.branch3 = named(
            reduce=basic(channels, ch5x5red, 1), expand=basic(ch5x5red, ch5x5, third, padding=third // 2)
        )
        self.branch4 = named(pool=nn.MaxPool2d(3, 1, 1, ceil_mode=True), project=basic(channels, pool_proj, 1))
        self.concat = Concat()

    def forward(self, x: Tensor) -> Tensor:
        stacked: Tensor = self.concat(self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x))
        return stacked


def document_head(channels: int, num_classes: int) -> nn.Module:
    """Document 003's auxiliary classifier: a strided pool, dropout twice."""
    return named(
        pool=nn.AvgPool2d(5, stride=3),
        reduce=document_conv(channels, 128, 1),
        flatten=nn.Flatten(),
        fc1=named(dropout=nn.Dropout(0.5), linear=nn.Linear(2048, 1024), activation=nn.ReLU()),
        dropout=nn.Dropout(0.5),
        fc2=nn.Linear(1024, num_classes),
    )


def torchvision_head(channels: int, num_classes: int) -> nn.Module:
    """torchvision's auxiliary classifier: an adaptive pool, dropout once."""
    return named(
        pool=nn.AdaptiveAvgPool2d((4, 4)),
        reduce=torchvision_conv(channels, 128, 1),
        flatten=nn.Flatten(),
        fc1=named(linear=nn.Linear(2048, 1024), activation=nn.ReLU()),
        dropout=nn.Dropout(0.7),
        fc2=nn.Linear(1024, num_classes),
    )


class GoogLeNet(nn.Module):
    """The main path; then, in training, the second and the first auxiliary head, in the order of document 003's result.

    The heads run last here, not on the way: what they compute is the same.
    """

    def __init__(self, num_classes: int, in_channels: int, document: bool, heads: bool) -> None:
        super().__init__()
        basic = document_conv if document else torchvision_conv
        third, last_pool = (5, 3) if document else (3, 2)
        self.features = named(
            conv1=basic(in_channels, 64, 7, stride=2, padding=3),
            pool1=nn.MaxPool2d(3, 2, ceil_mode=True),
            conv2=basic(64, 64, 1),
            conv3=basic(64, 192, 3, padding=1),
            pool2=nn.MaxPool2d(3, 2, ceil_mode=True),
            inception3a=Inception(basic, third, 192, 64, 96, 128, 16, 32, 32),
            inception3b=Inception(basic, third, 256, 128, 128, 192, 32, 96, 64),
            pool3=nn.MaxPool2d(3, 2, ceil_mode=True),
            inception4a=Inception(basic, third, 480, 192, 96, 208, 16, 48, 64),
            inception4b=Inception(basic, third, 512, 160, 112, 224, 24, 64, 64),
            inception4c=Inception(basic, third, 512, 128, 128, 256, 24, 64, 64),
            inception4d=Inception(basic, third, 512, 112, 144, 288, 32, 64, 64),
            inception4e=Inception(basic, third, 528, 256, 160, 320, 32, 128, 128),
            pool4=nn.MaxPool2d(last_pool, 2, ceil_mode=True),
            inception5a=Inception(basic, third, 832, 256, 160, 320, 32, 128, 128),
            inception5b=Inception(basic, third, 832, 384, 192, 384, 48, 128, 128),
        )
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(0.4 if document else 0.2)
        self.classifier = nn.Linear(1024, num_classes)
        head = document_head if document else torchvision_head
        self.heads = named(aux1=head(512, num_classes), aux2=head(528, num_classes)) if heads else None
        self.outputs = Outputs() if heads else None

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        seen = {}
        for name, module in self.features.named_children():
            x = seen[name] = module(x)
        x = self.classifier(self.dropout(self.flatten(self.pool(x))))
        if self.heads is None or self.outputs is None:
            return x
        aux2 = self.heads.get_submodule("aux2")(seen["inception4d"])
        aux1 = self.heads.get_submodule("aux1")(seen["inception4a"])
        results: tuple[Tensor, ...] = self.outputs(x, aux2, aux1)
        return results


def googlenet(num_classes: int = 1000, in_channels: int = 3, variant: str = "") -> nn.Module:
    """``""`` torchvision, ``"document"`` document 003; each with ``training``: with its auxiliary heads."""
    return GoogLeNet(num_classes, in_channels, variant.startswith("document"), variant.endswith("training"))
