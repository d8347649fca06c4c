"""How likely a reading is before its digits are seen, and how likely a claim is that nothing here explains.

All odds are against the plain reading, of which one figure is taken: odds of 0.1 say that for ten figures that are the
plain reading, one is read so. They follow the published numbers that ship with the package, read by hand: of those of
multiply-adds, 102 are plain, 9 leave out the classifier, 8 the stem, 4 all but the convolutions, 15 are of another
variant, 4 of another number of classes, 2 count two operations a multiply-add, and 40 have no rule. Papers do not print
what tools say; for tools the odds follow the questions in ``public_questions``. ``tests/reproduction/test_odds.py``
counts again.

>>> odds("multiply_adds", "part", "without the stem")
0.08
"""

from __future__ import annotations

import math

from costmodel.published.tables import PrintedNumber

#: Quantity -> kind of variation -> what it is -> its odds; "" stands for all that are not named, each.
_ODDS: dict[str, dict[str, dict[str, float]]] = {
    "multiply_adds": {
        "part": {
            "without the classifier": 0.09,
            "without the stem": 0.08,
            "convolutions alone": 0.04,
            "": 0.01,
        },
        "factor": {"": 0.02},
        "variant": {"": 0.15},
        "classes": {"": 0.02},
        "counting": {
            **dict.fromkeys(("thop", "ptflops"), 0.1),
            **dict.fromkeys(("fvcore", "osmr/2", "thop_2019"), 0.08),
            "mmcv": 0.04,
            "osmr": 0.01,
            "": 0.02,
        },
        "resolution": {"": 0.03},
        "unit": {"": 0.01},
        "batch": {"": 0.01},
    },
    "parameters": {
        "counting": {"weights": 0.04, "slim": 0.03, "": 0.01},
        "variant": {"": 0.15},
        "classes": {"": 0.02},
        "part": {"without the classifier": 0.03, "": 0.01},
        "unit": {"": 0.02},
    },
    "activations": {
        "variant": {"": 0.15},
        "classes": {"": 0.02},
        "resolution": {"": 0.03},
        "unit": {"": 0.01},
        "batch": {"": 0.01},
    },
}

#: Kinds of which the odds are of all values together, and each has its part.
_SHARED = ("variant", "resolution", "classes", "batch", "unit")

#: By FLOPs most papers mean one a multiply-add, some two.
TWO_IN_FLOPS = 0.15
#: How often a number is cut off at its last digit, for one that is rounded: 56 of the published for 229.
_ROUNDING = {"exact": 1.0, "rounded": 1.0, "truncated": 0.2}

#: Claims that no rule here explains, for one that is the plain reading: 49 of the published for 167.
UNKNOWN = 0.3
UNKNOWN_ORIGIN_KNOWN = 0.07

#: Where such claims lie: the center, how far around it (of the logarithm, on average), and the share that lies there.
_AROUND = ((1, 0.05, 0.5), (2, 0.05, 0.1), (1, 1.0, 0.4))


def odds(quantity: str, kind: str, what: str, among: int = 1) -> float:
    """The odds of a variation; ``among`` is how many values its kind has."""
    named = _ODDS[quantity][kind]
    return named.get(what, named[""]) / (among if kind in _SHARED else 1)


def rounding_odds(rounding: str) -> float:
    """How often a number is printed so."""
    return _ROUNDING[rounding]


def unknown_odds(printed: PrintedNumber, plain: int, origin_known: bool = False) -> float:
    """The odds that something that nobody here knows is printed as just this number.

    They fall with every digit, and are largest near the plain number, where most mistakes lie. Where whoever asks knows
    who printed it, few are left: it is not made up, nor mistyped on its way.

    >>> near, far = (unknown_odds(PrintedNumber(value, 1), 300) for value in (302, 450))
    >>> near > 10 * far
    True
    """
    low, high = (max(printed.value + sign * printed.step / 2, 0.5) / plain for sign in (-1, 1))
    return (UNKNOWN_ORIGIN_KNOWN if origin_known else UNKNOWN) * sum(
        share * (_below(high / center, spread) - _below(low / center, spread)) for center, spread, share in _AROUND
    )


def _below(ratio: float, spread: float) -> float:
    """The share of a Laplace distribution of the logarithm that lies below ``ratio``."""
    far = math.log(ratio) / spread
    return 0.5 * math.exp(far) if far < 0 else 1 - 0.5 * math.exp(-far)
