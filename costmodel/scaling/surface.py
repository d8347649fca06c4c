"""The cost of a network over (alpha, resolution): built once for a whole grid, with numbers that are many.

What each layer costs is a sum of products of a number that alpha decides and one that the resolution decides, such as
channels and positions. So the whole grid is one product of two small matrices: a million designs take a few builds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from costmodel.analyses.memory import Memory
from costmodel.analyses.policies import policy_named
from costmodel.analyses.size import size
from costmodel.core.ledger import operators_text
from costmodel.core.network import Network
from costmodel.errors import LARGEST_SIZE, CostModelError
from costmodel.loading import load_with
from costmodel.models.registry import resolve
from costmodel.quantities import parse_dtype
from costmodel.scaling.columns import Column, MixedError, terms_of
from costmodel.scaling.peaks import EXACT_FLOAT, candidates

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Integers: TypeAlias = NDArray[numpy.int64]

#: Told of every part of a grid that is done, in designs.
Progress: TypeAlias = Callable[[int], object]


def surface(name: str, alphas: Sequence[float], resolutions: Sequence[int], **choices: Any) -> Integers:
    """Multiply-adds of ``name`` at every alpha (a row) and resolution (a column): exact, as 64-bit integers.

    ``choices`` go to every network. Loads numpy. Raises :class:`~costmodel.errors.CostModelError` where a network
    cannot be built, the first one by rows, and where a count would overflow 64 bits.

    >>> surface("mobilenet_v2", [0.35, 1.0], [96, 224]).tolist()
    [[11934128, 59285808], [56289152, 300774272]]
    """
    return surface_and_parameters(name, alphas, resolutions, choices)[0]


def surface_and_parameters(
    name: str,
    alphas: Sequence[Any],
    resolutions: Sequence[Any],
    choices: Mapping[str, Any],
    progress: Progress | None = None,
) -> tuple[Integers, Integers, Any]:
    """:func:`surface`, the parameters of each design, and a text each of what could not be counted; None for no such.

    An axis without values is no argument of the architecture.

    >>> surface_and_parameters("mobilenet_v2", [0.35, 1.0], [224], {})[1].tolist()
    [[1677128], [3504872]]
    """
    return counted(name, alphas, resolutions, choices, progress)[:3]


class Sized(NamedTuple):
    """What sizes in bytes are asked for: the type of the values, and the policy of the memory."""

    dtype: str
    policy: str


class GridCounts(NamedTuple):
    """Numbers of every design of a grid: an array each, a row an alpha, a column a resolution.

    ``not_counted`` is a text each of what could not be counted; None for no such. The last two are bytes, and None
    where they were not asked for.
    """

    multiply_adds: Integers
    parameters: Integers
    not_counted: Any
    peak_memory: Integers | None = None
    size: Integers | None = None


def memory_surface(
    name: str, alphas: Sequence[float], resolutions: Sequence[int], dtype: str, policy: str = "fused", **choices: Any
) -> Integers:
    """The peak memory in bytes of ``name`` at every alpha (a row) and resolution (a column), as 64-bit integers.

    ``dtype`` and ``policy`` as for :meth:`Network.memory`. Raises as :func:`surface` does.

    >>> memory_surface("mobilenet_v2", [0.35, 1.0], [96, 224], "int8").tolist()
    [[138240, 752640], [276480, 1505280]]
    """
    peaks = counted(name, alphas, resolutions, choices, sized=Sized(parse_dtype(dtype), policy)).peak_memory
    assert peaks is not None
    return peaks


def counted(
    name: str,
    alphas: Sequence[Any],
    resolutions: Sequence[Any],
    choices: Mapping[str, Any],
    progress: Progress | None = None,
    sized: Sized | None = None,
) -> GridCounts:
    """All that a grid is asked for; as :func:`surface_and_parameters`, with the sizes in bytes where ``sized`` asks.

    >>> counted("mobilenet_v2", [0.35, 1.0], [224], {}, sized=Sized("int8", "fused")).size.tolist()
    [[1677128], [3504872]]
    """
    import numpy

    # Numbers of numpy are meant as the plain ones: a float64 is no other width than the float.
    alphas, resolutions = (
        [value.item() if isinstance(value, numpy.generic) else value for value in values]
        for values in (alphas, resolutions)
    )
    axes = {argument: values for argument, values in (("alpha", alphas), ("resolution", resolutions)) if len(values)}

    def at(*point: Any) -> Network:
        given = {
            argument: value for argument, value in zip(("alpha", "resolution"), point, strict=True) if argument in axes
        }
        return load_with(name, {**choices, **given})

    grid = _GridCounts(name, at, (alphas or (None,), resolutions or (None,)), progress or (lambda designs: None), sized)
    grid.fill()
    counts, stored, *sizes = [numpy.broadcast_to(counts, grid.counts[0].shape) for counts in grid.counts]
    return GridCounts(counts, stored, grid.not_counted, grid.peaks, *sizes)


class _GridCounts:
    """The counts of a grid, filled group by group; all designs of a group take the same course."""

    def __init__(
        self,
        name: str,
        at: Callable[..., Network],
        axes: tuple[Sequence[Any], ...],
        progress: Progress,
        sized: Sized | None,
    ) -> None:
        import numpy

        self._name, self._at, self._axes, self._progress, self._sized = name, at, axes, progress, sized
        #: The axes as arrays, where their values are plain numbers.
        self._arrays = [_array(axes[0], float, (-1, 1)), _array(axes[1], int, (1, -1))]
        #: Multiply-adds, parameters and their bytes. The latter rarely know the resolution, and then have one column.
        self.counts = [
            numpy.empty(tuple(map(len, axes)), dtype=numpy.int64),
            *[numpy.empty((len(axes[0]), 1), dtype=numpy.int64) for _ in range(2 if sized else 1)],
        ]
        #: The bytes of the peak memory, where they are asked for.
        self.peaks: Any = numpy.empty(tuple(map(len, axes)), dtype=numpy.int64) if sized else None
        #: What could not be counted, a text a design: an array as soon as there is one.
        self.not_counted: Any = None
        #: Groups that share an axis share its column, and what was computed with it.
        self._numbers: dict[tuple[int, bytes], Any] = {}
        self._own = not resolve(name)[0].build.__module__.startswith("costmodel.models.")
        self._failed: list[tuple[int, int, CostModelError]] = []

    def fill(self) -> None:
        """Count everything. Raises the first error by rows."""
        import numpy

        waiting = [tuple(numpy.arange(len(axis)) for axis in self._axes)]
        while waiting:
            group = waiting.pop()
            parts = self._count(*group)
            if not parts:
                self._progress(len(group[0]) * len(group[1]))
            waiting += parts
        if self._failed:
            raise min(self._failed, key=lambda failed: failed[:2])[2]

    def _count(self, rows: Any, columns: Any) -> list[tuple[Any, Any]]:
        """Count one group; the groups it must be divided into, where it takes several courses."""
        try:
            network = self._at(self._number(0, rows), self._number(1, columns))
            if self._sized and self._sized.policy == "arena" and len(rows) * len(columns) > 1:
                return self._singles(rows, columns)  # where a value lies depends on all sizes
            for which, total in enumerate(self._totals(network)):
                self._put(which, rows, columns, total)
            if self._sized:
                self._put_peaks(rows, columns, Memory(network, policy_named(self._sized.policy), self._sized.dtype))
            self._note(rows, columns, operators_text(network.ledger.not_counted))
            if self._own and len(rows) * len(columns) > 1 and not self._agrees(rows, columns):
                return self._singles(rows, columns)
        except MixedError as mixed:
            return _parted(rows, columns, mixed.axis, mixed.labels)
        except OverflowError:
            if len(rows) * len(columns) == 1:
                self._failed.append((rows[0], columns[0], self._overflow(rows[0], columns[0])))
                return []
            axis = int(len(columns) > 1)
            return _parted(rows, columns, axis, _halves(columns if axis else rows))
        except Exception as error:
            wrong = self._error(rows[0], columns[0])
            if wrong is None:  # it computes with plain numbers only
                return self._singles(rows, columns)
            if not isinstance(wrong, CostModelError):
                raise wrong from error
            self._failed.append((rows[0], columns[0], wrong))
        return []

    def _totals(self, network: Network) -> list[Any]:
        sizes = [size(network, self._sized.dtype)] if self._sized else []
        return [network.multiply_adds, network.parameters, *sizes]

    def _number(self, axis: int, places: Any) -> Any:
        """The values at ``places`` as one number."""
        if len(places) == 1:
            return self._axes[axis][places[0]]
        if self._arrays[axis] is None:
            raise MixedError(axis, places)  # each by itself
        key = (axis, places.tobytes())
        if key not in self._numbers:
            values = self._arrays[axis][places] if axis == 0 else self._arrays[axis][:, places]
            column = Column(values, LARGEST_SIZE, {}).column(values)
            self._numbers[key] = column if isinstance(column, Column) else self._axes[axis][places[0]]
        return self._numbers[key]

    def _point(self, row: int, place: int) -> Network:
        return self._at(self._axes[0][row], self._axes[1][place])

    def _error(self, row: int, place: int) -> Exception | None:
        """What is wrong with one design, if anything."""
        try:
            self._point(row, place)
        except Exception as error:
            return error
        return None

    def _overflow(self, row: int, place: int) -> CostModelError:
        network = self._point(row, place)
        at = ", ".join(
            f"{argument}={value}" for argument, value in network.config.items() if argument in ("alpha", "resolution")
        )
        most = max(network.multiply_adds, network.parameters)
        return CostModelError(f"{self._name} at {at}: {most:,} would overflow 64-bit integers; use smaller sizes")

    def _put(self, which: int, rows: Any, columns: Any, total: Any) -> None:
        """Write a total over a group: its factors of alpha, a matrix, times its factors of the resolution."""
        import numpy

        left, right, most = _factors(total, len(columns))
        if most > LARGEST_SIZE:
            raise OverflowError
        if self.counts[which].shape[1] == 1 < len(self._axes[1]):
            if len(columns) == len(self._axes[1]) and len(right) == 1 and (right[0] == 1).all():
                right, columns = [right[0][:1]], columns[:1] * 0
            else:
                self.counts[which] = numpy.repeat(self.counts[which], len(self._axes[1]), axis=1)
        kind = numpy.float64 if most < EXACT_FLOAT else numpy.int64
        factors = numpy.empty((len(rows), len(left)), dtype=kind)
        for place, f in enumerate(left):
            factors[:, place] = f.values[:, 0] if isinstance(f, Column) else f
        stages = numpy.array(right, dtype=kind)
        counts = self.counts[which]
        for start in range(0, len(rows), _ROWS):
            these = rows[start : start + _ROWS]
            part = factors[start : start + _ROWS] @ stages
            if len(columns) == counts.shape[1]:
                counts[these] = part
            else:
                counts[numpy.ix_(these, columns)] = part

    def _put_peaks(self, rows: Any, columns: Any, memory: Memory) -> None:
        """Write the most memory over a group."""
        import numpy

        if len(rows) * len(columns) == 1:
            self.peaks[rows[0], columns[0]] = memory.peak_bytes
            return
        most = candidates(memory.plan, len(rows), len(columns))
        for start in range(0, len(rows), _ROWS):
            these = rows[start : start + _ROWS]
            part = most.peaks(slice(start, start + _ROWS))
            if len(columns) == self.peaks.shape[1]:
                self.peaks[these] = part
            else:
                self.peaks[numpy.ix_(these, columns)] = part

    def _note(self, rows: Any, columns: Any, missing: str) -> None:
        """Write down what could not be counted of a group."""
        import numpy

        if missing and self.not_counted is None:
            self.not_counted = numpy.full(self.counts[0].shape, "", dtype=object)
        if self.not_counted is not None:
            self.not_counted[numpy.ix_(rows, columns)] = missing

    def _agrees(self, rows: Any, columns: Any) -> bool:
        """Whether two designs of a group cost what was found: a function of a user may do what numbers cannot show."""
        for row, place in ((rows[0], columns[0]), (rows[-1], columns[-1])):
            network = self._point(row, place)
            if self._totals(network) != [int(counts[row, place % counts.shape[1]]) for counts in self.counts]:
                return False
            if self._sized and network.memory(*self._sized).peak_bytes != int(self.peaks[row, place]):
                return False
            noted = "" if self.not_counted is None else self.not_counted[row, place]
            if operators_text(network.ledger.not_counted) != noted:
                return False
        return True

    @staticmethod
    def _singles(rows: Any, columns: Any) -> list[tuple[Any, Any]]:
        """Each place of an axis by itself: two may have the same value, and would never be parted by it."""
        axis = 0 if len(rows) > 1 else 1
        return _parted(rows, columns, axis, columns if axis else rows)


def _array(values: Sequence[Any], kind: type, shape: tuple[int, int]) -> Any:
    """An array of plain numbers; None for others."""
    import numpy

    kinds = {int, kind}
    if not all(type(value) in kinds and abs(value) <= LARGEST_SIZE for value in values):
        return None
    return numpy.array(values, dtype=numpy.int64 if kind is int else numpy.float64).reshape(shape)


def _halves(places: Any) -> Any:
    return [2 * index < len(places) for index in range(len(places))]


def _parted(rows: Any, columns: Any, axis: int, labels: Any) -> list[tuple[Any, Any]]:
    import numpy

    labels = numpy.asarray(labels)
    parts = [labels == label for label in numpy.unique(labels)]
    return [(rows, columns[part]) if axis else (rows[part], columns) for part in parts]


#: So many rows of a product at a time stay near the processor.
_ROWS = 64


def _factors(total: Any, columns: int) -> tuple[list[Any], list[Any], int]:
    """A total as (factors of alpha, factors of the resolution, a bound): one pair a stage."""
    import numpy

    left: dict[bytes, Any] = {}
    right: dict[bytes, Any] = {}
    parts: dict[int, Any] = {}
    for f, g in terms_of(total):
        # First by identity, then by what is left without the greatest common divisor: a kernel multiplies a stage.
        key = id(g) if isinstance(g, Column) else 0
        times = 1 if isinstance(g, Column) else g
        parts[key] = (f * times + parts[key][0] if key in parts else f * times, g)
    for f, g in parts.values():
        row = g.values[0] if isinstance(g, Column) else numpy.ones(columns, dtype=numpy.int64)
        times = int(numpy.gcd.reduce(row)) or 1
        unit = row // times
        right[unit.tobytes()] = unit
        left[unit.tobytes()] = left.get(unit.tobytes(), 0) + f * times
    most = sum((f.most if isinstance(f, Column) else abs(f)) * int(abs(right[key]).max()) for key, f in left.items())
    return list(left.values()), list(right.values()), most
