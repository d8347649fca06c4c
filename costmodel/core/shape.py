"""The sizes of one tensor of one sample, and which of its axes holds the features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from costmodel.errors import CostModelError, positive_int

#: More axes than any layer has; a text with more is no shape.
MOST_AXES = 8


class Shape(NamedTuple):
    """Sizes of one sample; the batch is not part of it. ``axis`` is where the features (channels) stand among them.

    An image is ``Shape(3, (224, 224))``, a vector ``Shape(1000)``. A sequence of 196 tokens of 768 features each, as
    PyTorch lays it out, is ``Shape(768, (196,), axis=1)``: its sizes are 196x768, its positions 196. ``spatial`` has
    every size but the features, in order: the places at which a convolution or a linear layer does the same work.

    >>> print(Shape(3, (224, 224)), Shape(3, (224, 224)).elements)
    3x224x224 150528
    >>> tokens = Shape(768, (196,), axis=1)
    >>> print(tokens, tokens.channels, tokens.positions)
    196x768 768 196
    """

    channels: int
    spatial: tuple[int, ...] = ()
    axis: int = 0

    @property
    def positions(self) -> int:
        """Number of places that hold a vector of features each; 1 for a vector."""
        return math.prod(self.spatial)

    @property
    def elements(self) -> int:
        """Number of values in the tensor."""
        return self.channels * math.prod(self.spatial)

    @property
    def sizes(self) -> tuple[int, ...]:
        """All sizes in the order of memory: channels first for an image, features last for tokens."""
        return (*self.spatial[: self.axis], self.channels, *self.spatial[self.axis :])

    def __str__(self) -> str:
        return "x".join(map(str, self.sizes))

    def __repr__(self) -> str:
        return f"Shape(channels={self.channels}, spatial={self.spatial}{f', axis={self.axis}' if self.axis else ''})"

    @classmethod
    def of(cls, sizes: Sequence[int], axis: int = 0) -> Shape:
        """The shape with these ``sizes``, its features at ``axis`` (-1 for the last); a single value where there are
        no sizes.

        >>> Shape.of((3, 224, 224)), Shape.of((196, 768), axis=-1)
        (Shape(channels=3, spatial=(224, 224)), Shape(channels=768, spatial=(196,), axis=1))
        """
        if not sizes:
            return cls(1)
        axis %= len(sizes)
        return cls(sizes[axis], (*sizes[:axis], *sizes[axis + 1 :]), axis)

    def without_first_axis(self) -> Shape:
        """One of the samples that stand along the first axis: frames of a clip, windows of an image.

        >>> Shape(8, (16, 32, 32), axis=1).without_first_axis()
        Shape(channels=8, spatial=(32, 32))
        """
        return Shape.of(self.sizes[1:], max(self.axis - 1, 0))

    def stacked(self, times: int) -> Shape:
        """So many of it along a new first axis; the inverse of :meth:`without_first_axis`.

        >>> Shape(8, (32, 32)).stacked(16)
        Shape(channels=8, spatial=(16, 32, 32), axis=1)
        """
        return Shape(self.channels, (times, *self.spatial), self.axis + 1)

    @classmethod
    def parse(cls, text: str) -> Shape:
        """The shape that ``text`` writes as ``CxHxW``, with any number of spatial sizes.

        Raises :class:`~costmodel.errors.CostModelError` where a size is not a whole number above 0.

        >>> Shape.parse("3x224x224")
        Shape(channels=3, spatial=(224, 224))
        """
        sizes = text.strip().lower().split("x")
        # 19 digits hold 2**63 - 1; longer ones are refused before int() sees them.
        if len(sizes) > MOST_AXES or not all(size.isascii() and size.isdigit() and len(size) <= 19 for size in sizes):
            shown = repr(text) if len(text) <= 60 else f"a text of {len(text)} characters"
            raise CostModelError(
                f"{shown} is not a shape; write channels and sizes with x between them, as in 3x224x224"
            )
        return cls.of([positive_int(int(size), f"a size of {text!r}") for size in sizes])
