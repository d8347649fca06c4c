"""What a lock keeps of a network: one line a layer, exact integers, nothing that depends on machine or run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple, final

from costmodel.analyses.memory import memory
from costmodel.analyses.size import size
from costmodel.core.graph import Node
from costmodel.core.layers import Choices, Layer
from costmodel.core.network import Network
from costmodel.core.shape import Shape
from costmodel.guard.choice_text import choices_text, parse_choices


class LayerCost(NamedTuple):
    """One operation of a network for one sample, or one of its inputs: what it is, reads, makes and costs.

    ``choices`` are what its author chose, as (name, value), in the form in which a lock tells values apart: equal sides
    of an axis are one number. None where the kind says it all. ``reads`` and ``makes`` are shapes, the former separated
    by commas.
    """

    name: str
    kind: str
    choices: Choices
    reads: str
    makes: str
    multiply_adds: int
    parameters: int

    @property
    def signature(self) -> tuple[object, ...]:
        """All but the name: what stays when a layer is renamed."""
        return self[1:]


class ByteCost(NamedTuple):
    """What a model takes with values of ``dtype``: activations at their peak, and parameters, both in bytes.

    ``at`` is the operation at which the peak stands, under the policy ``fused``.
    """

    dtype: str
    peak_memory: int
    at: str
    size: int


@final
@dataclass(frozen=True)
class ModelCost:
    """What a model costs, layer by layer in the order of the network, for one sample.

    ``reasons`` are (layer, text): why the cost last changed at and after that layer. ``line`` is where the model
    stands in the lock file it was read from, 0 where it was counted; ``network`` is what was counted. ``bytes`` are
    known where a type was asked for.
    """

    name: str
    layers: tuple[LayerCost, ...]
    reasons: tuple[tuple[int, str], ...] = ()
    line: int = 0
    bytes: ByteCost | None = None
    network: Network | None = field(default=None, compare=False, repr=False)

    @property
    def removed(self) -> bool:
        """Whether it stands in a lock only to say why the model is gone: every network has at least one layer."""
        return not self.layers

    @cached_property
    def multiply_adds(self) -> int:
        """Multiply-adds of convolutions, linear layers and products of matrices, for one sample."""
        return sum([layer.multiply_adds for layer in self.layers])

    @cached_property
    def parameters(self) -> int:
        """Trainable parameters."""
        return sum([layer.parameters for layer in self.layers])


def cost_of(network: Network, name: str, dtype: str = "") -> ModelCost:
    """What ``network`` costs, under the ``name`` that the lock calls it; its bytes too where a ``dtype`` is given.

    Raises :class:`~costmodel.errors.CostModelError` for an unknown type, and for the bytes of a network without
    operations.

    >>> import costmodel as cm
    >>> cost = cost_of(cm.lenet(), "small", "int8")
    >>> cost.layers[-1]
    LayerCost(name='classifier.fc3', kind='linear', choices=(('outputs', 10), ('bias', True)), reads='84', ...)
    >>> cost.multiply_adds == cm.lenet().multiply_adds, cost.bytes.size
    (True, 121182)
    """
    taken = None
    if dtype:
        usage = memory(network, dtype)
        taken = ByteCost(usage.dtype, usage.peak_bytes, usage.at, size(network, dtype))
    return ModelCost(name, tuple(map(_line, network.nodes)), bytes=taken, network=network)


def _line(node: Node) -> LayerCost:
    return LayerCost(
        node.name,
        node.kind,
        _choices(node.layer),
        _shapes(node.input_shapes),
        _shapes((node.shape,)),
        node.macs,
        node.params.parameters,
    )


# Cached, as are the shapes: the layers of a network repeat a few choices, and the check counts a hundred networks.
@lru_cache(maxsize=4096)
def _choices(layer: Layer) -> Choices:
    return parse_choices(choices_text(layer.choices()))


@lru_cache(maxsize=65536)
def _shapes(shapes: tuple[Shape, ...]) -> str:
    return ",".join(map(str, shapes))


def present(locked: Mapping[str, ModelCost]) -> dict[str, ModelCost]:
    """Those of the ``locked`` models that cost something: without those that stand there as removed."""
    return {name: cost for name, cost in locked.items() if not cost.removed}
