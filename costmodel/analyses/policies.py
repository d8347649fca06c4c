"""What shares memory with what, by policy: each says of every operation which buffers are alive while it runs.

A policy is to memory what a convention is to arithmetic: engines differ, so a peak is one of a policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, final

from costmodel.analyses.lifetimes import Buffer, Lifetimes, RunStep, Size, lifetimes
from costmodel.core.graph import Node
from costmodel.core.layers import Activation, Add, BatchNorm, Conv, Dropout, Linear, Scale, TransposedConv
from costmodel.core.network import Network
from costmodel.errors import CostModelError, nearest


class Plan(NamedTuple):
    """Which buffers are alive while each operation runs.

    Those that were made and are still to be read, unless ``touched`` lists them by operation. ``over``: an operation
    that writes what it makes over a buffer -> the buffer that it makes, which takes no memory until it has run.
    ``offsets``: where each buffer lies in one arena, for a policy that decides it.
    """

    lives: Lifetimes
    over: Mapping[int, int] = MappingProxyType({})
    touched: Sequence[tuple[int, ...]] | None = None
    offsets: Sequence[int] = ()

    def alive(self, step: int) -> Sequence[int]:
        """The buffers that take memory while an operation runs, in the order in which they were made."""
        if self.touched is not None:
            return self.touched[step]
        first, hidden = self.lives.first, self.over.get(step)
        return [place for place, last in enumerate(self.lives.last) if first[place] <= step <= last and place != hidden]

    @property
    def ends(self) -> list[int]:
        """Where the last buffer ends that exists while each operation runs, in one arena."""
        ends = [0] * (len(self.lives.steps) + 1)
        for place, (first, last) in enumerate(zip(self.lives.first, self.lives.last, strict=True)):
            end = self.offsets[place] + self.lives.buffers[place].bytes
            for step in range(max(first, 0), last + 1):
                ends[step] = max(ends[step], end)
        return ends[:-1]


@final
@dataclass(frozen=True)
class Policy:
    """How an engine keeps the values of a network: its name, the rule in a sentence, where that is from.

    ``plan`` takes a network, the size of values, and the order of the nodes, empty for the network's own. ``in_place``:
    an operation may write over what it reads.
    """

    name: str
    rule: str
    source: str
    plan: Callable[[Network, Size, Sequence[Node]], Plan]
    in_place: bool = False


def _separate(network: Network, size: Size, order: Sequence[Node]) -> Plan:
    return Plan(lifetimes(network, size, order=order))


def _fused(network: Network, size: Size, order: Sequence[Node]) -> Plan:
    return Plan(lifetimes(network, size, _is_fused, order=order))


def _in_place(network: Network, size: Size, order: Sequence[Node]) -> Plan:
    lives = lifetimes(network, size, _is_fused, order=order)
    over = {}
    for number, step in enumerate(lives.steps):
        if any(lives.last[place] == number for place in replaceable(lives, step)):
            over[number] = step.makes[0]
    return Plan(lives, over)


def replaceable(lives: Lifetimes, step: RunStep) -> tuple[int, ...]:
    """The buffers that an operation may write over, once nobody else reads them."""
    if len(step.makes) != 1 or not _value_by_value(step.node):
        return ()
    made = lives.buffers[step.makes[0]]
    return tuple([place for place in step.reads if _fits(made, lives.buffers[place])])


def _mcunet(network: Network, size: Size, order: Sequence[Node]) -> Plan:
    lives = lifetimes(network, size, _is_fused, order=order)
    made_by = {place: step for step in lives.steps for place in step.makes}
    read_by = {place: step for step in reversed(lives.steps) for place in step.reads}
    touched = []
    for step in lives.steps:
        block: tuple[int, ...] = ()
        if isinstance(step.node.layer, (Conv, Linear)):
            before, after = made_by.get(step.reads[0]), read_by.get(step.makes[0])
            if before and after and _is_inverted(before.node, step.node, after.node):
                block = before.reads
        touched.append((*block, *step.reads, *step.makes) if isinstance(step.node.layer, (Conv, Linear)) else ())
    return Plan(lives, touched=touched)


def _arena(network: Network, size: Size, order: Sequence[Node]) -> Plan:
    def aligned(*value: Any) -> int:
        return -(-size(*value) // 16) * 16

    # In a file for TFLite a reshape copies, and there is no dropout.
    lives = lifetimes(network, aligned, _is_fused, lambda node: isinstance(node.layer, Dropout), order)
    return Plan(lives, offsets=first_gaps(lives))


def first_gaps(lives: Lifetimes) -> list[int]:
    """Where TFLite Micro's greedy planner puts each buffer: the largest first, of equal ones the one made last.

    Each goes into the first gap that is wide enough between the placed buffers that exist at the same time.
    """
    sizes = [buffer.bytes for buffer in lives.buffers]
    offsets = [0] * len(sizes)
    #: The placed buffers that exist at each operation, from before the first to after the last.
    placed: list[list[int]] = [[] for _ in range(len(lives.steps) + 2)]
    ranks: dict[int, int] = {}
    for rank, number in enumerate(sorted(range(len(sizes)), key=lambda number: (-sizes[number], -number))):
        times = placed[lives.first[number] + 1 : lives.last[number] + 2]
        others = {other for there in times for other in there}
        place = 0
        for other in sorted(others, key=lambda other: (offsets[other], ranks[other])):
            if offsets[other] - place >= sizes[number]:
                break
            place = max(place, offsets[other] + sizes[other])
        offsets[number], ranks[number] = place, rank
        for there in times:
            there.append(number)
    return offsets


def _is_fused(node: Node, before: Node) -> bool:
    """A batch norm and an activation with the convolution or linear layer before; an activation with an addition."""
    layer = type(node.layer)
    if layer is Activation:
        return type(before.layer) in (Conv, TransposedConv, Linear, Add)
    return layer is BatchNorm and type(before.layer) in (Conv, TransposedConv, Linear)


def _value_by_value(node: Node) -> bool:
    """Whether it needs nothing of its input but what it replaces: a value, or a channel of a depthwise convolution."""
    if isinstance(node.layer, Conv):
        return node.kind == "depthwise_conv" and node.shape.channels == node.input_shapes[0].channels
    return isinstance(node.layer, (Add, Activation, BatchNorm, Scale))


def _fits(made: Buffer, other: Buffer) -> bool:
    """Whether ``made`` has no more values than ``other``, of the same type."""
    one, two = made.shape, other.shape
    if made.dtype != other.dtype:
        return False
    narrow = one.channels <= two.channels and one.positions <= two.positions
    return narrow or one.elements <= two.elements


def _is_inverted(expand: Node, depthwise: Node, project: Node) -> bool:
    """Whether the three make an inverted residual: 1x1 wider, depthwise, 1x1 narrower."""
    kinds = isinstance(expand.layer, Conv) and isinstance(project.layer, Conv)
    if not kinds or depthwise.kind != "depthwise_conv":
        return False
    widths = expand.input_shapes[0].channels, depthwise.shape.channels, project.shape.channels
    return expand.kind == project.kind == "conv" and widths[0] < widths[1] > widths[2]


_ARITHMETIC = "arithmetic over the graph"

POLICIES = {
    policy.name: policy
    for policy in (
        Policy("separate", "every operation makes an output of its own", _ARITHMETIC, _separate),
        Policy(
            "fused",
            "a batch norm or an activation is part of the convolution or linear layer before it, an activation part"
            " of an addition, where nobody else reads what is between",
            f"{_ARITHMETIC}; TFLite fuses the same (fused_activation_function of its schema)",
            _fused,
        ),
        Policy(
            "in-place",
            "fused, and a depthwise convolution, an addition, a batch norm, an activation or a scaling of channels"
            " writes over an input that nobody reads afterwards",
            "arXiv:2110.15352 (MCUNetV2), figure 1",
            _in_place,
            in_place=True,
        ),
        Policy(
            "mcunet",
            "fused; the input and output of one convolution or linear layer, and the input of an inverted residual"
            " while its depthwise convolution runs",
            "mit-han-lab/mcunet@9c164f84 mcunet/utils/pytorch_utils.py, count_peak_activation_size",
            _mcunet,
        ),
        Policy(
            "arena",
            "fused; all values in one arena, aligned to 16 bytes, the largest placed first, each in the first gap",
            "tensorflow/tflite-micro@90b983c2 memory_planner/greedy_memory_planner.cc",
            _arena,
        ),
    )
}


def policy_named(name: str) -> Policy:
    """The policy called ``name``. Raises :class:`~costmodel.errors.CostModelError`, with the nearest, for no such.

    >>> policy_named("in_place").name
    'in-place'
    """
    policy = POLICIES.get(str(name).replace("_", "-"))
    if policy is None:
        known = f"{nearest(str(name), POLICIES)}there are {', '.join(POLICIES)}"
        raise CostModelError(f"no policy is called {name!r}; {known}")
    return policy
