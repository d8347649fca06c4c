"""The search spaces that are known by name."""

from __future__ import annotations

from difflib import get_close_matches

from costmodel.errors import CostModelError
from costmodel.scaling.spaces.nas_bench_201 import nas_bench_201
from costmodel.scaling.spaces.space import Space

SPACES = {"nas_bench_201": nas_bench_201}

#: Quantities that add up over the parts of a network.
ADDITIVE = ("multiply_adds", "flops", "parameters", "weights")


def space(name: str, quantity: str = "multiply_adds") -> Space:
    """The search space called ``name``; its networks are counted in ``quantity``, which adds up over their parts.

    Raises :class:`~costmodel.errors.CostModelError` for a name or a quantity that it does not know.

    >>> cells = space("nas_bench_201")
    >>> cells.networks, cells.smallest, cells.largest, cells.within(50_000_000)
    (15625, 7783040, 220119680, 7984)
    >>> cells.network(cells.at(0.5)).multiply_adds == cells.quantile(0.5)
    True
    """
    if name not in SPACES:
        close = get_close_matches(name, SPACES, 1)
        hint = f"did you mean {close[0]}" if close else f"there is {', '.join(SPACES)}"
        raise CostModelError(f"no search space is called {name!r}; {hint}")
    if quantity not in ADDITIVE:
        raise CostModelError(f"{quantity} does not add up over choices; use {', '.join(ADDITIVE)}")
    return SPACES[name](quantity)
