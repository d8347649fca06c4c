"""A network checked against what was measured on its PyTorch module, operation by operation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple, Protocol

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


class VerificationResult(NamedTuple):
    """The operations that were compared, side by side, and the first difference, if there is one."""

    network: Network
    pairs: tuple[tuple[Entry, Measured], ...]
    difference: str | None


#: Tools that a module of anyone's is checked against.
TOOLS = ("fvcore", "flop_counter_mode")


class ToolResult(NamedTuple):
    """What a tool printed for a module, and what its convention gives for the network here."""

    network: Network
    tool: str
    expected: int
    printed: int

    @property
    def equal(self) -> bool:
        """Whether both are one number."""
        return self.expected == self.printed


def compare(network: Network, measured: Sequence[Measured]) -> VerificationResult:
    """Each operation in turn: name, kind, what it reads, output, parameters, multiply-adds; up to a difference."""
    pairs: list[tuple[Entry, Measured]] = []
    for entry, theirs in zip_longest(network.ledger, measured):
        if entry is None or theirs is None:
            where, whose = (theirs.name, "PyTorch") if entry is None else (entry.name, "costmodel")
            return VerificationResult(network, tuple(pairs), f"{where}: only {whose} has this operation")
        pairs.append((entry, theirs))
        difference = _difference(entry, theirs)
        if difference:
            return VerificationResult(network, tuple(pairs), f"{entry.name}: {difference}")
    return VerificationResult(network, tuple(pairs), None)


def _difference(entry: Entry, theirs: Measured) -> str | None:
    rows = (
        ("name", entry.name, theirs.name),
        ("operation", entry.kind, theirs.kind),
        ("reads", tuple(node.name for node in entry.node.inputs), theirs.reads),
        ("output", entry.output.sizes, theirs.output),
        ("parameters", entry.params.parameters, theirs.parameters),
        ("multiply-adds", entry.ops.mac, theirs.multiply_adds),
    )
    unequal = (f"{what} {ours} here, {measured} in PyTorch" for what, ours, measured in rows if ours != measured)
    return next(unequal, None)
