"""Generators of layers and of what they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Window:
    """A drawn convolution with the input it reads; plain numbers, so that each side builds its own."""

    spatial: tuple[int, ...]
    in_channels: int
    out_channels: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    bias: bool

    @property
    def rank(self) -> int:
        return len(self.spatial)

    @property
    def sides(self) -> tuple[tuple[int, int], ...]:
        return tuple((p, p) for p in self.padding)

    @property
    def choices(self) -> dict[str, Any]:
        """The keywords that PyTorch's convolutions and costmodel's share."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
            "bias": self.bias,
        }


@st.composite
def windows(draw: st.DrawFn, largest: int = 12, channels: int = 3, ranks: tuple[int, ...] = (1, 2, 3)) -> Window:
    """A convolution of rank 1 to 3 that fits: rectangular, strided, padded, dilated, grouped up to depthwise.

    ``largest`` bounds the input's sizes, ``channels`` the channels a group.
    """
    rank = draw(st.sampled_from(ranks))

    def axes(low: int, high: int) -> tuple[int, ...]:
        return draw(st.tuples(*[st.integers(low, high)] * rank))

    kernel, stride, padding, dilation = axes(1, 4), axes(1, 3), axes(0, 2), axes(1, 3)
    spatial = tuple(
        draw(st.integers(max(1, d * (k - 1) + 1 - 2 * p), max(largest, d * (k - 1) + 1)))
        for k, p, d in zip(kernel, padding, dilation, strict=True)
    )
    groups = draw(st.integers(1, 4))
    return Window(
        spatial=spatial,
        in_channels=groups * draw(st.integers(1, channels)),
        out_channels=groups * draw(st.integers(1, channels)),
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=draw(st.booleans()),
    )
