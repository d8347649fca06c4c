"""The sizes of every map as polynomials in rho: symbols through the formulas of the layers.

An image of ``step * rho`` pixels a side goes through ``formulas.output_size`` and its kin as a symbol. Wherever a
stride divides, sympy pulls the multiple of rho out of the floor, and what is left is a number: that is a proof for
every rho. Wherever a floor is left over in a size that costs depend on, ``step`` is too small.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import sympy  # type: ignore[import-untyped]

from costmodel import formulas
from costmodel.core.graph import Node
from costmodel.core.layers import (
    Activation,
    AdaptiveAveragePool,
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
    Outputs,
    Pool,
    Scale,
    TransposedConv,
    ZeroPad,
)
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.scaling.closed_form.form import Resolutions

Expr: TypeAlias = Any
Axes: TypeAlias = tuple[Expr, ...]

#: A size in which a floor is left over.
UNKNOWN: Expr = sympy.nan

RHO = sympy.Symbol("rho", integer=True, positive=True)

#: Layers whose output has the sizes of what they read first.
_KEEPING = (Activation, Add, BatchNorm, ChannelShuffle, ChannelSlice, Concat, Dropout, Linear, Outputs, Scale)

#: A network that no image so many times its usual one fits is one that takes a few sizes only.
_LARGER = (2, 5)


class Stretch(NamedTuple):
    """A network, the resolutions over which its sizes are polynomials in rho, and those sizes."""

    network: Network
    resolutions: Resolutions
    axes: dict[Node, Axes]


def stretch(at: Callable[[int], Network], usual: int) -> Stretch:
    """The sizes of the network that ``at`` makes of each resolution; ``usual`` is one that it takes.

    Raises :class:`~costmodel.errors.CostModelError` where it has no two resolutions that one polynomial covers.
    """
    network = at(usual)
    longest = _longest_stride(network)
    few: tuple[int, int] | None = None
    if not all(_takes(at, longest * -(-usual * times // longest)) for times in _LARGER):
        few = _neighbours(at, usual)
    for step in (divisor for divisor in range(1, longest + 1) if longest % divisor == 0):
        rhos = None if few is None else range(-(-few[0] // step), few[1] // step + 1)
        if rhos is not None and len(rhos) < 2:
            break
        template = at(step * (-(-usual // step) if rhos is None else rhos[0]))
        axes = _propagated(template, step, rhos)
        if any(UNKNOWN in axes[node] for node in map(_decisive, template.nodes) if node):
            continue
        first = rhos[0] if rhos else next(rho for rho in range(1, usual + 1) if _takes(at, step * rho))
        return Stretch(template, Resolutions(step, first, rhos[-1] if rhos else None), axes)
    few = few or (usual, usual)
    raise CostModelError(
        f"{network.name} takes resolutions {few[0]} to {few[1]} only, and no two of them have one closed form;"
        f" costmodel count {network.name} counts it"
    )


def _decisive(node: Node) -> Node | None:
    """The node on whose sizes the cost of ``node`` depends, if any."""
    if isinstance(node.layer, (Conv, Linear)):
        return node
    return node.inputs[0] if isinstance(node.layer, (Flatten, TransposedConv)) else None


def resized(network: Network, resolutions: Resolutions) -> Stretch:
    """The sizes of ``network``, which differs in widths alone from one that has ``resolutions``."""
    rhos = None if resolutions.last is None else range(resolutions.first, resolutions.last + 1)
    return Stretch(network, resolutions, _propagated(network, resolutions.step, rhos))


def _takes(at: Callable[[int], Network], resolution: int) -> bool:
    try:
        at(resolution)
    except CostModelError:
        return False
    return True


def _neighbours(at: Callable[[int], Network], usual: int) -> tuple[int, int]:
    """The least and the largest resolution around ``usual`` that the network takes."""
    low = high = usual
    while low > 1 and _takes(at, low - 1):
        low -= 1
    while _takes(at, high + 1):
        high += 1
    return low, high


def _longest_stride(network: Network) -> int:
    """The least common multiple of what the strides multiply up to along every path."""
    strides: dict[Node, Fraction] = {}
    for node in network.nodes:
        own = math.lcm(*node.layer.stride) if isinstance(node.layer, (Conv, Pool)) else 1
        back = math.lcm(*node.layer.stride) if isinstance(node.layer, TransposedConv) else 1
        reads = [strides[read] for read in node.inputs]
        strides[node] = max(reads, default=Fraction(1)) * own / back
    return math.lcm(*(stride.numerator for stride in strides.values()))


def _propagated(network: Network, step: int, rhos: range | None) -> dict[Node, Axes]:
    image = network.input.spatial
    if len(set(image)) > 1:
        raise CostModelError(
            f"{network.name} was built for a {network.input} input; closed forms are for square images"
        )
    known: dict[tuple[object, ...], Expr] = {}

    def slid(rule: Callable[..., Any], size: Expr, *window: int) -> Expr:
        key = (rule, size, *window)
        if key not in known:
            made = rule(size, *window)
            known[key] = _whole(sympy.expand(_least(made) if isinstance(made, tuple) else made), rhos)
        return known[key]

    of: dict[Node, Axes] = {}
    for node in network.nodes:
        of[node] = (step * RHO,) * len(image) if isinstance(node.layer, Input) else _axes(node, of, slid)
    return of


def _axes(node: Node, of: dict[Node, Axes], slid: Callable[..., Expr]) -> Axes:
    layer: Layer = node.layer
    axes = of[node.inputs[0]]
    if isinstance(layer, Flatten):
        return ()
    if isinstance(layer, GlobalAveragePool):
        return (sympy.Integer(1),) * len(axes)
    if isinstance(layer, AdaptiveAveragePool):
        return tuple(map(sympy.Integer, layer.sizes))
    if isinstance(layer, ZeroPad):
        return tuple(size + sum(sides) for size, sides in zip(axes, layer.padding, strict=True))
    if isinstance(layer, (Conv, Pool, TransposedConv)):
        return tuple(_slid(layer, axis, size, slid) for axis, size in enumerate(axes))
    if isinstance(layer, _KEEPING):
        return axes
    raise CostModelError(
        f"{node.name}: the size that {layer.kind(node.input_shapes)} makes is not known as a formula; count it instead"
    )


def _slid(layer: Conv | Pool | TransposedConv, axis: int, size: Expr, slid: Callable[..., Expr]) -> Expr:
    """One axis after a window."""
    kernel, stride = layer.kernel[axis], layer.stride[axis]
    if layer.padding == "same":
        return slid(formulas.same_output_size, size, stride)
    before, after = layer.padding[axis]
    if isinstance(layer, Pool) and layer.ceil_mode:
        return slid(formulas.ceil_output_size, size, kernel, stride, before, after)
    dilation = 1 if isinstance(layer, Pool) else layer.dilation[axis]
    if isinstance(layer, TransposedConv):
        extra = layer.output_padding[axis]
        return slid(formulas.transposed_output_size, size, kernel, stride, before + after, dilation, extra)
    return slid(formulas.output_size, size, kernel, stride, before + after, dilation)


def _least(sizes: Sequence[Expr]) -> Expr:
    """The smallest of sizes that differ by a number."""
    least = sizes[0]
    for size in sizes[1:]:
        apart = sympy.expand(size - least)
        if not apart.is_Integer:
            return UNKNOWN
        least = size if apart < 0 else least
    return least


def _whole(size: Expr, rhos: range | None) -> Expr:
    """``size``, if no floor is left in it; or the one number that it is at every one of ``rhos``."""
    if not size.has(sympy.floor):
        return size
    values = {size.subs(RHO, rho) for rho in rhos or ()}
    return values.pop() if len(values) == 1 else UNKNOWN
