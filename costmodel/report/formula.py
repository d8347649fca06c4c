"""The report of ``costmodel formula``: a closed form as text, LaTeX or Python, and where each of its terms is from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, final

from costmodel import formulas
from costmodel.errors import CostModelError
from costmodel.report import formats
from costmodel.report.table import Cell, Table
from costmodel.report.units import percent
from costmodel.scaling.closed_form.api import Alphas, ClosedForm, LayerForm, Piece, Polynomial
from costmodel.scaling.closed_form.polynomial import Powers

if TYPE_CHECKING:
    from costmodel.scaling.closed_form.separable import Step

#: Width multipliers that papers and model zoos publish.
NAMED_ALPHAS = (0.25, 0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
#: At which the effect of rounding is measured: those published are few, and round less than others do.
MEASURED_STEP = Fraction(1, 200)
MEASURED_ALPHAS = tuple(MEASURED_STEP * step for step in range(50, 281))

_QUANTITIES = ("multiply_adds", "parameters")


def polynomial(form: Polynomial) -> str:
    """``form`` for people, in a and rho.

    >>> polynomial(Polynomial({(2, 1): Fraction(1200), (0, 1): Fraction(-1), (0, 0): Fraction(3, 2)}))
    '1,200 a^2 rho - rho + 3/2'
    """
    return _sum(form, lambda powers: _product(powers, ("a", "rho"), "{}^{}"), _number)


def _latex(form: Polynomial) -> str:
    return _sum(form, lambda powers: _product(powers, (r"\alpha", r"\rho"), "{}^{{{}}}"), _latex_number)


def _sum(form: Polynomial, variables: Callable[[Powers], str], number: Callable[[Fraction], str]) -> str:
    written = ""
    for powers, coefficient in form.terms:
        product = variables(powers)
        amount = "" if product and abs(coefficient) == 1 else number(abs(coefficient))
        sign = "-" if coefficient < 0 else "+"
        written += f" {sign} {amount} {product}".rstrip() if amount else f" {sign} {product}"
    return written.removeprefix(" + ").strip() or "0"


def _product(powers: Powers, names: Sequence[str], raised: str) -> str:
    factors = zip(names, powers, strict=True)
    return " ".join(name if power == 1 else raised.format(name, power) for name, power in factors if power)


def _number(value: Fraction) -> str:
    return f"{value.numerator:,}" + (f"/{value.denominator:,}" if value.denominator > 1 else "")


def _latex_number(value: Fraction) -> str:
    top, bottom = (f"{part:,}".replace(",", "{,}") for part in value.as_integer_ratio())
    return top if bottom == "1" else rf"\frac{{{top}}}{{{bottom}}}"


@final
@dataclass(frozen=True)
class FormulaReport:
    """A closed form: the two polynomials, where they hold, and a row a term and type of layer, or a row a layer."""

    form: ClosedForm
    by: str = "term"

    def text(self, color: bool) -> str:
        tables = [formats.text(self._lines(), self._table(), color)]
        if (rounding := self.rounding()) is not None:
            tables.append(formats.text(self._rounding_lines(), rounding, color))
        return "\n\n".join(tables)

    def markdown(self) -> str:
        answer, *others = self._lines()
        return formats.markdown((f"**{answer}**", *others), self._table())

    def csv(self) -> str:
        return formats.csv_text(self._table())

    def json(self) -> str:
        """The polynomials as lists of terms: an exact coefficient, and the powers of alpha and rho."""
        span = self.form.resolutions
        document = {
            "model": self.form.network.name,
            "resolution": {"step": span.step, "first_rho": span.first, "last_rho": span.last},
            "proven": self.form.proven,
            "note": self.form.note,
            "pieces": [
                {
                    "alpha": piece.alphas
                    and {
                        "low": _whole(piece.alphas.low),
                        "high": piece.alphas.high and _whole(piece.alphas.high),
                        "step": piece.alphas.step and _whole(piece.alphas.step),
                    },
                    **{quantity: _records(getattr(piece, quantity)) for quantity in _QUANTITIES},
                    "layers": [
                        {
                            "name": layer.name,
                            "type": layer.label,
                            **{quantity: _records(getattr(layer, quantity)) for quantity in _QUANTITIES},
                        }
                        for layer in piece.layers
                    ],
                }
                for piece in self.form.pieces
            ],
        }
        return formats.json_text(document)

    def latex(self) -> str:
        """An ``align*`` of amsmath, with what it is of as comments above it."""
        rows = [rf"\text{{{_title(quantity)}}} &= {self._latex_of(quantity)}" for quantity in _QUANTITIES]
        comments = [f"% {line}" for line in (self._subject(), *self._notes())]
        return "\n".join([*comments, r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}"])

    def python(self) -> str:
        """A function of alpha and the resolution, in integers, that needs the standard library alone."""
        return "\n".join(_function(self.form, self._subject(), self._where()))

    def rounding(self) -> Table | None:
        """True counts beside the form at the alphas that are published; None where the form has no alpha."""
        if self.form.pieces[0].alphas is None:
            return None
        rows: list[tuple[Cell, ...]] = []
        for alpha in NAMED_ALPHAS:
            row: list[Cell] = [f"{alpha:g}"]
            try:
                network = self.form.build(alpha, self._usual())
                for quantity in _QUANTITIES:
                    true = getattr(network, quantity)
                    claimed = getattr(self.form, quantity)(alpha, self._usual())
                    row += [true, round(claimed), float((true - claimed) / claimed)]
            except CostModelError:
                continue  # an alpha that the architecture, or its form, does not have
            rows.append(tuple(row))
        return Table(("alpha", "multiply_adds", "by the form", "off", "parameters", "by the form", "off"), tuple(rows))

    def moved(self) -> list[tuple[Fraction, float]]:
        """By how much rounding moves the multiply-adds, as a share of the form's, at each of ``MEASURED_ALPHAS``."""
        found = []
        for alpha in MEASURED_ALPHAS:
            try:
                true = self.form.build(float(alpha), self._usual()).multiply_adds
                claimed = self.form.multiply_adds(alpha, self._usual())
            except CostModelError:
                continue  # as in rounding()
            found.append((alpha, float((true - claimed) / claimed)))
        return found

    def _usual(self) -> int:
        """The resolution at which the form was read: the network's usual one, or the next at which it holds."""
        usual: int = self.form.network.input.spatial[0]
        return usual

    def _rounding_lines(self) -> tuple[str, ...]:
        moved = self.moved()
        ends = [end(moved, key=lambda found: found[1]) for end in (min, max)]
        least, most = (f"{percent(share)} (alpha {float(alpha):g})" for alpha, share in ends)
        first, last = (float(alpha) for alpha, _ in (moved[0], moved[-1]))
        return (
            f"Rounding of the widths moves the multiply-adds by {least} to {most}, of alphas from {first:g} to {last:g}"
            f" in steps of {float(MEASURED_STEP):g} at resolution {self._usual()}.",
            "The true counts beside the form (--alpha fixes one, rounding and all):",
        )

    def _lines(self) -> tuple[str, ...]:
        several = len(self.form.pieces) > 1
        answer = [
            f"{_title(quantity)} = {polynomial(getattr(piece, quantity))}"
            + (f", for {_range(piece)}" if several else "")
            for quantity in _QUANTITIES
            for piece in self.form.pieces
        ]
        source = [f"Source: {self.form.network.source}"] if self.form.network.source else []
        return (*answer, self._subject(), *source, *self._notes())

    def _subject(self) -> str:
        """The network in a line, and what the variables are."""
        variables = ["alpha a"] if self.form.pieces[0].alphas else []
        classes = self.form.network.config.get("num_classes")
        named = [f"{classes} classes"] if classes else []
        resolution = f"resolution {self.form.resolutions.step} rho"
        return f"{self.form.network.name}: {', '.join([*variables, resolution, *named])}"

    def _notes(self) -> list[str]:
        return [
            f"{'Exact' if self.form.proven else 'Seen to be exact'} at {self._where()}.",
            *([f"{self.form.note}."] if self.form.note else []),
        ]

    def _where(self) -> str:
        span = self.form.resolutions
        if span.last is None:
            sizes = f"resolutions {span.step} rho, from {span.first * span.step} on"
        else:
            sizes = f"resolutions {span.first * span.step} to {span.last * span.step} that {span.step} divides"
        if self.form.pieces[0].alphas is None:
            return sizes
        steps = dict.fromkeys(piece.alphas.step for piece in self.form.pieces if piece.alphas)
        if len(steps) == 1:
            return f"{_multiples(next(iter(steps)))}, which round no width, and {sizes}"
        several = [f"{_multiples(piece.alphas.step)} for {_range(piece)}" for piece in self.form.pieces if piece.alphas]
        return f"{' and '.join(several)}, which round no width, and {sizes}"

    def _latex_of(self, quantity: str) -> str:
        if len(self.form.pieces) == 1:
            return _latex(getattr(self.form.pieces[0], quantity))
        cases = [
            f"{_latex(getattr(piece, quantity))} & {_latex_range(piece.alphas)}"
            for piece in self.form.pieces
            if piece.alphas
        ]
        return r"\begin{cases} " + r" \\ ".join(cases) + r" \end{cases}"

    def _table(self) -> Table:
        rows = self._layers() if self.by == "layer" else self._terms()
        several = len(self.form.pieces) > 1
        known = ("layer", "type", *_QUANTITIES) if self.by == "layer" else _COLUMNS
        shown = tuple((_range(piece), *cells) if several else cells for piece, cells in rows)
        return Table((("alpha",) if several else ()) + known, shown)

    def _layers(self) -> Iterator[tuple[Piece, tuple[Cell, ...]]]:
        for piece in self.form.pieces:
            for layer in piece.layers:
                forms = (polynomial(layer.multiply_adds), polynomial(layer.parameters))
                yield piece, (layer.name, layer.label, *forms)

    def _terms(self) -> Iterator[tuple[Piece, tuple[Cell, ...]]]:
        """A row for each term and each type of layer that has a part in it."""
        for piece in self.form.pieces:
            for quantity in _QUANTITIES:
                for powers, _ in getattr(piece, quantity).terms:
                    for label, layers in _by_type(piece, quantity, powers):
                        parts = [getattr(layer, quantity).coefficients[powers] for layer in layers]
                        names = [layers[0].name, *([layers[-1].name] if len(layers) > 1 else [])]
                        term = _product(powers, ("a", "rho"), "{}^{}") or "1"
                        amount = _whole(sum(parts, Fraction(0)))
                        yield piece, (_title(quantity), term, amount, len(layers), label, " to ".join(names))


