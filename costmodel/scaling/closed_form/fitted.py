"""The closed form of a network that is known only by building it: a captured PyTorch module.

What its operators do to a size is not known as formulas, so each layer's cost is read at equally spaced resolutions
and interpolated, exactly, by Newton's divided differences. A network whose sizes are multiples of the step costs a
polynomial of rho: of degree 2 where a layer works on each position, 4 where it compares each with each. It is read at
more places than that degree needs, and a polynomial that still passes through all of them is then checked against
further captures between them, below and far above them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import TypeAlias

from costmodel.core.graph import Node
from costmodel.core.layers import Conv, Pool, TransposedConv
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.scaling.closed_form.form import ClosedForm, LayerForm, Piece, Resolutions
from costmodel.scaling.closed_form.polynomial import Polynomial

#: Attention compares each of rho^2 positions with each.
_HIGHEST_DEGREE = 4

#: Places at which every layer is read: two more than a polynomial of that degree needs.
_PLACES = _HIGHEST_DEGREE + 3

#: Steps are looked for among the stride of the network and so many of its multiples: windows of 7 positions need 7.
_MOST_STRIDES = 16

#: Places far above, in steps, at which a form is checked against the network once more.
_FAR = (13, 20)

#: Label, multiply-adds and parameters of every layer by name.
_Costs: TypeAlias = dict[str, tuple[str, tuple[int, int]]]


def fitted(at: Callable[[int], Network], usual: int, stride: int | None = None, what: str = "resolution") -> ClosedForm:
    """The closed form of the networks that ``at`` makes of each resolution; ``usual`` is one that it takes.

    ``stride`` is that of the network, where it is not to be read of its windows; ``what`` the size that varies is.

    Raises :class:`~costmodel.errors.CostModelError`, with the network's own reason, where it takes no other sizes, and
    where no step makes its cost a polynomial.
    """
    network = at(usual)
    seen = _Seen(at)
    layers, step, places = _coarse(seen, network, stride or stride_of(network), usual, what)
    read = f"{step * places[0]} to {step * places[-1]}"
    layers, step = _finest(seen, layers, step, usual)
    start = -(-usual // step)
    far = [start + places for places in _FAR]
    for rho in far:
        if wrong := seen.wrong(layers, step, rho):
            raise CostModelError(f"{network.name} has no closed form: {wrong} is another at {what} {step * rho}")
    first = _first(seen, layers, step, start)
    note = (
        f"Read from captures at {_PLACES} {_values_of(what)}, {read}, and checked against"
        f" {len(seen.costs) - _PLACES} more, among them {' and '.join(str(step * rho) for rho in far)}"
    )
    piece = Piece(None, tuple(layers))
    span = Resolutions(step, first, None, what, "rho" if what == "resolution" or step > 1 else what)
    return ClosedForm(network, span, (piece,), lambda _, resolution: at(resolution), note, False)


def _values_of(what: str) -> str:
    return "resolutions" if what == "resolution" else f"values of {what}"


def _coarse(seen: _Seen, network: Network, stride: int, usual: int, what: str) -> tuple[list[LayerForm], int, range]:
    """The polynomials of the first multiple of ``stride`` that has them, that multiple, and where they were read."""
    refused = ""
    for step in (stride * times for times in range(1, _MOST_STRIDES + 1)):
        places = range(-(-usual // step), -(-usual // step) + _PLACES)
        try:
            layers = seen.polynomials(step, places)
        except CostModelError as error:
            # Some take only multiples of their own choice; the first refusal tells most where none is taken.
            refused = refused or str(error)
            continue
        if layers is not None:
            return layers, step, places
    raise CostModelError(
        f"{network.name} has no closed form in the {what}: "
        + (refused or f"its cost is no polynomial at multiples of {stride}, 2*{stride} ... {_MOST_STRIDES}*{stride}")
    )


def _first(seen: _Seen, layers: list[LayerForm], step: int, start: int) -> int:
    """The least rho from which on the form is seen to hold, by bisection: what is too small stays so below it."""
    too_small, first = 0, start
    while first - too_small > 1:
        # One is tried before all others: most networks take any multiple of their stride.
        middle = (too_small + first) // 2 if too_small else 1
        if seen.takes(step * middle) and not seen.wrong(layers, step, middle):
            first = middle
        else:
            too_small = middle
    return first


class _Seen:
    """What every layer costs at the resolutions that were asked for."""

    def __init__(self, at: Callable[[int], Network]) -> None:
        self._at = at
        self.costs: dict[int, _Costs] = {}

    def at(self, resolution: int) -> _Costs:
        """The costs at one resolution; the error of the network, with the place, where it does not take it."""
        if resolution not in self.costs:
            try:
                network = self._at(resolution)
            except CostModelError as error:
                raise CostModelError(f"not every size is taken: {error}") from None
            self.costs[resolution] = dict(costs_of(network))
        return self.costs[resolution]

    def takes(self, resolution: int) -> bool:
        """Whether the network can be built there."""
        try:
            self.at(resolution)
        except CostModelError:
            return False
        return True

    def polynomials(self, step: int, rhos: range) -> list[LayerForm] | None:
        """Each layer as a polynomial through its costs at ``rhos``; None where one is of too high a degree."""
        read = [self.at(step * rho) for rho in rhos]
        if any(costs.keys() != read[0].keys() for costs in read):
            return None
        layers = []
        for name, (label, _) in read[0].items():
            work, stored = (_through(rhos, [costs[name][1][which] for costs in read]) for which in (0, 1))
            if work is None or stored is None:
                return None
            layers.append(LayerForm(name, label, work, stored))
        return layers

    def wrong(self, layers: list[LayerForm], step: int, rho: Fraction | int) -> str:
        """The first layer that costs something else at ``step * rho`` than its polynomial says; empty for none."""
        costs = dict(self.at(int(step * rho)))
        for layer in layers:
            _, seen = costs.pop(layer.name, ("", (-1, -1)))
            if (layer.multiply_adds.at(1, rho), layer.parameters.at(1, rho)) != tuple(map(Fraction, seen)):
                return layer.name
        return next(iter(costs), "")


def costs_of(network: Network) -> Iterator[tuple[str, tuple[str, tuple[int, int]]]]:
    """Label, multiply-adds and parameters of every layer that costs anything, by name."""
    for node in network.ledger.operations:
        work, stored = node.macs, node.params.parameters
        if work or stored:
            yield node.name, (node.label, (work, stored))


def stride_of(network: Network) -> int:
    """The least common multiple of what the strides of windows multiply up to along every path."""
    strides: dict[Node, Fraction] = {}
    for node in network.nodes:
        layer = node.layer
        own = math.lcm(*layer.stride) if isinstance(layer, (Conv, Pool)) else 1
        back = math.lcm(*layer.stride) if isinstance(layer, TransposedConv) else 1
        strides[node] = max([strides[read] for read in node.inputs], default=Fraction(1)) * own / back
    return math.lcm(*(stride.numerator for stride in strides.values()))


def _finest(seen: _Seen, layers: list[LayerForm], step: int, usual: int) -> tuple[list[LayerForm], int]:
    """The smallest divisor of ``step`` whose multiples cost what the polynomials say, and these in its units."""
    for finer in (divisor for divisor in range(1, step) if step % divisor == 0):
        start = -(-usual // finer)
        between = [rho for rho in range(start, start + step // finer) if rho * finer % step]
        if all(
            seen.takes(finer * rho) and not seen.wrong(layers, step, Fraction(finer * rho, step)) for rho in between
        ):
            unit = Fraction(finer, step)
            return [_rescaled(layer, unit) for layer in layers], finer
    return layers, step


def _rescaled(layer: LayerForm, unit: Fraction) -> LayerForm:
    forms = (form.scaled(1, unit) for form in (layer.multiply_adds, layer.parameters))
    return LayerForm(layer.name, layer.label, *forms)


def _through(rhos: range, values: list[int]) -> Polynomial | None:
    """The polynomial in rho through ``values``, by forward differences; None where its degree is over the highest."""
    leading, row = [], values
    while any(row):
        leading.append(row[0])
        row = [after - before for before, after in pairwise(row)]
    if len(leading) > _HIGHEST_DEGREE + 1:
        return None
    # Newton: the sum of difference k times (rho - first)(rho - first - 1)... / k!, multiplied out from the inside.
    coefficients = [Fraction(0)]
    for order in range(len(leading) - 1, -1, -1):
        shifted = [Fraction(0), *(coefficient / (order + 1) for coefficient in coefficients)]
        for power, coefficient in enumerate(coefficients):
            shifted[power] -= coefficient * (rhos.start + order) / (order + 1)
        coefficients = shifted
        coefficients[0] += leading[order]
    return Polynomial({(0, power): value for power, value in enumerate(coefficients) if value})
