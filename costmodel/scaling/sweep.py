"""Grids of networks: a row a design, with its exact cost and, where somebody measured them, accuracy and time."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from costmodel.analyses.policies import policy_named
from costmodel.errors import CostModelError
from costmodel.models.registry import Architecture, resolve, takes_no
from costmodel.quantities import parse_dtype
from costmodel.scaling.axes import check_size, parse_axis
from costmodel.scaling.measured import MACHINES, accuracy, latencies, measured, times
from costmodel.scaling.surface import GridCounts, Sized, counted

if TYPE_CHECKING:
    import pandas

#: Told how many designs are done, and of how many.
Progress = Callable[[int, int], object]


def sweep(
    models: str | Sequence[str],
    *,
    progress: Progress | None = None,
    dtype: str = "",
    policy: str = "fused",
    **axes: Any,
) -> pandas.DataFrame:
    """The cost of every design of a grid: a row for each model and each combination of the values of ``axes``.

    ``models`` is a name, or several, as :func:`~costmodel.models.registry.build` reads it. An axis is any argument of
    the architecture, with one value, several values, or text as the command line takes it (``"0.25:1.4:0.05"``).

    Columns: model, variant, alpha, resolution, the other axes, multiply_adds, parameters (64-bit integers), top1
    (percent on ImageNet) and top1_source, i9_10940x_ms and rtx_4090_ms (milliseconds an image on two machines) and
    ms_source, those empty where nobody measured that very network; and ``not_counted``, where a function of yours gives
    a network with operators that nobody has decided on: its numbers are the least that it can cost. With ``dtype``
    there are ``peak_memory``, under ``policy``, and ``size``, in bytes at that type, as in :meth:`Network.memory`. The
    resolution varies fastest, then alpha. Loads pandas. Raises :class:`~costmodel.errors.CostModelError` for an
    argument that a model does not take, an empty axis, too many designs, and a count beyond 64 bits.

    >>> import costmodel as cm
    >>> grid = cm.sweep("mobilenet_v1", alpha=[0.5, 1.0], resolution="160:224:64")
    >>> print(grid[["alpha", "resolution", "multiply_adds", "top1"]].to_string(index=False))
     alpha  resolution  multiply_adds  top1
       0.5         160       76524800  59.1
       0.5         224      149497088  63.3
       1.0         160      290675200  68.0
       1.0         224      568740352  70.9
    """
    import pandas

    names = [models] if isinstance(models, str) else list(models)
    if not names:
        raise CostModelError("no model to sweep; name one, as in mobilenet_v2")
    sized = Sized(parse_dtype(dtype), policy_named(policy).name) if dtype else None
    grids = [ModelGrid(name, axes, sized) for name in names]
    total = sum(grid.size for grid in grids)
    check_size(total, "the grid")
    done = 0

    def add(designs: int) -> None:
        nonlocal done
        done += designs
        if progress:
            progress(done, total)

    blocks = [block for grid in grids for block in grid.blocks(add)]
    frame = pandas.concat(blocks, ignore_index=True) if len(blocks) > 1 else blocks[0]
    frame = frame.fillna({"not_counted": ""}) if "not_counted" in frame else frame
    frame.attrs.update(sized._asdict() if sized else {})
    return frame


def values(name: str, argument: str, given: Any) -> tuple[Any, ...]:
    """What ``given`` says about one argument of the network called ``name``: a value, several, or text to parse.

    >>> values("mobilenet_v2", "alpha", "0.5:1:0.25"), values("mobilenet_v2", "alpha", 1)
    ((0.5, 0.75, 1.0), (1,))
    """
    architecture, variant = resolve(name)
    known = architecture.choices
    if argument not in known:
        shown = given if isinstance(given, (str, int, float)) else "an axis"
        raise takes_no(name, argument, f"{argument}={shown} given", known)
    if argument == "variant" and variant:
        raise CostModelError(f"{name} names its variant already; leave out the axis, or write {architecture.name}")
    if isinstance(given, str):
        if argument == "variant":
            return tuple(part.strip() for part in given.split(","))
        return parse_axis(argument, given, _kind(known[argument]))
    if hasattr(given, "tolist"):
        given = given.tolist()  # numpy and pandas, to plain numbers
    # A tuple of two is a rectangular resolution for a network and two resolutions for a reader: it is the latter here.
    several = tuple(given) if isinstance(given, Iterable) else (given,)
    if not several:
        raise CostModelError(f"{argument} has no values; give at least one")
    return several


def _kind(parameter: inspect.Parameter) -> Any:
    """A value of the kind that the argument takes: its default, or what its annotation says."""
    kinds: dict[Any, Any] = {"float": 1.0, "int": 1, "str": "", "bool": False}
    annotation = getattr(parameter.annotation, "__name__", parameter.annotation)
    default = kinds.get(annotation, parameter.default)
    return default if isinstance(default, (int, float, str)) else None


class ModelGrid:
    """The designs of one model: combinations of what is neither alpha nor resolution, and of each all of those."""

    def __init__(self, name: str, axes: Mapping[str, Any], sized: Sized | None) -> None:
        self.name, self._sized = name, sized
        self._found, self._variant = resolve(name)
        known = self._found.choices
        self.axes = {argument: values(name, argument, given) for argument, given in axes.items()}
        for argument in ("alpha", "resolution"):
            default = known[argument].default if argument in known else inspect.Parameter.empty
            if argument not in self.axes and default is not inspect.Parameter.empty:
                self.axes[argument] = (default,)
        self.size = math.prod(map(len, self.axes.values()))
        others = [argument for argument in axes if argument not in ("variant", "alpha", "resolution")]
        self._outer = {argument: self.axes[argument] for argument in ("variant", *others) if argument in self.axes}

    @property
    def combinations(self) -> int:
        """How many there are."""
        return math.prod(map(len, self._outer.values()))

    @property
    def shape(self) -> tuple[int, int]:
        """How many alphas and resolutions each combination has; 1 where it has none."""
        return len(self.axes.get("alpha", (None,))), len(self.axes.get("resolution", (None,)))

    def _combination(self, place: int) -> tuple[str, str, dict[str, Any]]:
        """The name of the network, its variant and the other arguments, of a combination by its place."""
        choices = {}
        for argument, given in reversed(self._outer.items()):
            place, which = divmod(place, len(given))
            choices[argument] = given[which]
        choices = dict(reversed(choices.items()))
        variant = choices.pop("variant", self._variant)
        return self._network_name(variant), variant, choices

    def count(
        self, combination: int, alphas: slice, resolutions: slice, progress: Callable[[int], None] | None = None
    ) -> GridCounts:
        """The counts of some alphas and resolutions of one combination."""
        name, _, choices = self._combination(combination)
        axes = (self.axes.get("alpha", ())[alphas], self.axes.get("resolution", ())[resolutions])
        return counted(name, *axes, choices, progress, self._sized)

    def design(self, number: int) -> dict[str, Any]:
        """The arguments of a design, by its number: the resolution varies fastest, then alpha."""
        alphas, resolutions = self.shape
        combination, place = divmod(number, alphas * resolutions)
        name, _, choices = self._combination(combination)
        row, column = divmod(place, resolutions)
        own = {"alpha": row, "resolution": column}
        return {
            "model": name,
            **{axis: self.axes[axis][at] for axis, at in own.items() if axis in self.axes},
            **choices,
        }

    def blocks(self, progress: Callable[[int], None]) -> Iterable[pandas.DataFrame]:
        """A frame for each combination of what is neither alpha nor resolution."""
        for combination in range(self.combinations):
            name, variant, choices = self._combination(combination)
            grid = self.count(combination, slice(None), slice(None), progress)
            frame = self._frame(name, variant, choices, grid)
            missing = grid.not_counted
            yield frame if missing is None else frame.assign(not_counted=missing.ravel())

    def _network_name(self, variant: str) -> str:
        architecture: Architecture = self._found
        if not variant or variant == self._variant:
            return self.name
        resolve(named := f"{architecture.name}:{variant}")
        return named

    def _frame(self, name: str, variant: str, choices: dict[str, Any], grid: GridCounts) -> pandas.DataFrame:
        import numpy
        import pandas

        counts = grid.multiply_adds.ravel()
        alphas, resolutions = self.axes.get("alpha", (math.nan,)), self.axes.get("resolution", (math.nan,))
        # Series, because an array would unpack rectangular resolutions.
        numbers = all(isinstance(alpha, (int, float)) for alpha in alphas)
        columns: dict[str, Any] = {
            "model": self.name.partition(":")[0] if self._variant else self.name,
            "variant": variant,
            "alpha": numpy.repeat(pandas.Series(alphas, dtype=float if numbers else None).to_numpy(), len(resolutions)),
            "resolution": numpy.tile(pandas.Series(resolutions), len(alphas)),
            **{argument: [value] * len(counts) for argument, value in choices.items()},
            "multiply_adds": counts,
            "parameters": grid.parameters.ravel(),
            **{
                name: numbers.ravel()
                for name, numbers in (("peak_memory", grid.peak_memory), ("size", grid.size))
                if numbers is not None
            },
            "top1": math.nan,
            "top1_source": "",
            **dict.fromkeys(MACHINES, math.nan),
            "ms_source": "",
        }
        frame = pandas.DataFrame(columns)
        _join_times(frame, name, choices)
        for alpha, resolution in measured(name):
            known = accuracy(name, {"alpha": alpha, "resolution": resolution, **choices})
            if known:
                here = (frame["alpha"] == alpha) & (frame["resolution"] == resolution)
                frame.loc[here, "top1"] = known.top1
                frame.loc[here, "top1_source"] = known.source
        return frame


def _join_times(frame: pandas.DataFrame, name: str, choices: Mapping[str, Any]) -> None:
    """Writes what was timed into the rows of the very networks that were."""
    for alpha, resolution in times(name):
        own = {} if alpha is None else {"alpha": alpha}
        known = latencies(name, {**own, "resolution": resolution, **choices})
        here = frame["resolution"] == resolution
        for argument, value in own.items():
            here &= frame[argument] == value
        for column, machine in MACHINES.items():
            for latency in known:
                if latency.machine == machine:
                    frame.loc[here, column] = latency.image_ms
        frame.loc[here, "ms_source"] = "; ".join(latency.source for latency in known)
