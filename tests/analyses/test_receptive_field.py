"""Receptive fields, checked against the gradients of networks that PyTorch runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import costmodel as cm
from costmodel import CostModelError, Network, Node, apply, image, load
from costmodel.analyses.receptive_field import ReceptiveField
from costmodel.core.layers import (
    RELU,
    AdaptiveAveragePool,
    Add,
    Concat,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    LayerNorm,
    MatMul,
    Outputs,
    Scale,
    average_pool,
    conv,
    transposed_conv,
)

#: (kernel, stride, padding, dilation) an axis.
Window = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]


class Block(nn.Module):
    """A convolution, or a mean; a 1x1 convolution of the same stride may be added to it, or joined."""

    def __init__(self, window: Window, kind: str) -> None:
        super().__init__()
        kernel, stride, padding, dilation = window
        self.kind = kind
        self.conv = nn.Conv2d(1, 1, kernel, stride, padding, dilation, bias=False)
        self.pool = nn.AvgPool2d(kernel, stride, tuple(map(min, padding, [size // 2 for size in kernel])))
        self.short = nn.Conv2d(1, 1, 1, stride, bias=False)
        self.join = nn.Conv2d(2, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "pool":
            return F.relu(self.pool(x))
        y: Tensor = self.conv(x)
        if self.kind == "plain":
            return F.relu(y)
        short = self.short(x)
        if self.kind == "add":
            return F.relu(y + short)
        joined: Tensor = self.join(torch.cat([short, y], 1))
        return joined


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    kind = draw(st.sampled_from(["plain", "pool", "add", "concat"]))
    pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
    stride, dilation = (draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) for _ in range(2))
    if kind in ("add", "concat"):
        # The paths align where the window is odd and centered.
        half = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
        kernel = (2 * half[0] + 1, 2 * half[1] + 1)
        padding = (half[0] * dilation[0], half[1] * dilation[1])
    else:
        kernel, padding = draw(pairs), draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    return Block((kernel, stride, padding, dilation), kind)


def axes(number: int | tuple[int, ...] | None) -> tuple[int, ...]:
    assert number is not None
    return number if isinstance(number, tuple) else (number, number)


def last(module: nn.Module, size: tuple[int, int]) -> ReceptiveField:
    field: ReceptiveField = load(module, (1, *size)).receptive_field()[-1]
    return field


def seen(module: nn.Module, size: tuple[int, int], position: tuple[int, int]) -> list[tuple[int, int]]:
    """First and last place on each axis of the input whose gradient is not zero, for one position of the output."""
    x = torch.ones(1, 1, *size, requires_grad=True)
    y = module(x)
    assume(y.shape[2] > position[0] and y.shape[3] > position[1])
    y[0, :, position[0], position[1]].sum().backward()
    assert x.grad is not None
    places = x.grad[0, 0].nonzero()
    return [(int(column.min()), int(column.max())) for column in places.T]


@settings(deadline=None)
@given(parts=st.lists(blocks(), min_size=1, max_size=4))
def test_a_position_sees_the_part_of_the_input_that_its_gradient_reaches(parts: list[Block]) -> None:
    module = nn.Sequential(*parts)
    for weight in module.parameters():
        nn.init.ones_(weight)
    probe = last(module, (300, 300))
    assert probe.reason == ""
    fields, strides, paddings = map(axes, probe[1:4])
    # The first position whose part lies in the image on every axis, and an image that goes on beyond it.
    position = tuple(-(-padding // stride) for padding, stride in zip(paddings, strides, strict=True))
    begins = [place * stride - padding for place, stride, padding in zip(position, strides, paddings, strict=True)]
    size = tuple(begin + field + 3 * stride for begin, field, stride in zip(begins, fields, strides, strict=True))
    assert last(module, (size[0], size[1]))[1:4] == probe[1:4]
    ends = [(begin, begin + field - 1) for begin, field in zip(begins, fields, strict=True)]
    assert seen(module, (size[0], size[1]), (position[0], position[1])) == ends


def network(*layers: Callable[[Node], Node]) -> Network:
    x = image(4, 32)
    for layer in layers:
        x = layer(x)
    return Network(x)


def three(x: Node) -> Node:
    return apply(x, "three", conv(4, 3, padding=1))


def test_same_padding_puts_the_odd_zero_at_the_end() -> None:
    def field(size: int) -> ReceptiveField:
        row: ReceptiveField = Network(apply(image(1, size), "conv", conv(1, 3, 2, "same"))).receptive_field()[0]
        return row

    # TensorFlow: 224 needs one zero, which comes last; 225 needs two.
    assert field(224)[1:4] == (3, 2, 0)
    assert field(225)[1:4] == (3, 2, 1)


def test_the_longest_of_aligned_paths_counts() -> None:
    def inception(x: Node) -> Node:
        return apply([apply(x, f"k{k}", conv(1, k, padding=k // 2)) for k in (1, 3, 7, 5)], "concat", Concat())

    assert network(inception, inception).receptive_field()[-1][1:4] == (13, 1, 6)


def test_axes_are_apart() -> None:
    row = network(lambda x: apply(x, "conv", conv(4, (1, 7), (1, 2), ((0, 0), (3, 3))))).receptive_field()[0]
    assert row[1:4] == ((1, 7), (1, 2), (0, 3))


def test_a_region_of_an_adaptive_pool_is_a_window_where_it_divides() -> None:
    pool = network(three, lambda x: apply(x, "pool", AdaptiveAveragePool((4, 8)))).receptive_field()[-1]
    assert pool[1:4] == ((10, 6), (8, 4), 1)
    uneven = network(three, lambda x: apply(x, "pool", AdaptiveAveragePool((5, 5)))).receptive_field()[-1]
    assert (uneven.receptive_field, uneven.reason) == (None, "pool pools windows of unequal sizes")


def test_a_transposed_convolution_without_stride_is_a_convolution() -> None:
    layer = transposed_conv(4, kernel=4, padding=1)
    row = network(lambda x: apply(x, "up", layer)).receptive_field()[0]
    weights = torch.ones(1, 1, 4, 4)
    x = torch.ones(1, 1, 32, 32, requires_grad=True)
    F.conv_transpose2d(x, weights, padding=1)[0, 0, 16, 16].backward()
    assert x.grad is not None
    places = x.grad[0, 0].nonzero()[:, 0]
    assert (16 - row.effective_padding, 16 - row.effective_padding + row.receptive_field - 1) == (
        places.min(), places.max(),
    )  # fmt: skip


def attention(x: Node) -> Node:
    return apply([x, x], "scores", MatMul())


def gate(x: Node) -> Node:
    return apply([x, apply(x, "pool", GlobalAveragePool())], "scale", Scale())


def unaligned(x: Node) -> Node:
    return apply([apply(x, "valid", conv(4, 2, 2)), apply(x, "same", conv(4, 1, 2))], "add", Add())


def of_two_strides(x: Node) -> Node:
    return apply([apply(x, "slow", average_pool(2)), apply(x, "wide", conv(4, 17))], "add", Add())


@pytest.mark.parametrize(
    ("layer", "name", "reason"),
    [
        (gate, "pool", "pool sees every position"),
        (attention, "scores", "scores (matmul) has no rule for what a position sees"),
        (lambda x: apply(x, "norm", GroupNorm(2)), "norm", "norm sees every position"),
        (lambda x: apply(x, "norm", LayerNorm(3)), "norm", "norm sees every position"),
        (lambda x: apply(x, "flatten", Flatten()), "flatten", "flatten sees every position"),
        (lambda x: apply(x, "up", transposed_conv(4, 2, 2)), "up", "up is a transposed convolution with a stride"),
        (
            unaligned,
            "add",
            "the paths into add do not align: valid sees 4x4 with stride 2x2 and padding 1x1, same 3x3 with stride 2x2",
        ),
        (of_two_strides, "add", "the paths into add do not align: slow sees 4x4 with stride 2x2 and padding 1x1, wide"),
    ],
)  # fmt: skip
def test_what_is_no_window_has_a_reason_and_so_has_all_that_follows(
    layer: Callable[[Node], Node], name: str, reason: str
) -> None:
    rows = {row.name: row for row in network(three, layer, lambda x: apply(x, "after", RELU)).receptive_field()}
    assert rows["three"].receptive_field == 3
    for place in (name, "after"):
        assert rows[place].reason.startswith(reason)
        assert rows[place][1:4] == (None, None, None)


def test_one_position_may_be_flattened_and_pooled() -> None:
    pooled = [
        lambda x: apply(x, "window", average_pool(32)),
        lambda x: apply(x, "global", GlobalAveragePool()),
        lambda x: apply(x, "flatten", Flatten()),
    ]
    assert network(*pooled).receptive_field()[-1].receptive_field == 32


def test_of_several_outputs_the_first_is_meant() -> None:
    x = three(image(4, 32))
    net = Network(apply([x, apply(x, "pool", GlobalAveragePool())], "outputs", Outputs()))
    assert net.receptive_field()[-1].receptive_field == 3


def test_several_inputs_are_refused() -> None:
    net = Network(apply([image(3, 8, "a"), image(3, 8, "b")], "add", Add()))
    with pytest.raises(CostModelError, match="reads 2 inputs"):
        net.receptive_field()


class Views(nn.Module):
    """Captured code that reads, by turns, what is known and what is not."""

    def __init__(self, code: Callable[[nn.Conv2d, Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.code = code

    def forward(self, x: Tensor) -> Tensor:
        return self.code(self.conv, x)


@pytest.mark.parametrize(
    ("code", "field"),
    [
        (lambda conv, x: conv(x) * torch.ones(1, 4, 1, 1), 3),
        (lambda conv, x: F.conv2d(conv(x), conv.weight * 2), 5),
        (lambda conv, x: conv(conv(x)[:, :4].clone().clamp(0, 1)), 5),
        (lambda conv, x: F.layer_norm(conv(x).permute(0, 2, 3, 1), (4,)), 3),
        (lambda conv, x: F.pad(conv(x), (2, 2, 2, 2)), 3),
    ],
)
def test_captured_code_that_slides_has_a_field(code: Callable[..., Tensor], field: int) -> None:
    assert load(Views(code), (4, 16, 16)).receptive_field()[-1].receptive_field == field


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (lambda conv, x: F.relu(conv(x)[:, :, ::2, ::2]), "relu reads a view of conv with other positions"),
        (lambda conv, x: F.relu(conv(x).flatten(2)), "relu reads a view of conv with other positions"),
        (lambda conv, x: conv(x).roll(1, 2), "roll (roll) has no rule"),
        (
            lambda conv, x: F.grid_sample(conv(x), conv(x).permute(0, 2, 3, 1)[..., :2]),
            "grid_sampler_2d (grid_sampler_2d) has",
        ),
        (lambda conv, x: conv(x).softmax(1), "softmax (softmax) has no rule"),
        (lambda conv, x: F.interpolate(conv(x), scale_factor=2), "upsample_nearest2d (upsample_nearest2d) has no rule"),
        (lambda conv, x: F.conv2d(x, conv(x)[0, :, None, :3, :3], groups=4), "the weights of conv:2 depend on"),
    ],
)
def test_captured_code_that_does_not_slide_has_a_reason(code: Callable[..., Tensor], reason: str) -> None:
    assert load(Views(code), (4, 16, 16)).receptive_field()[-1].reason.startswith(reason)


def test_the_reading_is_in_dir_and_has_a_name() -> None:
    assert "receptive_field" in dir(cm.resnet50())
    assert cm.resnet50().receptive_field()[0].name == "stem.conv1.conv"
