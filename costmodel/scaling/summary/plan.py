"""A grid in chunks: which designs each has, and what is kept of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple, final

from costmodel.analyses.policies import policy_named
from costmodel.errors import CostModelError
from costmodel.quantities import budget, one_type, parse_dtype
from costmodel.scaling.summary.digest import Digest
from costmodel.scaling.surface import GridCounts, Sized
from costmodel.scaling.sweep import ModelGrid

#: Designs of a chunk: arrays of so many stay small, and cost little to start.
CHUNK = 1 << 20

#: Combinations of arguments that are neither alpha nor resolution are built one by one; a chunk has so many at most.
_COMBINATIONS = 256

#: What a budget of a summary can be of.
LIMITED = ("multiply_adds", "flops", "parameters", "peak_memory", "size")


class Chunk(NamedTuple):
    """Some designs of one model: combinations, alphas and resolutions from a place to another; the first's number."""

    model: int
    combinations: tuple[int, int]
    alphas: tuple[int, int]
    resolutions: tuple[int, int]
    first: int


@final
@dataclass(frozen=True)
class SweepPlan:
    """What is counted: models and their axes, the type and policy of sizes, budgets, and how many best are kept."""

    models: tuple[str, ...]
    axes: Mapping[str, Any]
    dtype: str = ""
    policy: str = "fused"
    limits: Mapping[str, str] = field(default_factory=dict)
    best: int = 10

    @cached_property
    def grids(self) -> tuple[ModelGrid, ...]:
        """A grid a model. Raises as :func:`~costmodel.scaling.sweep.sweep` does."""
        if not self.models:
            raise CostModelError("no model to sweep; name one, as in mobilenet_v2")
        return tuple(ModelGrid(model, self.axes, self._sized) for model in self.models)

    @cached_property
    def _sized(self) -> Sized | None:
        dtype = one_type(self.limits, parse_dtype(self.dtype) if self.dtype else "")
        if not dtype and {"peak_memory", "size"} & self.budgets.keys():
            raise CostModelError("a budget in bytes needs the type of the values; add --dtype, or write 1MB at int8")
        return Sized(dtype, policy_named(self.policy).name) if dtype else None

    @cached_property
    def budgets(self) -> dict[str, int]:
        """Quantity -> the most of it."""
        most = dict(budget(quantity, text) for quantity, text in self.limits.items())
        for quantity in most:
            if quantity not in LIMITED:
                raise CostModelError(f"a summary knows no {quantity}; budgets are of {', '.join(LIMITED)}")
        return most

    @property
    def designs(self) -> int:
        """How many there are."""
        return sum(grid.size for grid in self.grids)

    def chunks(self) -> Iterator[Chunk]:
        """All chunks, in the order of the designs."""
        first = 0
        for model, grid in enumerate(self.grids):
            alphas, resolutions = grid.shape
            several, rows, columns = _tile(grid)
            for low in range(0, grid.combinations, several):
                # Where a combination is many chunks, each has whole rows, or a part of one.
                for row, column in product(range(0, alphas, rows), range(0, resolutions, columns)):
                    high, down = min(low + several, grid.combinations), min(row + rows, alphas)
                    across = min(column + columns, resolutions)
                    start = first + (low * alphas + row) * resolutions + column
                    yield Chunk(model, (low, high), (row, down), (column, across), start)
            first += grid.size

    @property
    def chunk_count(self) -> int:
        """How many chunks there are."""
        sizes = [(grid.combinations, *grid.shape) for grid in self.grids]
        tiles = map(_tile, self.grids)
        return sum(
            math.prod(-(-whole // part) for whole, part in zip(size, tile, strict=True))
            for size, tile in zip(sizes, tiles, strict=True)
        )

    def count(self, chunk: Chunk) -> Digest:
        """What is kept of the designs of a chunk."""
        digest = Digest(self.best)
        grid = self.grids[chunk.model]
        alphas, resolutions = grid.shape
        for combination in range(*chunk.combinations):
            counts = grid.count(combination, slice(*chunk.alphas), slice(*chunk.resolutions))
            if counts.not_counted is not None and any(counts.not_counted.ravel()):
                missing = next(filter(None, counts.not_counted.ravel()))
                raise CostModelError(f"{grid.name}: not counted: {missing}; a summary needs all that a design costs")
            first = chunk.first + (combination - chunk.combinations[0]) * alphas * resolutions
            digest.add(first, counts.multiply_adds, counts.parameters, self._fits(counts))
        return digest

    def _fits(self, counts: GridCounts) -> Any:
        """Which designs keep every budget; None for all."""
        import numpy

        known: dict[str, Any] = {
            "multiply_adds": counts.multiply_adds,
            "flops": counts.multiply_adds,
            "parameters": counts.parameters,
            "peak_memory": counts.peak_memory,
            "size": counts.size,
        }
        fits = None
        for quantity, most in self.budgets.items():
            limit = most // 2 if quantity == "flops" else most
            keeps = numpy.less_equal(known[quantity], limit)
            fits = keeps if fits is None else fits & keeps
        return None if fits is None else numpy.broadcast_to(fits, counts.multiply_adds.shape)

    def design(self, number: int) -> dict[str, Any]:
        """The arguments of a design, by its number."""
        for grid in self.grids:
            if number < grid.size:
                return grid.design(number)
            number -= grid.size
        raise IndexError(number)

    def document(self) -> dict[str, Any]:
        """What tells it from another plan: axes with all their values."""
        axes = [{name: list(map(str, values)) for name, values in grid.axes.items()} for grid in self.grids]
        sized = self._sized
        return {
            "models": list(self.models),
            "axes": axes,
            "sized": list(sized) if sized else None,
            "budgets": self.budgets,
            "best": self.best,
            "chunk": CHUNK,
        }


def _tile(grid: ModelGrid) -> tuple[int, int, int]:
    """How many combinations, alphas and resolutions a chunk has at most."""
    alphas, resolutions = grid.shape
    several = max(1, min(CHUNK // (alphas * resolutions), _COMBINATIONS))
    return several, max(1, CHUNK // resolutions), min(resolutions, CHUNK)
