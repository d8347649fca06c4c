"""The classifier of ../student/models.py as a PyTorch module: it is captured without a run and without weights."""

from __future__ import annotations

from torch import Tensor, nn


def unit(read: int, made: int, kernel: int = 1, stride: int = 1, groups: int = 1, active: bool = True) -> nn.Sequential:
    """A convolution, batch norm, and the activation if there is one."""
    conv = nn.Conv2d(read, made, kernel, stride, kernel // 2, groups=groups, bias=False)
    parts = [conv, nn.BatchNorm2d(made), nn.ReLU6()]
    return nn.Sequential(*parts[: 2 + active])


class Block(nn.Module):
    """Expand, depthwise, project, and the sum where the shape stays."""

    def __init__(self, read: int, expanded: int, made: int, stride: int) -> None:
        super().__init__()
        self.expand = unit(read, expanded)
        self.depthwise = unit(expanded, expanded, 3, stride, groups=expanded)
        self.project = unit(expanded, made, active=False)
        self.adds = stride == 1 and read == made

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.adds else y


class Student(nn.Module):
    """A stem, the blocks, a last convolution, and a classifier."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.stem = unit(3, 16, 3, stride=2)
        rows = [(16, 64, 24, 2), (24, 144, 24, 1), (24, 144, 40, 2), (40, 240, 40, 1), (40, 160, 40, 1)]
        self.body = nn.Sequential(*[Block(*row) for row in rows])
        self.head = unit(40, 160)
        self.classifier = nn.Linear(160, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.head(self.body(self.stem(x))).mean(dim=(2, 3)))
