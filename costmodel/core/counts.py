"""Counts that add up: arithmetic by its kind, and stored numbers by their kind."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple


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

    # A tuple's own + and * would join and repeat, which never makes sense for counts; nor does it below.

    def __add__(self, other: Any) -> Ops:
        if not isinstance(other, Ops):
            raise TypeError(f"only Ops add up with Ops, not {type(other).__name__}")
        return Ops(*map(operator.add, self, other))

    def __mul__(self, times: Any) -> Ops:
        """The operations of doing this ``times`` times over: a batch, or every element of a tensor."""
        return Ops(*[count * times for count in self])

    def __rmul__(self, times: Any) -> Ops:
        return self.__mul__(times)


class Params(NamedTuple):
    """Stored numbers by kind; each field is a number of scalars.

    ``weight``: kernels and matrices. ``bias``: of convolutions and linear layers. ``affine``: gamma and beta of a
    normalization. ``buffer``: running statistics, which are stored but not trained. ``frozen``: how many of the
    weights, biases, gammas and betas training leaves as they are (``requires_grad`` is False).

    >>> stored = Params(weight=864, frozen=864) + Params(affine=64, buffer=64)
    >>> stored.parameters, stored.trainable
    (928, 64)
    """

    weight: int = 0
    bias: int = 0
    affine: int = 0
    buffer: int = 0
    frozen: int = 0

    @property
    def parameters(self) -> int:
        """Weights, biases, gammas and betas, frozen or not: everything but buffers."""
        return self.weight + self.bias + self.affine

    @property
    def trainable(self) -> int:
        """Those of the parameters that training changes."""
        return self.parameters - self.frozen

    def __add__(self, other: Any) -> Params:
        if not isinstance(other, Params):
            raise TypeError(f"only Params add up with Params, not {type(other).__name__}")
        return Params(*map(operator.add, self, other))

    def __mul__(self, times: object) -> Params:
        raise TypeError("parameters are stored once, however often they are used: they do not multiply")

    def __rmul__(self, times: object) -> Params:
        return self * times


NO_OPS = Ops()
NO_PARAMS = Params()
