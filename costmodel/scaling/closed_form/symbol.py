"""A number as a polynomial in alpha and rho: what the architectures and layers compute with to make a closed form.

An image of ``step * rho`` pixels a side goes through the same code as one of 224. Where a floor divides by what every
term but a constant is a multiple of, what is left is a number: that is a proof for every rho. Elsewhere the polynomial
is lost, and what is known are the values at the ends of the ranges; a cost that depends on it has no closed form there.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any, final

from costmodel.core.rounding import make_divisible, truncate
from costmodel.errors import LARGEST_ALPHA, CostModelError
from costmodel.scaling.closed_form.form import Alphas, Resolutions
from costmodel.scaling.closed_form.polynomial import Polynomial
from costmodel.scaling.columns import Several

#: So far inside of a range its ends are tried: at the very end, what differs elsewhere may be equal.
_INSIDE = Fraction(1, 10**6)

#: So far above the first rho a range without end is tried.
_FAR = 10**6


class BendError(BaseException):
    """A question whose answer changes at the width multiplier ``at``, or with rho, where ``at`` is None.

    ``again``: the answer changes again above it, without end. No ``Exception``, as
    :class:`~costmodel.scaling.columns.MixedError` is none.
    """

    def __init__(self, at: Fraction | None, again: bool = False) -> None:
        self.at, self.again = at, again


@final
class Domain:
    """The alphas (multiples of ``step``) and resolutions that symbols stand for; and what their rounding was asked.

    ``alphas`` is None where the network has none, or a number for it.
    """

    def __init__(self, alphas: Alphas | None, resolutions: Resolutions, step: Fraction = Fraction(1)) -> None:
        self.step = step
        first, last = resolutions.first, resolutions.last
        ends: tuple[Fraction, ...] = (Fraction(1),)
        if alphas:
            high = Fraction(LARGEST_ALPHA) if alphas.high is None else alphas.high
            self.low, self.high = ends = alphas.low + _INSIDE, high - _INSIDE
        #: (alpha, rho) at the corners: what is a line in each is between its values there.
        self.corners = tuple(product(ends, (first, first + _FAR if last is None else last)))
        self.alpha = Symbol(self, Polynomial({(1, 0): Fraction(1)}), whole=False)
        self.resolution = Symbol(self, Polynomial({(0, 1): Fraction(resolutions.step)}))
        #: (Width, divisor) of every width that alpha decides.
        self.rounded: list[tuple[Polynomial, int]] = []

    def round_width(self, width: Any, divisor: int = 8) -> Any:
        """Rounds numbers as ever, and a symbol not at all."""
        if isinstance(width, Symbol):
            return width.multiple(divisor)
        return (truncate if divisor == 1 else make_divisible)(width, divisor)

    def exact_step(self) -> Fraction | None:
        """The least alpha of whose multiples every width is a multiple of its divisor; None where there is none."""
        step: Fraction | None = None
        for width, divisor in self.rounded:
            start, slope = width.line()
            if start % divisor:
                return None
            own = abs(divisor / slope)
            step = own if step is None else common_multiple(step, own)
        return step

    def quotient(self, top: Polynomial, bottom: Polynomial) -> Polynomial | None:
        """``top // bottom``, if it is whole numbers at every alpha and rho, or but for a constant term."""
        divisor = bottom.constant
        if divisor is None:
            exact = top.divided(bottom)
            return exact if exact is not None and self._whole(exact) else None
        rest = top.coefficients.get((0, 0), Fraction(0))
        varying = (top + Polynomial.of(-rest)) * Polynomial.of(1 / divisor)
        return varying + Polynomial.of(rest // divisor) if self._whole(varying) else None

    def _whole(self, form: Polynomial) -> bool:
        return all((value * self.step ** powers[0]).denominator == 1 for powers, value in form.coefficients.items())


def common_multiple(one: Fraction, other: Fraction) -> Fraction:
    """The least multiple of both."""
    return Fraction(math.lcm(one.numerator, other.numerator), math.gcd(one.denominator, other.denominator))


@final
class Symbol(Several):
    """A polynomial over a domain; or, where ``form`` is None, a number known only at the corners of it."""

    def __init__(
        self, over: Domain, form: Polynomial | None, corners: tuple[Fraction, ...] = (), whole: bool = True
    ) -> None:
        self.over, self.form, self.whole = over, form, whole
        self._corners = corners

    @cached_property
    def corners(self) -> tuple[Fraction, ...]:
        """The values at the corners of the domain."""
        return self._corners if self.form is None else tuple([self.form.at(*point) for point in self.over.corners])

    def __repr__(self) -> str:
        return f"{self.corners[0]} to {self.corners[-1]}"

    def _lifted(self, number: Any) -> Symbol | None:
        if isinstance(number, Symbol):
            return number
        if not isinstance(number, (int, float, Fraction)):
            return None
        # A quotient of floats, such as 88/24, is the fraction that it stands for.
        value = Fraction(number).limit_denominator(1000) if isinstance(number, float) else Fraction(number)
        return Symbol(self.over, Polynomial.of(value), whole=isinstance(number, int))

    def _number(self, form: Polynomial, whole: bool) -> Any:
        value = form.constant
        if value is None:
            return Symbol(self.over, form, whole=whole)
        return int(value) if value.denominator == 1 else value

    def _with(self, number: Any, compute: Callable[[Any, Any], Any]) -> Any:
        other = self._lifted(number)
        if other is None:
            return NotImplemented
        whole = self.whole and other.whole
        if self.form is None or other.form is None:
            return Symbol(self.over, None, tuple(map(compute, self.corners, other.corners)), whole)
        return self._number(compute(self.form, other.form), whole)

    def __add__(self, other: Any) -> Any:
        return self._with(other, operator.add)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, operator.mul)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Any:
        return self * -1

    def __truediv__(self, other: Any) -> Any:
        return self * (1 / Fraction(other))

    def __floordiv__(self, number: Any) -> Any:
        other = self._lifted(number)
        if other is None:
            return NotImplemented
        corners = tuple(map(operator.floordiv, self.corners, other.corners))
        if self.form is None or other.form is None:
            return Symbol(self.over, None, corners)
        form = self.over.quotient(self.form, other.form)
        if form is not None:
            return self._number(form, True)
        # Between its corners, a floor of a line is what it is at all of them.
        return int(corners[0]) if len(set(corners)) == 1 else Symbol(self.over, None, corners)

    def __rfloordiv__(self, number: Any) -> Any:
        other = self._lifted(number)
        return NotImplemented if other is None else other // self

    def __mod__(self, other: Any) -> Any:
        return self - self // other * other

    def __rmod__(self, other: Any) -> Any:
        return other - other // self * self

    def __floor__(self) -> Any:
        if self.whole:
            return self
        floors = {math.floor(corner) for corner in self.corners}
        if len(floors) == 1:
            return floors.pop()
        raise BendError((self - (min(floors) + 1)).root(), again=True)

    def multiple(self, divisor: Any) -> Symbol:
        """Itself, at the alphas where nothing is to round."""
        if self.form is None:
            raise CostModelError("a width that is rounded twice has no formula")
        self.over.rounded.append((self.form, divisor))
        return Symbol(self.over, self.form)

    def root(self) -> Fraction | None:
        """The alpha inside of the domain at which a line is 0."""
        if self.form is None or not self.form.coefficients.keys() <= {(0, 0), (1, 0)}:
            return None
        start, slope = self.form.line()
        root = -start / slope
        return root if self.over.low < root < self.over.high else None

    def _decided(self, number: Any, compare: Callable[[Any, Any], Any]) -> Any:
        other = self._lifted(number)
        if other is None:
            return NotImplemented
        same = compare in (operator.eq, operator.ne)
        if same and self.form is not None and self.form == other.form:
            return compare is operator.eq
        apart = self - other
        if same and isinstance(apart, Symbol) and apart.form and any(power for power, _ in apart.form.coefficients):
            return compare is operator.ne  # but at single alphas
        if self.whole and other.whole and compare in (operator.lt, operator.ge):
            apart, compare = apart + 1, operator.le if compare is operator.lt else operator.gt
        if not isinstance(apart, Symbol):
            return compare(apart, 0)
        answers = {(value > 0) - (value < 0) if same else compare(value, 0) for value in apart.corners}
        if len(answers) > 1:
            raise BendError(apart.root())
        return compare(answers.pop(), 0) if same else answers.pop()
