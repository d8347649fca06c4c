"""Layers that random networks leave out, each with its PyTorch module: every norm, activation and transposed window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st
from torch import nn

from costmodel import Shape
from costmodel.core import layers
from tests.networks import by_rank
from tests.strategies import windows


@dataclass(frozen=True)
class Single:
    """A layer, the module that computes it, and what both read."""

    layer: layers.Layer
    module: nn.Module
    input: Shape


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": nn.Hardsigmoid,
    "swish": nn.SiLU,
    "hard_swish": nn.Hardswish,
    "tanh": nn.Tanh,
    "hard_tanh": nn.Hardtanh,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "softplus": nn.Softplus,
    "log_sigmoid": nn.LogSigmoid,
    "mish": nn.Mish,
}


MAP = Shape(6, (5, 4))

#: Every norm with and without gamma and beta, of every rank, and every activation.
TABLE: dict[str, Single] = {
    **{
        f"batch norm {rank}-D, affine {affine}": Single(
            layers.BatchNorm(affine), by_rank("BatchNorm", rank)(6, affine=affine), Shape(6, (4,) * rank)
        )
        for rank in (1, 2, 3)
        for affine in (True, False)
    },
    **{
        f"layer norm over {axes}, affine {affine}": Single(
            layers.LayerNorm(axes, affine, affine), nn.LayerNorm(MAP.sizes[-axes:], elementwise_affine=affine), MAP
        )
        for axes in (1, 3)
        for affine in (True, False)
    },
    **{
        f"group norm, affine {affine}": Single(layers.GroupNorm(3, affine), nn.GroupNorm(3, 6, affine=affine), MAP)
        for affine in (True, False)
    },
    **{name: Single(layers.Activation(name), module(), MAP) for name, module in ACTIVATIONS.items()},
}


@st.composite
def convolutions(draw: st.DrawFn) -> Single:
    """Transposed or not, with any groups, strides and dilations, or with padding="same"."""
    w = draw(windows(largest=6))
    x = Shape(w.in_channels, w.spatial)
    if draw(st.booleans()):
        choices = w.choices | {"stride": 1, "padding": "same"}
        module = by_rank("Conv", w.rank)(w.in_channels, w.out_channels, w.kernel, **choices)
        return Single(layers.conv(w.out_channels, kernel=w.kernel, **choices), module, x)
    choices = w.choices | {"padding": (0,) * w.rank}
    module = by_rank("ConvTranspose", w.rank)(w.in_channels, w.out_channels, w.kernel, **choices)
    return Single(layers.transposed_conv(w.out_channels, kernel=w.kernel, **choices), module, x)


@st.composite
def linears(draw: st.DrawFn) -> Single:
    """A linear layer of a vector or of tokens, of up to three axes of them."""
    x = Shape.of(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)), axis=-1)
    made, bias = draw(st.integers(1, 6)), draw(st.booleans())
    return Single(layers.Linear(made, bias), nn.Linear(x.sizes[-1], made, bias), x)


def single_layers() -> st.SearchStrategy[Single]:
    return st.one_of(convolutions(), linears())
