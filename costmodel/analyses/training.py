"""What a step of training costs: multiply-adds forward and backward, and the bytes that a device must hold.

The gradient of a convolution, a linear layer or a matrix product by one of its factors is another one with as many
multiply-adds. Nothing is computed for what does not train: an image, and weights that are frozen with all before them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby
from typing import NamedTuple, final

from costmodel.analyses.gradients import Gradients, Made, Saved, is_differentiable, read, trainable_types
from costmodel.analyses.optimizers import Optimizer, optimizer_bytes, optimizer_named
from costmodel.analyses.size import size
from costmodel.core.graph import Node
from costmodel.core.layers import Conv, Input, Linear, MatMul, Stored, TransposedConv
from costmodel.core.network import Network
from costmodel.errors import CostModelError, nearest, positive_int
from costmodel.quantities import at_dtype, budget, bytes_of_all, one_type, parse_dtype

#: What may be computed again instead of kept: nothing, or each block.
CHECKPOINTS = ("", "block")


class TrainingRow(NamedTuple):
    """One operation: its multiply-adds in a step, and the bytes that it is the first to keep for the backward pass."""

    name: str
    type: str
    forward: int
    input_gradient: int
    weight_gradient: int
    saved_bytes: int


@final
@dataclass(frozen=True)
class Training:
    """A step of training of ``network`` on ``batch`` samples, in the loss's gradient from its output on.

    ``dtype`` takes the place of floating-point types; empty, where all keep theirs. With ``checkpoint="block"``, only
    what blocks read of each other is kept, and each runs again in the backward pass (arXiv:1604.06174); a block is all
    that shares the first ``depth`` parts of its name.
    """

    network: Network
    batch: int
    dtype: str
    optimizer: Optimizer
    checkpoint: str
    depth: int

    @cached_property
    def _gradients(self) -> Gradients:
        return Gradients(self.network, self.batch, self.dtype)

    @cached_property
    def _trained(self) -> list[tuple[Node, str, int]]:
        """How many parameters of which type training changes, of each operation that has any."""
        return [(node, own, count) for node in self.network.ledger.storing for own, count in trainable_types(node)]

    @cached_property
    def _multiply_adds(self) -> dict[Node, tuple[int, int, int]]:
        """Of each operation that multiplies, for one sample: forward, and for the gradients of inputs and weights."""
        gradients = self._gradients
        counts = {node: node.macs for node in self.network.nodes if node.layer.multiplies}
        return {node: (macs, *_backward(node, macs, gradients)) for node, macs in counts.items() if macs}

    def _total(self, place: int) -> int:
        return self.batch * sum([counts[place] for counts in self._multiply_adds.values()])

    @property
    def forward(self) -> int:
        """Multiply-adds of the forward pass."""
        return self._total(0)

    @property
    def input_gradient(self) -> int:
        """Multiply-adds for the gradients of what operations read."""
        return self._total(1)

    @property
    def weight_gradient(self) -> int:
        """Multiply-adds for the gradients of weights."""
        return self._total(2)

    @property
    def recomputed(self) -> int:
        """Multiply-adds of the blocks that run again in the backward pass."""
        return self.forward if self.checkpoint else 0

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of a step: forward, backward, and what runs again."""
        return self.forward + self.input_gradient + self.weight_gradient + self.recomputed

    @property
    def parameter_bytes(self) -> int:
        """The bytes of the parameters, frozen or not."""
        return size(self.network, self.dtype)

    @property
    def gradient_bytes(self) -> int:
        """The bytes of their gradients: one of its own type for each that is not frozen."""
        return sum([bytes_of_all(count, at_dtype(own, self.dtype)) for _, own, count in self._trained])

    @cached_property
    def optimizer_bytes(self) -> int:
        """The bytes that the optimizer keeps, with a copy of the weights in fp32 where they are in fewer bits."""
        return optimizer_bytes(self.optimizer, self._trained, lambda own: at_dtype(own, self.dtype))

    @cached_property
    def _blocks(self) -> list[int]:
        """The number of the block that each node is in; inputs are in none, which is -1."""
        names = [
            (type(node.layer) is Input, ".".join(node.name.split(".")[: self.depth])) for node in self.network.nodes
        ]
        numbers, result = -1, []
        for (is_input, _), nodes in groupby(names):
            numbers += not is_input
            result += [-1 if is_input else numbers] * len(list(nodes))
        return result

    @cached_property
    def _kept(self) -> dict[Node, list[Saved]]:
        """What each operation is the first to keep until the backward pass."""
        first: dict[object, Node] = {}
        every = self._read_by_blocks if self.checkpoint else self._gradients.saved
        for node, saved in every.items():
            for one in saved:
                first.setdefault(one.tensor, node)
        # An operation that reads one tensor twice keeps it once.
        return {node: [one for one in {*saved} if first[one.tensor] is node] for node, saved in every.items()}

    @cached_property
    def _read_by_blocks(self) -> dict[Node, list[Saved]]:
        """What each operation reads of another block, or of the input."""
        storages, nodes = self._gradients.storages, self.network.nodes
        block = dict(zip(nodes, self._blocks, strict=True))
        result = {}
        for node in nodes:
            reads = [read(node, place) for place in range(len(node.inputs))]
            outside = [storages[made] for made in reads if block[made[0]] != block[node] and not _is_stored(made)]
            result[node] = [Saved(root, self._gradients.bytes_of(root)) for root in outside]
        return result

    @property
    def _first_blocks(self) -> dict[object, int]:
        """Of each tensor that a block reads from outside, the first such block."""
        reads = zip(self._read_by_blocks.values(), self._blocks, strict=True)
        first: dict[object, int] = {}
        for saved, block in reads:
            for one in saved:
                first.setdefault(one.tensor, block)
        return first

    @property
    def saved_bytes(self) -> int:
        """The bytes of activations that are kept for the backward pass, each tensor once."""
        return sum([one.bytes for saved in self._kept.values() for one in saved])

    @cached_property
    def activation_peak_bytes(self) -> int:
        """The most bytes of activations and of their gradients that are alive at once in a step."""
        change = [0] * (2 * len(self.network.nodes) + 1)
        for amount, first, last in self._lifetimes():
            change[first] += amount
            change[last + 1] -= amount
        return max(accumulate(change))

    @property
    def peak_bytes(self) -> int:
        """The most bytes at once: parameters, gradients, the optimizer's, and the peak of the activations."""
        return self.parameter_bytes + self.gradient_bytes + self.optimizer_bytes + self.activation_peak_bytes

    def _lifetimes(self) -> list[tuple[int, int, int]]:
        """Bytes, and the first and last moment of each tensor: node i runs forward at i, backward at 2n - 1 - i."""
        gradients, nodes, blocks = self._gradients, self.network.nodes, self._blocks
        number = {node: place for place, node in enumerate(nodes)}
        end = 2 * len(nodes) - 1
        last_read: dict[Made, int] = {root: number[root[0]] for root in gradients.storages.values()}
        last_need: dict[Made, int] = {}
        first_kept: dict[object, tuple[int, int]] = {}
        for place, node in enumerate(nodes):
            for index in range(len(node.inputs)):
                root = gradients.storages[read(node, index)]
                last_read[root] = place
                if gradients.needs[node]:
                    last_need[root] = place
            for one in gradients.saved[node]:
                first_kept.setdefault(one.tensor, (place, one.bytes))
        result: list[tuple[int, int, int]] = []
        outside = self._first_blocks if self.checkpoint else {}
        starts = {block: place for place, block in reversed([*enumerate(blocks)])}
        ends = {block: place for place, block in enumerate(blocks)}
        for root in last_read:
            node, place = root[0], number[root[0]]
            if isinstance(node.layer, Stored):
                continue
            amount = gradients.bytes_of(root)
            if gradients.needs[node]:
                result.append((amount, end - last_need.get(root, place), end - place))
            kept = first_kept.pop(root, None)
            if root in outside:
                result.append((amount, place, end - starts[outside[root]]))
            elif kept is None:
                result.append((amount, place, last_read[root]))
            elif self.checkpoint:
                result += [(amount, place, last_read[root]), (amount, end - ends[blocks[place]], end - kept[0])]
            else:
                result.append((amount, place, end - kept[0]))
        for place, amount in first_kept.values():  # numbers of their own
            result.append((amount, end - ends[blocks[place]] if self.checkpoint else place, end - place))
        return result

    @property
    def rows(self) -> tuple[TrainingRow, ...]:
        """One row an operation, in the order of the network."""
        rows = []
        for node in self.network.ledger.operations:
            forward, inputs, weights = [self.batch * count for count in self._multiply_adds.get(node, (0, 0, 0))]
            kept = sum([one.bytes for one in self._kept[node]])
            rows.append(TrainingRow(node.name, node.kind, forward, inputs, weights, kept))
        return tuple(rows)


