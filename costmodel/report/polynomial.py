"""A polynomial in alpha and rho as people, LaTeX, Python and JSON write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from costmodel.scaling.closed_form.polynomial import Polynomial, Powers


def polynomial(form: Polynomial, letter: str = "rho") -> str:
    """``form`` for people, in a and rho, or another ``letter``.

    >>> polynomial(Polynomial({(2, 1): Fraction(1200), (0, 1): Fraction(-1), (0, 0): Fraction(3, 2)}))
    '1,200 a^2 rho - rho + 3/2'
    """
    return _sum(form, lambda powers: product(powers, ("a", letter)), _number)


def latex(form: Polynomial, letter: str = "rho") -> str:
    """The same for LaTeX.

    >>> print(latex(Polynomial({(2, 1): Fraction(1200), (0, 0): Fraction(3, 2)})))
    1{,}200 \\alpha^{2} \\rho + \\frac{3}{2}
    """
    names = r"\alpha", r"\rho" if letter == "rho" else letter
    return _sum(form, lambda powers: product(powers, names, "{}^{{{}}}"), _latex_number)


def python(form: Polynomial) -> str:
    """The same for Python, in n and rho, where every coefficient is whole.

    >>> python(Polynomial({(2, 1): Fraction(1200), (0, 0): Fraction(-3)}))
    '1200*n**2*rho - 3'
    """
    factors = ((value, product(powers, ("n", "rho"), "{}**{}").replace(" ", "*")) for powers, value in form.terms)
    return " + ".join(f"{value}*{variables}".rstrip("*") for value, variables in factors).replace("+ -", "- ")


def records(form: Polynomial, letter: str = "rho") -> list[dict[str, int | str]]:
    """The same for JSON: a term each, its exact coefficient and the powers of alpha and rho, or another ``letter``."""
    return [{"coefficient": whole(value), "alpha": alpha, letter: size} for (alpha, size), value in form.terms]


def whole(value: Fraction) -> int | str:
    """A number where it is one, a text elsewhere: ``"3/2"``."""
    return value.numerator if value.denominator == 1 else str(value)


def product(powers: Powers, names: Sequence[str] = ("a", "rho"), raised: str = "{}^{}") -> str:
    """The variables of a term.

    >>> product((2, 1)), product((0, 0))
    ('a^2 rho', '')
    """
    factors = zip(names, powers, strict=True)
    return " ".join(name if power == 1 else raised.format(name, power) for name, power in factors if power)


def _sum(form: Polynomial, variables: Callable[[Powers], str], number: Callable[[Fraction], str]) -> str:
    written = ""
    for powers, coefficient in form.terms:
        one = abs(coefficient) == 1 and any(powers)
        parts = ["" if one else number(abs(coefficient)), variables(powers)]
        written += f" {'-' if coefficient < 0 else '+'} {' '.join(filter(None, parts))}"
    return written.removeprefix(" + ").strip() or "0"


def _number(value: Fraction) -> str:
    return f"{value.numerator:,}" + (f"/{value.denominator:,}" if value.denominator > 1 else "")


def _latex_number(value: Fraction) -> str:
    top, bottom = (f"{part:,}".replace(",", "{,}") for part in value.as_integer_ratio())
    return top if bottom == "1" else rf"\frac{{{top}}}{{{bottom}}}"
