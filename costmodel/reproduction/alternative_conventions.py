"""Other ways to count that a printed number may have taken: the conventions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from costmodel.conventions import CONVENTIONS, Convention
from costmodel.core.network import Network
from costmodel.errors import CostModelError

#: Quantity -> what the plain reading counts.
PLAIN = {"multiply_adds": CONVENTIONS["paper"], "parameters": CONVENTIONS["trainable"]}


def others(network: Network, quantity: str) -> Sequence[Convention]:
    """Conventions that give other numbers for ``network`` than the plain one, and than each other.

    A convention that has no rule for one of its layers gives no number.
    """
    by_total = {PLAIN[quantity].of(network.ledger).total: PLAIN[quantity]}
    for convention in CONVENTIONS.values():
        if (convention.quantity == "parameters") == (quantity == "parameters"):
            with suppress(CostModelError):
                by_total.setdefault(convention.of(network.ledger).total, convention)
    return list(by_total.values())[1:]
