"""The cost of a network over (alpha, resolution) as a product of two small matrices.

A convolution costs its work per position, which alpha decides, times its positions, which the resolution decides.
Layers with the same number of positions at every resolution are one stage, so the whole surface is (work of each stage
by alpha) times (positions of each stage by resolution). A million designs need a few networks and one product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from costmodel import formulas
from costmodel.core.graph import Node
from costmodel.core.layers import (
    Activation,
    Add,
    BatchNorm,
    ChannelShuffle,
    ChannelSlice,
    Concat,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Input,
    Layer,
    Linear,
    Pool,
    Scale,
)
from costmodel.core.network import Network
from costmodel.errors import LARGEST_SIZE, CostModelError, positive_int, width_multiplier
from costmodel.loading import load_with
from costmodel.models.registry import resolve
from costmodel.scaling.widths import Widths, multiplying, work

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Integers: TypeAlias = NDArray[numpy.int64]
    Sizes: TypeAlias = tuple[Integers, ...]

#: Layers whose output has the sizes of what they read.
_KEEPING = (Activation, Add, BatchNorm, ChannelShuffle, ChannelSlice, Concat, Dropout, Linear, Scale)

#: Beyond this, the positions of a square image might not fit 64 bits.
LARGEST_RESOLUTION = 2**31 - 1


def separates(name: str) -> bool:
    """Whether the cost of ``name`` is such a product: alpha acts through widths alone, the resolution through sizes.

    >>> separates("mobilenet_v2"), separates("mobilenet_v2:keras"), separates("resnet50")
    (True, False, False)
    """
    found, _ = resolve(name)
    if found.widths is None:
        return False
    return all(_has_rule(node.layer) for node in load_with(name, {}).nodes)


def _has_rule(layer: Layer) -> bool:
    """Whether :class:`_Sizes` knows its sizes. A pad has none: a network computes it anew from every resolution."""
    if isinstance(layer, Pool):
        return not layer.ceil_mode
    return isinstance(layer, (Input, Conv, Flatten, GlobalAveragePool, *_KEEPING))


def surface(name: str, alphas: Sequence[float], resolutions: Sequence[int], **choices: Any) -> Integers:
    """Multiply-adds of ``name`` at every alpha (a row) and resolution (a column): exact, as 64-bit integers.

    ``choices`` go to every network. Loads numpy. Raises :class:`~costmodel.errors.CostModelError` where
    :func:`separates` says no, where a network cannot be built, and where a count would overflow 64 bits.

    >>> surface("mobilenet_v2", [0.35, 1.0], [96, 224]).tolist()
    [[11934128, 59285808], [56289152, 300774272]]
    """
    return _Networks(name, alphas, resolutions, choices).surface()


def surface_and_parameters(
    name: str, alphas: Sequence[float], resolutions: Sequence[int], **choices: Any
) -> tuple[Integers, list[int]]:
    """:func:`surface`, and the parameters at every alpha, which know no resolution.

    >>> surface_and_parameters("mobilenet_v2", [0.35, 1.0], [224])[1]
    [1677128, 3504872]
    """
    networks = _Networks(name, alphas, resolutions, choices)
    stored = [networks.build(row).parameters for row in range(len(networks.widths))]
    return networks.surface(), [stored[row] for row in networks.row_of]


class _Networks:
    """The different networks that ``alphas`` make, a row each, at the largest resolution."""

    def __init__(self, name: str, alphas: Sequence[float], resolutions: Sequence[int], choices: dict[str, Any]) -> None:
        import numpy

        found, variant = resolve(name)
        if found.widths is None or not separates(name):
            raise CostModelError(f"the cost of {name} is no product of widths and sizes; count it point by point")
        sizes = [positive_int(resolution, "resolution") for resolution in resolutions]
        largest = max(sizes)
        if largest > LARGEST_RESOLUTION:
            raise CostModelError(
                f"resolution={largest} would overflow 64-bit integers; use at most {LARGEST_RESOLUTION}"
            )
        # The smallest image is where a network may not fit; building it there raises with the place.
        load_with(name, {"alpha": alphas[0], "resolution": min(sizes), **choices})
        rows: dict[tuple[int, ...], int] = {}
        self.row_of = [rows.setdefault(found.widths(width_multiplier(alpha), variant), len(rows)) for alpha in alphas]
        self.widths = list(rows)
        self._alphas = [alphas[self.row_of.index(row)] for row in range(len(rows))]
        self._name = name
        self._choices = {**choices, "resolution": largest}
        self._stage_of, self._positions = _stages(self.build(0), numpy.array(sizes, dtype=numpy.int64))

    def build(self, row: int) -> Network:
        """The network of one row."""
        return load_with(self._name, {**self._choices, "alpha": self._alphas[row]})

    def surface(self) -> Integers:
        """Multiply-adds, a row an alpha."""
        import numpy

        work = self._work()
        most = [int(stage.max()) for stage in self._positions]
        largest = max(sum(amount * count for amount, count in zip(row, most, strict=True)) for row in work)
        if largest > LARGEST_SIZE:
            raise CostModelError(
                f"{self._name} takes up to {largest:,} multiply-adds, which would overflow 64-bit integers;"
                " use smaller sizes"
            )
        product: Integers = numpy.array(work, dtype=numpy.int64) @ numpy.array(self._positions)
        return product[self.row_of]

    def _work(self) -> list[list[int]]:
        """Multiply-adds per position of each stage: of a few networks, and from them of all."""
        widths = Widths(self.widths, self.build)
        if (by_layer := widths.work()) is not None:
            stages = [list(amounts) for amounts in zip(*self._by_stage(by_layer), strict=True)]
            # The guard: a network that was not asked must agree.
            other = max(set(range(len(stages))) - set(widths.built), default=0)
            if stages[other] == self._counted(other):
                return stages
        return [self._counted(row) for row in range(len(self.widths))]

    def _counted(self, row: int) -> list[int]:
        """The work of one network, layer by layer."""
        return self._by_stage({node.name: work(node) for node in multiplying(self.build(row))})

    def _by_stage(self, by_layer: dict[str, Any]) -> list[Any]:
        """Amounts of layers summed by stage."""
        amounts: list[Any] = [0] * len(self._positions)
        for name, amount in by_layer.items():
            amounts[self._stage_of[name]] += amount
        return amounts


def _stages(network: Network, resolutions: Integers) -> tuple[dict[str, int], list[Integers]]:
    """The stage of each node that multiplies, by name, and the positions of each stage at every resolution."""
    sizes = _Sizes(resolutions)
    for node in network.nodes:
        sizes.propagate(node)
    stages: dict[tuple[int, ...], int] = {}
    positions: list[Integers] = []
    stage_of = {}
    for node in multiplying(network):
        axes = sizes.of[node]
        key = tuple(map(id, axes))
        if key not in stages:
            stages[key] = len(positions)
            grid = resolutions * 0 + 1
            for axis in axes:
                grid = grid * axis
            positions.append(grid)
        stage_of[node.name] = stages[key]
    return stage_of, positions


class _Sizes:
    """Spatial sizes of every node at every resolution: the formulas of the layers, on arrays.

    Equal sizes are one array object, so that nodes of one stage are found without comparing arrays.
    """

    def __init__(self, resolutions: Integers) -> None:
        self.of: dict[Node, Sizes] = {}
        self._resolutions = resolutions
        self._known: dict[tuple[object, ...], Integers] = {}

    def propagate(self, node: Node) -> None:
        """Add the sizes of ``node``; it must have been built at the largest resolution, and proves them there."""
        axes = self.of[node] = self._sizes(node)
        largest = int(self._resolutions.argmax())
        assert tuple(int(axis[largest]) for axis in axes) == node.shape.spatial, node

    def _sizes(self, node: Node) -> Sizes:
        layer = node.layer
        if isinstance(layer, Input):
            return (self._resolutions,) * len(layer.shape.spatial)
        axes = self.of[node.inputs[0]]
        if isinstance(layer, Flatten):
            return ()
        if isinstance(layer, GlobalAveragePool):
            return (self._slid(lambda size: size * 0 + 1, self._resolutions),) * len(axes)
        if isinstance(layer, (Conv, Pool)):
            if layer.padding == "same":
                return tuple(map(partial(self._slid, formulas.same_output_size), axes, layer.stride))
            dilation = layer.dilation if isinstance(layer, Conv) else (1,) * len(axes)
            slid = partial(self._slid, formulas.output_size)
            return tuple(map(slid, axes, layer.kernel, layer.stride, map(sum, layer.padding), dilation))
        return axes

    def _slid(self, rule: Callable[..., Any], axis: Integers, *window: int) -> Integers:
        key = (rule, id(axis), *window)
        if key not in self._known:
            made: Integers = rule(axis, *window)
            # A window that keeps every size makes no new stage.
            self._known[key] = axis if (made == axis).all() else made
        return self._known[key]
