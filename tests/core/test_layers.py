"""Layers against PyTorch (a real forward pass, numel, fvcore, FlopCounterMode) and against nested loops."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import costmodel as cm
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
    Activation,
    AdaptiveAveragePool,
    Add,
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
    TransposedConv,
    ZeroPad,
    average_pool,
    conv,
    depthwise_conv,
    max_pool,
    pointwise_conv,
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


def test_arithmetic_of_pools_activations_and_sums_by_counting() -> None:
    x = Shape(2, (4, 6))
    pooled = Shape(2, (1, 1))
    # The mean of 24 values takes 23 additions and a division, in each of 2 channels.
    assert GlobalAveragePool().ops((x,), pooled) == Ops(add=2 * 23, div=2)
    # 2x3 windows on 4x6: 2x2 places, each 5 additions and a division.
    assert average_pool((2, 3), (2, 3)).ops((x,), Shape(2, (2, 2))) == Ops(add=8 * 5, div=8)
    assert RELU.ops((x,), x) == Ops(cmp=48)
    assert RELU6.ops((x,), x) == Ops(cmp=96)
    assert max_pool((2, 3), (2, 3)).ops((x,), Shape(2, (2, 2))) == Ops(cmp=8 * 5)
    # 1 / (1 + exp(-x)), and relu6(x + 3) / 6; the two swishes multiply once more.
    assert SIGMOID.ops((x,), x) == Ops(exp=48, add=48, div=48)
    assert SWISH.ops((x,), x) == Ops(exp=48, add=48, div=48, mul=48)
    assert HARD_SIGMOID.ops((x,), x) == Ops(add=48, cmp=96, div=48)
    assert HARD_SWISH.ops((x,), x) == Ops(add=48, cmp=96, div=48, mul=48)
    assert Add().ops((x, x, x), x) == Ops(add=96)
    assert Flatten().ops((x,), Shape(48)) == Dropout().ops((x,), x) == Ops()


def test_bias_adds_once_an_output() -> None:
    x = Shape(3, (8, 8))
    layer = conv(4, kernel=3, bias=True)
    assert layer.ops((x,), layer.output((x,))).add == 4 * 6 * 6
    assert Linear(10).ops((Shape(5),), Shape(10)).add == 10
    assert Linear(10, bias=False).ops((Shape(5),), Shape(10)).add == 0
    up = transposed_conv(4, kernel=2, stride=2, bias=True)
    assert up.ops((x,), up.output((x,))).add == 4 * 16 * 16


@pytest.mark.parametrize(
    ("layer", "kind", "label"),
    [
        (conv(8, (3, 5)), "conv", "conv 3x5"),
        (conv(8, 3, groups=2), "grouped_conv", "grouped conv 3x3"),
        (depthwise_conv(4, 3), "depthwise_conv", "depthwise conv 3x3"),
        (conv(8, 3, groups=4), "depthwise_conv", "depthwise conv 3x3"),
        (pointwise_conv(8), "conv", "conv 1x1"),
        (transposed_conv(8, 2), "transposed_conv", "transposed conv 2x2"),
        (transposed_conv(8, 2, groups=4), "depthwise_transposed_conv", "depthwise transposed conv 2x2"),
        (GlobalAveragePool(), "global_average_pool", "global average pool"),
        (AdaptiveAveragePool((1, 1)), "global_average_pool", "global average pool"),
        (AdaptiveAveragePool((1, 2)), "adaptive_average_pool", "adaptive average pool"),
    ],
)
def test_kinds_are_the_terms_of_the_field(layer: Layer, kind: str, label: str) -> None:
    x = (Shape(4, (9, 9)),)
    assert (layer.kind(x), layer.label(x)) == (kind, label)


AXES = "; give one number, or one an axis"
SIDES = "; give a number, one an axis, (before, after) pairs, 'same' or 'valid'"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: conv(64, 3, groups=5), "groups=5 does not divide 64 output channels; groups=4 does"),
        (lambda: conv(0, 3), "out_channels=0 must be a whole number of at least 1"),
        (lambda: conv(8, 0), "kernel=0 must be a whole number of at least 1"),
        (lambda: conv(8, 3, stride=-1), "stride=-1 must be a whole number of at least 1"),
        (lambda: conv(8, 3, padding=-1), "padding=-1 must be a whole number of at least 0"),
        (lambda: conv(8, 3, dilation=0), "dilation=0 must be a whole number of at least 1"),
        (lambda: conv(8, 2.5), "kernel=2.5 must be a whole number of at least 1"),
        (lambda: conv(8, (3, 3), stride=(1, 1, 1)), "stride=1x1x1 has 3 axes, the kernel 3x3 has 2" + AXES),
        (lambda: conv(8, (3, 3), padding=(1, 1, 1)), "padding=1x1x1 has 3 axes, the kernel 3x3 has 2" + AXES),
        (lambda: conv(8, ()), "kernel=() has no axis; give one size an axis, as in kernel=(3, 3)"),
        (lambda: conv(10**20, 3), "out_channels has 67 bits; the largest size a tensor can have is 2**63 - 1"),
        (lambda: conv(-(10**5000), 3), "out_channels has 16610 bits; the largest size a tensor can have is 2**63 - 1"),
        (lambda: conv(8.0, 3), "out_channels=8.0 must be a whole number of at least 1"),
        (lambda: conv(8, 3, bias="no"), "bias='no' must be True or False"),
        (lambda: conv(8, 3, padding="SAME"), "padding='SAME' is no padding" + SIDES),
        (lambda: conv(8, 3, padding=((1, 2, 3), (1, 2, 3))), "padding=((1, 2, 3), (1, 2, 3)) is no padding" + SIDES),
        (lambda: ChannelShuffle(0), "groups=0 must be a whole number of at least 1"),
        (lambda: ChannelSlice(0, 1.5), "stop=1.5 must be a whole number of at least 1"),
        (lambda: ZeroPad(((-5, 0), (0, 0))), "padding=-5 must be a whole number of at least 0"),
        (lambda: ZeroPad(1), "padding=1 must be (before, after) an axis, as in ((0, 1), (0, 1))"),
        (lambda: AdaptiveAveragePool(7), "sizes=7 must be one size an axis, as in (7, 7)"),
        (lambda: AdaptiveAveragePool((7, 0)), "size=0 must be a whole number of at least 1"),
        (
            lambda: max_pool(2, padding=2),
            "padding 2x2 is over half of a 2x2 window, some windows would hold nothing else; use less padding",
        ),
        (
            lambda: transposed_conv(8, 3, stride=2, output_padding=2),
            "output_padding=2 must be smaller than the stride (2) or the dilation (1)",
        ),
        (
            lambda: transposed_conv(8, 3, padding="same"),
            "padding='same' means nothing for a transposed convolution; give a number, as in 1",
        ),
        (
            lambda: Activation("rleu"),
            "no activation is called 'rleu'; there are relu, relu6, sigmoid, hard_sigmoid, swish, hard_swish, tanh,"
            " hard_tanh, gelu, leaky_relu, elu, softplus, log_sigmoid, mish",
        ),
    ],
)
def test_choices_that_make_no_layer_are_named(make: object, message: str) -> None:
    with pytest.raises(CostModelError) as raised:
        make()  # type: ignore[operator]
    assert str(raised.value) == message


ADD = ": project one, or match the strides"
CONCAT = ": pool or pad one"
SCALE = ", as a global pool makes"
SLICE = "; give start < stop <= channels"
RANK = "; give one size an axis: (3,) is 1-D"
HINT = "; use a larger input, a smaller kernel or more padding"


@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        (conv(8, 3, groups=8), (Shape(12, (9, 9)),), "groups=8 does not divide 12 input channels; groups=4 does"),
        (conv(8, 3), (Shape(3, (9,)),), "a 3x3 kernel needs an input with 2 spatial sizes, 3x9 has 1" + RANK),
        (
            conv(8, 7),
            (Shape(3, (5, 5)),),
            "a 7x7 kernel does not fit on a 5x5 input with padding 0x0" + HINT,
        ),
        (
            conv(8, 3, dilation=3),
            (Shape(3, (5, 9)),),
            "a 3x3 kernel with dilation 3x3 does not fit on a 5x9 input with padding 0x0" + HINT,
        ),
        (
            average_pool(7, 7),
            (Shape(8, (6, 7)),),
            "a 7x7 kernel does not fit on a 6x7 input with padding 0x0" + HINT,
        ),
        (
            Add(),
            (Shape(3, (4,)), Shape(3, (5,))),
            "cannot add 3x4 and 3x5; the shapes must be equal" + ADD,
        ),
        (
            Concat(),
            (Shape(3, (4,)), Shape(3, (5,))),
            "cannot concatenate 3x4 and 3x5; the sizes must be equal" + CONCAT,
        ),
        (
            Scale(),
            (Shape(3, (4,)), Shape(3, (2,))),
            "cannot scale 3x4 by 3x2; it takes one value a channel" + SCALE,
        ),
        (ChannelShuffle(4), (Shape(6, (4,)),), "groups=4 does not divide 6 input channels; groups=3 does"),
        (
            ChannelSlice(2, 7),
            (Shape(6, (4,)),),
            "channels 2 to 7 are not a part of the 6 of 6x4" + SLICE,
        ),
        (
            AdaptiveAveragePool((7, 7)),
            (Shape(6, (4,)),),
            "a pool to 7x7 needs an input with 2 spatial sizes, 6x4 has 1" + RANK,
        ),
        (Linear(0), (Shape(6),), "out_features=0 must be a whole number of at least 1"),
        (
            Linear(5),
            (Shape(6, (4, 4)),),
            "a linear layer reads a vector or a sequence, 6x4x4 is a map; flatten it first, or use a pointwise"
            " convolution, which is a linear layer at each position",
        ),
        (
            ZeroPad(((0, 1),)),
            (Shape(6, (4, 4)),),
            "padding 0:1 needs an input with 1 spatial sizes, 6x4x4 has 2" + RANK,
        ),
        (max_pool(2, 2), (Shape(6, (4,)),), "a 2x2 window needs an input with 2 spatial sizes, 6x4 has 1" + RANK),
    ],
)
def test_inputs_that_do_not_fit_are_named(layer: Layer, inputs: tuple[Shape, ...], message: str) -> None:
    with pytest.raises(CostModelError) as raised:
        layer.output(inputs)
    assert str(raised.value) == message


def test_what_was_built_before_does_not_decide_what_is_allowed() -> None:
    conv(8, 3, bias=True)
    conv(1, 3)
    pointwise_conv(8, False)
    wrongs = (
        lambda: conv(8.0, 3),
        lambda: conv(True, 3),
        lambda: conv(8, 3, bias=1),
        lambda: pointwise_conv(8.0, False),
    )
    for wrong in wrongs:
        with pytest.raises(CostModelError):
            wrong()


def test_lists_and_numpy_integers_are_sizes_too() -> None:
    assert conv(8, [3, 5], stride=[1, 2], padding=[[0, 1], [2, 2]]) == conv(8, (3, 5), (1, 2), ((0, 1), (2, 2)))
    assert transposed_conv(8, [3, 5], output_padding=[0, 0]) == transposed_conv(8, (3, 5))
    assert AdaptiveAveragePool([7, 7]) == AdaptiveAveragePool((7, 7))
    assert input_node(3, [32, 48]).shape == Shape(3, (32, 48))
    assert cm.mobilenet_v1(resolution=numpy.int64(192), alpha=numpy.float32(0.75)).multiply_adds == 239_273_472


def test_a_pools_stride_is_its_kernel_unless_given() -> None:
    x = (Shape(3, (9, 9)),)
    assert max_pool(3).output(x).sizes == forward(nn.MaxPool2d(3), image(x[0]))
    assert average_pool((3, 2)).output(x).sizes == forward(nn.AvgPool2d((3, 2)), image(x[0]))


def test_the_same_choices_are_the_same_value() -> None:
    assert conv(8, 3) == conv(8, (3, 3)) == Conv(8, (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1), 1, False)
    assert conv(8, 3) != conv(8, 3, bias=True)
    assert hash(conv(8, 3)) == hash(conv(8, (3, 3)))
    assert isinstance(transposed_conv(8, 3), TransposedConv)
