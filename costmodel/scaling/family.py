"""The networks that alpha makes of one architecture, all else fixed: where their cost steps, to the float.

"Does this alpha fit?" and "does it build the same network?" have answers that change once as alpha grows, so bisecting
the floating-point numbers themselves finds the two neighbors between which an answer changes.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from costmodel.analyses.readings import reading
from costmodel.core.network import Network
from costmodel.errors import LARGEST_ALPHA, CostModelError
from costmodel.loading import load_with
from costmodel.models.registry import resolve
from costmodel.quantities import QUANTITIES, SIZES

#: What every family is asked for: it takes no time.
COUNTS = tuple([quantity for quantity in QUANTITIES if quantity not in SIZES])

#: Alphas at which a family is asked whether its cost grows.
_PROBES = tuple(0.05 * 1.1**power for power in range(60))


class Family:
    """Every network of ``name`` with ``choices``, by alpha.

    ``quantities`` are what is asked of them, at ``dtype`` and under ``policy`` where that makes a difference.

    Raises :class:`~costmodel.errors.CostModelError` where there is no alpha, where some alphas cannot be built, and
    where a larger alpha is found to cost less.
    """

    def __init__(
        self,
        name: str,
        choices: Mapping[str, Any],
        quantities: Iterable[str],
        dtype: str = "",
        policy: str = "fused",
    ) -> None:
        self._name, self._choices = name, choices
        self._quantities = tuple(dict.fromkeys((*COUNTS, *quantities)))
        self._dtype, self._policy = dtype, policy
        self._found, self._variant = resolve(name)
        known = self._found.choices
        if "alpha" not in known:
            raise CostModelError(f"{name} takes no alpha, which is what is solved for; sweep its resolutions instead")
        self._costs: dict[Hashable, dict[str, int]] = {}
        self._not_counted: dict[Hashable, Mapping[str, int]] = {}
        self._keys: dict[float, Hashable] = {}
        default = known["alpha"].default
        self._usual = float(default) if isinstance(default, (int, float)) else 1.0
        #: The least alpha that makes a network.
        self.least = self._least()
        self._check()

    def costs(self, alpha: float) -> dict[str, int]:
        """Each quantity at ``alpha``."""
        return self._costs[self.key(alpha)]

    def key(self, alpha: float) -> Hashable:
        """What two alphas have in common when they build the same network: all of its operations."""
        if alpha not in self._keys:
            network = self._build(alpha)
            self._keys[alpha] = tuple((node.name, node.layer, node.input_shapes) for node in network.nodes)
            self._costs.setdefault(self._keys[alpha], self._read(network))
            self._not_counted.setdefault(self._keys[alpha], network.ledger.not_counted)
        return self._keys[alpha]

    def not_counted(self, alpha: float) -> Mapping[str, int]:
        """The operators at ``alpha`` that nobody has decided on, each with how often it runs."""
        return self._not_counted[self.key(alpha)]

    def interval(self, alpha: float) -> tuple[float, float | None]:
        """The least alpha that builds the network of ``alpha``, and the least above that does not; None for no such."""
        key = self.key(alpha)
        if self.key(self.least) == key:
            first = self.least
        else:
            first = _following(_last(lambda other: self.key(other) != key, self.least, alpha))
        return first, self.following(_last(lambda other: self.key(other) == key, alpha, LARGEST_ALPHA))

    def shortest(self, alpha: float) -> float:
        """The alpha with the fewest decimals that builds the network of ``alpha``; the least of several.

        >>> Family("mobilenet_v2", {}, []).shortest(0.98749)
        0.98
        """
        first, below = self.interval(alpha)
        for digits in range(20):
            scale = 10**digits
            decimal = float(Fraction(math.ceil(Fraction(first) * scale), scale))
            if first <= decimal <= LARGEST_ALPHA and (below is None or decimal < below):
                return decimal
        return alpha  # a float between two neighbors, which no shorter text names

    def within(self, quantity: str, budget: int) -> float | None:
        """The largest alpha that costs at most ``budget``; None where even the least alpha costs more."""
        if self.costs(self.least)[quantity] > budget:
            return None
        return _last(lambda alpha: self.costs(alpha)[quantity] <= budget, self.least, LARGEST_ALPHA)

    @staticmethod
    def following(alpha: float) -> float | None:
        """The next larger alpha; None after the largest."""
        return None if alpha >= LARGEST_ALPHA else _following(alpha)

    def _build(self, alpha: float) -> Network:
        return load_with(self._name, {**self._choices, "alpha": alpha})

    def _read(self, network: Network) -> dict[str, int]:
        return {quantity: reading(network, quantity, self._dtype, self._policy) for quantity in self._quantities}

    def _least(self) -> float:
        tiny = math.ulp(0.0)
        if self._buildable(tiny):
            return tiny
        self._build(self._usual)  # raises where no alpha is to blame
        return _following(_last(lambda alpha: not self._buildable(alpha), tiny, self._usual))

    def _buildable(self, alpha: float) -> bool:
        try:
            self._build(alpha)
        except CostModelError:
            return False
        return True

    def _check(self) -> None:
        """A probe, not a proof."""
        probes = [self.least, *(alpha for alpha in _PROBES if self.least < alpha < LARGEST_ALPHA), LARGEST_ALPHA]
        try:
            costs = [self.costs(alpha) for alpha in probes]
        except CostModelError as error:
            raise CostModelError(f"{error}; {self._name} has no continuous alpha, sweep the ones it has") from None
        for lower, upper, low, high in zip(probes, probes[1:], costs, costs[1:], strict=False):
            if fallen := [quantity for quantity in self._quantities if high[quantity] < low[quantity]]:
                raise CostModelError(
                    f"{self._name} has fewer {fallen[0]} at alpha {upper:g} than at {lower:g}; its largest alpha is not"
                    " its largest network, so sweep it"
                )


def _last(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The largest float from ``low`` to ``high`` for which ``holds``; it must at ``low``, and once it ends, for good.

    >>> _last(lambda alpha: alpha * alpha <= 2.0, 1.0, 2.0)
    1.414213562373095
    """
    if holds(high):
        return high
    # Positive floats are in the order of their bits.
    first, end = _bits(low), _bits(high)
    return _float(first - 1 + bisect_left(range(first, end), True, key=lambda bits: not holds(_float(bits))))


def _following(alpha: float) -> float:
    return math.nextafter(alpha, math.inf)


def _bits(value: float) -> int:
    bits: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return bits


def _float(bits: int) -> float:
    value: float = struct.unpack("<d", struct.pack("<q", bits))[0]
    return value
