"""The choices of a layer as text, ``kernel 3x3, no bias``, and back: what a lock holds and a report shows."""

from __future__ import annotations

import re
from functools import lru_cache

from costmodel.core.layers import Choices

#: What is written after its number.
COUNTED = ("outputs", "rows", "features")

_SIDE = r"\d{1,19}(?::\d{1,19})?"
_SIZES = re.compile(f"{_SIDE}(?:x{_SIDE})*", re.ASCII)


def choices_text(choices: Choices) -> str:
    """``choices`` for people and locks: a size an axis with x between them, equal sides once.

    >>> choices_text((("kernel", (3, 5)), ("padding", ((0, 1), (2, 2))), ("groups", 4), ("bias", False)))
    'kernel 3x5, padding 0:1x2, groups 4, no bias'
    """
    return ", ".join([_choice_text(name, value) for name, value in choices])


def _choice_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return f"{'with' if value else 'no'} {name}"
    if name in COUNTED and isinstance(value, int):
        return f"{value} {name}"
    return name if value == "" else f"{name} {value_text(value)}"


def value_text(value: object) -> str:
    """One value of a choice.

    >>> value_text(True), value_text((3, 3)), value_text(((0, 1), (2, 2))), value_text("same")
    ('with', '3x3', '0:1x2', 'same')
    """
    if isinstance(value, bool):
        return "with" if value else "no"
    return "x".join(map(_side_text, value)) if isinstance(value, tuple) else str(value)


def _side_text(side: object) -> str:
    if not isinstance(side, tuple):
        return str(side)
    before, after = side
    return str(before) if before == after else f"{before}:{after}"


# Cached: the layers of a network repeat a few choices, and equal ones are then one object.
@lru_cache(maxsize=4096)
def parse_choices(text: str) -> Choices:
    """The choices that ``text`` writes. One size is a number, and sides that are equal on every axis are one a axis.

    >>> parse_choices("kernel 3x5, padding 0:1x2, 10 outputs, no running statistics")
    (('kernel', (3, 5)), ('padding', ((0, 1), (2, 2))), ('outputs', 10), ('running statistics', False))
    """
    return tuple([_choice(part) for part in text.split(", ")]) if text else ()


def _choice(part: str) -> tuple[str, object]:
    first, _, others = part.partition(" ")
    if others and first in ("no", "with"):
        return others, first == "with"
    if others in COUNTED and isinstance(count := _value(first), int):
        return others, count
    name, _, value = part.rpartition(" ")
    return (name, _value(value)) if name and value else (part, "")


def _value(text: str) -> object:
    if not _SIZES.fullmatch(text):
        return text
    sides: list[tuple[int, ...]] = [tuple(map(int, side.split(":"))) for side in text.split("x")]
    # Where the sides of one axis differ, every axis has two.
    numbers = [side[0] for side in sides] if ":" not in text else [(side[0], side[-1]) for side in sides]
    value = numbers[0] if len(numbers) == 1 and ":" not in text else tuple(numbers)
    return value if value_text(value) == text else text  # 007 stays what it is
