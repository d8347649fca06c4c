"""Frozen values: a tensor's shape, and counts that add up."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import NamedTuple

from costmodel.errors import CostModelError, positive_int

#: More axes than any layer has; a text with more is no shape.
MOST_AXES = 8


class Shape(NamedTuple):
    """Channels and spatial sizes of one sample; the batch is not part of it.

    An image is ``Shape(3, (224, 224))``, a vector ``Shape(1000)``, a sequence of 196 tokens ``Shape(768, (196,))``.

    >>> print(Shape(3, (224, 224)), Shape(3, (224, 224)).elements)
    3x224x224 150528
    """

    channels: int
    spatial: tuple[int, ...] = ()

    @property
    def positions(self) -> int:
        """Number of places in the spatial grid; 1 for a vector."""
        return math.prod(self.spatial)

    @property
    def elements(self) -> int:
        """Number of values in the tensor."""
        return self.channels * math.prod(self.spatial)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Channels first, then the spatial sizes."""
        return (self.channels, *self.spatial)

    def __str__(self) -> str:
        return "x".join(map(str, self.sizes))

    @classmethod
    def of(cls, sizes: Sequence[int]) -> Shape:
        """The shape with these ``sizes``, channels first; a single value where there are none.

        >>> Shape.of((3, 224, 224)), Shape.of(())
        (Shape(channels=3, spatial=(224, 224)), Shape(channels=1, spatial=()))
        """
        channels, *spatial = sizes or (1,)
        return cls(channels, tuple(spatial))

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


class Ops(NamedTuple):
    """Arithmetic operations by kind; each field is a number of scalar operations.

    A multiplication whose result is at once added up is one ``mac`` (multiply-add), not a ``mul`` and an ``add``.
    A named tuple because it is made for every node: three times as fast as a frozen dataclass.

    >>> Ops(mac=10) + Ops(mac=5, cmp=2)
    Ops(mac=15, add=0, mul=0, div=0, cmp=2, exp=0)
    """

    mac: int = 0
    add: int = 0
    mul: int = 0
    div: int = 0
    cmp: int = 0
    exp: int = 0

    # The ignores, here and below: a tuple's own + and * would join and repeat, which never makes sense for counts.

    def __add__(self, other: Ops) -> Ops:  # type: ignore[override]
        if not isinstance(other, Ops):
            raise TypeError(f"only Ops add up with Ops, not {type(other).__name__}")
        return Ops(*map(operator.add, self, other))

    def __mul__(self, times: int) -> Ops:  # type: ignore[override]
        """The operations of doing this ``times`` times over: a batch, or every element of a tensor."""
        return Ops(*[count * times for count in self])

    def __rmul__(self, times: int) -> Ops:  # type: ignore[override]
        return self * times


class Params(NamedTuple):
    """Stored numbers by kind; each field is a number of scalars.

    ``weight``: kernels and matrices. ``bias``: of convolutions and linear layers. ``affine``: gamma and beta of a
    normalisation. ``buffer``: running statistics, which are stored but not trained.

    >>> (Params(weight=864) + Params(affine=64, buffer=64)).trainable
    928
    """

    weight: int = 0
    bias: int = 0
    affine: int = 0
    buffer: int = 0

    @property
    def trainable(self) -> int:
        """What training changes, and what "parameters" means here: everything but buffers."""
        return self.weight + self.bias + self.affine

    def __add__(self, other: Params) -> Params:  # type: ignore[override]
        if not isinstance(other, Params):
            raise TypeError(f"only Params add up with Params, not {type(other).__name__}")
        return Params(*map(operator.add, self, other))

    def __mul__(self, times: object) -> Params:
        raise TypeError("parameters are stored once, however often they are used: they do not multiply")

    def __rmul__(self, times: object) -> Params:
        return self * times


NO_OPS = Ops()
NO_PARAMS = Params()
