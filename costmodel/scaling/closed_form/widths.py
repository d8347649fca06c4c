"""The channels of every layer as lines in alpha: an architecture's own function, with a rounding rule that is none.

That rule is the identity, refused where a width is not whole. At two alphas of that kind every channel count is two
points of a line ``c0 + c1*alpha``; more alphas must agree. What the rule was asked for says at which alphas the true
one would change nothing.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from costmodel.core.graph import Node
from costmodel.core.layers import ChannelSlice, Conv, Input, Linear, TransposedConv
from costmodel.core.network import Network
from costmodel.core.rounding import make_divisible, truncate
from costmodel.errors import CostModelError
from costmodel.models.registry import Architecture
from costmodel.scaling.closed_form.form import Alphas

#: ``c0 + c1*alpha``.
Line: TypeAlias = tuple[Fraction, Fraction]


class Channels(NamedTuple):
    """What one layer makes, and its groups, as lines in alpha."""

    made: Line
    groups: Line


class Lines(NamedTuple):
    """The channels of every layer that chooses them, by name, over one range of alphas, and a network of one."""

    alphas: Alphas
    #: At an alpha where no two widths agree by chance, as all multiples of one width do at 1.
    network: Network
    channels: dict[str, Channels]


class _Range(NamedTuple):
    """Alphas from ``low`` to ``high``, which may be one of them, and those at which channels are read.

    The first two of ``samples`` draw the lines, and the others must agree. The first is not 1, where widths that
    differ elsewhere may be equal.
    """

    low: Fraction
    high: Fraction | None
    closed: bool
    samples: tuple[Fraction, ...]


#: Tables hold multiples of 8, of which squeeze-and-excite takes a quarter: below a half, some would not be whole.
_UP_TO_ONE = _Range(Fraction(0), Fraction(1), True, (Fraction(1, 2), Fraction(1)))
_FROM_ONE = _Range(Fraction(1), None, False, (Fraction(2), Fraction(3), Fraction(1), Fraction(3, 2), Fraction(5, 2)))
_ONE_TO_TWO = _Range(Fraction(1), Fraction(2), False, (Fraction(3, 2), Fraction(7, 4), Fraction(1)))


def pieces(found: Architecture, variant: str, choices: Mapping[str, Any]) -> tuple[Lines, ...]:
    """The channels of every node of ``found``: of all alphas at once, or of alphas up to 1 and from 1 on.

    Raises :class:`~costmodel.errors.CostModelError` where they follow no rule, as widths taken from a table do.
    """
    low = _lines(found, variant, choices, _UP_TO_ONE)
    try:
        high = _lines(found, variant, choices, _FROM_ONE)
    except _BentError:
        high = _lines(found, variant, choices, _ONE_TO_TWO)
    if low.channels != high.channels or high.alphas.high is not None:
        return low, high
    return (high._replace(alphas=Alphas(low.alphas.low, None, False, high.alphas.step)),)


class _BentError(CostModelError):
    """Points that are on no line."""


def _lines(found: Architecture, variant: str, choices: Mapping[str, Any], over: _Range) -> Lines:
    rounding = _Rounding()
    build = rounding.without(found)

    def unrounded(alpha: Fraction) -> tuple[Network, list[tuple[Fraction, int]]]:
        return rounding.asked_by(build, alpha, variant, choices)

    (_, one), (_, other) = map(unrounded, over.samples[:2])
    # A width that alpha does not touch is rounded as ever.
    rounding.real = {call for call, same in enumerate(zip(one, other, strict=True)) if same[0] == same[1]}
    networks, asked = zip(*map(unrounded, over.samples), strict=True)
    widths = [
        (_line(over.samples, [width for width, _ in same]), same[0][1])
        for call, same in enumerate(zip(*asked, strict=True))
        if call not in rounding.real
    ]
    counts = [{node.name: choices_of(node) for node in network.nodes if chooses(node)} for network in networks]
    if any(other.keys() != counts[0].keys() for other in counts):
        raise CostModelError("it has other layers at other alphas")
    channels = {
        name: Channels(*(_line(over.samples, same) for same in zip(*(count[name] for count in counts), strict=True)))
        for name in counts[0]
    }
    return Lines(Alphas(over.low, over.high, over.closed, _common_step(widths)), networks[0], channels)


def chooses(node: Node) -> bool:
    """Whether the layer decides its number of channels; the others make as many as they read."""
    return isinstance(node.layer, (Input, Conv, TransposedConv, Linear, ChannelSlice))


def choices_of(node: Node) -> tuple[int, int]:
    """The channels it makes, and its groups."""
    return node.shape.channels, node.layer.groups if isinstance(node.layer, (Conv, TransposedConv)) else 1


def _line(alphas: tuple[Fraction, ...], values: Any) -> Line:
    slope = Fraction(values[1] - values[0]) / (alphas[1] - alphas[0])
    start = values[0] - slope * alphas[0]
    for alpha, value in zip(alphas, values, strict=True):
        if start + slope * alpha != value:
            raise _BentError(f"a width is {value} at alpha {alpha}, off the line through its other points")
    return start, slope


def _common_step(widths: list[tuple[Line, int]]) -> Fraction | None:
    """The least alpha of whose multiples every width is a multiple of its divisor."""
    step: Fraction | None = None
    for (start, slope), divisor in widths:
        if start % divisor:
            return None
        own = divisor / slope
        step = own if step is None else _common_multiple(step, own)
    return step


def _common_multiple(one: Fraction, other: Fraction) -> Fraction:
    return Fraction(math.lcm(one.numerator, other.numerator), math.gcd(one.denominator, other.denominator))


class _Rounding:
    """Stands in for every rounding rule, and remembers what it was asked for: (width, divisor)."""

    def __init__(self) -> None:
        #: The calls, counted from the start of a network, that the true rule answers.
        self.real: set[int] = set()
        self._asked: list[tuple[Fraction, int]] = []

    def without(self, found: Architecture) -> Any:
        """The function of ``found``, rounding nothing."""
        rounds = "round_width" in inspect.signature(found.build).parameters
        return partial(found.build, round_width=self._round) if rounds else found.build

    def asked_by(
        self, build: Any, alpha: Fraction, variant: str, choices: Mapping[str, Any]
    ) -> tuple[Network, list[tuple[Fraction, int]]]:
        """The unrounded network at ``alpha``, and every width it has asked to be rounded."""
        self._asked = []
        return build(alpha=alpha, variant=variant, **choices), self._asked

    def _round(self, width: Any, divisor: int = 8) -> int:
        rule = truncate if divisor == 1 else make_divisible
        return self._answer(width, divisor, lambda: rule(float(width), divisor))

    def _answer(self, width: Any, divisor: int, rounded: Any) -> int:
        # A width that was a quotient of floats, such as 88/24 of 24 channels, is the fraction that it stands for.
        exact = Fraction(width).limit_denominator(1000)
        self._asked.append((exact, divisor))
        if len(self._asked) - 1 in self.real:
            return int(rounded())
        if exact.denominator != 1:
            raise CostModelError(f"a width of {exact} channels is not whole")
        return int(exact)
