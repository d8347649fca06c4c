"""The largest designs within budgets, exactly: alpha is continuous, its cost a step function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from costmodel.errors import CostModelError, nearest
from costmodel.quantities import budget, one_type
from costmodel.scaling.family import Family
from costmodel.scaling.measured import Accuracy, accuracy, measured
from costmodel.scaling.sweep import values

#: Resolutions that are tried where none is given.
RESOLUTIONS = tuple(range(96, 321, 32))
MAXIMIZE = ("multiply_adds", "alpha", "accuracy")


class Breach(NamedTuple):
    """The first larger network that breaks a budget: the least alpha that makes it, its cost, how far it is over."""

    quantity: str
    alpha: float
    cost: int
    over: int


class Design(NamedTuple):
    """A network within all budgets. Every alpha from ``alpha_from`` up to, not including, ``alpha_below`` builds it.

    ``alpha`` is a published one, or the one with the fewest decimals. ``alpha_below`` is None where the interval ends
    with the largest alpha there is, and that one is in it.
    """

    alpha: float
    alpha_from: float
    alpha_below: float | None
    resolution: int
    multiply_adds: int
    parameters: int
    accuracy: Accuracy | None
    #: Every quantity that a budget is of.
    costs: Mapping[str, int]
    #: A budget that no larger alpha breaks has none.
    breaches: tuple[Breach, ...]
    #: Operators that nobody has decided on, and how often each runs: with any, it costs more than is said.
    not_counted: Mapping[str, int]


class Smallest(NamedTuple):
    """The least that any alpha costs at a resolution."""

    resolution: int
    costs: Mapping[str, int]
    not_counted: Mapping[str, int]


class Solution(NamedTuple):
    """Designs, best first; and where there are none, why: the smallest network of each resolution."""

    name: str
    budgets: Mapping[str, int]
    maximize: str
    resolutions: tuple[int, ...]
    designs: tuple[Design, ...]
    smallest: tuple[Smallest, ...]
    #: The type that sizes in bytes are at, empty for the networks' own, and the policy of the memory.
    dtype: str = ""
    policy: str = "fused"


def solve(
    name: str,
    budgets: Mapping[str, int | str],
    at: Mapping[str, Any] | None = None,
    maximize: str = "multiply_adds",
    dtype: str = "",
    policy: str = "fused",
) -> Solution:
    """The largest alpha of ``name`` within all ``budgets``, at each resolution; best first by ``maximize``.

    ``budgets`` maps quantities (multiply_adds, flops, activations, parameters, weights, peak_memory, size) to the most
    that is allowed, a number or text (``"100M"``). The last two are bytes, of values of ``dtype`` or of the type that a
    budget names (``"256 KiB at int8"``), and of a memory under ``policy``, as in :meth:`Network.memory`.

    ``at`` fixes other arguments: ``{"resolution": 160}``, or several resolutions; without one, 96 to 320 by 32. To
    maximize ``"accuracy"`` ranks the published designs that fit, for others have no known accuracy.

    Raises :class:`~costmodel.errors.CostModelError` for an unknown quantity, for a network without alpha, or whose
    cost does not grow with it, and to maximize an accuracy that nobody published.

    >>> best = solve("mobilenet_v2", {"multiply_adds": 300_000_000}, at={"resolution": 224}).designs[0]
    >>> best.multiply_adds, best.alpha, best.alpha_from, best.alpha_below
    (299896192, 0.98, 0.975, 0.9874999999999999)
    >>> best = solve("mobilenet_v2", {"peak_memory": "256 KiB"}, at={"resolution": 96}, dtype="int8").designs[0]
    >>> best.alpha, best.costs["peak_memory"]
    (0.55, 138240)
    """
    most, dtype = _checked(budgets, maximize), one_type(budgets, dtype)
    fixed = {argument: values(name, argument, given) for argument, given in (at or {}).items()}
    published = measured(name) if maximize == "accuracy" else {}
    if maximize == "accuracy" and not published:
        raise CostModelError(f"no source measured the accuracy of {name}; maximize multiply_adds or alpha")
    resolutions = fixed.pop("resolution", tuple(sorted({size for _, size in published})) or RESOLUTIONS)
    choices = {argument: _single(argument, several) for argument, several in fixed.items()}
    designs, smallest = [], []
    for resolution in resolutions:
        family = Family(name, {**choices, "resolution": resolution}, most, dtype, policy)
        least = family.costs(family.least)
        smallest.append(Smallest(resolution, least, family.not_counted(family.least)))
        if any(least[quantity] > limit for quantity, limit in most.items()):
            continue
        ends = {quantity: _end(family, quantity, limit) for quantity, limit in most.items()}
        largest = min(ends.values())
        alphas = [alpha for alpha, size in published if size == resolution and alpha <= largest]
        alphas = alphas or [family.shortest(largest)]
        designs += [_design(name, family, alpha, {**choices, "resolution": resolution}, most, ends) for alpha in alphas]
    if maximize == "accuracy":
        designs = [design for design in designs if design.accuracy]
    designs.sort(key=_RANKS[maximize], reverse=True)
    return Solution(name, most, maximize, resolutions, tuple(designs), tuple(smallest), dtype, policy)


def _end(family: Family, quantity: str, limit: int) -> float:
    """The largest alpha within one budget, which the least alpha is known to keep."""
    end = family.within(quantity, limit)
    assert end is not None
    return end


def _design(
    name: str,
    family: Family,
    alpha: float,
    choices: Mapping[str, Any],
    budgets: Mapping[str, int],
    ends: Mapping[str, float],
) -> Design:
    costs = family.costs(alpha)
    first, below = family.interval(alpha)
    # The accuracy is the network's, so any published alpha of the interval will do.
    same = (
        known
        for known, size in measured(name)
        if size == choices["resolution"] and family.key(known) == family.key(alpha)
    )
    accuracies = (accuracy(name, {**choices, "alpha": known}) for known in same)
    breaches = []
    for quantity, end in ends.items():
        if (over := family.following(end)) is not None:
            cost = family.costs(over)[quantity]
            breaches.append(Breach(quantity, over, cost, cost - budgets[quantity]))
    return Design(
        alpha,
        first,
        below,
        choices["resolution"],
        costs["multiply_adds"],
        costs["parameters"],
        next(accuracies, None),
        {quantity: costs[quantity] for quantity in budgets},
        tuple(breaches),
        family.not_counted(alpha),
    )


def _checked(budgets: Mapping[str, int | str], maximize: str) -> dict[str, int]:
    """The budgets as numbers."""
    if maximize not in MAXIMIZE:
        raise CostModelError(
            f"cannot maximize {maximize!r}; {nearest(maximize, MAXIMIZE)}there are {', '.join(MAXIMIZE)}"
        )
    if not budgets:
        raise CostModelError("no budget is given; name at least one, as in multiply_adds=100M")
    return dict(budget(quantity, most) for quantity, most in budgets.items())


def _single(argument: str, several: tuple[Any, ...]) -> Any:
    if argument == "alpha":
        raise CostModelError("alpha is what is solved for; fix another argument, or count that network")
    if argument == "variant":
        raise CostModelError("a variant is part of the name; write it after a colon, as in mobilenet_v2:scaled-head")
    if len(several) > 1:
        raise CostModelError(
            f"{argument} is fixed at {len(several)} values; give one, only a resolution may have several"
        )
    return several[0]


def _by_accuracy(design: Design) -> tuple[float, int]:
    return design.accuracy.top1 if design.accuracy else 0.0, -design.multiply_adds


_RANKS: Mapping[str, Callable[[Design], tuple[float, float]]] = {
    "multiply_adds": lambda design: (design.multiply_adds, design.alpha),
    "alpha": lambda design: (design.alpha, design.multiply_adds),
    "accuracy": _by_accuracy,
}
