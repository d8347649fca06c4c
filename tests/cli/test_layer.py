"""``costmodel layer``: the documents' worked examples, every kind of layer, every refusal."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from reference_models.oracles import numel, torch_multiply_adds
from tests.cli_runner import run


def counted(*arguments: str) -> dict[str, object]:
    answer = run("layer", *arguments, "--format", "json")
    assert answer.status == 0, answer
    found: dict[str, object] = json.loads(answer.out)
    return found


CASES = [
    (("conv", "--out", "8", "--kernel", "3"), (4, 20), nn.Conv1d(4, 8, 3, bias=False)),
    (("conv", "--out", "8", "--kernel", "3x5"), (4, 20, 30), nn.Conv2d(4, 8, (3, 5), bias=False)),
    (("conv", "--out", "8", "--kernel", "3x5", "--bias"), (4, 20, 30), nn.Conv2d(4, 8, (3, 5))),
    (
        ("conv", "--out", "8", "--kernel", "3", "--stride", "2x1", "--padding", "1x0", "--groups", "2"),
        (4, 20, 30),
        nn.Conv2d(4, 8, 3, (2, 1), (1, 0), groups=2, bias=False),
    ),
    (
        ("conv", "--out", "8", "--kernel", "3", "--padding", "same", "--dilation", "2"),
        (4, 20, 30),
        nn.Conv2d(4, 8, 3, padding="same", dilation=2, bias=False),
    ),
    (("conv", "--out", "8", "--kernel", "3", "--padding", "valid"), (4, 9, 9), nn.Conv2d(4, 8, 3, bias=False)),
    (
        ("conv", "--out", "8", "--kernel", "3", "--stride", "2", "--padding", "0:1"),
        (4, 20, 30),
        nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(4, 8, 3, 2, bias=False)),
    ),
    (
        ("conv", "--out", "8", "--kernel", "3", "--stride", "2", "--padding", "0:1x0:1"),
        (4, 20, 30),
        nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(4, 8, 3, 2, bias=False)),
    ),
    (("conv", "--out", "2", "--kernel", "3x2x1"), (4, 6, 7, 8), nn.Conv3d(4, 2, (3, 2, 1), bias=False)),
    (("grouped", "--out", "8", "--kernel", "3", "--groups", "4"), (4, 9, 9), nn.Conv2d(4, 8, 3, groups=4, bias=False)),
    (("depthwise", "--kernel", "3", "--padding", "1"), (4, 9, 9), nn.Conv2d(4, 4, 3, 1, 1, groups=4, bias=False)),
    (("depthwise", "--kernel", "3", "--multiplier", "3"), (4, 9, 9), nn.Conv2d(4, 12, 3, groups=4, bias=False)),
    (
        ("transposed", "--out", "6", "--kernel", "3", "--stride", "2", "--padding", "1", "--output-padding", "1"),
        (4, 9, 7),
        nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, bias=False),
    ),
    (("linear", "--out", "10", "--bias"), (64,), nn.Linear(64, 10)),
    (
        ("separable", "--out", "8", "--kernel", "5", "--stride", "2", "--bias"),
        (4, 21, 30),
        nn.Sequential(nn.Conv2d(4, 4, 5, 2, 2, groups=4), nn.Conv2d(4, 8, 1)),
    ),
    (
        ("inverted-residual", "--out", "8", "--kernel", "3", "--stride", "2"),
        (4, 21, 30),
        nn.Sequential(
            nn.Conv2d(4, 24, 1, bias=False),
            nn.Conv2d(24, 24, 3, 2, 1, groups=24, bias=False),
            nn.Conv2d(24, 8, 1, bias=False),
        ),
    ),
]


@pytest.mark.parametrize(("arguments", "sizes", "module"), CASES)
def test_every_kind_of_layer_equals_pytorch(
    arguments: tuple[str, ...], sizes: tuple[int, ...], module: nn.Module
) -> None:
    found = counted(*arguments, "--input", "x".join(map(str, sizes)))
    x = torch.zeros(1, *sizes)
    expected = list(module(x).shape[1:]), numel(module), torch_multiply_adds(module, x)
    assert (found["output"], found["parameters"], found["multiply_adds"]) == expected