_COLUMNS = ("of", "term", "coefficient", "layers", "type", "from")


def _whole(value: Fraction) -> Cell:
    return value.numerator if value.denominator == 1 else str(value)


def _records(form: Polynomial) -> list[dict[str, Cell]]:
    return [{"coefficient": _whole(value), "alpha": powers[0], "rho": powers[1]} for powers, value in form.terms]


def _by_type(piece: Piece, quantity: str, powers: Powers) -> list[tuple[str, list[LayerForm]]]:
    """The layers that have a part in one term, by type, in the order of the network."""
    types: dict[str, list[LayerForm]] = {}
    for layer in piece.layers:
        if powers in getattr(layer, quantity).coefficients:
            types.setdefault(layer.label, []).append(layer)
    return list(types.items())


def _title(quantity: str) -> str:
    return quantity.replace("multiply_adds", "multiply-adds")


def _multiples(step: Fraction | None) -> str:
    if step is None:
        return "no alpha"
    return "whole alphas" if step == 1 else f"alphas that are multiples of {step}"


def _range(piece: Piece) -> str:
    alphas = piece.alphas
    if alphas is None or (not alphas.low and alphas.high is None):
        return "every a"
    if alphas.high is None:
        return f"a from {alphas.low} on"
    if not alphas.low:
        return f"a up to {alphas.high}"
    return f"a from {alphas.low} to below {alphas.high}"


