"""Which values of a network get a gradient in training, and which tensors are kept for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias, final

from costmodel.analyses.kept import STATISTICS, Kept, kept
from costmodel.analyses.lifetimes import Size
from costmodel.analyses.memory import value_size
from costmodel.core.counts import Params
from costmodel.core.graph import BUILT, Node
from costmodel.core.layers import Dropout, Input, Stored
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.quantities import at_dtype, bytes_of_all

#: A value: the node that made it, and which of its values it is.
Made: TypeAlias = tuple[Node, int]


class Saved(NamedTuple):
    """A tensor that an operation keeps: whose values it holds, or a text for numbers of its own, and its bytes."""

    tensor: Made | tuple[Node, str]
    bytes: int


class Trains(NamedTuple):
    """Whether training changes any parameter that a layer works with, and whether it changes its weights."""

    any: bool
    weights: bool


_NO_OPERATIONS = (Input, Stored)
_ALL, _NONE, _BIAS_ALONE = Trains(True, True), Trains(False, False), Trains(True, False)


def trains(node: Node, held: Params) -> Trains:
    """What training changes of the parameters ``held`` that ``node`` works with.

    Raises :class:`~costmodel.errors.CostModelError` where it is not known whether its weights are among them.
    """
    if not held.trainable:
        return _NONE
    if not held.frozen or not node.layer.multiplies:
        return _ALL
    if held.frozen in (held.weight, held.bias) and held.weight != held.bias:
        return _BIAS_ALONE if held.frozen == held.weight else _ALL
    raise CostModelError(
        f"{node.name}: {held.frozen} of its {held.parameters} parameters are frozen, and not known which; freeze all or"
        " none of a layer"
    )


def trainable_types(node: Node) -> tuple[tuple[str, int], ...]:
    """How many of the parameters of ``node`` that training changes are of which type.

    Raises :class:`~costmodel.errors.CostModelError` where that is not known.
    """
    params, types = node.params, node.parameter_types
    if not params.frozen:
        return types
    if len(types) == 1 or not params.trainable:
        return ((types[0][0], params.trainable),) if params.trainable else ()
    raise CostModelError(
        f"{node.name}: not known of which type its frozen parameters are; freeze all or none of a layer"
    )


@final
@dataclass(frozen=True)
class Gradients:
    """Gradients of ``batch`` samples of ``network``, with values of ``dtype``, or of their own types."""

    network: Network
    batch: int
    dtype: str

    @cached_property
    def trains(self) -> dict[Node, Trains]:
        """What training changes of the parameters that each node works with, also of those that it shares."""
        found: dict[Node, Trains] = {}
        shared: dict[str, Trains] = {}
        for node in self.network.nodes:
            layer = node.layer
            if not (layer.stores or isinstance(layer, Stored)):
                found[node] = _NONE
            elif node.provenance is BUILT:
                found[node] = _ALL if layer.params(node.input_shapes).parameters else _NONE
            elif node.params.parameters or not layer.params(node.sample[0]).parameters:
                found[node] = shared[node.name] = trains(node, node.params)
            elif not self.network.frozen_parameters:
                found[node] = _ALL
            else:  # the same module once more: its name ends in how often it has run
                found[node] = self._shared(node, shared)
        return found

    def _shared(self, node: Node, known: dict[str, Trains]) -> Trains:
        first = node.name.partition(":")[0]
        if first not in known:
            raise CostModelError(f"{node.name}: it shares its weights, and not known is whether those are frozen")
        return known[first]

    @cached_property
    def needs(self) -> dict[Node, bool]:
        """Of each node, whether there is a gradient of what it makes."""
        needs: dict[Node, bool] = {}
        for node in self.network.nodes:
            follows = self.trains[node].any or True in [needs[source] for source in node.inputs]
            needs[node] = follows and "float" in node.dtype
        return needs

    @cached_property
    def storages(self) -> dict[Made, Made]:
        """Whose memory each value is in: its own, or that of the value that it views or writes over."""
        roots: dict[Made, Made] = {}
        for node in self.network.nodes:
            for slot, value in enumerate(node.values):
                # A dropout does nothing at inference; in training it makes a tensor of its own.
                alias = None if isinstance(node.layer, Dropout) else value.alias
                roots[node, slot] = (node, slot) if alias is None else roots[read(node, alias.input)]
        return roots

    def bytes_of(self, made: Made) -> int:
        """The bytes of a tensor, for all samples."""
        value = made[0].values[made[1]]
        return self.batch * self._size(value.shape, value.dtype)

    @cached_property
    def _size(self) -> Size:
        return value_size(self.dtype)

    @cached_property
    def saved(self) -> dict[Node, list[Saved]]:
        """What each operation keeps for its gradient. Parameters are there anyway, and not among it."""
        needs = self.needs
        return {
            node: list(
                self._saved(node, kept(node, [needs[source] for source in node.inputs], self.trains[node].weights))
            )
            if needs[node] and not isinstance(node.layer, _NO_OPERATIONS)
            else []
            for node in self.network.nodes
        }

    def _kept(self, node: Node) -> Kept:
        return kept(node, [self.needs[source] for source in node.inputs], self.trains[node].weights)

    def _saved(self, node: Node, keeps: Kept) -> Iterator[Saved]:
        for place in keeps.inputs:
            source, slot = read(node, place)
            if isinstance(source.layer, Stored):
                continue
            elements, value = node.input_shapes[place].elements, source.values[slot]
            if elements > value.shape.elements:  # one that is expanded is copied before it is multiplied
                yield Saved((node, f"input {place}"), self._own(elements, value.dtype))
            else:
                root = self.storages[source, slot]
                yield Saved(root, self.bytes_of(root))
        if keeps.output:
            root = self.storages[node, 0]
            yield Saved(root, self.bytes_of(root))
        if keeps.own:
            yield Saved((node, "own"), self._own(keeps.own, keeps.own_dtype or node.dtype, bool(keeps.own_dtype)))
        if keeps.once:
            yield Saved((node, "once"), bytes_of_all(keeps.once, STATISTICS))

    def _own(self, count: int, own: str, fixed: bool = False) -> int:
        return bytes_of_all(self.batch * count, own if fixed else at_dtype(own, self.dtype))


def read(node: Node, place: int) -> Made:
    """The value that a node reads at a place."""
    return node.inputs[place], node.slots[place] if node.slots else 0
