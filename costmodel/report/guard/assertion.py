"""What a failing test says of a model's cost: the figure, the budget, and the layers to blame; or what changed."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.core.ledger import Entry
from costmodel.core.network import Network
from costmodel.guard.budget import Budget
from costmodel.guard.diff import Difference
from costmodel.report.guard import tree
from costmodel.report.guard.safe import plain
from costmodel.report.guard.words import total

#: More layers to blame than a person looks at.
MOST_LAYERS = 5


def over_budget(network: Network, limits: Sequence[Budget]) -> str:
    """Every budget of ``limits`` that ``network`` breaks, each with the largest layers; empty if it keeps to all.

    >>> import costmodel as cm
    >>> from costmodel.guard.budget import parse_limit
    >>> print(over_budget(cm.lenet(), [parse_limit("parameters", "<= 0.4 MB")]))
    lenet: parameters: 121,182 are over the budget <= 0.4 MB (100,000) by 21,182
      the largest of 12 layers:
        classifier.fc1.linear  96,120  79.3 %  linear, 800 -> 120
        ...
    """
    lines = []
    for limit in limits:
        figure = getattr(network, limit.quantity)
        if wrong := limit.violation(figure):
            lines += [f"{plain(network.name)}: {wrong}", *_largest(network, limit.quantity, figure)]
    return "\n".join(lines)


def _largest(network: Network, quantity: str, whole: int) -> list[str]:
    layers = sorted(network.ledger, key=lambda entry: -_part(entry, quantity))
    rows = []
    for entry in layers[:MOST_LAYERS]:
        figure = _part(entry, quantity)
        label = plain(f"{entry.label}, {entry.input} -> {entry.output}")
        rows.append((plain(entry.name), f"{figure:,}", f"{100 * figure / whole:.1f} %", label))
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"    {name:<{wide[0]}}  {figure:>{wide[1]}}  {share:>{wide[2]}}  {label}"
        for name, figure, share, label in rows
    ]
    return [f"  the largest of {len(layers)} layers:", *lines]


def _part(entry: Entry, quantity: str) -> int:
    """What one layer adds to ``quantity``."""
    return {
        "multiply_adds": entry.ops.mac,
        "flops": 2 * entry.ops.mac,
        "parameters": entry.params.trainable,
        "weights": entry.params.weight,
    }[quantity]


def not_as_locked(difference: Difference, lock: str, update: str) -> str:
    """What changed since ``lock`` was written, and the command that writes it anew."""
    name = plain(difference.name)
    if difference.old is None:
        return f"{name}: not in {plain(lock)}; {total(difference)}\nRun `{update}` and commit {plain(lock)}."
    lines = [f"{name}: changed: {total(difference)}", *(f"  {line}" for line in tree.lines(difference))]
    return "\n".join([*lines, f"If this is meant: `{update}` and commit {plain(lock)}."])