def _latex_range(alphas: Alphas) -> str:
    low = rf"{alphas.low} \le " if alphas.low else ""
    sign = r"\le" if alphas.closed else "<"
    high = "" if alphas.high is None else f" {sign} {alphas.high}"
    return rf"{low}\alpha{high}"


def _function(form: ClosedForm, subject: str, where: str) -> Iterator[str]:
    """The lines of a Python function that computes the form."""
    span = form.resolutions
    scaled = [piece for piece in form.pieces if piece.alphas and piece.alphas.step is not None]
    if form.pieces[0].alphas and not scaled:
        raise CostModelError(f"{form.network.name} rounds a width at every alpha; fix one with --alpha")
    name = "".join(letter if letter.isalnum() else "_" for letter in form.network.name)
    usual = form.network.input.spatial[0]
    yield from ["from fractions import Fraction", "", ""] if scaled else []
    yield f"def {name}({'alpha=1, ' if scaled else ''}resolution={usual}):"
    yield f'    """(multiply-adds, parameters) of {subject}.'
    yield ""
    yield f"    Exact at {where};"
    yield "    raises ValueError elsewhere. By costmodel."
    yield '    """'
    yield f"    rho, rest = divmod(resolution, {span.step})"
    high = "" if span.last is None else f" or rho > {span.last}"
    yield f"    if rest or rho < {span.first}{high}:"
    yield '        raise ValueError(f"no closed form at resolution {resolution}")'
    if not scaled:
        yield from _returned(form.pieces[0], Fraction(1), "    ")
        return
    yield "    a = Fraction(str(alpha))"
    yield f"    if {_outside(form.pieces)}:"
    yield '        raise ValueError(f"no closed form at alpha {alpha}")'
    for piece in scaled:
        alphas = piece.alphas
        assert alphas is not None
        assert alphas.step is not None
        bounds = ["a > 0"] if not alphas.low else [f"a >= {alphas.low}"]
        bounds += [] if alphas.high is None else [f"a {'<=' if alphas.closed else '<'} {alphas.high}"]
        yield f"    n, rest = divmod(a, Fraction({alphas.step.numerator}, {alphas.step.denominator}))"
        yield f"    if {' and '.join(bounds)} and not rest:"
        yield from _returned(piece, alphas.step, "        ")
    yield '    raise ValueError(f"a width is rounded at alpha {alpha}")'


