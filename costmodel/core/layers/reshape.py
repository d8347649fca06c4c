"""Layers that move values and compute nothing."""

from __future__ import annotations

from typing import ClassVar, final

from costmodel.core.layers.base import Alias, Choices, Layer, Shapes
from costmodel.core.layers.window import indivisible, wrong_rank
from costmodel.core.layers.window import sides as around
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, positive_int


@final
class Flatten(Layer):
    """All values of a sample as one vector.

    >>> Flatten().output((Shape(512, (7, 7)),))
    Shape(channels=25088, spatial=())
    """

    alias: ClassVar[Alias | None] = Alias()

    def output(self, inputs: Shapes) -> Shape:
        return Shape(inputs[0].elements)

    def kind(self, inputs: Shapes) -> str:
        return "flatten"


@final
class ZeroPad(Layer):
    """Zeros around each channel, (before, after) on each axis; what a convolution does not pad itself.

    >>> ZeroPad(((0, 1), (0, 1))).output((Shape(96, (112, 112)),))
    Shape(channels=96, spatial=(113, 113))
    """

    padding: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        if not isinstance(self.padding, tuple) or any(not isinstance(p, tuple) or len(p) != 2 for p in self.padding):
            raise CostModelError(f"padding={self.padding!r} must be (before, after) an axis, as in ((0, 1), (0, 1))")
        for before, after in self.padding:
            positive_int(before, "padding", least=0)
            positive_int(after, "padding", least=0)

    def output(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        if len(x.spatial) != len(self.padding):
            raise wrong_rank(f"padding {around(self.padding)}", len(self.padding), x)
        sides = zip(x.spatial, self.padding, strict=True)
        return Shape(x.channels, tuple(before + size + after for size, (before, after) in sides), x.axis)

    def kind(self, inputs: Shapes) -> str:
        return "zero_pad"

    def choices(self) -> Choices:
        return (("padding", self.padding),)


@final
class ChannelShuffle(Layer):
    """The channels of each group dealt out in turn (ShuffleNet); nothing is computed.

    Raises :class:`~costmodel.errors.CostModelError` where the groups do not divide the channels.
    """

    groups: int

    def __post_init__(self) -> None:
        positive_int(self.groups, "groups")

    def output(self, inputs: Shapes) -> Shape:
        if inputs[0].channels % self.groups:
            raise indivisible(self.groups, inputs[0].channels, "input")
        return inputs[0]

    def kind(self, inputs: Shapes) -> str:
        return "channel_shuffle"

    def choices(self) -> Choices:
        return (("groups", self.groups),)


@final
class ChannelSlice(Layer):
    """Channels ``start`` up to ``stop`` of a tensor: one part of a split.

    >>> ChannelSlice(58, 116).output((Shape(116, (28, 28)),))
    Shape(channels=58, spatial=(28, 28))
    """

    alias: ClassVar[Alias | None] = Alias()

    start: int
    stop: int

    def __post_init__(self) -> None:
        positive_int(self.start, "start", least=0)
        positive_int(self.stop, "stop")

    def output(self, inputs: Shapes) -> Shape:
        x = inputs[0]
        if not self.start < self.stop <= x.channels:
            raise CostModelError(
                f"channels {self.start} to {self.stop} are not a part of the {x.channels} of {x}; give"
                " start < stop <= channels"
            )
        return Shape(self.stop - self.start, x.spatial, x.axis)

    def kind(self, inputs: Shapes) -> str:
        return "channel_slice"

    def choices(self) -> Choices:
        return (("channels", ((self.start, self.stop),)),)
