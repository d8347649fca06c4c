"""The one error that people see, and the checks that raise it.

Every message names the values, the rule and the fix; :meth:`CostModelError.at` adds the place.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any, SupportsIndex

#: No framework has a tensor axis longer than this (a signed 64-bit integer).
LARGEST_SIZE = 2**63 - 1

#: Widths beyond this have no use; a larger one is a slip of the keyboard.
LARGEST_ALPHA = 100.0


class CostModelError(ValueError):
    """Something that cannot be counted: what it is, which rule it breaks, how to fix it.

    >>> raise CostModelError("groups=5 does not divide 64 input channels").at("features.3.depthwise")
    Traceback (most recent call last):
        ...
    costmodel.errors.CostModelError: features.3.depthwise: groups=5 does not divide 64 input channels
    """

    def at(self, place: str) -> CostModelError:
        """The same error, with the place where it happened in front."""
        return CostModelError(f"{place}: {self}")


def missing_package(what: str, package: str | None, *others: str) -> CostModelError:
    """What to say where ``what`` needs ``package``, which is not installed, and maybe ``others`` beside it.

    >>> raise missing_package("verify", "fvcore", "torch")
    Traceback (most recent call last):
        ...
    costmodel.errors.CostModelError: verify needs fvcore, which is not installed; run: pip install fvcore torch
    """
    packages = " ".join([str(package), *[other for other in others if other != package]])
    return CostModelError(f"{what} needs {package}, which is not installed; run: pip install {packages}")


@contextmanager
def placed(place: str) -> Iterator[None]:
    """An error in what is done inside has ``place`` in front.

    >>> with placed("alpha"):
    ...     width_multiplier(0)
    Traceback (most recent call last):
        ...
    costmodel.errors.CostModelError: alpha: alpha=0 must be above 0 and at most 100; 1.0 is the full width
    """
    try:
        yield
    except CostModelError as error:
        raise error.at(place) from None


class Variable:
    """A number that is not one: the values of an axis of a grid, or a symbol. It computes and compares like a number.

    ``whole``: whether it stands for whole numbers alone.
    """

    __slots__ = ()
    #: Declared, and set by each kind.
    whole: bool

    def multiple(self, divisor: Any) -> Any:
        """Each rounded to a multiple of ``divisor``, as a single width is."""
        raise NotImplementedError


def positive_int(value: object, what: str, least: int = 1) -> int:
    """``value``, if it is an integer from ``least`` to the largest size a tensor can have.

    Raises :class:`CostModelError` otherwise.

    >>> positive_int(3, "kernel")
    3
    >>> positive_int(0, "kernel")
    Traceback (most recent call last):
        ...
    costmodel.errors.CostModelError: kernel=0 must be a whole number of at least 1
    """
    if not isinstance(value, int) and isinstance(value, Variable):
        if value.whole and not value < least:  # type: ignore[operator]
            return value  # type: ignore[return-value]
    elif not isinstance(value, int) and isinstance(value, SupportsIndex):
        value = operator.index(value)  # numpy's integers
    if isinstance(value, int) and abs(value) > LARGEST_SIZE:
        # Said in bits: Python does not write out an integer of over 4300 digits.
        raise CostModelError(f"{what} has {value.bit_length()} bits; the largest size a tensor can have is 2**63 - 1")
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise CostModelError(f"{what}={value!r} must be a whole number of at least {least}")
    return value


def width_multiplier(alpha: float) -> float:
    """``alpha``, if it is a usable width multiplier: above 0 and at most 100.

    Raises :class:`CostModelError` for zero, negative, infinite, NaN and absurd values.

    >>> width_multiplier(0.75)
    0.75
    >>> width_multiplier(float("nan"))
    Traceback (most recent call last):
        ...
    costmodel.errors.CostModelError: alpha=nan must be above 0 and at most 100; 1.0 is the full width
    """
    number = issubclass(type(alpha), (Real, Variable)) and type(alpha) is not bool
    # NaN compares false with everything, so it fails this test too.
    if not number or not 0 < alpha <= LARGEST_ALPHA:
        shown = "a huge number" if isinstance(alpha, int) and abs(alpha) > LARGEST_SIZE else repr(alpha)
        raise CostModelError(f"alpha={shown} must be above 0 and at most {LARGEST_ALPHA:.0f}; 1.0 is the full width")
    # numpy's narrow floats would round 32 * 0.35 elsewhere than the frameworks do.
    return alpha if type(alpha) in (int, float) or isinstance(alpha, Variable) else float(alpha)


def nearest(name: str, known: Iterable[str]) -> str:
    """A question for whoever misspelled ``name``, with a space after it; empty where nothing is near.

    Case and punctuation do not count, and a name that was begun right is near.

    >>> nearest("mobilnet-v2", ["mobilenet_v1", "mobilenet_v2"])
    'did you mean mobilenet_v2? '
    >>> nearest("vgg16_bn", ["vgg16", "vgg16:bn"]), nearest("MobileNetV3", ["mobilenet_v2", "mobilenet_v3_large"])
    ('did you mean vgg16:bn? ', 'did you mean mobilenet_v3_large? ')
    """
    from difflib import get_close_matches

    wanted = folded(name)
    spellings = {folded(other): other for other in known if other}
    begun = [other for other in spellings if wanted and other.startswith(wanted)]
    near = [wanted] if wanted in spellings else begun or get_close_matches(wanted, spellings, n=1)
    return f"did you mean {spellings[near[0]]}? " if near else ""


def folded(name: str) -> str:
    """``name`` without case and punctuation.

    >>> folded("MobileNet-V2")
    'mobilenetv2'
    """
    return "".join(letter for letter in name.lower() if letter.isalnum())


def type_name(value: object) -> str:
    """The type of ``value`` with its article, for a message.

    >>> type_name(3), type_name("x"), type_name(int)
    ('an int', 'a str', 'the class int')
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
