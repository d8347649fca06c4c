"""A closed form as a Python function to paste and run: ``costmodel formula --format python``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from costmodel.errors import CostModelError
from costmodel.report.polynomial import python
from costmodel.scaling.closed_form.form import ClosedForm, Piece


def function(form: ClosedForm, subject: str, where: str) -> str:
    """The source of a function of alpha and the resolution, in integers, that needs the standard library alone.

    Raises :class:`~costmodel.errors.CostModelError` where a width is rounded at every alpha.
    """
    span, shape = form.resolutions, form.network.input
    usual = (
        f"={shape.spatial[0] if shape.spatial else shape.elements}" if span.what in ("resolution", "sequence") else ""
    )
    scaled = [piece for piece in form.pieces if piece.alphas and piece.alphas.step is not None]
    if form.pieces[0].alphas and not scaled:
        raise CostModelError(f"{form.network.name} rounds a width at every alpha; fix one with --alpha")
    name = "".join(letter if letter.isalnum() else "_" for letter in form.network.name)
    last = "" if span.last is None else f" or rho > {span.last}"
    head = f'''\
def {name}({"alpha=1, " if scaled else ""}{span.what}{usual}):
    """(multiply-adds, parameters) of {subject}.

    Exact at {where};
    raises ValueError elsewhere. By costmodel.
    """
    rho, rest = divmod({span.what}, {span.step})
    if rest or rho < {span.first}{last}:
        raise ValueError(f"no closed form at {span.what} {{{span.what}}}")
'''
    if not scaled:
        return head + _returned(form.pieces[0], Fraction(1), "    ")
    body = f"""\
    a = Fraction(str(alpha))
    if {_outside(form.pieces)}:
        raise ValueError(f"no closed form at alpha {{alpha}}")
"""
    rounded = '    raise ValueError(f"a width is rounded at alpha {alpha}")'
    return "\n".join(["from fractions import Fraction\n\n", head + body + "\n".join(_cases(scaled)), rounded])


def _outside(pieces: Sequence[Piece]) -> str:
    """The condition, in Python, that ``a`` is in none of the pieces, which follow each other without a gap."""
    first, last = pieces[0].alphas, pieces[-1].alphas
    assert first is not None
    assert last is not None
    below = f"a < {first.low}" if first.low else "a <= 0"
    return below if last.high is None else f"{below} or a {'>' if last.closed else '>='} {last.high}"


def _cases(pieces: Sequence[Piece]) -> Iterator[str]:
    for piece in pieces:
        alphas = piece.alphas
        assert alphas is not None
        assert alphas.step is not None
        low = f"a >= {alphas.low}" if alphas.low else "a > 0"
        high = "" if alphas.high is None else f" and a {'<=' if alphas.closed else '<'} {alphas.high}"
        yield f"    n, rest = divmod(a, Fraction({alphas.step.numerator}, {alphas.step.denominator}))"
        yield f"    if {low}{high} and not rest:"
        yield _returned(piece, alphas.step, "        ")


def _returned(piece: Piece, step: Fraction, indent: str) -> str:
    # In whole numbers of steps every coefficient is whole, as every count is.
    return "\n".join(
        [
            f"{indent}multiply_adds = {python(piece.multiply_adds.scaled(step, 1))}",
            f"{indent}parameters = {python(piece.parameters.scaled(step, 1))}",
            f"{indent}return multiply_adds, parameters",
        ]
    )
