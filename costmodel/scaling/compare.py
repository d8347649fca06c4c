"""Networks side by side, stage by stage: at one resolution, or each as large as one budget allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from costmodel.analyses.memory import Memory
from costmodel.analyses.policies import policy_named
from costmodel.analyses.size import node_size
from costmodel.core.ledger import Ledger
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.loading import load_with
from costmodel.quantities import budget as bound
from costmodel.quantities import one_type
from costmodel.scaling.family import Family


class Part(NamedTuple):
    """What one network does at one size of the map."""

    channels: int
    multiply_adds: int
    parameters: int
    #: Bytes that are alive at most while it runs, and of its parameters; None where no type was asked for.
    peak_memory: int | None = None
    size: int | None = None


class Stage(NamedTuple):
    """Everything whose output has the sizes ``output`` (none for a vector), of each network that has such a stage."""

    output: tuple[int, ...]
    parts: tuple[Part | None, ...]


class Comparison(NamedTuple):
    """Networks, their stages from the largest map down, and the budget that they share, if any.

    Sizes in bytes are at ``dtype``, memory is under ``policy``; without a type there are none.
    """

    networks: tuple[Network, ...]
    stages: tuple[Stage, ...]
    budget: tuple[str, int] | None = None
    dtype: str = ""
    policy: str = "fused"


def compare(
    names: Sequence[str],
    *,
    alpha: float | None = None,
    resolution: int | None = None,
    inputs: object = (),
    budget: tuple[str, int | str] | None = None,
    dtype: str = "",
    policy: str = "fused",
) -> Comparison:
    """The networks called ``names`` by stage, stages aligned by the sizes of their output.

    ``names`` and ``inputs`` (one sample, given to each) are what :func:`~costmodel.load` takes: architectures, modules
    of your own, files.
    With ``budget``, a quantity and the most of it, each is the largest within it. With ``dtype``, the
    memory of activations, under ``policy``, and the size of parameters are compared too, at that type.

    Raises :class:`~costmodel.errors.CostModelError` for fewer than two names, for both an alpha and a budget, for
    inputs of different sizes, and where nothing of a network is within the budget.

    >>> found = compare(["mobilenet_v1", "mobilenet_v2"], budget=("multiply_adds", 300_000_000))
    >>> [(network.config["alpha"], network.multiply_adds) for network in found.networks]
    [(0.715, 298410608), (0.98, 299896192)]
    >>> found.stages[3].output, [part.multiply_adds for part in found.stages[3].parts]
    ((14, 14), [149557408, 96601344])
    """
    if len(names) < 2:
        raise CostModelError("a comparison needs two models, as in mobilenet_v1 mobilenet_v2")
    if alpha is not None and budget is not None:
        raise CostModelError(f"alpha={alpha} and a budget of {budget[0]} both decide the widths; give one of them")
    dtype = one_type(dict([budget]) if budget else {}, dtype)
    policy_named(policy)
    within = bound(*budget) if budget else None
    choices = {"alpha": alpha, "resolution": resolution}
    given = {argument: value for argument, value in choices.items() if value is not None}
    if within and inputs:
        raise CostModelError(f"the widths within a budget of {within[0]} are sought at a resolution; give that")
    networks = tuple(
        _within(name, given, within, dtype, policy) if within else load_with(name, given, inputs) for name in names
    )
    sizes = {network.input.spatial: network.name for network in networks}
    if len(sizes) > 1:
        (one, first), (two, second), *_ = sizes.items()
        reads, other = ("x".join(map(str, spatial)) or "tokens" for spatial in (one, two))
        raise CostModelError(f"{first} reads {reads} and {second} {other}; give them one resolution")
    memories = [network.memory(dtype, policy) if dtype else None for network in networks]
    return Comparison(networks, _stages(networks, memories), within, dtype, policy)


def _within(name: str, given: Mapping[str, Any], within: tuple[str, int], dtype: str, policy: str) -> Network:
    quantity, most = within
    family = Family(name, given, [quantity], dtype, policy)
    alpha = family.within(quantity, most)
    if alpha is None:
        least = family.costs(family.least)[quantity]
        raise CostModelError(f"{name} has at least {least:,} {quantity}, more than {most:,}; raise the budget")
    return load_with(name, {**given, "alpha": family.shortest(alpha)})


def _stages(networks: Sequence[Network], memories: Sequence[Memory | None]) -> tuple[Stage, ...]:
    by_output = [_by_output(network.ledger) for network in networks]
    # From the largest map down; a vector after a map of one position, as every network has them.
    outputs = sorted(
        {output for stages in by_output for output in stages}, key=lambda sizes: (len(sizes), sizes), reverse=True
    )
    return tuple(
        Stage(
            output,
            tuple(
                _part(stages[output], memory) if output in stages else None
                for stages, memory in zip(by_output, memories, strict=True)
            ),
        )
        for output in outputs
    )


def _by_output(ledger: Ledger) -> dict[tuple[int, ...], list[Ledger]]:
    """Blocks by the spatial sizes that they put out; blocks of one size need not follow one another."""
    stages: dict[tuple[int, ...], list[Ledger]] = {}
    for block in ledger.by("block").values():
        stages.setdefault(block.output.spatial, []).append(block)
    return stages


def _part(blocks: Sequence[Ledger], memory: Memory | None) -> Part:
    part = Part(
        blocks[-1].output.channels,
        sum(block.multiply_adds for block in blocks),
        sum(block.parameters for block in blocks),
    )
    if memory is None:
        return part
    nodes = [node for block in blocks for node in block.operations]
    size = sum(node_size(node, memory.dtype) for node in nodes)
    return part._replace(peak_memory=memory.most_during(nodes), size=size)