def _is_stored(made: Made) -> bool:
    return isinstance(made[0].layer, Stored)


def _backward(node: Node, macs: int, gradients: Gradients) -> tuple[int, int]:
    """Multiply-adds for the gradients of what the layer reads, and of its weights."""
    wanted = [gradients.needs[source] for source in node.inputs]
    match node.layer:
        case Conv() | TransposedConv() | Linear():  # what it reads beside its input are weights that are computed
            return macs * wanted[0], macs * (gradients.trains[node].weights or any(wanted[1:]))
        case MatMul():
            return macs * sum(wanted), 0
    if not gradients.needs[node]:
        return 0, 0
    raise CostModelError(
        f"{node.name}: no rule for the multiply-adds of the backward pass of {node.label}; train a network without it"
    )


def training(
    network: Network, batch: int = 1, dtype: str = "", optimizer: str = "adamw", checkpoint: str = "", depth: int = 2
) -> Training:
    """What a step of training of ``network`` costs, on ``batch`` samples, with weights and values of ``dtype``.

    ``dtype`` takes the place of every floating-point type; weights of fewer than 32 bits are also kept in fp32 by the
    ``optimizer``: one of :data:`~costmodel.analyses.optimizers.OPTIMIZERS`. With ``checkpoint="block"``, blocks run
    again in the backward pass; ``depth`` parts of a dotted name make a block. Everything counts as in training: norms
    take their statistics from the batch, dropout drops. The loss is not part of it.

    Raises :class:`~costmodel.errors.CostModelError` for a batch below 1, an unknown type, optimizer or checkpoint, and
    for an operation of which nobody knows what its backward pass needs.

    >>> import costmodel as cm
    >>> step = cm.mobilenet_v2().training(batch=1)
    >>> step.forward, step.input_gradient, step.weight_gradient, step.saved_bytes
    (300774272, 289936256, 300774272, 78345984)
    """
    if checkpoint not in CHECKPOINTS:
        raise CostModelError(
            f"no checkpoint is called {checkpoint!r}; {nearest(checkpoint, CHECKPOINTS)}there is block"
        )
    dtype = dtype and parse_dtype(dtype)
    if dtype and not is_differentiable(dtype):
        raise CostModelError(f"values of {dtype} have no gradient; train at fp32, bf16 or fp16")
    if network.ledger.uncounted:
        raise CostModelError(f"{network.name} has operations that nobody has decided on; drop --allow-uncounted")
    return Training(
        network,
        positive_int(batch, "batch"),
        dtype,
        optimizer_named(optimizer),
        checkpoint,
        positive_int(depth, "depth"),
    )


