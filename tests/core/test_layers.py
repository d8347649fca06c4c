"""Layers against PyTorch (a real forward pass, numel, fvcore, FlopCounterMode) and against nested loops."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from costmodel import CostModelError, Shape
from costmodel.core.counts import Ops
from costmodel.core.graph import apply
from costmodel.core.graph import image as input_node
from costmodel.core.layers import (
    HARD_SIGMOID,
    HARD_SWISH,
    RELU,
    RELU6,
    SIGMOID,
    SWISH,
    AdaptiveAveragePool,
    BatchNorm,
    ChannelShuffle,
    ChannelSlice,
    Concat,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    Linear,
    Scale,
    ZeroPad,
    average_pool,
    conv,
    max_pool,
    transposed_conv,
)
from costmodel.core.network import Network
from reference_models.oracles import fvcore_multiply_adds, numel, quiet, torch_multiply_adds
from tests.loops import convolve
from tests.strategies import Window, windows

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


POOLS = {
    1: (nn.AvgPool1d, nn.MaxPool1d),
    2: (nn.AvgPool2d, nn.MaxPool2d),
    3: (nn.AvgPool3d, nn.MaxPool3d),
}


BATCH_NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


def image(shape: Shape) -> torch.Tensor:
    return torch.zeros(1, *shape.sizes)


def figures(layer: Layer, x: Shape) -> tuple[tuple[int, ...], int, int]:
    """Output sizes, trainable parameters and multiply-adds by costmodel."""
    output = layer.output((x,))
    return output.sizes, layer.params((x,)).trainable, layer.ops((x,), output).mac


def built(window: Window, **changed: Any) -> Conv:
    return conv(window.out_channels, window.kernel, **window.choices | changed)


def module_of(window: Window, **changed: Any) -> nn.Module:
    return CONVOLUTIONS[window.rank](window.in_channels, window.out_channels, window.kernel, **window.choices | changed)


def forward(module: nn.Module, x: torch.Tensor) -> tuple[int, ...]:
    """Sizes of a real forward pass, without the batch."""
    with torch.no_grad(), quiet():
        return tuple(module(x).shape[1:])


@given(windows())
def test_convolution_equals_pytorch_and_fvcore(window: Window) -> None:
    module = module_of(window)
    x = Shape(window.in_channels, window.spatial)
    expected = (forward(module, image(x)), numel(module), fvcore_multiply_adds(module, image(x)))
    assert figures(built(window), x) == expected


@given(windows(), st.data())
def test_transposed_convolution_equals_pytorch_and_fvcore(window: Window, data: st.DataObject) -> None:
    extra = tuple(data.draw(st.integers(0, max(s, d) - 1)) for s, d in zip(window.stride, window.dilation, strict=True))
    choices = window.choices | {"output_padding": extra}
    module = TRANSPOSED[window.rank](window.in_channels, window.out_channels, window.kernel, **choices)
    layer = transposed_conv(window.out_channels, window.kernel, **choices)
    x = Shape(window.in_channels, window.spatial)
    try:
        output = forward(module, image(x))
    except RuntimeError:
        output = (0,)
    if 0 in output:  # the padding cuts everything away: PyTorch raises or makes an empty tensor, costmodel refuses
        with pytest.raises(CostModelError, match="removes the whole output"):
            layer.output((x,))
        return
    assert figures(layer, x) == (output, numel(module), fvcore_multiply_adds(module, image(x)))


@given(windows())
def test_same_padding_equals_pytorch(window: Window) -> None:
    # PyTorch refuses "same" with a stride. fvcore counts 0 for the word, so FlopCounterMode is the oracle.
    changed = {"padding": "same", "stride": 1}
    module = module_of(window, **changed)
    x = Shape(window.in_channels, window.spatial)
    expected = (forward(module, image(x)), numel(module), torch_multiply_adds(module, image(x)))
    assert figures(built(window, **changed), x) == expected


@given(windows())
def test_valid_padding_equals_pytorch(window: Window) -> None:
    x = Shape(window.in_channels, tuple(size + 8 for size in window.spatial))  # 8: the widest kernel reaches 10
    module = module_of(window, padding="valid")
    expected = (forward(module, image(x)), numel(module), torch_multiply_adds(module, image(x)))
    assert figures(built(window, padding="valid"), x) == expected


@given(windows(largest=6, channels=2, ranks=(1, 2)), st.data())
def test_asymmetric_padding_equals_nested_loops_and_an_explicit_pad(window: Window, data: st.DataObject) -> None:
    sides = tuple((p, data.draw(st.integers(p, p + 2))) for p in window.padding)
    x = Shape(window.in_channels, window.spatial)
    tally = convolve(
        x.spatial,
        x.channels,
        window.out_channels,
        window.kernel,
        window.stride,
        sides,
        window.dilation,
        window.groups,
    )
    padded = nn.functional.pad(image(x), [side for pair in reversed(sides) for side in pair])
    module = module_of(window, padding=0)
    output = forward(module, padded)
    assert output[1:] == tally.sizes()
    assert figures(built(window, padding=sides), x) == (output, numel(module), tally.multiplications)


@given(st.integers(1, 40), st.integers(1, 40), st.booleans(), st.integers(1, 9))
def test_linear_equals_pytorch_and_fvcore(features: int, outputs: int, bias: bool, positions: int) -> None:
    module = nn.Linear(features, outputs, bias)
    layer = Linear(outputs, bias)
    vector = Shape(features)
    expected = ((outputs,), numel(module), fvcore_multiply_adds(module, image(vector)))
    assert figures(layer, vector) == expected
    # PyTorch has a sequence's features last, costmodel has channels first.
    sequence = Shape(features, (positions,))
    tokens = torch.zeros(1, positions, features)
    macs = fvcore_multiply_adds(module, tokens)
    assert figures(layer, sequence) == ((outputs, positions), numel(module), macs)


@given(windows())
def test_too_large_a_kernel_is_refused_where_pytorch_refuses_it(window: Window) -> None:
    shrunk = tuple(max(1, size // 2) for size in window.spatial)
    x = Shape(window.in_channels, shrunk)
    expected: tuple[int, ...] | None
    try:
        expected = forward(module_of(window), image(x))
    except RuntimeError:
        expected = None
    if expected is None:
        with pytest.raises(CostModelError, match="does not fit"):
            built(window).output((x,))
    else:
        assert built(window).output((x,)).sizes == expected


@given(windows(), st.integers(1, 5))
def test_work_grows_with_the_batch_as_in_pytorch(window: Window, batch: int) -> None:
    net = Network(apply(input_node(window.in_channels, window.spatial), "conv", built(window)))
    module = module_of(window)
    x = torch.zeros(batch, window.in_channels, *window.spatial)
    ledger = net.ledger.batched(batch)
    assert (ledger.multiply_adds, ledger.parameters) == (fvcore_multiply_adds(module, x), numel(module))


@given(st.integers(1, 3), st.integers(1, 9), st.lists(st.integers(2, 6), min_size=3, max_size=3))
def test_batch_norm_equals_pytorch(rank: int, channels: int, sizes: list[int]) -> None:
    module = BATCH_NORMS[rank](channels)
    x = Shape(channels, tuple(sizes[:rank]))
    assert figures(BatchNorm(), x) == (tuple(module(image(x)).shape[1:]), numel(module), 0)
    running = sum(buffer.numel() for name, buffer in module.named_buffers() if name != "num_batches_tracked")
    assert BatchNorm().params((x,)).buffer == running
    # One multiplication and one addition a value: y = x * scale + shift.
    assert BatchNorm().ops((x,), x) == Ops(mul=prod(x.sizes), add=prod(x.sizes))


@given(windows(ranks=(1, 2, 3)), st.booleans(), st.booleans())
def test_pools_shape_as_pytorch(window: Window, mean: bool, ceil_mode: bool) -> None:
    # PyTorch pads a pool by at most half of its kernel.
    padding = tuple(min(p, k // 2) for p, k in zip(window.padding, window.kernel, strict=True))
    modules = POOLS[window.rank]
    module = modules[0 if mean else 1](window.kernel, window.stride, padding, ceil_mode=ceil_mode)
    make = average_pool if mean else max_pool
    layer = make(window.kernel, window.stride, padding, ceil_mode)
    # PyTorch's 3-D pools refuse an input smaller than the kernel even where the padding would make it fit.
    x = Shape(window.in_channels, tuple(map(max, window.spatial, window.kernel)))
    assert figures(layer, x) == (forward(module, image(x)), 0, 0)


@given(st.tuples(st.integers(1, 9), st.integers(1, 9)), st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_adaptive_pool_reads_the_windows_that_pytorch_reads(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    x = Shape(3, size)
    layer = AdaptiveAveragePool(wanted)
    values = torch.rand(1, 3, *size, requires_grad=True)
    pooled = nn.AdaptiveAvgPool2d(wanted)(values)
    assert figures(layer, x) == (tuple(pooled.shape[1:]), 0, 0)
    # Which values an output reads is where its gradient is not zero.
    read = 0
    for output in pooled.flatten():
        (gradient,) = torch.autograd.grad(output, values, retain_graph=True)
        read += int(torch.count_nonzero(gradient))
    # A mean of k values takes k - 1 additions and one division.
    assert layer.ops((x,), layer.output((x,))) == Ops(add=read - pooled.numel(), div=pooled.numel())


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))
def test_moving_values_about_costs_nothing(channels: int, size: int, groups: int) -> None:
    x = Shape(channels * groups, (size, size + 1))
    shuffled = nn.ChannelShuffle(groups)(image(x))
    assert figures(ChannelShuffle(groups), x) == (tuple(shuffled.shape[1:]), 0, 0)
    padded = nn.ZeroPad2d((0, 1, 2, 3))(image(x))
    assert figures(ZeroPad(((2, 3), (0, 1))), x) == (tuple(padded.shape[1:]), 0, 0)
    part = image(x)[:, 0:channels]
    assert figures(ChannelSlice(0, channels), x) == (tuple(part.shape[1:]), 0, 0)
    for layer in (ChannelShuffle(groups), ZeroPad(((2, 3), (0, 1))), ChannelSlice(0, channels)):
        assert layer.ops((x,), layer.output((x,))) == Ops()


@given(st.lists(st.integers(1, 9), min_size=2, max_size=4), st.integers(1, 6))
def test_concat_stacks_channels_as_pytorch(channels: list[int], size: int) -> None:
    shapes = tuple(Shape(count, (size, size)) for count in channels)
    stacked = torch.cat([image(shape) for shape in shapes], dim=1)
    output = Concat().output(shapes)
    assert output.sizes == tuple(stacked.shape[1:])
    assert Concat().ops(shapes, output) == Ops()


def test_scale_multiplies_every_value_once() -> None:
    x, gate = Shape(4, (5, 6)), Shape(4, (1, 1))
    assert Scale().output((x, gate)).sizes == tuple((image(x) * image(gate)).shape[1:])
    assert Scale().ops((x, gate), x) == Ops(mul=len(image(x).flatten()))


@pytest.mark.parametrize(
    ("layer", "module"),
    [
        (GlobalAveragePool(), nn.AdaptiveAvgPool2d(1)),
        (average_pool(7, 7), nn.AvgPool2d(7)),
        (average_pool((3, 2), (2, 1)), nn.AvgPool2d((3, 2), (2, 1))),
        (Flatten(), nn.Flatten()),
        (Dropout(), nn.Dropout()),
        (RELU, nn.ReLU()),
        (RELU6, nn.ReLU6()),
        (SIGMOID, nn.Sigmoid()),
        (HARD_SIGMOID, nn.Hardsigmoid()),
        (SWISH, nn.SiLU()),
        (HARD_SWISH, nn.Hardswish()),
        (AdaptiveAveragePool((7, 7)), nn.AdaptiveAvgPool2d(7)),
    ],
)
@pytest.mark.parametrize("size", [(7, 7), (9, 15)])
def test_layers_without_weights_shape_as_pytorch(layer: Layer, module: nn.Module, size: tuple[int, int]) -> None:
    x = Shape(5, size)
    assert figures(layer, x) == (tuple(module(image(x)).shape[1:]), 0, 0)


def test_a_pools_stride_is_its_kernel_unless_given() -> None:
    x = (Shape(3, (9, 9)),)
    assert max_pool(3).output(x).sizes == forward(nn.MaxPool2d(3), image(x[0]))
    assert average_pool((3, 2)).output(x).sizes == forward(nn.AvgPool2d((3, 2)), image(x[0]))
