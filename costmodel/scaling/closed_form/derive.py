"""From sizes in rho and channels in alpha to the cost of every layer, by the formulas that count integers."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import sympy  # type: ignore[import-untyped]

from costmodel import formulas
from costmodel.core.graph import Node
from costmodel.core.layers import BatchNorm, Concat, Conv, Flatten, Linear, TransposedConv
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.loading import load_with
from costmodel.models.registry import Architecture, resolve, takes_no
from costmodel.scaling.closed_form.fitted import fitted
from costmodel.scaling.closed_form.form import ClosedForm, LayerForm, Piece
from costmodel.scaling.closed_form.polynomial import Polynomial
from costmodel.scaling.closed_form.sizes import RHO, Axes, Expr, Stretch, resized, stretch
from costmodel.scaling.closed_form.widths import Channels, Line, choices_of, chooses, pieces

ALPHA = sympy.Symbol("a", positive=True)

#: Positions, channels of one group, output channels, kernel area, groups: whole numbers, so that groups cancel.
_P, _C, _N, _K, _G = sympy.symbols("P C N K G", integer=True, positive=True)
_CONV_WORK: Expr = formulas.conv_multiply_adds(_P, _G * _C, _N, _K, _G)
_CONV_WEIGHTS: Expr = formulas.conv_weights(_G * _C, _N, _K, _G)

_USUAL = 224


def derive(name: str, alpha: float | None = None, **choices: Any) -> ClosedForm:
    """See :func:`costmodel.scaling.closed_form.api.closed_form`."""
    found, variant = resolve(name)
    known = inspect.signature(found.build).parameters
    if "resolution" not in known:
        raise CostModelError(f"{name} takes no resolution, which is what a closed form is in; costmodel count {name}")
    if "resolution" in choices:
        raise CostModelError(f"resolution={choices['resolution']} is what a closed form of {name} varies; leave it out")
    if alpha is not None and "alpha" not in known:
        raise takes_no(name, "alpha", f"alpha={alpha} given", known)
    default = known["resolution"].default
    usual = default if isinstance(default, int) else _USUAL
    fixed = {} if alpha is None else {"alpha": alpha}
    stretched = stretch(lambda resolution: load_with(name, {"resolution": resolution, **fixed, **choices}), usual)
    scaled: tuple[Piece, ...] = ()
    why = "" if alpha is None else f"Alpha is {alpha:g}, its widths rounded"
    if alpha is None and "alpha" in known:
        try:
            scaled = _scaled(found, variant, stretched, choices)
        except CostModelError as error:
            why = f"No closed form in alpha: {error}; this is alpha {known['alpha'].default:g}"
    at = partial(_built, name, {**fixed, **choices})
    form = ClosedForm(stretched.network, stretched.resolutions, scaled or (_unscaled(stretched),), at, why)
    _check(form)
    return form


def _built(name: str, choices: dict[str, Any], alpha: float | None, resolution: int) -> Network:
    scaled = {} if alpha is None else {"alpha": alpha}
    return load_with(name, {"resolution": resolution, **choices, **scaled})


def from_builds(at: Callable[[int], Network], usual: int) -> ClosedForm:
    """See :func:`costmodel.scaling.closed_form.api.closed_form_of`."""
    if any(not node.provenance.built for node in at(usual).nodes):
        return fitted(at, usual)
    stretched = stretch(at, usual)
    form = ClosedForm(
        stretched.network, stretched.resolutions, (_unscaled(stretched),), lambda _, resolution: at(resolution)
    )
    _check(form)
    return form


def _scaled(found: Architecture, variant: str, stretched: Stretch, choices: dict[str, Any]) -> tuple[Piece, ...]:
    if not found.build.__module__.startswith("costmodel.models."):
        raise CostModelError("how a function of yours rounds its widths is not known")
    resolution = stretched.network.config["resolution"]
    parts = pieces(found, variant, {"resolution": resolution, **choices})
    return tuple(
        Piece(lines.alphas, tuple(_layers(resized(lines.network, stretched.resolutions), lines.channels)))
        for lines in parts
    )


def _unscaled(stretched: Stretch) -> Piece:
    channels = {
        node.name: Channels(*((Fraction(count), Fraction(0)) for count in choices_of(node)))
        for node in stretched.network.nodes
        if chooses(node)
    }
    return Piece(None, tuple(_layers(stretched, channels)))


def _layers(stretched: Stretch, channels: dict[str, Channels]) -> Iterator[LayerForm]:
    """The forms of the layers that cost anything."""
    axes = stretched.axes
    made: dict[Node, Expr] = {}
    for node in stretched.network.nodes:
        made[node] = _made(node, channels, made, axes)
        if not node.inputs:
            continue
        work, stored = _costs(node, channels, made, axes)
        if work != 0 or stored != 0:
            yield LayerForm(node.name, node.layer.label(node.input_shapes), _polynomial(work), _polynomial(stored))


def _made(node: Node, channels: dict[str, Channels], made: dict[Node, Expr], axes: dict[Node, Axes]) -> Expr:
    """The channels that ``node`` makes. A flatten makes them of positions too, and they may grow with rho."""
    if chooses(node):
        return _expr(channels[node.name].made)
    if isinstance(node.layer, Concat):
        return sum(made[read] for read in node.inputs)
    read = node.inputs[0]
    return made[read] * math.prod(axes[read]) if isinstance(node.layer, Flatten) else made[read]


def _costs(
    node: Node, channels: dict[str, Channels], made: dict[Node, Expr], axes: dict[Node, Axes]
) -> tuple[Expr, Expr]:
    """(Multiply-adds, parameters) of one node."""
    layer, read = node.layer, node.inputs[0]
    if isinstance(layer, (Conv, TransposedConv)):
        groups, out = _expr(channels[node.name].groups), made[node]
        grid = axes[node if isinstance(layer, Conv) else read]
        values = {
            _P: math.prod(grid),
            _C: sympy.cancel(made[read] / groups),
            _N: out,
            _K: math.prod(layer.kernel),
            _G: groups,
        }
        return _CONV_WORK.subs(values), _CONV_WEIGHTS.subs(values) + (out if layer.bias else 0)
    if isinstance(layer, Linear):
        out = made[node]
        work = formulas.linear_multiply_adds(math.prod(axes[node]), made[read], out)
        return work, formulas.linear_weights(made[read], out) + (out if layer.bias else 0)
    if isinstance(layer, BatchNorm):
        return sympy.Integer(0), formulas.norm_affine(made[read]) if layer.affine else sympy.Integer(0)
    if layer.macs(node.input_shapes, node.shape) or layer.params(node.input_shapes).trainable:
        raise CostModelError(f"{node.name}: what {layer.kind(node.input_shapes)} costs is not known as a formula")
    return sympy.Integer(0), sympy.Integer(0)


def _expr(line: Line) -> Expr:
    start, slope = (sympy.Rational(number.numerator, number.denominator) for number in line)
    return start + slope * ALPHA


def _polynomial(expr: Expr) -> Polynomial:
    terms = sympy.Poly(expr, ALPHA, RHO).terms()
    return Polynomial({powers: Fraction(int(value.p), int(value.q)) for powers, value in terms if value != 0})


def _check(form: ClosedForm) -> None:
    """Hold the form against true networks, layer by layer, where it claims to hold: a guard beside the proof."""
    span = form.resolutions
    rhos = {span.first, span.first + 1, span.last or 3 * span.first + 4}
    for piece in form.pieces:
        for alpha in _alphas(piece):
            for rho in sorted(rhos):
                _check_at(form, piece, alpha, rho)


def _alphas(piece: Piece) -> list[Fraction | None]:
    """Two alphas at which no width is rounded."""
    if piece.alphas is None:
        return [None]
    step = piece.alphas.step
    if step is None:
        return []
    first = -(-piece.alphas.low // step) or 1
    return [alpha for alpha in (first * step, (first + 1) * step) if alpha in piece.alphas and alpha <= 100]


def _check_at(form: ClosedForm, piece: Piece, alpha: Fraction | None, rho: int) -> None:
    network = form.build(None if alpha is None else float(alpha), form.resolutions.step * rho)
    counted = [
        (node.name, Fraction(macs), Fraction(params))
        for node in network.nodes
        if node.inputs
        for macs in (node.layer.macs(node.input_shapes, node.shape),)
        for params in (node.layer.params(node.input_shapes).trainable,)
        if macs or params
    ]
    point = (alpha or 1, rho)
    claimed = [(layer.name, layer.multiply_adds.at(*point), layer.parameters.at(*point)) for layer in piece.layers]
    if counted != claimed:
        wrong = next((one[0] for one, other in zip(counted, claimed, strict=False) if one != other), "its layers")
        raise CostModelError(
            f"{network.name} has no closed form: {wrong} is another at resolution {form.resolutions.step * rho}"
            f"{'' if alpha is None else f' and alpha {alpha}'}"
        )