def _outside(pieces: Sequence[Piece]) -> str:
    """The condition, in Python, that ``a`` is in none of the pieces, which follow each other without a gap."""
    first, last = pieces[0].alphas, pieces[-1].alphas
    assert first is not None
    assert last is not None
    below = f"a < {first.low}" if first.low else "a <= 0"
    return below if last.high is None else f"{below} or a {'>' if last.closed else '>='} {last.high}"


def _returned(piece: Piece, step: Fraction, indent: str) -> Iterator[str]:
    # In whole numbers of steps every coefficient is whole, as every count is.
    for quantity in _QUANTITIES:
        form: Polynomial = getattr(piece, quantity).scaled(step, 1)
        terms = [
            "*".join([str(coefficient), *filter(None, [_product(powers, ("n", "rho"), "{}**{}").replace(" ", "*")])])
            for powers, coefficient in form.terms
        ]
        yield f"{indent}{quantity} = {' + '.join(terms).replace('+ -', '- ')}"
    yield f"{indent}return multiply_adds, parameters"


@final
@dataclass(frozen=True)
class SeparableReport:
    """The derivation of 1/N + 1/K^2, and what it comes to."""

    steps: tuple[Step, ...]

    def text(self, color: bool) -> str:
        rows = tuple((step.what, step.call, step.text) for step in self.steps)
        lines = (f"separable / standard = {self.steps[-2].text} = {self.steps[-1].text}", *_SEPARABLE)
        worked = formats.text((_WORKED,), self.worked(), color)
        return formats.text(lines, Table(("what", "formula", "comes to"), rows), color) + "\n\n" + worked

    def latex(self) -> str:
        rows = [rf"\text{{{step.what}}} &= {step.latex}" for step in self.steps]
        comments = [f"% {line}" for line in _SEPARABLE]
        return "\n".join([*comments, r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}"])

    def python(self) -> str:
        """The ratio as a function, in integers."""
        return "\n".join(
            (
                "def separable_ratio(n, k):",
                '    """Depthwise separable over standard convolution, as (numerator, denominator).',
                "",
                "    With n filters and a kernel of k x k; for multiply-adds and weights alike. By costmodel.",
                '    """',
                "    return n + k * k, n * k * k",
            )
        )

    def worked(self) -> Table:
        """The ratio for a few N and K."""
        rows = []
        for kernel in (3, 5):
            for channels in (32, 64, 128, 256, 512, 1024):
                top, bottom = formulas.separable_ratio(channels, kernel * kernel)
                rows.append((kernel, channels, f"{top}/{bottom}", top / bottom, f"{bottom / top:.2f} times"))
        return Table(("K", "N", "ratio", "share", "cheaper"), tuple(rows))


_SEPARABLE = (
    "M channels in, N channels out, a kernel of K x K, P positions of the output. Without bias and norm.",
    "The same ratio for multiply-adds and for weights (P = 1), at every size, stride and padding.",
    "Sources: arXiv:1704.04861 section 3.1; arXiv:1801.04381 section 3.1.",
)
_WORKED = "Worked: never cheaper than K^2 times, and as near to it as N is large."
