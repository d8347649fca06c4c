"""What whoever asks knows of a claim: which tool printed it, what an operation is there, that a variant is likely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, final

from costmodel.conventions import convention
from costmodel.errors import CostModelError
from costmodel.reproduction.odds import TWO_IN_FLOPS

SOURCES = ("paper", "tool")
UNITS = ("mac", "flop")
VARIANTS = ("any",)

#: Conventions that no tool prints: people count so by hand, or from a paper.
_BY_HAND = ("paper", "documents", "all_arithmetic", "trainable", "weights")


class Varied(Protocol):
    """A variation of a reading."""

    @property
    def kind(self) -> str: ...
    @property
    def value(self) -> Any: ...


@final
@dataclass(frozen=True)
class Hints:
    """``tool``: the convention that printed it. ``source``: a paper, or a tool whose name is not known.

    ``unit``: what one operation is, a multiply-add (``mac``) or a floating-point operation (``flop``). ``variant``:
    ``any`` where every variant of the architecture is as likely as the one that was named. What a hint says
    makes a reading no less likely.

    Raises :class:`~costmodel.errors.CostModelError` for what none of them can be, and for both a tool and a paper.
    """

    tool: str | None = None
    source: str | None = None
    unit: str | None = None
    variant: str | None = None
    #: The claim says FLOPs, or that its M is 1024^2.
    says_flops: bool = False
    binary: bool = False

    def __post_init__(self) -> None:
        if self.tool:
            convention(self.tool)
        for name, known in (("source", SOURCES), ("unit", UNITS), ("variant", VARIANTS)):
            value = getattr(self, name)
            if value and value not in known:
                raise CostModelError(f"{name}={value!r} is nothing that is known of a claim; say {' or '.join(known)}")
        if self.tool and self.source == "paper":
            raise CostModelError(f"tool={self.tool!r} and source='paper' exclude each other; leave one out")

    @property
    def given(self) -> int:
        """How many variations they ask for."""
        return bool(self.tool or self.source == "tool") + (self.unit == "flop") + self.binary + bool(self.variant)

    @property
    def origin(self) -> bool:
        """Whether they say who printed it."""
        return bool(self.tool or self.source)

    def odds(self, kind: str, value: Any, before: float) -> float:
        """The odds of a variation, which were ``before``, when all that is known."""
        known = (
            (kind == "counting" and value.rule.name == self.tool)
            or (kind == "factor" and self.unit == "flop")
            or (kind == "variant" and self.variant == "any")
            or (kind == "unit" and self.binary)
        )
        if known:
            return 1.0
        return TWO_IN_FLOPS if kind == "factor" and self.says_flops else before

    def allow(self, variations: Iterable[Varied]) -> bool:
        """Whether a reading of these ``variations`` is what is known."""
        values = {variation.kind: variation.value for variation in variations}
        counting = values.get("counting")
        name = "" if counting is None else counting.rule.name
        operations = values.get("factor", 1) * (1 if counting is None else counting.operations)
        return (
            (not self.tool or name == self.tool)
            and (self.source != "paper" or name in ("", *_BY_HAND))
            and (self.source != "tool" or (name not in ("", *_BY_HAND) and "part" not in values))
            and (not self.unit or operations == (2 if self.unit == "flop" else 1))
            and (not self.binary or "unit" in values)
        )


NO_HINTS = Hints()
