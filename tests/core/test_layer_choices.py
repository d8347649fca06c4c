"""Layers as values: what their author chose, what follows where nothing is chosen, and what cannot be."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from costmodel import CostModelError, Shape, apply, image
from costmodel.core import layers
from costmodel.core.counts import Ops, Params
from costmodel.core.layers import (
    RELU,
    Activation,
    AdaptiveAveragePool,
    Add,
    BatchNorm,
    ChannelShuffle,
    ChannelSlice,
    Concat,
    Conv,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    Input,
    Layer,
    LayerNorm,
    Linear,
    MatMul,
    Move,
    Operation,
    Outputs,
    Pool,
    Scale,
    Stored,
    TransposedConv,
    Uncounted,
    ZeroPad,
    average_pool,
    conv,
    depthwise_conv,
    max_pool,
    pointwise_conv,
    transposed_conv,
)
from costmodel.guard.choice_text import choices_text

ONE_OF_EACH = [
    Input(Shape(3, (8, 8))),
    conv(8, 3),
    transposed_conv(8, 3),
    Linear(8),
    BatchNorm(),
    RELU,
    Dropout(),
    Add(),
    Concat(),
    Outputs(),
    Scale(),
    max_pool(2, 2),
    AdaptiveAveragePool((7, 7)),
    GlobalAveragePool(),
    Flatten(),
    ZeroPad(((0, 1), (0, 1))),
    ChannelShuffle(2),
    ChannelSlice(0, 2),
    LayerNorm(1),
    GroupNorm(2),
    MatMul(),
    Embedding(10, 4),
    Operation("softmax", Shape(10)),
    Uncounted("aten.fft", Shape(10)),
    Stored(Shape(10), Params(weight=10)),
    Move("roll", Shape(10)),
]


def test_one_of_each_is_complete() -> None:
    exported = [value for name in layers.__all__ if isinstance(value := getattr(layers, name), type)]
    assert {type(layer) for layer in ONE_OF_EACH} == {kind for kind in exported if issubclass(kind, Layer)} - {Layer}


@pytest.mark.parametrize("layer", ONE_OF_EACH, ids=lambda layer: type(layer).__name__)
def test_a_layer_is_a_value(layer: Layer) -> None:
    twin = dataclasses.replace(layer)  # type: ignore[type-var]
    assert twin is not layer
    assert (twin, hash(twin)) == (layer, hash(layer))
    for choice in dataclasses.fields(layer):  # type: ignore[arg-type]
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(layer, choice.name, getattr(layer, choice.name))
    with pytest.raises(dataclasses.FrozenInstanceError):
        layer.note = "kept next to the choices"  # type: ignore[attr-defined]
    assert type(layer).__final__  # type: ignore[attr-defined]  # so nothing can be added to what it answers


def test_the_same_choices_are_checked_once() -> None:
    assert conv(8, 3, padding=1) is conv(8, 3, padding=1)


def test_a_layer_says_what_it_is_and_what_it_makes() -> None:
    class Shapeless(Layer):
        def kind(self, inputs: layers.Shapes) -> str:
            return "shapeless"

    class Nameless(Layer):
        def output(self, inputs: layers.Shapes) -> Shape:
            return inputs[0]

    for unfinished in (Shapeless, Nameless):
        with pytest.raises(TypeError, match="abstract"):
            unfinished()


def test_what_follows_where_nothing_is_chosen() -> None:
    assert conv(8, 3) == Conv(8, (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1), 1, False)
    assert transposed_conv(8, 3) == TransposedConv(8, (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1), 1, False, (0, 0))
    assert depthwise_conv(8, 3) == conv(8, 3, groups=8)
    assert pointwise_conv(8) == conv(8, 1)
    assert max_pool(3, 2) == Pool(False, (3, 3), (2, 2), ((0, 0), (0, 0)), False)
    assert average_pool(3, 2) == Pool(True, (3, 3), (2, 2), ((0, 0), (0, 0)), False)
    assert Linear(8) == Linear(8, bias=True)


def test_a_number_counts_for_each_axis_and_a_tuple_has_one_an_axis() -> None:
    assert depthwise_conv(8, 3, rank=1) == depthwise_conv(8, (3,)) == conv(8, (3,), groups=8)
    assert pointwise_conv(8, rank=3) == conv(8, (1, 1, 1))
    assert transposed_conv(8, 3, rank=1) == transposed_conv(8, (3,))
    assert max_pool(3, 2, rank=3) == max_pool((3, 3, 3), (2, 2, 2))
    assert average_pool(3, 2, rank=1) == average_pool((3,), (2,))


@pytest.mark.parametrize(
    ("layer", "choices"),
    [
        (conv(8, (3, 5)), "kernel 3x5, stride 1x1, padding 0x0, no bias"),
        (conv(8, 3, stride=2, padding=1, bias=True), "kernel 3x3, stride 2x2, padding 1x1, with bias"),
        (conv(8, 3, padding="same", dilation=(1, 2)), "kernel 3x3, stride 1x1, padding same, dilation 1x2, no bias"),
        (conv(8, 3, padding=((0, 1), (2, 2)), groups=2), "kernel 3x3, stride 1x1, padding 0:1x2, groups 2, no bias"),
        (conv(8, 3, padding=((300, int("300")), (0, 0))), "kernel 3x3, stride 1x1, padding 300x0, no bias"),
        (conv(8, 3, padding=((1, 0), (2, 2))), "kernel 3x3, stride 1x1, padding 1:0x2, no bias"),
        (Linear(8), "8 outputs, with bias"),
        (Linear(8, bias=False), "8 outputs, no bias"),
        (BatchNorm(), ""),
        (BatchNorm(affine=False, tracked=False), "no affine, no running statistics"),
        (LayerNorm(1), "axes 1"),
        (LayerNorm(2, gamma=False, beta=False), "axes 2, no gamma, no beta"),
        (GroupNorm(32), "groups 32"),
        (GroupNorm(4, affine=False), "groups 4, no affine"),
        (RELU, ""),
        (max_pool(3, 2, 1), "kernel 3x3, stride 2x2, padding 1x1"),
        (average_pool((2, 3), ceil_mode=True), "kernel 2x3, stride 2x3, padding 0x0, with ceil mode"),
        (AdaptiveAveragePool((7, 5)), "sizes 7x5"),
        (AdaptiveAveragePool((1, 1)), ""),  # the same as the global pool by any name
        (ZeroPad(((0, 1), (2, 2))), "padding 0:1x2"),
        (ChannelShuffle(3), "groups 3"),
        (ChannelSlice(58, 116), "channels 58:116"),
        (Embedding(50257, 768), "50257 rows, 768 features"),
        (Uncounted("aten.fft", Shape(1)), "operation aten.fft"),
    ],
)
def test_choices_are_stated_where_they_are_not_the_usual(layer: Layer, choices: str) -> None:
    assert choices_text(layer.choices()) == choices


@pytest.mark.parametrize("layer", ONE_OF_EACH, ids=lambda layer: type(layer).__name__)
def test_choices_are_words_and_no_code(layer: Layer) -> None:
    # Locks keep them: the repr of a dataclass would make every lock stale with a new field.
    text = choices_text(layer.choices())
    assert type(layer).__name__ not in text
    assert not set("()=") & set(text)
    if dataclasses.fields(layer) and type(layer) not in SAID_BY_THE_KIND:  # type: ignore[arg-type]
        assert layer.choices()  # or another choice would change nothing in a lock


#: Layers whose kind and shapes tell all that was chosen; what BatchNorm chooses is told where it is not the usual.
SAID_BY_THE_KIND = {Input, Activation, Move, Operation, Stored, BatchNorm}


def test_a_convolution_of_many_channels_each_on_its_own_is_depthwise() -> None:
    read = int("960")  # the same number, and not the same object
    assert depthwise_conv(960, 3).kind((Shape(read, (7, 7)),)) == "depthwise_conv"


def test_without_a_bias_there_are_multiply_adds_and_weights_alone() -> None:
    x = (Shape(3, (8, 8)),)
    assert conv(4, 3).ops(x, Shape(4, (6, 6))) == Ops(mac=4 * 6 * 6 * 3 * 9)
    assert transposed_conv(4, 2, 2).ops(x, Shape(4, (16, 16))) == Ops(mac=3 * 8 * 8 * 4 * 4)
    assert Linear(4, bias=False).ops((Shape(3),), Shape(4)) == Ops(mac=3 * 4)
    assert conv(4, 3).params(x) == transposed_conv(4, 3).params(x) == Params(weight=3 * 4 * 9)
    assert Linear(4, bias=False).params((Shape(3),)) == Params(weight=3 * 4)


def test_several_outputs_cost_nothing_and_the_first_stands_for_them() -> None:
    x = image(3, 8)
    both = apply((apply(x, "map", RELU), apply(x, "vector", Flatten())), "both", Outputs())
    assert both.shape == Shape(3, (8, 8))
    assert Outputs().ops(both.input_shapes, both.shape) == Ops()


def test_a_slice_may_be_all_channels() -> None:
    assert ChannelSlice(0, 6).output((Shape(6, (4,)),)) == Shape(6, (4,))


@pytest.mark.parametrize("sizes", [(9,), (9, 9, 9)])
@pytest.mark.parametrize(
    "layer", [conv(8, 3), transposed_conv(8, 3), max_pool(3, 3), AdaptiveAveragePool((3, 3)), ZeroPad(((1, 1), (1, 1)))]
)
def test_what_slides_over_images_refuses_sequences_and_volumes(layer: Layer, sizes: tuple[int, ...]) -> None:
    with pytest.raises(CostModelError, match="needs an input with 2 spatial sizes"):
        layer.output((Shape(8, sizes),))


@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        (ChannelSlice(3, 3), (Shape(6),), "channels 3 to 3 are not a part"),
        (ChannelSlice(4, 3), (Shape(6),), "channels 4 to 3 are not a part"),
        (transposed_conv(8, 3, groups=4), (Shape(6, (4, 4)),), "groups=4 does not divide 6 input channels"),
        (conv(8, 3, dilation=2), (Shape(3, (4, 4)),), "a 3x3 kernel with dilation 2x2 does not fit on a 4x4 input"),
        (transposed_conv(8, 2, padding=1), (Shape(3, (1, 1)),), "padding 1x1 removes the whole output"),  # 0 are left
        (Concat(), (Shape(3, (5,)), Shape(3, (4,))), "cannot concatenate 3x5 and 3x4"),
        (Scale(), (Shape(4, (5, 6)), Shape(4, (1,))), "cannot scale 4x5x6 by 4x1"),
        (Scale(), (Shape(4, (5,)), Shape(3, (1,))), "cannot scale 4x5 by 3x1"),
        (Scale(), (Shape(4, (5,)),), "cannot scale 4x5;"),
        (Scale(), (Shape(4, (5,)), Shape(4, (1,)), Shape(4, (1,))), "cannot scale 4x5 by 4x1 by 4x1"),
    ],
)
def test_what_cannot_be_computed_is_refused(layer: Layer, inputs: tuple[Shape, ...], message: str) -> None:
    with pytest.raises(CostModelError, match=message):
        layer.output(inputs)


def test_a_pool_may_pad_up_to_half_of_its_window() -> None:
    # Windows start at -3, 3 and 9, and the last ends at 15.
    assert max_pool(6, 6, padding=3).output((Shape(3, (12, 12)),)) == Shape(3, (3, 3))
    with pytest.raises(CostModelError, match="padding 4x4 is over half of a 7x7 window"):
        max_pool(7, 7, padding=4)


def test_a_slice_starts_at_0_or_after() -> None:
    with pytest.raises(CostModelError, match="start=-1 must be a whole number of at least 0"):
        ChannelSlice(-1, 2)


@pytest.mark.parametrize("axis", [(-1, 0), (0, -1)])
def test_no_side_of_a_padding_is_below_0(axis: tuple[int, int]) -> None:
    for make in (lambda: conv(8, (3, 3), padding=((0, 0), axis)), lambda: ZeroPad(((0, 0), axis))):
        with pytest.raises(CostModelError, match="padding=-1 must be a whole number of at least 0"):
            make()


@pytest.mark.parametrize("padding", [((1,), (1,)), ((1, 1, 1), (1, 1, 1))])
def test_a_padding_has_two_sides(padding: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(CostModelError, match="is no padding"):
        conv(8, 3, padding=padding)  # type: ignore[arg-type]
    with pytest.raises(CostModelError, match=r"must be \(before, after\) an axis"):
        ZeroPad(padding)  # type: ignore[arg-type]


@pytest.mark.parametrize("choice", ["stride", "padding", "dilation"])
@pytest.mark.parametrize("axes", [0, 1, 2, 4])
def test_every_choice_has_as_many_axes_as_the_kernel(choice: str, axes: int) -> None:
    with pytest.raises(CostModelError, match=f"{choice}=.* has {axes} axes, the kernel 3x3x3 has 3"):
        conv(8, (3, 3, 3), **{choice: (1,) * axes})
    with pytest.raises(CostModelError, match=f"output_padding=.* has {axes} axes, the kernel 3x3x3 has 3"):
        transposed_conv(8, (3, 3, 3), output_padding=(0,) * axes)


@pytest.mark.parametrize(("extra", "rule"), [(-1, "at least 0"), (2, "smaller than the stride"), (3, "smaller than")])
def test_an_output_padding_is_within_a_stride(extra: int, rule: str) -> None:
    with pytest.raises(CostModelError, match=f"output_padding={extra} must be .*{rule}"):
        transposed_conv(8, 3, stride=2, output_padding=extra)


@given(st.integers(1, 40), st.integers(1, 40))
@example(5, 6)
@example(4, 9)
def test_the_groups_that_an_error_offers_divide(groups: int, channels: int) -> None:
    assume(channels % groups)
    with pytest.raises(CostModelError, match=f"groups={groups} does not divide {channels} ") as raised:
        ChannelShuffle(groups).output((Shape(channels),))
    divisors = [count for count in range(1, channels + 1) if channels % count == 0]
    # The next one down or up where it divides, else the largest that divides both.
    near = [count for count in (groups - 1, groups + 1) if count in divisors]
    both = [count for count in divisors if groups % count == 0]
    assert str(raised.value).endswith(f"; groups={[*near, both[-1]][0]} does")
