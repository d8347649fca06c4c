"""Sampled networks, written by hand as PyTorch modules and counted by torch's own counter."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import costmodel as cm
from costmodel.reproduction.verification import compare
from reference_models import oracles, search_spaces
from tests.conventions.peers import profile

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


@pytest.mark.parametrize("name", ["once_for_all_mobilenet_v3", "once_for_all_resnet50", "proxyless", "fbnet"])
def test_sampled_networks_are_verified_operation_by_operation(name: str) -> None:
    """Against hand-written modules that are measured in PyTorch, as ``costmodel verify`` does."""
    space = cm.space(name)
    budget = (space.smallest + space.largest) // 2
    for choices in [space.at(0), space.at(1), *space.sample(4, seed=4), *space.sample(2, seed=4, most=budget)]:
        with torch.device("meta"):
            module = getattr(search_spaces, name)(choices).eval()
        module = module.to_empty(device="cpu")
        network = space.network(choices)
        result = compare(network, oracles.measure(module, oracles.sample(network.input.sizes, "float32", module)))
        assert result.difference is None, (choices, result.difference)


def test_the_table_of_once_for_all_adds_up_to_the_multiply_adds() -> None:
    """Its rule (mit-han-lab/once-for-all, ofa/tutorial/flops_table.py): thop of each block, without its batch norms.

    Its blocks take means with a function, which thop does not see.
    """
    space = cm.space("once_for_all_mobilenet_v3")
    for choices in [space.at(0), space.at(1), *space.sample(1, seed=7)]:
        module = search_spaces.once_for_all_mobilenet_v3(choices).eval()
        x, table = torch.zeros(1, 3, 224, 224), 0.0
        for block in as_their_blocks(module).children():
            table += profile(block, (x,), verbose=False)[0]
            x = block(x).detach()
        assert table == space.network(choices).multiply_adds


class Mean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(3, keepdim=True).mean(2, keepdim=True)


def as_their_blocks(module: nn.Module) -> nn.Module:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, nn.Identity())
        elif isinstance(child, nn.AdaptiveAvgPool2d):
            setattr(module, name, Mean())
        else:
            as_their_blocks(child)
    return module


def test_another_choice_is_noticed() -> None:
    space = cm.space("fbnet")
    choices = space.at(0)
    other = [*choices[:-1], "k5_e6"]
    with torch.device("meta"):
        module = search_spaces.fbnet(other).eval()
    network = space.network(choices)
    measured = oracles.measure(module.to_empty(device="cpu"), torch.zeros(1, 3, 224, 224))
    assert compare(network, measured).difference is not None


def test_sampled_networks_of_the_size_space_equal_modules_written_by_hand() -> None:
    space = cm.space("nats_bench_size")
    for choices in [space.at(0), space.at(1), *space.sample(4, seed=6)]:
        widths = [int(choice[1:]) for choice in choices]
        module = SizeNetwork(widths).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(torch.zeros(1, 3, 32, 32))
        network = space.network(choices)
        assert counter.get_total_flops() == 2 * network.multiply_adds
        assert sum(weight.numel() for weight in module.parameters()) == network.parameters


class SizeCell(nn.Module):
    """The best cell on CIFAR-100: five 3x3 convolutions, and a skip connection from the first node to the last."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.from_input = nn.ModuleList([relu_conv_bn(width, out, 3), relu_conv_bn(width, out, 3)])
        same = width == out
        reduced = nn.Sequential(nn.Conv2d(width, out, 1, bias=False), nn.BatchNorm2d(out))
        self.skip = nn.Identity() if same else reduced
        self.inner = nn.ModuleList([relu_conv_bn(out, out, 3) for _ in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.from_input
        one = first(x)
        two = second(x) + self.inner[0](one)
        three: Tensor = self.skip(x) + self.inner[1](one) + self.inner[2](two)
        return three


class SizeReduction(nn.Module):
    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.main = nn.Sequential(relu_conv_bn(width, out, 3, 2), relu_conv_bn(out, out, 3))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(width, out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.main(x) + self.shortcut(x)
        return total


class SizeNetwork(nn.Sequential):
    def __init__(self, widths: list[int]) -> None:
        a, b, c, d, e = widths
        stem = [nn.Conv2d(3, a, 3, padding=1, bias=False), nn.BatchNorm2d(a)]
        body = [SizeCell(a, a), SizeReduction(a, b), SizeCell(b, c), SizeReduction(c, d), SizeCell(d, e)]
        super().__init__(
            *stem, *body, nn.BatchNorm2d(e), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(e, 10)
        )
