"""What is kept of the designs of a grid, in constant memory; the order in which they are added makes no difference."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from costmodel.errors import CostModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A bin has the numbers with the same exponent and the same so many bits after the first: 1 in 2,048.
_BITS = 11

#: What all bits of a floating-point number but those leave of 1, and of 2**53, from where on not all integers are one.
_ONE = 1023 << _BITS
_EXACT = 2**53

#: Bins of all numbers of 64 bits: number k has its own up to 2,048, and none is wider than 1/2,048 of its start.
BINS = (63 << _BITS) + 2

#: A front of more designs than this is refused before it fills the memory.
MOST_FRONT = 1_000_000


class CountedDesign(NamedTuple):
    """A design by its number in the grid, and what it costs."""

    multiply_adds: int
    parameters: int
    number: int


def bins_of(counts: NDArray[Any]) -> NDArray[Any]:
    """The bin of each number of at least 0.

    >>> import numpy
    >>> bins_of(numpy.array([0, 1, 2, 3, 2**40, 2**40 + 2**28])).tolist()
    [0, 1, 2049, 3073, 81921, 81921]
    """
    import numpy

    if counts.size and int(counts.max()) >= _EXACT:  # the bits that would be rounded are not those of a bin
        counts = numpy.where(counts >= _EXACT, counts & ~0x7FF, counts)
    places: NDArray[Any] = (counts.astype(numpy.float64).view(numpy.int64) >> (52 - _BITS)) - (_ONE - 1)
    bins: NDArray[Any] = numpy.maximum(places, 0)
    return bins


def bin_start(place: int) -> int:
    """The least whole number of a bin.

    >>> bin_start(0), bin_start(1), bin_start(3073), bin_start(81922)
    (0, 1, 3, 1100048498688)
    """
    if place == 0:
        return 0
    exponent, rest = divmod(place - 1, 1 << _BITS)
    return -(-(((1 << _BITS) + rest) << exponent) >> _BITS)


class Digest:
    """Of some designs: how many there are, how many fit, their bins, their front, and the ``best`` of those that fit.

    The front: no other design has as few multiply-adds and as many parameters. The best have the most multiply-adds,
    then the fewest parameters. Of equal designs the first counts.
    """

    def __init__(self, best: int) -> None:
        import numpy

        self.designs = self.fitting = self.total = 0
        self.least: int | None = None
        self.most: int | None = None
        self.bins = numpy.zeros(BINS, dtype=numpy.int64)
        self.front: list[CountedDesign] = []
        self.best: list[CountedDesign] = []
        self._kept = best

    def add(self, first: int, multiply_adds: NDArray[Any], parameters: NDArray[Any], fits: NDArray[Any] | None) -> None:
        """Add a block of designs, a row an alpha and a column a resolution, numbered from ``first`` on by rows."""
        import numpy

        self.designs += multiply_adds.size
        flat = multiply_adds.ravel()
        places = None
        if fits is not None and not fits.all():
            places = numpy.flatnonzero(fits)
            flat = flat[places]
        if not len(flat):
            return
        self.fitting += len(flat)
        least, most = int(flat.min()), int(flat.max())
        self.least = least if self.least is None else min(least, self.least)
        self.most = most if self.most is None else max(most, self.most)
        # The halves of a number by themselves: sums of a million of them fit 64 bits.
        self.total += (int((flat >> 32).sum()) << 32) + int((flat & 0xFFFFFFFF).sum())
        self.bins += numpy.bincount(bins_of(flat), minlength=BINS)
        self._add_front(first, multiply_adds, parameters, places)
        self._add_best(first, flat, parameters, places, most)

    def _add_front(self, first: int, counts: NDArray[Any], parameters: NDArray[Any], places: Any) -> None:
        import numpy

        if places is None and parameters.strides[1] == 0:
            # Parameters do not know the resolution: of each alpha the design with the fewest multiply-adds alone.
            columns = counts.argmin(axis=1)
            rows = numpy.arange(len(counts))
            costs, values = counts[rows, columns], parameters[:, 0]
            which = rows * counts.shape[1] + columns
        else:
            which = numpy.arange(counts.size) if places is None else places
            costs, values = counts.ravel()[which], parameters[which // counts.shape[1], which % counts.shape[1]]
        self.front = _front(self.front, costs, values, first + which)

    def _add_best(self, first: int, flat: NDArray[Any], parameters: NDArray[Any], places: Any, most: int) -> None:
        import numpy

        if not self._kept or (len(self.best) == self._kept and most < self.best[-1].multiply_adds):
            return
        # Equal designs are one: some more than are kept, and all, where those are not different enough.
        for several in (64 * self._kept, len(flat)):
            place = max(0, len(flat) - several)
            which = numpy.flatnonzero(flat >= numpy.partition(flat, place)[place])
            numbers = which if places is None else places[which]
            stored = parameters[numbers // parameters.shape[1], numbers % parameters.shape[1]]
            order = numpy.lexsort((numbers, stored, -flat[which]))
            costs, stored, numbers = flat[which][order], stored[order], numbers[order]
            other = numpy.flatnonzero((numpy.diff(costs, prepend=-1) != 0) | (numpy.diff(stored, prepend=-1) != 0))
            if len(other) >= self._kept:
                break
        kept = other[: self._kept]
        fresh = zip(costs[kept].tolist(), stored[kept].tolist(), (first + numbers[kept]).tolist(), strict=True)
        self._keep_best([CountedDesign(*one) for one in fresh])

    def _keep_best(self, fresh: list[CountedDesign]) -> None:
        different: dict[tuple[int, int], CountedDesign] = {}
        for one in sorted([*self.best, *fresh], key=lambda one: (-one.multiply_adds, one.parameters, one.number)):
            different.setdefault(one[:2], one)
        self.best = [*different.values()][: self._kept]

    def merge(self, other: Digest) -> None:
        """Add the designs of another digest."""
        import numpy

        self.designs += other.designs
        self.fitting += other.fitting
        self.total += other.total
        self.bins += other.bins
        lows = [low for low in (self.least, other.least) if low is not None]
        highs = [high for high in (self.most, other.most) if high is not None]
        self.least, self.most = min(lows, default=None), max(highs, default=None)
        if other.front:
            self.front = _front(self.front, *numpy.array(other.front, dtype=numpy.int64).T)
        self._keep_best(other.best)

    def quantile(self, share: Fraction) -> tuple[int, int]:
        """The least cost that at least ``share`` of the fitting designs do not exceed: it lies between two numbers."""
        import numpy

        assert self.least is not None
        assert self.most is not None
        rank = max(1, ceil(self.fitting * share))
        place = int(numpy.searchsorted(numpy.cumsum(self.bins), rank))
        return max(bin_start(place), self.least), min(bin_start(place + 1) - 1, self.most)

    def histogram(self) -> list[tuple[int, int, int]]:
        """The bins that have designs: their first and last number, and how many designs there are."""
        import numpy

        places = numpy.flatnonzero(self.bins).tolist()
        return [(bin_start(place), bin_start(place + 1) - 1, int(self.bins[place])) for place in places]

    def document(self) -> dict[str, Any]:
        """All of it, for a file; :meth:`restored` reads it back."""
        import numpy

        places = numpy.flatnonzero(self.bins)
        return {
            "designs": self.designs,
            "fitting": self.fitting,
            "total": self.total,
            "least": self.least,
            "most": self.most,
            "bins": [places.tolist(), self.bins[places].tolist()],
            "front": self.front,
            "best": self.best,
        }

    @classmethod
    def restored(cls, document: Mapping[str, Any], best: int) -> Digest:
        """The digest that a document is of."""
        digest = cls(best)
        for name in ("designs", "fitting", "total", "least", "most"):
            setattr(digest, name, document[name])
        places, numbers = document["bins"]
        digest.bins[places] = numbers
        digest.front = [CountedDesign(*one) for one in document["front"]]
        digest.best = [CountedDesign(*one) for one in document["best"]]
        return digest


def _front(
    front: list[CountedDesign], costs: NDArray[Any], values: NDArray[Any], numbers: NDArray[Any]
) -> list[CountedDesign]:
    """The front of the designs of ``front`` and of these, the cheapest first."""
    import numpy

    if front:
        known = numpy.array(front, dtype=numpy.int64)
        # Most are beaten by what is known: the last of the front that costs no more is its most valuable one.
        place = numpy.searchsorted(known[:, 0], costs, side="right") - 1
        beaten = (place >= 0) & (known[place, 1] > values)
        equal = (place >= 0) & (known[place, 1] == values)
        beaten |= equal & ((known[place, 0] < costs) | (known[place, 2] <= numbers))
        left = ~beaten
        if not left.any():
            return front
        costs, values, numbers = (
            numpy.concatenate([known[:, column], array[left]]) for column, array in enumerate((costs, values, numbers))
        )
    order = numpy.lexsort((numbers, -values, costs))
    best = numpy.maximum.accumulate(values[order])
    kept = order[numpy.append(True, best[1:] > best[:-1])]
    if len(kept) > MOST_FRONT:
        raise CostModelError(f"more than {MOST_FRONT:,} designs are on the Pareto front; use coarser axes")
    return [
        CountedDesign(*one) for one in zip(*(array[kept].tolist() for array in (costs, values, numbers)), strict=True)
    ]
