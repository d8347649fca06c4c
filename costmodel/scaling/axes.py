"""Axes of a sweep: the values that one argument of an architecture takes, from the text that a user types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from costmodel.errors import CostModelError

Value: TypeAlias = int | float | str

#: A table of more rows than this is a slip of the keyboard: at 3,000 networks a second it would take an hour.
LARGEST_GRID = 10_000_000

_NUMBER = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?", re.ASCII)
_SWITCH = {"true": True, "yes": True, "false": False, "no": False}


def parse_axis(name: str, text: str, default: Value | None) -> tuple[Value, ...]:
    """The values that ``text`` lists (``0.25,0.5,1.0``) or spans (``0.25:1.4:0.05``, both ends included).

    They are of the kind of ``default``, the argument's own: whole numbers, decimals, words, or true and false; where
    that is None, each is what it looks like. A span counts in decimals, so that it meets 0.3 where floating point
    would miss it.

    Raises :class:`~costmodel.errors.CostModelError` for an axis that is empty, reversed, without step or too long.

    >>> parse_axis("alpha", "0.25:0.4:0.05", 1.0)
    (0.25, 0.3, 0.35, 0.4)
    >>> parse_axis("resolution", "96,224", 224)
    (96, 224)
    """
    if ":" in text:
        return _span(name, text, default)
    return tuple(_value(name, part.strip(), default) for part in text.split(","))


def _span(name: str, text: str, default: Value | None) -> tuple[Value, ...]:
    parts = text.split(":")
    if isinstance(default, (str, bool)) or len(parts) != 3:
        raise CostModelError(f"{name}={text!r} is no axis; write start:stop:step of numbers, or a list with commas")
    start, stop, step = (_decimal(name, part) for part in parts)
    if step <= 0:
        raise CostModelError(f"{name}={text!r} has step {step}; a step is above 0")
    if start > stop:
        raise CostModelError(f"{name}={text!r} is reversed; write {parts[1]}:{parts[0]}:{parts[2]}")
    count = int((stop - start) / step) + 1
    check_size(count, f"{name}={text!r}")
    return tuple(_cast(name, start + index * step, default) for index in range(count))


def _value(name: str, text: str, default: Value | None) -> Value:
    if not text:
        raise CostModelError(f"{name} has an empty value; write values with commas between them, as in 0.5,0.75,1.0")
    if isinstance(default, bool):
        if text.lower() not in _SWITCH:
            raise CostModelError(f"{name}: {text!r} is neither true nor false; write one of them")
        return _SWITCH[text.lower()]
    if isinstance(default, str) or (default is None and not _NUMBER.fullmatch(text)):
        return text
    return _cast(name, _decimal(name, text), default)


def _decimal(name: str, text: str) -> Decimal:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise CostModelError(f"{name}: {text!r} is not a number") from None
    if not value.is_finite() or abs(value.adjusted()) > 30:
        raise CostModelError(f"{name}: {text!r} is not a usable number")
    return value


def _cast(name: str, value: Decimal, default: Value | None) -> Value:
    if isinstance(default, float):
        return float(value)
    if value == int(value):
        return int(value)
    if default is None:
        return float(value)
    raise CostModelError(f"{name}: {value} is not a whole number")


def check_size(points: int, what: str) -> None:
    """Raises :class:`~costmodel.errors.CostModelError` for more points than a table should have."""
    if points > LARGEST_GRID:
        raise CostModelError(f"{what} has {points:,} points, the most is {LARGEST_GRID:,}; use a larger step")


def grid_size(axes: Sequence[Sequence[Value]]) -> int:
    """Number of points of the product of ``axes``, checked.

    >>> grid_size([(0.5, 1.0), (96, 128, 160)])
    6
    """
    points = 1
    for values in axes:
        points *= len(values)
    check_size(points, "the grid")
    return points
