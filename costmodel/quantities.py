"""The one grammar of numbers that people type: ``100M``, ``3.5 million``, ``0.6 GFLOPs``, ``256 KiB``, ``2 %``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple, SupportsIndex

from costmodel.errors import CostModelError, nearest

#: Quantities in bytes, which depend on the type of the values: the most memory of the activations, and the parameters'.
SIZES = ("peak_memory", "size")

#: What a budget can be of: each is a number of a network.
QUANTITIES = ("multiply_adds", "flops", "activations", "parameters", "weights", *SIZES)

#: Bits of a value of each type, as PyTorch calls them; a bool is stored in a byte.
_BITS = {
    "float64": 64, "float32": 32, "float16": 16, "bfloat16": 16, "float8": 8, "float8_e4m3fn": 8, "float8_e5m2": 8,
    "float8_e4m3fnuz": 8, "float8_e5m2fnuz": 8, "float8_e8m0fnu": 8,
    "complex128": 128, "complex64": 64, "complex32": 32,
    "int64": 64, "int32": 32, "int16": 16, "int8": 8, "uint64": 64, "uint32": 32, "uint16": 16, "uint8": 8,
    "int4": 4, "uint4": 4, "int2": 2, "bool": 8,
}  # fmt: skip

#: What papers and devices call them.
_SHORT = {"fp64": "float64", "fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "fp8": "float8"}

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_SCALES = {
    "": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12, "P": 10**15, "E": 10**18,
    "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, **_BINARY,
}  # fmt: skip

_NUMBER = r"(\d+|\d{1,3}(?:,\d{3})+)(\.\d+)?(e\+?\d{1,2})?"
_UNIT = rf"((?:(?:{'|'.join(filter(None, _SCALES))}) )?[a-zA-Z%/-]*)"
_AMOUNT = re.compile(rf"{_NUMBER} ?{_UNIT}(?: at (\w+))?", re.ASCII)

_MULTIPLY_ADDS = ("MAC", "MACs", "Mac", "Macs", "MAdd", "MAdds", "multiply-adds")
#: A unit, without its scale -> what it is a number of. FLOPS has two meanings; the one that is asked for holds.
_UNITS = {
    "": ("",),
    **dict.fromkeys(_MULTIPLY_ADDS, ("multiply_adds",)),
    **dict.fromkeys(("FLOP", "FLOPs"), ("flops",)),
    "FLOPS": ("flops", "flops_per_second"),
    **dict.fromkeys(("FLOP/s", "FLOPs/s", "OPS"), ("flops_per_second",)),
    "activations": ("activations",),
    **dict.fromkeys(("param", "params", "parameters"), ("parameters",)),
    **dict.fromkeys(("B", "byte", "bytes"), ("bytes",)),
    "B/s": ("bytes_per_second",),
    "%": ("percent",),
}

#: A measure -> what it is, and how it is written.
_SAID = {
    "multiply_adds": ("number of multiply-adds", "300 MMAC or 0.6 GFLOPs"),
    "flops": ("number of FLOPs", "0.6 GFLOPs or 300 MMAC"),
    "activations": ("number of activations", "5 M or 5 M activations"),
    "parameters": ("number of parameters", "2.6 M or 10 MB at fp32"),
    "weights": ("number of weights", "2.6 M or 10 MB at fp32"),
    **dict.fromkeys(("bytes", *SIZES), ("size in bytes", "256 KiB or 10 MB")),
    "percent": ("percentage", "2 %"),
    "flops_per_second": ("rate in FLOPs a second", "82.6 TFLOPS"),
    "bytes_per_second": ("rate in bytes a second", "1008 GB/s"),
}

#: Numbers of what a network holds, which a size in bytes can be a size of.
STORED = ("parameters", "weights")

_RATES = ("flops_per_second", "bytes_per_second")

#: (a measure, the one that is asked for) -> what one of the former is of the latter.
_WORTH = {
    ("flops", "multiply_adds"): Fraction(1, 2),
    ("multiply_adds", "flops"): Fraction(2),
    ("parameters", "weights"): Fraction(1),
}


class Quantity(NamedTuple):
    """An exact amount, and its measure: a quantity, ``"bytes"``, ``"percent"``, a rate, or ``""`` where no unit says.

    ``dtype``: the type of the values that a size in bytes holds, as in ``0.4 MB at int8``; empty where none is said.
    """

    amount: Fraction
    measure: str
    dtype: str = ""

    def of(self, measure: str) -> Fraction | None:
        """The amount in units of ``measure``; None where it is of something else.

        >>> Quantity(Fraction(600), "flops").of("multiply_adds"), Quantity(Fraction(10), "bytes", "int8").of("weights")
        (Fraction(300, 1), Fraction(10, 1))
        """
        if self.measure in ("", measure):
            return self.amount
        if self.measure == "bytes" and measure in SIZES:
            return self.amount
        if self.measure == "bytes" and measure in STORED and self.dtype:
            return self.amount / bytes_of(self.dtype)
        worth = _WORTH.get((self.measure, measure))
        return None if worth is None else self.amount * worth


def precision(dtype: str) -> str:
    """A type as people say it after a size: the inverse of :func:`parse_dtype`.

    >>> precision("float32"), precision("int8")
    ('fp32', 'int8')
    """
    return next((short for short, known in _SHORT.items() if known == dtype), dtype)


def parse_dtype(text: str) -> str:
    """The type of numbers that ``text`` names, as PyTorch calls it.

    Raises :class:`~costmodel.errors.CostModelError` for an unknown type.

    >>> parse_dtype("fp16"), parse_dtype("int8")
    ('float16', 'int8')
    """
    dtype = _SHORT.get(text, text)
    if dtype not in _BITS:
        known = [*_BITS, *_SHORT]
        raise CostModelError(f"no type is called {text!r}; {nearest(text, known)}there are {', '.join(known)}")
    return dtype


def bytes_of(dtype: str) -> Fraction:
    """The bytes that one value of ``dtype`` takes.

    Raises :class:`~costmodel.errors.CostModelError` for an unknown type.

    >>> bytes_of("float32"), bytes_of("fp16"), bytes_of("int4")
    (Fraction(4, 1), Fraction(2, 1), Fraction(1, 2))
    """
    return Fraction(_BITS[parse_dtype(dtype)], 8)


def bytes_of_all(count: int, dtype: str) -> int:
    """The whole bytes that a tensor of ``count`` values takes: two of four bits share a byte.

    >>> bytes_of_all(3, "float32"), bytes_of_all(3, "int4")
    (12, 2)
    """
    bits = _BITS.get(dtype) or _BITS[parse_dtype(dtype)]
    return -(-count * bits // 8) if bits % 8 else count * (bits // 8)


def at_dtype(own: str, dtype: str) -> str:
    """The type of values that are ``own`` in a network stored at ``dtype``: indices and truth values keep theirs.

    An empty ``dtype`` keeps all.

    >>> at_dtype("float32", "int8"), at_dtype("int64", "int8"), at_dtype("float16", "")
    ('int8', 'int64', 'float16')
    """
    return dtype if dtype and "float" in own else own


def parse_quantity(text: object, of: str = "") -> Quantity:
    """The amount that ``text`` writes, exactly: in units of ``of``, a measure, or in its own where that is empty.

    A number may have commas or an exponent. After it come a scale (k, M, G, B, T, P, E, or a word such as million; Ki,
    Mi, Gi and Ti for bytes) and a unit: MAC or MAdd (multiply-adds), FLOPs (half a multiply-add), params, bytes, %, and
    for rates FLOPS, FLOP/s and B/s. M is 10^6 and Mi is 2^20; a B that follows no scale is a billion. A size in bytes
    is one of parameters where it says their type: ``0.4 MB at int8``; it stays bytes where it says none.

    Raises :class:`~costmodel.errors.CostModelError` where it is no number, has an unknown unit or one of something
    else, and for half a parameter or byte.

    >>> parse_quantity("300 MMAC").measure, parse_quantity("138B").amount, parse_quantity("256 KiB", "bytes").amount
    ('multiply_adds', Fraction(138000000000, 1), Fraction(262144, 1))
    >>> parse_quantity("0.6 GFLOPs", "multiply_adds").amount, parse_quantity("10 MB at fp32", "parameters").amount
    (Fraction(300000000, 1), Fraction(2500000, 1))
    """
    if isinstance(text, SupportsIndex) and not isinstance(text, bool) and operator.index(text) >= 0:
        return Quantity(Fraction(operator.index(text)), of)
    if not isinstance(text, str):
        raise CostModelError(f'{text!r} must be a whole number of at least 0, or a text, as in "100M"')
    read = _AMOUNT.fullmatch(text.strip())
    if read is None or len(text) > 60:
        example = _SAID[of or "flops"][1]
        raise CostModelError(f"{text[:60]!r} is not an amount; write it as 100M, 3,000,000, {example}")
    integer, fraction, exponent, suffix, dtype = read.groups(default="")
    digits = integer.replace(",", "") + fraction + exponent
    if of in ("bytes", *SIZES) and suffix == "B":
        raise CostModelError(f"{text!r} could be bytes or billions; write {digits} bytes or {digits} billion")
    scale, measures = _unit(text, suffix, of)
    measure = of if of in measures else measures[0]
    if dtype and measure != "bytes":
        raise CostModelError(f"{text!r} is no size in bytes, which alone depends on a type; leave out 'at {dtype}'")
    quantity = Quantity(Fraction(digits) * scale, measure, dtype and parse_dtype(dtype))
    amount = quantity.of(of) if of else quantity.amount
    if amount is None and measure == "bytes" and of in STORED:
        of, amount = "bytes", quantity.amount
    if amount is None or (not of and measure in _RATES):
        raise _of_something_else(text, measure, of)
    if of and (measure or of) not in (*_RATES, "percent") and quantity.amount.denominator > 1:
        hint = "" if suffix else f"; give it a unit, as in {digits}M"
        raise CostModelError(f"{text!r} is not a whole count{hint}")
    return quantity._replace(amount=amount, measure=of or measure)


def _unit(text: str, suffix: str, of: str) -> tuple[int, tuple[str, ...]]:
    """The factor and the measures of a unit with its scale in front."""
    splits = [suffix.split(" ")] if " " in suffix else [[suffix[:at], suffix[at:]] for at in range(len(suffix) + 1)]
    for scale, unit in splits:
        if scale in _SCALES and unit in _UNITS and _go_together(scale, unit):
            return _SCALES[scale], _UNITS[unit]
    # Counts come last, so that of units that differ in case alone one of them is offered.
    asked = [unit for unit in reversed(_UNITS) if of not in _RATES or of in _UNITS[unit]]
    spelled = [scale + unit for unit in asked for scale in _SCALES if _go_together(scale, unit)]
    known = ", ".join(sorted(asked)) if of in _RATES else "MAC, FLOPs, params, bytes and %"
    raise CostModelError(
        f"{text!r} has the unit {suffix!r}; {nearest(suffix, spelled)}units are {known}, after k, M, G, B, T, P or E,"
        " in tens: M is 10^6"
    )


def _go_together(scale: str, unit: str) -> bool:
    """Whether a unit has such a scale; a B alone is a billion."""
    if unit == "B" and scale in ("", "B"):
        return False
    return not scale or (unit != "%" and (scale not in _BINARY or unit in ("B", "B/s", "bytes")))


def _of_something_else(text: str, measure: str, of: str) -> CostModelError:
    noun = _SAID[measure][0]
    if measure in _RATES and not of:
        return CostModelError(f"{text!r} is a {noun}, and no rate is asked for; write an amount, as in 10 MB")
    return CostModelError(f"{text!r} is a {noun}, and {of} is no {noun}; write {of} as in {_SAID[of][1]}")


def parse_bound(text: object, of: str = "") -> Quantity:
    """The most that ``text`` allows: an amount as :func:`parse_quantity` reads it, after ``<=`` if it likes.

    >>> parse_bound("<= 250 M", "multiply_adds").amount
    Fraction(250000000, 1)
    """
    if not isinstance(text, str):
        return parse_quantity(text, of)
    bound = text.strip()
    if bound.startswith((">", "=", "<")) and not bound.startswith("<="):
        raise CostModelError(f"{text!r} is no upper bound; write <= {bound.lstrip('<>= ')}")
    return parse_quantity(bound.removeprefix("<=").strip(), of)


def budget(quantity: str, most: object) -> tuple[str, int]:
    """A quantity and the most of it that is allowed, in whole units.

    Raises :class:`~costmodel.errors.CostModelError` for another quantity, and as :func:`parse_bound` does.

    >>> budget("multiply-adds", "0.6 GFLOPs")
    ('multiply_adds', 300000000)
    """
    name = quantity.strip().replace("-", "_")
    if name not in QUANTITIES:
        raise _no_quantity(name)
    bound = parse_bound(most, name)
    if bound.measure == "bytes" and name in STORED:
        raise CostModelError(f"{most!r} is as many {name} as their type says; write {most} at fp32, or at int8")
    return name, math.floor(bound.amount)


def one_type(budgets: Mapping[str, object], dtype: str) -> str:
    """The type that sizes in bytes are at: ``dtype``, or what the texts of ``budgets`` name; empty for none.

    Raises :class:`~costmodel.errors.CostModelError` for an unknown type, and where there are several.

    >>> one_type({"peak_memory": "256 KiB at int8", "parameters": "3M"}, "")
    'int8'
    """
    texts = {quantity.strip().replace("-", "_"): most for quantity, most in budgets.items()}
    named = {parse_bound(most, quantity).dtype for quantity, most in texts.items() if quantity in SIZES}
    types = sorted({dtype and parse_dtype(dtype), *named} - {""})
    if len(types) > 1:
        raise CostModelError(f"budgets at {' and '.join(types)} are of different networks; ask for each by itself")
    return types[0] if types else ""


def parse_budget(text: str) -> tuple[str, int]:
    """A budget in one text: ``multiply_adds=100M``. Raises as :func:`budget` does.

    >>> parse_budget("parameters=3M")
    ('parameters', 3000000)
    """
    quantity, equals, most = text.partition("=")
    if equals:
        return budget(quantity, most)
    name = quantity.strip()
    if name.replace("-", "_") in QUANTITIES:
        raise CostModelError(f"{name} has no number; write {name}=100M")
    raise _no_quantity(name, f"write QUANTITY=NUMBER, as in multiply_adds={name or '100M'}; ")


def _no_quantity(name: str, hint: str = "") -> CostModelError:
    known = ", ".join(QUANTITIES)
    return CostModelError(f"no quantity is called {name!r}; {nearest(name, QUANTITIES)}{hint}there are {known}")


_SECONDS = {"s": Fraction(1), "ms": Fraction(1, 1000), "us": Fraction(1, 10**6), "µs": Fraction(1, 10**6)}


def parse_seconds(text: str) -> Fraction:
    """The time that ``text`` writes, in seconds, exactly.

    Raises :class:`~costmodel.errors.CostModelError` where it is no time above 0.

    >>> parse_seconds("0.31s"), parse_seconds("250 ms")
    (Fraction(31, 100), Fraction(1, 4))
    """
    read = re.fullmatch(r"(\d{1,12}(?:\.\d{1,12})?) ?([a-zµ]+)", text.strip(), re.ASCII if text.isascii() else 0)
    if read is None or read[2] not in _SECONDS or not Fraction(read[1]):
        raise CostModelError(f"{text[:60]!r} is no time; write it as 0.31s, 310 ms or 310000 us")
    return Fraction(read[1]) * _SECONDS[read[2]]