def largest_batch(
    network: Network,
    quantity: str,
    most: object,
    dtype: str = "",
    optimizer: str = "adamw",
    checkpoint: str = "",
    depth: int = 2,
) -> Training:
    """The step with the most samples whose peak is within a budget: ``"peak_memory"``, and ``"24 GB"`` or a number.

    Raises :class:`~costmodel.errors.CostModelError` as :func:`training` does, for a budget of something else, and where
    one sample is too many.

    >>> import costmodel as cm
    >>> largest_batch(cm.mobilenet_v2(), "peak_memory", "24 GB").batch
    304
    """
    name, limit = budget(quantity, most)
    dtype = one_type({quantity: most}, dtype)
    if name != "peak_memory":
        raise CostModelError(f"a batch is looked for within peak_memory, not {name}; write peak_memory=24GB")

    def step(batch: int) -> Training:
        return training(network, batch, dtype, optimizer, checkpoint, depth)

    first, second = step(1).peak_bytes, step(2).peak_bytes
    if first > limit:
        raise CostModelError(
            f"one sample of {network.name} takes {first:,} bytes in training, more than {limit:,}; checkpoint blocks,"
            " take fewer bits, another optimizer or a smaller network"
        )
    # Every tensor but the statistics of norms grows with the batch, so the peak does: in steps that never shrink.
    fits, fails = 1, 2 + (limit - first) // max(1, second - first)
    while step(fails).peak_bytes <= limit:
        fits, fails = fails, 2 * fails
    while fails - fits > 1:
        middle = (fits + fails) // 2
        fits, fails = (middle, fails) if step(middle).peak_bytes <= limit else (fits, middle)
    return step(fits)
