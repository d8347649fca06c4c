"""A network held against what was measured on its PyTorch module, operation by operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol, final

from costmodel.core.ledger import Entry
from costmodel.core.network import Network


class Measured(Protocol):
    """What a measurement says of one operation; ``reference_models.oracles`` makes them."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def reads(self) -> tuple[str, ...]: ...
    @property
    def output(self) -> tuple[int, ...]: ...
    @property
    def parameters(self) -> int: ...
    @property
    def multiply_adds(self) -> int: ...


@final
@dataclass(frozen=True)
class Verdict:
    """The operations that were compared, side by side, and the first difference, if there is one."""

    network: Network
    pairs: tuple[tuple[Entry, Measured], ...]
    difference: str | None


def compare(network: Network, measured: Sequence[Measured]) -> Verdict:
    """Each operation in turn: name, kind, what it reads, output, parameters, multiply-adds; up to a difference."""
    pairs: list[tuple[Entry, Measured]] = []
    for entry, found in zip_longest(network.ledger, measured):
        if entry is None or found is None:
            where, whose = (found.name, "PyTorch") if entry is None else (entry.name, "costmodel")
            return Verdict(network, tuple(pairs), f"{where}: only {whose} has this operation")
        pairs.append((entry, found))
        difference = _difference(entry, found)
        if difference:
            return Verdict(network, tuple(pairs), f"{entry.name}: {difference}")
    return Verdict(network, tuple(pairs), None)


def _difference(entry: Entry, found: Measured) -> str | None:
    rows = (
        ("name", entry.name, found.name),
        ("operation", entry.kind, found.kind),
        ("reads", tuple(node.name for node in entry.node.inputs), found.reads),
        ("output", entry.output.sizes, found.output),
        ("parameters", entry.params.trainable, found.parameters),
        ("multiply-adds", entry.ops.mac, found.multiply_adds),
    )
    return next((f"{what} {ours} here, {theirs} in PyTorch" for what, ours, theirs in rows if ours != theirs), None)
