"""The most memory over a whole grid: of each operation a sum of products, and the largest of the few that can be it.

The operations and what is alive at each are the same for all designs of a group; only the sizes differ. What is alive
is a sum of numbers of alpha, one for each number of the resolution, such as the positions of a map. Where an operation
never has more alive than another, it is left out before anything is multiplied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from costmodel.analyses.policies import Plan
from costmodel.errors import LARGEST_SIZE
from costmodel.scaling.columns import Column, terms_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Up to here floating point adds and multiplies whole numbers exactly, and several times as fast as integers.
EXACT_FLOAT = 2**53


class Candidates(NamedTuple):
    """The operations that can be the peak: of each a number for every alpha and stage; and the stages' own numbers."""

    of_alpha: NDArray[Any]
    of_resolution: NDArray[Any]

    def peaks(self, rows: slice) -> NDArray[Any]:
        """The bytes of the peak for some of the alphas and every resolution."""
        import numpy

        first, *others = self.of_alpha
        peaks: NDArray[Any] = first[rows] @ self.of_resolution
        for other in others:
            numpy.maximum(peaks, other[rows] @ self.of_resolution, out=peaks)
        return peaks


def candidates(plan: Plan, rows: int, columns: int) -> Candidates:
    """The operations of a group of ``rows`` alphas and ``columns`` resolutions that can be its peak.

    Raises :class:`OverflowError` where a number of bytes may not fit 64 bits.
    """
    import numpy

    stages = _Stages(rows, columns)
    buffers = [[*stages.terms(buffer.bytes)] for buffer in plan.lives.buffers]
    of_resolution = numpy.array(stages.rows, dtype=numpy.int64)
    of_alpha = numpy.zeros((len(plan.lives.steps), len(stages.rows), rows), dtype=numpy.int64)
    for step in range(len(plan.lives.steps)):
        for buffer in plan.alive(step):
            for stage, number in buffers[buffer]:
                of_alpha[step, stage] += number
    of_alpha, of_resolution = _never_less(of_alpha, of_resolution)
    most = sum(int(left) * int(right) for left, right in zip(of_alpha.max((0, 2)), of_resolution.max(1), strict=True))
    if most > LARGEST_SIZE:
        raise OverflowError("a number of bytes may not fit 64 bits")
    kind = numpy.float64 if most < EXACT_FLOAT else numpy.int64
    return Candidates(numpy.ascontiguousarray(of_alpha.transpose(0, 2, 1), dtype=kind), of_resolution.astype(kind))


class _Stages:
    """The different numbers that the resolution decides, each divided by what it is a multiple of at every size."""

    def __init__(self, rows: int, columns: int) -> None:
        self._rows, self._columns = rows, columns
        self._places: dict[bytes, int] = {}
        self._known: dict[int, tuple[int, int, Any]] = {}
        self.rows: list[NDArray[Any]] = []

    def terms(self, number: Any) -> Iterator[tuple[int, Any]]:
        """A number of bytes as (stage, number of alpha) each."""
        for f, g in terms_of(number):
            stage, times = self._place(g)
            yield stage, times * (f.values[:, 0] if isinstance(f, Column) else f)

    def _place(self, number: Any) -> tuple[int, int]:
        import numpy

        if id(number) not in self._known:
            row = number.values[0] if isinstance(number, Column) else numpy.full(self._columns, number)
            times = int(numpy.gcd.reduce(row)) or 1
            unit = row // times
            if unit.tobytes() not in self._places:
                self._places[unit.tobytes()] = len(self.rows)
                self.rows.append(unit)
            self._known[id(number)] = self._places[unit.tobytes()], times, number  # kept, so that its identity is
        return self._known[id(number)][:2]


def _never_less(of_alpha: NDArray[Any], of_resolution: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Without the operations that another one is never below; stages with the largest numbers first.

    Where every stage is at least the next, a sum is never below another if its first k terms together, without the
    stages' numbers, never are, for every k (summation by parts).
    """
    import numpy

    order = numpy.argsort(-of_resolution.sum(1), kind="stable")
    of_alpha, of_resolution = of_alpha[:, order], of_resolution[order]
    if (of_resolution[:-1] < of_resolution[1:]).any():
        return of_alpha, of_resolution
    sums = of_alpha.cumsum(1)
    kept: list[int] = []
    for step in numpy.argsort(-(of_alpha[:, :, -1] @ of_resolution[:, -1].astype(float)), kind="stable"):
        if not any((sums[other] >= sums[step]).all() for other in kept):
            kept.append(step)
    return of_alpha[kept], of_resolution
