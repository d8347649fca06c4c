"""Sampled networks of NAS-Bench-201, written by hand as PyTorch modules and counted by torch's own counter."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import costmodel as cm

SPACE = cm.space("nas_bench_201")


class Zero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 0.0


def relu_conv_bn(width: int, out: int, kernel: int, stride: int = 1) -> nn.Module:
    convolution = nn.Conv2d(width, out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(out))


def edge(operation: str, width: int) -> nn.Module:
    return {
        "none": Zero(),
        "skip_connect": nn.Identity(),
        "nor_conv_1x1": relu_conv_bn(width, width, 1),
        "nor_conv_3x3": relu_conv_bn(width, width, 3),
        "avg_pool_3x3": nn.AvgPool2d(3, 1, 1, count_include_pad=False),
    }[operation]


class TorchCell(nn.Module):
    def __init__(self, operations: tuple[str, ...], width: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(edge(operation, width) for operation in operations)

    def forward(self, x: Tensor) -> Tensor:
        a, b, c, d, e, f = self.edges
        one = a(x)
        two = b(x) + c(one)
        three: Tensor = d(x) + e(one) + f(two)
        return three


class TorchReduction(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.main = nn.Sequential(relu_conv_bn(width, 2 * width, 3, 2), relu_conv_bn(2 * width, 2 * width, 3))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(width, 2 * width, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.main(x) + self.shortcut(x)
        return total


def by_hand(operations: tuple[str, ...]) -> nn.Module:
    def stage(width: int) -> list[nn.Module]:
        return [TorchCell(operations, width) for _ in range(5)]

    stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)]
    body = [*stage(16), TorchReduction(16), *stage(32), TorchReduction(32), *stage(64)]
    head = [nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    return nn.Sequential(*stem, *body, *head).eval()


def test_a_module_written_by_hand_has_the_multiply_adds_and_parameters_of_its_sampled_network() -> None:
    for operations in [*SPACE.sample(6, seed=3), *SPACE.sample(2, seed=3, most=20_000_000)]:
        module = by_hand(operations)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(torch.zeros(1, 3, 32, 32))
        network = SPACE.network(operations)
        assert counter.get_total_flops() == 2 * network.multiply_adds
        assert sum(weight.numel() for weight in module.parameters()) == network.parameters
