"""A closed form, as plain values: what a network costs as polynomials in alpha and rho, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple, final

from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.scaling.closed_form.polynomial import Polynomial, total


class LayerForm(NamedTuple):
    """What one layer costs, as polynomials in (alpha, rho)."""

    name: str
    label: str
    multiply_adds: Polynomial
    parameters: Polynomial


@final
@dataclass(frozen=True)
class Alphas:
    """Width multipliers from ``low`` to ``high``, and those among them at which no width is rounded.

    These are the whole multiples of ``step``; None where there are none at all.
    """

    low: Fraction
    high: Fraction | None
    #: Whether ``high`` is one of them.
    closed: bool
    step: Fraction | None

    def __contains__(self, alpha: float | Fraction) -> bool:
        above = alpha > 0 and alpha >= self.low
        return above and (self.high is None or alpha < self.high or (self.closed and alpha == self.high))

    def exact(self, alpha: float | Fraction) -> bool:
        """Whether ``alpha``, a float read as the decimal that it shows, is among them and rounds no width."""
        return alpha in self and self.step is not None and decimal(alpha) % self.step == 0


def decimal(alpha: float | Fraction) -> Fraction:
    """The fraction that ``alpha`` shows: 7/20 for 0.35.

    >>> decimal(0.35)
    Fraction(7, 20)
    """
    return Fraction(str(alpha))


@final
@dataclass(frozen=True)
class Piece:
    """The closed form over one range of alphas; ``alphas`` is None where the cost does not depend on alpha."""

    alphas: Alphas | None
    layers: tuple[LayerForm, ...]

    @cached_property
    def multiply_adds(self) -> Polynomial:
        """Of the whole network."""
        return total(layer.multiply_adds for layer in self.layers)

    @cached_property
    def parameters(self) -> Polynomial:
        """Of the whole network."""
        return total(layer.parameters for layer in self.layers)


@final
@dataclass(frozen=True)
class Resolutions:
    """Square images of ``step * rho`` a side, for whole ``rho`` from ``first`` to ``last``; None: without end.

    Where ``what`` is ``"sequence"``, so many tokens instead, and the ``letter`` is their number. Where it is the letter
    of an input, each size that it stands for.
    """

    step: int
    first: int
    last: int | None
    what: str = "resolution"
    letter: str = "rho"

    @property
    def has_usual(self) -> bool:
        """Whether it is the size that the network has a usual one of, and no letter of an input."""
        return self.what in ("resolution", "sequence")

    def __str__(self) -> str:
        if self.has_usual:
            return f"{self.what} {f'{self.step} ' if self.what == 'resolution' else ''}{self.letter}"
        return self.what if self.step == 1 else f"{self.what} = {self.step} {self.letter}"

    def __contains__(self, resolution: int) -> bool:
        rho, rest = divmod(resolution, self.step)
        return rest == 0 and rho >= self.first and (self.last is None or rho <= self.last)


@final
@dataclass(frozen=True, repr=False)
class ClosedForm:
    """What ``name`` costs at every alpha and resolution, as polynomials: exact wherever :meth:`holds`.

    >>> import costmodel as cm
    >>> form = cm.closed_form("mobilenet_v1")
    >>> form
    <closed form of mobilenet_v1: resolution 32 rho>
    >>> form.holds(alpha=0.75, resolution=192), form.multiply_adds(0.75, 192)
    (True, Fraction(239273472, 1))
    >>> form.holds(alpha=0.35, resolution=192), form.holds(alpha=0.75, resolution=200)
    (False, False)
    """

    network: Network
    resolutions: Resolutions
    pieces: tuple[Piece, ...]
    #: The true network at an alpha and a resolution, rounding and all; alpha is None where the form has none.
    build: Callable[[float | None, int], Network]
    #: Why alpha is not among the variables, where the network has one; or how the form was found.
    note: str = ""
    #: Whether symbols went through every layer; otherwise it is what the network was seen to cost.
    proven: bool = True

    def __repr__(self) -> str:
        ranges = f", {len(self.pieces)} ranges of alpha" if len(self.pieces) > 1 else ""
        return f"<closed form of {self.network.name}: {self.resolutions}{ranges}>"

    def holds(self, alpha: float | Fraction | None = None, resolution: int = 224) -> bool:
        """Whether the form claims to equal the integer count there; ``alpha`` as for :meth:`piece`."""
        alphas = self.pieces[0].alphas
        if alphas is None:
            exact = alpha in (None, self._fixed)
        else:
            exact = any(piece.alphas and piece.alphas.exact(1 if alpha is None else alpha) for piece in self.pieces)
        return exact and resolution in self.resolutions

    def multiply_adds(self, alpha: float | Fraction | None = None, resolution: int = 224) -> Fraction:
        """Multiply-adds by the form, as if no width were rounded; ``alpha`` as for :meth:`piece`."""
        return self.piece(alpha).multiply_adds.at(*self._point(alpha, resolution))

    def parameters(self, alpha: float | Fraction | None = None, resolution: int = 224) -> Fraction:
        """Trainable parameters by the form, as if no width were rounded; ``alpha`` as for :meth:`piece`."""
        return self.piece(alpha).parameters.at(*self._point(alpha, resolution))

    def _point(self, alpha: float | Fraction | None, resolution: int) -> tuple[Fraction, Fraction]:
        return decimal(1 if alpha is None else alpha), Fraction(resolution, self.resolutions.step)

    @property
    def _fixed(self) -> object:
        """The alpha of a network whose form is in the resolution alone; None where it has none."""
        return self.network.config.get("alpha")

    def piece(self, alpha: float | Fraction | None = None) -> Piece:
        """The piece that has ``alpha``: 1 where none is given, or the one that the form was made for.

        Raises :class:`~costmodel.errors.CostModelError` where none does, and for another alpha than a form has that is
        in the resolution alone.
        """
        if self.pieces[0].alphas is None:
            if alpha not in (None, self._fixed):
                reason = "has no alpha" if self._fixed is None else f"is of alpha {self._fixed}"
                raise CostModelError(f"the closed form of {self.network.name} {reason}; leave out alpha={alpha}")
            return self.pieces[0]
        wanted = 1 if alpha is None else alpha
        for piece in self.pieces:
            if piece.alphas and wanted in piece.alphas:
                return piece
        end = self.pieces[-1].alphas
        below = f"; use an alpha below {end.high}" if end and wanted > 0 else ""
        raise CostModelError(f"{self.network.name} has no closed form at alpha={wanted}{below}")
