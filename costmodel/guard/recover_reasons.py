"""What people wrote into a lock that is damaged or holds a conflict: the reasons, which no count brings back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from costmodel.guard.cost import ModelCost
from costmodel.guard.lockfile import unquoted


class Reason(NamedTuple):
    """A reason, and the layer it stands above; both names are empty where they are not known."""

    model: str
    layer: str
    text: str


def reasons(content: bytes) -> list[Reason]:
    """Every reason in ``content``, with the next layer below it, on both sides of a conflict.

    >>> reasons(b"model | m\\n<<<<<<< HEAD\\nreason | wider\\n  stem | conv | - |\\n=======\\n")
    [Reason(model='m', layer='stem', text='wider')]
    """
    kept: list[Reason] = []
    waiting: list[str] = []
    model = ""
    for line in content.decode("utf-8", "replace").splitlines():
        keyword, _, rest = line.partition(" | ")
        if keyword == "reason":
            waiting.append(unquoted(rest) or rest)
        elif keyword in ("model", "end"):
            kept += [Reason(model, "", text) for text in waiting]
            waiting = []
            model = (unquoted(rest) or "") if keyword == "model" else ""
        elif line.startswith("  ") and rest:
            kept += [Reason(model, unquoted(keyword.strip()) or "", text) for text in waiting]
            waiting = []
    kept += [Reason(model, "", text) for text in waiting]
    return list(dict.fromkeys(kept))


def reattached(costs: Iterable[ModelCost], saved: Iterable[Reason]) -> tuple[list[ModelCost], list[Reason]]:
    """``costs`` with the reasons of ``found`` above the layers of those names, and the reasons that have none now."""
    by_name = {cost.name: cost for cost in costs}
    lost = []
    for reason in saved:
        cost = by_name.get(reason.model)
        places = [place for place, layer in enumerate(cost.layers) if layer.name == reason.layer] if cost else []
        if cost is None or not places:
            lost.append(reason)
            continue
        put = sorted([*cost.reasons, (places[0], reason.text)], key=lambda entry: entry[0])
        by_name[cost.name] = replace(cost, reasons=tuple(dict.fromkeys(put)))
    return list(by_name.values()), lost
