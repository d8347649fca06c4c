"""Numbers that are many at once: one for every alpha of a grid, or one for every resolution.

The functions of the architectures and the layers compute with them as with any number. Where the course of a program
depends on one, as in ``if channels == width``, it must be the same for all: otherwise :class:`MixedError` says which
belong together, and each group is built on its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, final

from costmodel.core.rounding import nearest_multiple
from costmodel.errors import LARGEST_SIZE, Variable

if TYPE_CHECKING:
    #: What a grid computes with, and a term of a sum of products.
    Number: TypeAlias = "int | Column | Separable"
    Term: TypeAlias = "tuple[int | Column, int | Column]"


class MixedError(BaseException):
    """A question that has several answers in one grid; equal ``labels`` mark the rows, or columns, that share one.

    No ``Exception``, so that the code it goes through does not take it for a failure of its own.
    """

    def __init__(self, axis: int, labels: Any) -> None:
        self.axis, self.labels = axis, labels


def _one(answers: Any) -> Any:
    """What all ``answers`` are; raises :class:`MixedError` where they differ."""
    import numpy

    first = answers.flat[0]
    if (answers == first).all():
        return first.item()
    if (answers == answers[:1]).all():
        raise MixedError(1, answers[0])
    raise MixedError(0, numpy.unique(answers, axis=0, return_inverse=True)[1].ravel())


class Several(Variable):
    """A number that is several at once; a question gets a single answer, or an error that says what to do apart."""

    __slots__: tuple[str, ...] = ()
    # Equality may be mixed, so there is no hash that goes with it.
    __hash__ = None  # type: ignore[assignment]
    #: The arithmetic of numpy's own numbers is left to us.
    __array_ufunc__ = None

    def _decided(self, other: Any, compare: Callable[[Any, Any], Any]) -> Any:
        """What all answer, compared with ``other``."""
        raise NotImplementedError

    def __eq__(self, other: object) -> Any:
        return True if self is other else self._decided(other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return False if self is other else self._decided(other, operator.ne)

    def __lt__(self, other: object) -> Any:
        return False if self is other else self._decided(other, operator.lt)

    def __le__(self, other: object) -> Any:
        return self._decided(other, operator.le)

    def __gt__(self, other: object) -> Any:
        return False if self is other else self._decided(other, operator.gt)

    def __ge__(self, other: object) -> Any:
        return self._decided(other, operator.ge)

    def __bool__(self) -> bool:
        return bool(self._decided(0, operator.ne))

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __add__(self, other: Any) -> Any:
        return NotImplemented

    def __neg__(self) -> Any:
        raise NotImplementedError


class _Gridded(Several):
    """What a column and a sum of products share: their values lie in a grid."""

    __slots__ = ()

    def grid(self) -> Any:
        """All values: a row an alpha, a column a resolution, one of either where it makes no difference."""
        raise NotImplementedError

    def _decided(self, other: Any, compare: Callable[[Any, Any], Any]) -> Any:
        if isinstance(other, _Gridded):
            return _one(compare(self.grid(), other.grid()))
        return _one(compare(self.grid(), other)) if isinstance(other, (int, float)) else NotImplemented

    def __int__(self) -> int:
        return int(_one(self.grid()))

    def __float__(self) -> float:
        return float(_one(self.grid()))


def _once(compute: Callable[[Column, Any], Any]) -> Callable[[Column, Any], Any]:
    """A column answers nothing twice: the blocks of a network repeat."""

    def answer(self: Column, other: Any) -> Any:
        kind = type(other)
        if kind is not int and kind is not Column:
            return compute(self, other)
        key = (compute, other) if kind is int else (id(other), compute)
        if key not in self.answers:
            self.answers[key] = compute(self, other), other  # kept, so that no other column gets its identity
        return self.answers[key][0]

    return answer


@final
class Column(_Gridded):
    """A number for every alpha (its array is one column) or for every resolution (one row).

    Whole numbers are exact: ``most`` bounds them, so that a result that might not fit 64 bits raises OverflowError.
    Alpha itself, and a width before it is rounded, are the floating point that single numbers would be. ``known`` has
    sizes and widths of the axis by their bytes: equal ones are one object, so that they are found equal at once.
    """

    __slots__ = ("answers", "known", "most", "values", "whole")

    def __init__(self, values: Any, most: int, known: dict[bytes, Column]) -> None:
        self.values, self.most, self.known, self.whole = values, most, known, values.dtype.kind == "i"
        self.answers: dict[tuple[object, object], Any] = {}

    def _made(self, values: Any, most: int) -> Column:
        return Column(values, most if values.dtype.kind == "i" else 0, self.known)

    def _kept(self, values: Any, most: int) -> Column:
        key = values.tobytes()
        if key not in self.known:
            self.known[key] = Column(values, most, self.known)
        return self.known[key]

    def column(self, values: Any) -> Any:
        """The column of ``values``, or the one number that they all are."""
        if (values == values.flat[0]).all():
            return values.flat[0].item()
        if values.dtype.kind != "i":
            return self._made(values, 0)
        return self._kept(values, max(int(values.max()), -int(values.min())))

    def grid(self) -> Any:
        return self.values

    def __repr__(self) -> str:
        return f"{self.values.flat[0]} to {self.values.flat[-1]}"

    def _same(self, other: object) -> Any:
        """What numpy takes for ``other``, and its bound; (None, 0) for what is of another axis, or no number."""
        if type(other) is int:
            return other, abs(other)
        if type(other) is Column and other.values.shape == self.values.shape:
            return other.values, other.most
        return (other, 0) if type(other) is float else (None, 0)

    def __add__(self, other: Any) -> Any:
        if type(other) is int:
            return self._plus(other) if other else self
        right, most = self._same(other)
        if right is None:
            return Separable(terms_of(self)) + other if type(other) is Column else NotImplemented
        _check_bound(most + self.most)
        return self._made(self.values + right, self.most + most)

    @_once
    def _plus(self, other: int) -> Any:
        _check_bound(abs(other) + self.most)
        values = self.values + other
        return self._kept(values, self.most + abs(other)) if self.whole else self._made(values, 0)

    def __neg__(self) -> Any:
        return self * -1

    @_once
    def __mul__(self, other: Any) -> Any:
        right, most = self._same(other)
        if right is None:
            return Separable(terms_of(self)) * other if type(other) is Column else NotImplemented
        if type(right) is int and 0 <= right <= 1:
            return self if right else 0
        _check_bound(self.most * most)
        return self._made(self.values * right, self.most * most)

    __radd__, __rmul__ = __add__, __mul__
    __lt__, __le__, __gt__, __ge__ = map(_once, (_Gridded.__lt__, _Gridded.__le__, _Gridded.__gt__, _Gridded.__ge__))

    def __truediv__(self, other: Any) -> Any:
        right, _ = self._same(other)
        return NotImplemented if right is None else self._made(self.values / right, 0)

    @_once
    def __floordiv__(self, other: Any) -> Any:
        right, _ = self._same(other)
        if right is other and right == 1 and self.whole:
            return self
        return NotImplemented if right is None else self.column(_divided(self.values, right))

    @_once
    def __mod__(self, other: Any) -> Any:
        right, _ = self._same(other)
        if right is other and right == 1 and self.whole:
            return 0
        return NotImplemented if right is None else self.column(self.values - _divided(self.values, right) * right)

    def __rfloordiv__(self, other: int) -> Any:
        return self.column(_divided(other, self.values))

    def __rmod__(self, other: int) -> Any:
        return other - other // self * self

    def __floor__(self) -> Any:
        import numpy

        return self.column(numpy.floor(self.values).astype(numpy.int64))

    def multiple(self, divisor: Any) -> Any:
        """:func:`~costmodel.core.rounding.make_divisible` of each."""
        import numpy

        if isinstance(divisor, Column):
            divisor = divisor.values
        return self.column(nearest_multiple(self.values, divisor, numpy.int64, numpy.maximum, numpy.where))


def _check_bound(most: int) -> None:
    if most > LARGEST_SIZE:
        raise OverflowError("a number of a grid may not fit 64 bits")


def _divided(values: Any, divisor: Any) -> Any:
    if not (divisor if isinstance(divisor, (int, float)) else divisor.all()):
        raise ZeroDivisionError("a number of a grid is divided by 0")
    return values // divisor


@final
class Separable(_Gridded):
    """A sum of products ``f(alpha) * g(resolution)``: what a layer costs over a whole grid."""

    __slots__ = ("terms",)
    whole = True

    def __init__(self, terms: tuple[Term, ...]) -> None:
        self.terms = terms

    def grid(self) -> Any:
        _check_bound(sum(_most(f) * _most(g) for f, g in self.terms))
        return sum(_values(f) * _values(g) for f, g in self.terms)

    def __add__(self, other: Any) -> Any:
        if type(other) is int and not other:
            return self
        return NotImplemented if isinstance(other, float) else Separable((*self.terms, *terms_of(other)))

    def __neg__(self) -> Separable:
        return self * -1  # type: ignore[no-any-return]

    def __mul__(self, other: Any) -> Any:
        return (
            NotImplemented
            if isinstance(other, float)
            else Separable(
                tuple([(f * more_f, g * more_g) for f, g in self.terms for more_f, more_g in terms_of(other)])
            )
        )

    __radd__, __rmul__ = __add__, __mul__

    def __floordiv__(self, other: Any) -> Separable:
        if type(other) is int and other == 1:
            return self
        return Separable(tuple([_quotient(term, other) for term in self.terms]))

    def __mod__(self, other: Any) -> int:
        self // other  # raises where anything is left
        return 0


def terms_of(number: Any) -> tuple[Term, ...]:
    """A number of a grid as a sum of products."""
    if isinstance(number, Separable):
        return number.terms
    if isinstance(number, Column) and number.values.shape[0] == 1:
        return ((1, number),)
    return ((number, 1),)


def _quotient(term: Term, divisor: Any) -> Term:
    """A term divided without a rest: by its part of alpha, or by its part of the resolution."""
    f, g = term
    ((of_alpha, of_resolution),) = terms_of(divisor)
    if type(divisor) is int and not _is_multiple(f, divisor):
        of_alpha, of_resolution = 1, divisor
    if not (_is_multiple(f, of_alpha) and _is_multiple(g, of_resolution)):
        raise TypeError("what is divided is no product of alpha and the resolution")
    return f // of_alpha, g // of_resolution


def _is_multiple(number: Any, divisor: Any) -> bool:
    rest = number % divisor
    return type(rest) is int and rest == 0


def _values(number: int | Column) -> Any:
    return number.values if isinstance(number, Column) else number


def _most(number: int | Column) -> int:
    return number.most if isinstance(number, Column) else abs(number)
