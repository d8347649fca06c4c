"""The report of ``costmodel formula``: a closed form as text, LaTeX or Python, and where each of its terms is from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from typing import final

from costmodel.errors import CostModelError
from costmodel.report.answer import Answer, align_star, aligned
from costmodel.report.formula_python import function
from costmodel.report.polynomial import latex, polynomial, product, records, whole
from costmodel.report.table import Cell, Table
from costmodel.report.units import percent, words_of
from costmodel.scaling.closed_form.form import Alphas, ClosedForm, LayerForm, Piece
from costmodel.scaling.closed_form.polynomial import Powers

#: Width multipliers that papers and model zoos publish.
NAMED_ALPHAS = (0.25, 0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
#: At which the effect of rounding is measured: those published are few, and round less than others do.
MEASURED_STEP = Fraction(1, 200)
MEASURED_ALPHAS = tuple(MEASURED_STEP * step for step in range(50, 281))

_QUANTITIES = ("multiply_adds", "parameters")


@final
class FormulaReport(Answer):
    """A closed form: the two polynomials, where they hold, and a row a term and type of layer, or a row a layer."""

    form: ClosedForm
    by: str = "term"

    def text(self, color: bool = False, width: int = 0) -> str:
        rounding = self.rounding()
        worked = "" if rounding is None else f"\n\n{aligned(self._rounding_lines(), rounding, color, width)}"
        return super().text(color, width) + worked

    def document(self) -> object:
        """The polynomials as lists of terms: an exact coefficient, and the powers of alpha and rho."""
        span = self.form.resolutions
        return {
            "model": self.form.network.name,
            span.what: {"step": span.step, f"first_{span.letter}": span.first, f"last_{span.letter}": span.last},
            "proven": self.form.proven,
            "note": self.form.note,
            "pieces": [
                {
                    "alpha": piece.alphas
                    and {
                        "low": whole(piece.alphas.low),
                        "high": piece.alphas.high and whole(piece.alphas.high),
                        "step": piece.alphas.step and whole(piece.alphas.step),
                    },
                    **_polynomials(piece, span.letter),
                    "layers": [
                        {"name": layer.name, "type": layer.label, **_polynomials(layer, span.letter)}
                        for layer in piece.layers
                    ],
                }
                for piece in self.form.pieces
            ],
        }

    def latex(self) -> str:
        """An ``align*`` of amsmath, with what it is of as comments above it."""
        rows = [(words_of(quantity), self._latex_of(quantity)) for quantity in _QUANTITIES]
        return align_star([self._subject(), *self._notes()], rows)

    def python(self) -> str:
        """A function of alpha and the resolution, in integers, that needs the standard library alone."""
        return function(self.form, self._subject(), self._where())

    def rounding(self) -> Table | None:
        """True counts next to those of the form at the alphas that are published; None where the form has no alpha."""
        if self.form.pieces[0].alphas is None:
            return None
        columns = ("alpha", "multiply_adds", "by the form", "off", "parameters", "by the form", "off")
        compared = self._compared(NAMED_ALPHAS, *_QUANTITIES)
        return Table(columns, tuple((f"{alpha:g}", *chain(*numbers)) for alpha, numbers in compared))

    def moved(self) -> list[tuple[float, float]]:
        """By how much rounding moves the multiply-adds, as a share of the form's, at each of ``MEASURED_ALPHAS``."""
        return [(float(alpha), off) for alpha, [(_, _, off)] in self._compared(MEASURED_ALPHAS, "multiply_adds")]

    def _compared(
        self, alphas: Iterable[float | Fraction], *quantities: str
    ) -> Iterator[tuple[float | Fraction, list[tuple[int, int, float]]]]:
        """Of each quantity the true count, the form's to the nearest whole number, and the share that it is off by."""
        for alpha in alphas:
            try:
                network = self.form.build(float(alpha), self._usual())
                pairs = [
                    (getattr(network, name), getattr(self.form, name)(alpha, self._usual())) for name in quantities
                ]
            except CostModelError:
                continue  # an alpha that the architecture, or its form, does not have
            yield alpha, [(true, round(claimed), float((true - claimed) / claimed)) for true, claimed in pairs]

    def _usual(self) -> int:
        """The resolution at which the form was read: the network's usual one, or the next at which it holds."""
        usual: int = self.form.network.input.spatial[0]
        return usual

    def _rounding_lines(self) -> tuple[str, ...]:
        moved = self.moved()
        ends = [end(moved, key=lambda move: move[1]) for end in (min, max)]
        least, most = (f"{percent(share)} (alpha {alpha:g})" for alpha, share in ends)
        first, last = moved[0][0], moved[-1][0]
        return (
            f"Rounding of the widths moves the multiply-adds by {least} to {most}, of alphas from {first:g} to {last:g}"
            f" in steps of {float(MEASURED_STEP):g} at resolution {self._usual()}.",
            "The true counts next to those of the form (--alpha fixes one, rounding and all):",
        )

    def lines(self) -> tuple[str, ...]:
        several = len(self.form.pieces) > 1
        answer = [
            f"{words_of(quantity)} = {polynomial(getattr(piece, quantity), self.form.resolutions.letter)}"
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
        return f"{self.form.network.name}: {', '.join([*variables, str(self.form.resolutions), *named])}"

    def _notes(self) -> list[str]:
        return [
            f"{'Exact' if self.form.proven else 'Seen to be exact'} at {self._where()}.",
            *([f"{self.form.note}."] if self.form.note else []),
        ]

    def _where(self) -> str:
        span = self.form.resolutions
        if span.what == "sequence":
            return "any number T of tokens" if span.last is None else f"{span.first} to {span.last} tokens"
        if span.what != "resolution":
            return f"{span}, from {span.first * span.step} on"
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
            return latex(getattr(self.form.pieces[0], quantity), self.form.resolutions.letter)
        cases = [
            f"{latex(getattr(piece, quantity))} & {_latex_range(piece.alphas)}"
            for piece in self.form.pieces
            if piece.alphas
        ]
        return r"\begin{cases} " + r" \\ ".join(cases) + r" \end{cases}"

    def table(self) -> Table:
        rows = self._layers() if self.by == "layer" else self._terms()
        several = len(self.form.pieces) > 1
        known = ("layer", "type", *_QUANTITIES) if self.by == "layer" else _COLUMNS
        shown = tuple((_range(piece), *cells) if several else cells for piece, cells in rows)
        return Table((("alpha",) if several else ()) + known, shown)

    def _layers(self) -> Iterator[tuple[Piece, tuple[Cell, ...]]]:
        for piece in self.form.pieces:
            for layer in piece.layers:
                letter = self.form.resolutions.letter
                forms = (polynomial(layer.multiply_adds, letter), polynomial(layer.parameters, letter))
                yield piece, (layer.name, layer.label, *forms)

    def _terms(self) -> Iterator[tuple[Piece, tuple[Cell, ...]]]:
        """A row for each term and each type of layer that has a part in it."""
        for piece in self.form.pieces:
            for quantity in _QUANTITIES:
                for powers, _ in getattr(piece, quantity).terms:
                    for label, layers in _by_type(piece, quantity, powers):
                        parts = [getattr(layer, quantity).coefficients[powers] for layer in layers]
                        names = [layers[0].name, *([layers[-1].name] if len(layers) > 1 else [])]
                        term = product(powers, ("a", self.form.resolutions.letter)) or "1"
                        amount = whole(sum(parts, Fraction(0)))
                        yield piece, (words_of(quantity), term, amount, len(layers), label, " to ".join(names))


_COLUMNS = ("of", "term", "coefficient", "layers", "type", "from")


def _polynomials(part: Piece | LayerForm, letter: str) -> dict[str, object]:
    return {quantity: records(getattr(part, quantity), letter) for quantity in _QUANTITIES}


def _by_type(piece: Piece, quantity: str, powers: Powers) -> list[tuple[str, list[LayerForm]]]:
    """The layers that have a part in one term, by type, in the order of the network."""
    types: dict[str, list[LayerForm]] = {}
    for layer in piece.layers:
        if powers in getattr(layer, quantity).coefficients:
            types.setdefault(layer.label, []).append(layer)
    return list(types.items())


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
