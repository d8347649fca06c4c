"""The founding documents' worked examples that are wrong, and why.

A report of the same layer says so, for a reader who holds the document beside it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from costmodel.core.layers import Conv, Layer, conv
from costmodel.core.shape import Shape


class Erratum(NamedTuple):
    """A printed number that its own formula does not give."""

    document: str
    layer: Conv
    input: Shape
    quantity: str
    printed: int
    exact: int
    reason: str

    def __str__(self) -> str:
        return (
            f"Document {self.document} prints {self.printed:,} {self.quantity} for this layer; its own formula gives"
            f" {self.exact:,}: {self.reason}."
        )


ERRATA = (
    Erratum(
        document="000",
        layer=conv(6, kernel=11, stride=4, groups=3),
        input=Shape(3, (227, 227)),
        quantity="FLOPs",
        printed=2_205_225,
        exact=4_410_450,
        reason="it dropped a factor of 2 by summing half of the output channels",
    ),
)


def errata(layer: Layer, shape: Shape) -> list[Erratum]:
    """What the documents print wrongly for ``layer`` on an input of ``shape``; a bias does not matter.

    >>> errata(conv(6, kernel=11, stride=4, groups=3), Shape(3, (227, 227)))[0].printed
    2205225
    """
    if not isinstance(layer, Conv):
        return []
    plain = replace(layer, bias=False)
    return [erratum for erratum in ERRATA if erratum.layer == plain and erratum.input == shape]
