"""What operators of a user's own cost: rules as functions of shapes, by the name that the operator has in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from costmodel.core.counts import Ops
from costmodel.errors import CostModelError, type_name

#: ``"mylib::scan"`` -> its rule.
RULES: dict[str, Callable[..., object]] = {}


def register_operator(name: str, rule: Callable[..., int | Ops]) -> None:
    """Say what the operator ``name`` (``"mylib::scan"``) costs in each capture from now on.

    ``rule`` gets the arguments of a call as they were given, with tuples of sizes in the place of tensors, and returns
    how many multiply-adds the call takes, or :class:`~costmodel.Ops` where it is other arithmetic too.

    Raises :class:`~costmodel.errors.CostModelError` for a name without namespace, an operator of PyTorch's own, and
    one that has another rule already.

    >>> register_operator("mylib::outer", lambda left, right: left[0] * right[0])
    >>> call_cost("mylib::outer", ((3,), (4,)), {})
    Ops(mac=12, add=0, mul=0, div=0, cmp=0, exp=0)
    """
    space, colons, own = name.partition("::")
    if not (space and colons and own.isidentifier()):
        raise CostModelError(f"{name!r} is no operator; write its namespace and its name, as in 'mylib::scan'")
    if space in ("aten", "prims"):
        raise CostModelError(f"{name} is PyTorch's own and has one cost for all; register operators of your own")
    if not callable(rule):
        raise CostModelError(f"the rule of {name} is {type_name(rule)}; give a function of shapes")
    if RULES.setdefault(name, rule) is not rule:
        raise CostModelError(f"{name} has a rule already; register it once")


def call_cost(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Ops:
    """What one call of ``name`` costs by its rule, given its arguments with sizes in the place of tensors."""
    try:
        work = RULES[name](*args, **kwargs)
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        raise CostModelError(f"the rule of {name} raised {type(error).__name__}: {first:.200}; correct it") from error
    if isinstance(work, int) and not isinstance(work, bool):
        work = Ops(mac=work)
    if not isinstance(work, Ops) or not all(type(count) is int and count >= 0 for count in work):
        raise CostModelError(
            f"the rule of {name} returned {work!r:.60}; return multiply-adds as an int, or costmodel.Ops"
        )
    return work
