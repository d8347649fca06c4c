"""Closed forms: what a network costs at every alpha and resolution at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costmodel.errors import CostModelError
from costmodel.scaling.closed_form.derive import derive, from_builds
from costmodel.scaling.closed_form.form import Alphas, ClosedForm, LayerForm, Piece, Resolutions
from costmodel.scaling.closed_form.polynomial import Polynomial

if TYPE_CHECKING:
    from collections.abc import Callable

    from costmodel.core.network import Network
    from costmodel.scaling.closed_form.separable import Step

__all__ = [
    "Alphas",
    "ClosedForm",
    "LayerForm",
    "Piece",
    "Polynomial",
    "Resolutions",
    "closed_form",
    "closed_form_of",
    "separable_steps",
]


def closed_form(name: str, alpha: float | None = None, **choices: Any) -> ClosedForm:
    """Multiply-adds and parameters of ``name`` as polynomials in alpha and rho, where the resolution is a step of rho.

    In rho alone where the architecture has no alpha, or ``alpha`` is given. ``choices`` go to every network. Raises
    :class:`~costmodel.errors.CostModelError` for an unknown name and for networks without closed form.

    >>> form = closed_form("mobilenet_v1")
    >>> form.resolutions.step, dict(form.pieces[0].multiply_adds.terms)[1, 0]
    (32, Fraction(1024000, 1))
    """
    return derive(name, alpha, **choices)


def closed_form_of(build: Callable[[int], Network], resolution: int) -> ClosedForm:
    """The closed form, in rho alone, of the networks that ``build`` makes of each resolution, such as the one given.

    A network of layers is proven to have it; a captured module is read at several resolutions, checked at more. Raises
    :class:`~costmodel.errors.CostModelError` as :func:`closed_form` does, with the module's reason where it takes one
    size alone.

    >>> import costmodel as cm
    >>> closed_form_of(lambda resolution: cm.lenet(resolution), 32).multiply_adds(resolution=34)
    Fraction(2735720, 1)
    """
    return from_builds(build, resolution)


def separable_steps() -> tuple[Step, ...]:
    """The derivation of 1/N + 1/K^2, line by line. Raises CostModelError where sympy is missing.

    >>> separable_steps()[-1].text
    '1/N + 1/K^2'
    """
    try:
        from costmodel.scaling.closed_form.separable import derivation
    except ModuleNotFoundError as missing:
        if missing.name != "sympy":
            raise
        raise CostModelError("this derivation needs sympy; pip install nn-costmodel[symbolic]") from None
    return derivation()
