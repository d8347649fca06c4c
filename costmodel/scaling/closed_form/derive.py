"""Closed forms of networks of layers: an architecture's own function, of symbols."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.loading import load_with
from costmodel.models.registry import Architecture, resolve, takes_no
from costmodel.scaling.closed_form.fitted import costs_of, fitted, stride_of
from costmodel.scaling.closed_form.form import Alphas, ClosedForm, LayerForm, Piece, Resolutions
from costmodel.scaling.closed_form.polynomial import Polynomial
from costmodel.scaling.closed_form.symbol import BendError, Domain

_USUAL = 224

#: A network that no image so many times its usual one fits is one that takes a few sizes only.
_LARGER = (2, 5)

#: More ranges of alpha than this are no closed form.
_MOST_PIECES = 4


class _LostError(CostModelError):
    """A cost that depends on a size in which a floor is left over."""


def closed_form(name: str, alpha: float | None = None, **choices: Any) -> ClosedForm:
    """Multiply-adds and parameters of ``name`` as polynomials in alpha and rho, where the resolution is a step of rho.

    In rho alone where the architecture has no alpha, or ``alpha`` is given. ``choices`` go to every network. Raises
    :class:`~costmodel.errors.CostModelError` for an unknown name and for networks without closed form.

    >>> form = closed_form("mobilenet_v1")
    >>> form.resolutions.step, dict(form.pieces[0].multiply_adds.terms)[1, 0]
    (32, Fraction(1024000, 1))
    """
    architecture, variant = resolve(name)
    known = inspect.signature(architecture.build).parameters
    if "resolution" not in known:
        raise CostModelError(f"{name} takes no resolution, which is what a closed form is in; costmodel count {name}")
    if "resolution" in choices:
        raise CostModelError(f"resolution={choices['resolution']} is what a closed form of {name} varies; leave it out")
    if alpha is not None and "alpha" not in known:
        raise takes_no(name, "alpha", f"alpha={alpha} given", known)
    default = known["resolution"].default
    fixed = choices if alpha is None else {"alpha": alpha, **choices}
    form = closed_form_of(partial(_built, name, fixed, None), default if isinstance(default, int) else _USUAL)
    if alpha is not None:
        return replace(form, note=f"Alpha is {alpha:g}, its widths rounded")
    if "alpha" not in known:
        return form
    try:
        pieces = _pieces(architecture, variant, form, choices)
        scaled = replace(form, pieces=pieces, build=partial(_built, name, choices))
        _check(scaled)
    except CostModelError as error:
        return replace(form, note=f"No closed form in alpha: {error}; this is alpha {known['alpha'].default:g}")
    return scaled


def _built(name: str, choices: dict[str, Any], alpha: float | None, resolution: Any) -> Network:
    return load_with(name, {"resolution": resolution, **choices, **({} if alpha is None else {"alpha": alpha})})


def closed_form_of(at: Callable[[Any], Network], usual: int) -> ClosedForm:
    """The closed form, in rho alone, of the networks that ``at`` makes of each resolution; ``usual`` is one it takes.

    A network of layers is proven to have it; a captured module is read at several resolutions, checked at more. Raises
    :class:`~costmodel.errors.CostModelError` where no two resolutions are covered by one polynomial, with the module's
    reason where it takes one size alone.

    >>> import costmodel as cm
    >>> closed_form_of(lambda resolution: cm.lenet(resolution), 32).multiply_adds(resolution=34)
    Fraction(2735720, 1)
    """
    network = at(usual)
    if not all(node.provenance.built for node in network.nodes):
        return fitted(at, usual)
    if len(set(network.input.spatial)) > 1:
        raise CostModelError(
            f"{network.name} was built for a {network.input} input; closed forms are for square images"
        )
    longest = stride_of(network)
    endless = all(_takes(at, longest * -(-usual * times // longest)) for times in _LARGER)
    low, high = (1, 1) if endless else _neighbors(at, usual)
    for step in (divisor for divisor in range(1, longest + 1) if longest % divisor == 0):
        first = -(-low // step)
        while endless and not _takes(at, step * first):
            first += 1
        span = Resolutions(step, first, None if endless else high // step)
        if span.last is not None and span.last <= first:
            break
        try:
            layers = tuple(_layers(at(Domain(None, span).resolution)))
        except (BendError, _LostError):
            continue
        except CostModelError:
            return fitted(at, usual)  # a function that computes with numbers alone
        template = at(step * (-(-usual // step) if endless else first))
        form = ClosedForm(template, span, (Piece(None, layers),), lambda _, resolution: at(resolution))
        _check(form)
        return form
    raise CostModelError(
        f"{network.name} takes resolutions {low} to {high} only, and no two of them have one closed form;"
        f" costmodel count {network.name} counts it"
    )


def _takes(at: Callable[[int], Network], resolution: int) -> bool:
    try:
        at(resolution)
    except CostModelError:
        return False
    return True


def _neighbors(at: Callable[[int], Network], usual: int) -> tuple[int, int]:
    """The least and the largest resolution around ``usual`` that the network takes."""
    low = high = usual
    while low > 1 and _takes(at, low - 1):
        low -= 1
    while _takes(at, high + 1):
        high += 1
    return low, high


def _layers(network: Network) -> Iterator[LayerForm]:
    """The forms of the layers that cost anything."""
    for node in network.nodes:
        work, stored = _polynomial(node.macs, node.name), _polynomial(node.params.parameters, node.name)
        if work.coefficients or stored.coefficients:
            yield LayerForm(node.name, node.label, work, stored)


def _polynomial(cost: Any, name: str) -> Polynomial:
    form: Polynomial | None = Polynomial.of(cost) if isinstance(cost, int) else cost.form
    if form is None:
        raise _LostError(f"the cost of {name} is no polynomial")
    return form


def _pieces(architecture: Architecture, variant: str, form: ClosedForm, choices: dict[str, Any]) -> tuple[Piece, ...]:
    """The form over every range of alphas in which no comparison of the architecture has two answers."""
    known = inspect.signature(architecture.build).parameters
    if not architecture.build.__module__.startswith("costmodel.models."):
        raise CostModelError("how a function of yours rounds its widths is not known")

    def build(domain: Domain) -> Network:
        own = {"round_width": domain.round_width} if "round_width" in known else {}
        return architecture.build(alpha=domain.alpha, resolution=domain.resolution, variant=variant, **own, **choices)

    pieces: list[Piece] = []
    waiting = [Alphas(Fraction(0), None, False, None)]
    while waiting:
        span = waiting.pop(0)
        try:
            pieces.append(_piece(build, span, form.resolutions))
        except BendError as bend:
            if bend.at is None or len(pieces) + len(waiting) >= _MOST_PIECES:
                raise CostModelError("its widths are no lines in alpha") from None
            upper = () if bend.again else (replace(span, low=bend.at),)
            waiting = [replace(span, high=bend.at, closed=not bend.again), *upper, *waiting]
        except (TypeError, KeyError) as error:
            architecture.build(alpha=3.0, variant=variant, **choices)  # which may say why, as a table of widths does
            raise CostModelError(f"{architecture.name} computes with numbers alone ({error})") from None
    return tuple(pieces)


def _piece(build: Callable[[Domain], Network], span: Alphas, resolutions: Resolutions) -> Piece:
    domain = Domain(span, resolutions)
    network = build(domain)
    step = domain.exact_step()
    # Again, for the alphas at which nothing is rounded: what divides there is proven to.
    if step not in (None, domain.step):
        network = build(Domain(span, resolutions, step))
    return Piece(replace(span, step=step), tuple(_layers(network)))


def _check(form: ClosedForm) -> None:
    """Check the form against true networks, layer by layer, where it claims to hold: a guard beside the proof."""
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
    counted = [(name, *map(Fraction, costs)) for name, (_, costs) in costs_of(network)]
    point = (alpha or 1, rho)
    claimed = [(layer.name, layer.multiply_adds.at(*point), layer.parameters.at(*point)) for layer in piece.layers]
    if counted != claimed:
        wrong = next((one[0] for one, other in zip(counted, claimed, strict=False) if one != other), "its layers")
        raise CostModelError(
            f"{network.name} has no closed form: {wrong} is another at resolution {form.resolutions.step * rho}"
            f"{'' if alpha is None else f' and alpha {alpha}'}"
        )
