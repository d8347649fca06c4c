"""What a failing test says of a model's cost: the figure, the budget, and the layers to blame; or what changed."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.analyses.size import node_size
from costmodel.core.ledger import Entry
from costmodel.core.network import Network
from costmodel.guard.budget import Budget
from costmodel.guard.diff import Difference
from costmodel.quantities import precision
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
    lenet: parameters: 121,182 are over the budget <= 0.4 MB at fp32 (100,000) by 21,182
      the largest of 12 layers:
        classifier.fc1.linear  96,120  79.3 %  linear, 800 -> 120
        ...
    """
    lines = []
    for limit in limits:
        if wrong := limit.broken_by(network):
            lines += [f"{plain(network.name)}: {wrong}", *_to_blame(network, limit.of(network))]
    return "\n".join(lines)


def _to_blame(network: Network, limit: Budget) -> list[str]:
    """The largest layers of what the budget is of, or the values that make the peak of the memory."""
    if limit.quantity == "peak_memory":
        alive = network.memory(limit.dtype).live
        heading = f"  the {len(alive)} values that are alive there:"
        rows = [(value.name, value.bytes, f"{value.shape} {precision(value.dtype)}") for value in alive]
    else:
        heading = f"  the largest of {len(network.ledger)} layers:"
        rows = [
            (entry.name, _part(entry, limit), f"{entry.label}, {entry.input} -> {entry.output}")
            for entry in network.ledger
        ]
    of_all = sum(figure for _, figure, _ in rows)
    largest = sorted(rows, key=lambda row: -row[1])[:MOST_LAYERS]
    texts = [
        (plain(name), f"{figure:,}", f"{100 * figure / of_all:.1f} %", plain(label)) for name, figure, label in largest
    ]
    wide = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return [
        heading,
        *(
            f"    {name:<{wide[0]}}  {figure:>{wide[1]}}  {share:>{wide[2]}}  {label}"
            for name, figure, share, label in texts
        ),
    ]


def _part(entry: Entry, limit: Budget) -> int:
    """What one layer adds to what the budget is of."""
    if limit.in_bytes or limit.quantity == "size":
        return node_size(entry.node, limit.dtype)
    return {
        "multiply_adds": entry.ops.mac,
        "flops": 2 * entry.ops.mac,
        "activations": entry.node.activations,
        "parameters": entry.params.parameters,
        "weights": entry.params.weight,
    }[limit.quantity]


def not_as_locked(difference: Difference, lock: str, update: str) -> str:
    """What changed since ``lock`` was written, and the command that writes it anew."""
    name = plain(difference.name)
    if difference.old is None:
        return f"{name}: not in {plain(lock)}; {total(difference)}\nRun `{update}` and commit {plain(lock)}."
    lines = [f"{name}: changed: {total(difference)}", *(f"  {line}" for line in tree.lines(difference))]
    return "\n".join([*lines, f"If this is meant: `{update}` and commit {plain(lock)}."])
