"""Layers by themselves: what they are called, what they refuse, and their windows against nested loops."""

from __future__ import annotations

import numpy
import pytest

import costmodel as cm
from costmodel import CostModelError, Shape
from costmodel.core.counts import Ops
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


def test_the_same_choices_are_the_same_value() -> None:
    assert conv(8, 3) == conv(8, (3, 3)) == Conv(8, (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1), 1, False)
    assert conv(8, 3) != conv(8, 3, bias=True)
    assert hash(conv(8, 3)) == hash(conv(8, (3, 3)))
    assert isinstance(transposed_conv(8, 3), TransposedConv)
