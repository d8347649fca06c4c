"""What one architecture costs at every width, resolution and number of classes, as small tables of exact integers.

The multiply-adds of a layer are a number that alpha decides times one that the resolution decides, such as channels and
positions. So a few columns for each, and their products, hold every network of an architecture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.loading import load_with
from costmodel.models.registry import resolve
from costmodel.scaling.surface import Sized, counted

#: What is offered where an architecture takes any width, and any resolution; its published ones are added.
ALPHAS = tuple(round(0.25 + 0.05 * step, 2) for step in range(26))
RESOLUTIONS = tuple(range(32, 321, 16))
#: Numbers of classes at which a network is counted: its cost is linear in them.
_FEW, _MORE = 1, 2
#: Where the peak memory is looked at over the classes: few, and so many that the logits are most of it.
_PROBES = (1, 8, 64, 512, 4096, 32768, 1 << 26)


#: A row an alpha, a column a resolution; a single row, or a single column, where all are equal.
Grid: TypeAlias = tuple[tuple[int, ...], ...]


class StageCost(NamedTuple):
    """A part of the multiply-adds of a stage: for each alpha ``fixed`` and what ``each_class`` adds, times the column
    ``basis`` of the resolutions."""

    stage: int
    basis: int
    fixed: tuple[int, ...]
    each_class: tuple[int, ...]


class Tables(NamedTuple):
    """Every network of one architecture over ``alphas`` and ``resolutions``; an axis that it has not is empty.

    ``basis`` has a number for each resolution, ``parameters_each_class`` one for each alpha. ``parameters`` without
    classes and ``peak_memory`` with one class, in bytes at fp32, have a row an alpha and a column a resolution. With
    more classes the peak is the largest of that and of ``logits``: what stays, and what is added for each class.
    ``stages`` are named by their operations at ``usual``, the choices that a bare name has.
    """

    name: str
    alphas: tuple[float, ...]
    resolutions: tuple[int, ...]
    has_classes: bool
    usual: Mapping[str, object]
    stages: tuple[str, ...]
    costs: tuple[StageCost, ...]
    basis: tuple[tuple[int, ...], ...]
    parameters: Grid
    parameters_each_class: tuple[int, ...]
    peak_memory: Grid
    logits: tuple[tuple[Grid, Grid], ...]

    def multiply_adds(self, alpha: int, resolution: int, classes: int) -> int:
        """The multiply-adds at the place of an alpha and of a resolution, for so many classes.

        >>> found = tables("mobilenet_v1", alphas=[0.75, 1.0], resolutions=[192, 224])
        >>> found.multiply_adds(0, 0, 1000), found.multiply_adds(1, 1, 10)
        (239273472, 567726592)
        """
        return sum(
            (cost.fixed[alpha] + cost.each_class[alpha] * classes) * self.basis[cost.basis][resolution]
            for cost in self.costs
        )


def tables(name: str, alphas: Sequence[float] = ALPHAS, resolutions: Sequence[int] = RESOLUTIONS) -> Tables:
    """The tables of the architecture ``name`` at those of ``alphas`` and ``resolutions`` that it can be built with.

    Raises :class:`~costmodel.errors.CostModelError` where it reads no image, or can be built with none of them.
    """
    known = resolve(name)[0].choices
    if "resolution" not in known:
        raise CostModelError(f"{name} takes no resolution, and is not in the tables")
    usual = {choice: what.default for choice, what in known.items() if choice != "variant"}
    has_classes = "num_classes" in known
    widths: tuple[Any, ...] = (None,)
    if "alpha" in known:
        widths = tuple([alpha for alpha in sorted({*alphas, usual["alpha"]}) if _built(name, alpha=alpha)])
    sizes = tuple([size for size in sorted({*resolutions, usual["resolution"]}) if _everywhere(name, widths, size)])
    if not sizes:
        raise CostModelError(f"{name} can be built at none of the resolutions {', '.join(map(str, resolutions))}")
    return _Tables(name, widths, sizes, has_classes, usual).made()


def _built(name: str, **choices: object) -> Network | None:
    """The network, or None where it cannot be built."""
    try:
        return load_with(name, {choice: value for choice, value in choices.items() if value is not None})
    except CostModelError:
        return None


def _everywhere(name: str, widths: Sequence[float | None], size: int) -> bool:
    """Whether the narrowest and the widest can be built at this resolution."""
    return all(_built(name, alpha=alpha, resolution=size) is not None for alpha in (widths[0], widths[-1]))


class _Tables:
    def __init__(
        self,
        name: str,
        alphas: tuple[Any, ...],
        resolutions: tuple[int, ...],
        has_classes: bool,
        usual: Mapping[str, Any],
    ) -> None:
        self._name, self._alphas, self._resolutions = name, alphas, resolutions
        self._has_classes, self._usual = has_classes, usual
        self._basis: dict[tuple[int, ...], int] = {}
        #: Name of an operation -> its multiply-adds at each resolution, divided by what they have in common.
        self._columns: dict[str, tuple[int, ...]] = {}

    def made(self) -> Tables:
        usual = self._network(self._usual.get("alpha"), self._usual["resolution"], self._usual.get("num_classes"))
        stages = usual.ledger.by("stage")
        self._stages = {entry.name: place for place, part in enumerate(stages.values()) for entry in part}
        middle = self._alphas[len(self._alphas) // 2]
        self._note_columns(middle)
        costs = self._costs()
        few, more = self._sizes(_FEW), self._sizes(_MORE)
        each_class = (more.parameters - few.parameters)[:, 0]
        return Tables(
            self._name,
            () if self._alphas == (None,) else self._alphas,
            self._resolutions,
            self._has_classes,
            {choice: value for choice, value in self._usual.items() if choice != "in_channels"},
            tuple(stages),
            costs,
            tuple(self._basis),
            _rows(few.parameters - _FEW * each_class[:, None]),
            tuple(each_class.tolist()),
            _rows(few.peak_memory),
            self._logits(few.peak_memory),
        )

    def _network(self, alpha: Any, resolution: Any, classes: Any = None) -> Network:
        choices = {"alpha": alpha, "resolution": resolution, "num_classes": classes if self._has_classes else None}
        return load_with(self._name, {choice: value for choice, value in choices.items() if value is not None})

    def _note_columns(self, alpha: Any) -> None:
        """How the multiply-adds of each operation at ``alpha`` grow with the resolution."""
        rows = [self._network(alpha, size, _FEW).ledger for size in self._resolutions]
        for entries in zip(*rows, strict=True):
            counts = [entry.ops.mac for entry in entries]
            common = math.gcd(*counts)
            if common and entries[0].name not in self._columns:
                self._columns[entries[0].name] = tuple([count // common for count in counts])

    def _costs(self) -> tuple[StageCost, ...]:
        self._pairs = [
            [self._network(alpha, self._resolutions[0], classes) for classes in (_FEW, _MORE)] for alpha in self._alphas
        ]
        table: dict[tuple[int, int], list[list[int]]] = {}
        for row, (alpha, (few, more)) in enumerate(zip(self._alphas, self._pairs, strict=True)):
            stage = 0
            for entry, with_more in zip(few.ledger, more.ledger, strict=True):
                stage = self._stages.get(entry.name, stage)
                if not entry.ops.mac:
                    continue
                if entry.name not in self._columns:  # a layer that the width of the columns has not
                    self._note_columns(alpha)
                column = self._columns[entry.name]
                basis = self._basis.setdefault(column, len(self._basis))
                counts = table.setdefault((stage, basis), [[0, 0] for _ in self._alphas])[row]
                fixed, each_class = entry.ops.mac // column[0], (with_more.ops.mac - entry.ops.mac) // column[0]
                counts[0] += fixed - _FEW * each_class
                counts[1] += each_class
        return tuple([
            StageCost(stage, basis, tuple([fixed for fixed, _ in rows]), tuple([each for _, each in rows]))
            for (stage, basis), rows in sorted(table.items())
        ])  # fmt: skip

    def _logits(self, peaks: Any) -> tuple[tuple[Grid, Grid], ...]:
        """What the peak memory is where classes decide it: the largest of some straight lines in their number."""
        lines: list[tuple[Any, Any]] = []
        for classes in _PROBES if self._has_classes else ():
            there = self._sizes(classes).peak_memory
            known = peaks
            for stays, each_class in lines:
                known = known.clip(stays + each_class * classes)
            if not bool((there == known).all()):
                each_class = self._sizes(classes + 1).peak_memory - there
                lines.append((there - each_class * classes, each_class))
        return tuple([(_rows(stays), _rows(each_class)) for stays, each_class in lines])

    def _sizes(self, classes: int) -> Any:
        """Parameters and peak memory of every network with so many classes."""
        alphas = () if self._alphas == (None,) else self._alphas
        choices = {"num_classes": classes} if self._has_classes else {}
        return counted(self._name, alphas, self._resolutions, choices, sized=Sized("float32", "fused"))


def _rows(grid: Any) -> Grid:
    """The numbers of ``grid``; one row, or one column, where all are equal."""
    for first in (grid[:, :1], grid[:1]):
        if bool((grid == first).all()):
            grid = first
    return tuple([tuple(row) for row in grid.tolist()])
