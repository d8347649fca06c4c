"""Which values of a network get a gradient in training, and which tensors are kept for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias, final

from costmodel.analyses.kept import STATISTICS, kept
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


_ALL, _NONE, _BIAS_ALONE = Trains(True, True), Trains(False, False), Trains(True, False)


def trains(node: Node, stored: Params) -> Trains:
    """What training changes of the parameters ``held`` that ``node`` works with.

    Raises :class:`~costmodel.errors.CostModelError` where it is not known whether its weights are among them.
    """
    if not stored.trainable:
        return _NONE
    if not stored.frozen or not node.layer.multiplies:
        return _ALL
    if stored.frozen in (stored.weight, stored.bias) and stored.weight != stored.bias:
        return _BIAS_ALONE if stored.frozen == stored.weight else _ALL
    raise CostModelError(
        f"{node.name}: {stored.frozen} of its {stored.parameters} parameters are frozen, and not known which; freeze"
        " all or none of a layer"
    )


def is_differentiable(dtype: str) -> bool:
    """Whether there are gradients of values of this type: of no whole number and no truth value."""
    return "float" in dtype or "complex" in dtype


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
        trained: dict[Node, Trains] = {}
        shared: dict[str, Trains] = {}
        for node in self.network.nodes:
            layer = node.layer
            if not layer.stores:
                trained[node] = _NONE
            elif node.provenance is BUILT:
                trained[node] = _ALL if layer.params(node.input_shapes).parameters else _NONE
            elif node.params.parameters or not layer.params(node.sample[0]).parameters:
                trained[node] = shared[node.name] = trains(node, node.params)
                for own, count in node.parameter_types:
                    if count and node.params.trainable and not is_differentiable(own):
                        raise CostModelError(
                            f"{node.name}: weights of {own} have no gradient; train the network in fp32"
                        )
            elif not self.network.frozen_parameters:
                trained[node] = _ALL
            else:  # the same module once more: its name ends in how often it has run
                trained[node] = self._shared(node, shared)
        return trained

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
            needs[node] = follows and is_differentiable(node.dtype)
        return needs

    @cached_property
    def storages(self) -> dict[Made, Made]:
        """Whose memory each value is in: its own, or that of the value that it views or writes over."""
        roots: dict[Made, Made] = {}
        for node in self.network.nodes:
            # A dropout does nothing at inference; in training it makes a tensor of its own.
            own = node.alias is None or type(node.layer) is Dropout
            roots[node, 0] = (node, 0) if own else roots[read(node, node.alias.input)]  # type: ignore[union-attr]
            for slot, value in enumerate(node.others, start=1):
                roots[node, slot] = (node, slot) if value.alias is None else roots[read(node, value.alias.input)]
        return roots

    def bytes_of(self, made: Made) -> int:
        """The bytes of a tensor, for all samples."""
        known = self._bytes.get(made)
        if known is None:
            node, slot = made
            value = node.others[slot - 1] if slot else node
            known = self._bytes[made] = self.batch * self._size(value.shape, value.dtype)
        return known

    @cached_property
    def _bytes(self) -> dict[Made, int]:
        return {}

    @cached_property
    def _size(self) -> Size:
        return value_size(self.dtype)

    @cached_property
    def saved(self) -> dict[Node, list[Saved]]:
        """What each operation keeps for its gradient. Parameters are there anyway, and not among it."""
        return {
            node: self._saved(node) if needs and type(node.layer) not in (Input, Stored) else []
            for node, needs in self.needs.items()
        }

    def _saved(self, node: Node) -> list[Saved]:
        keeps = kept(node, [self.needs[source] for source in node.inputs], self.trains[node].weights)
        saved = [self._read(node, place) for place in keeps.inputs if type(node.inputs[place].layer) is not Stored]
        if keeps.output:
            root = self.storages[node, 0]
            saved.append(Saved(root, self.bytes_of(root)))
        if keeps.own:
            saved.append(
                Saved((node, "own"), self._own(keeps.own, keeps.own_dtype or node.dtype, bool(keeps.own_dtype)))
            )
        if keeps.once:
            saved.append(Saved((node, "once"), bytes_of_all(keeps.once, STATISTICS)))
        return saved

    def _read(self, node: Node, place: int) -> Saved:
        """What it keeps of an input: its tensor, or a copy where that is expanded before it is multiplied."""
        made = read(node, place)
        root, shape = self.storages[made], node.input_shapes[place]
        whole, dtype = (made[0].shape, made[0].dtype) if not made[1] else made[0].others[made[1] - 1][:2]
        if shape is not whole and (elements := shape.elements) > whole.elements:
            return Saved((node, f"input {place}"), self._own(elements, dtype))
        return Saved(root, self.bytes_of(root))

    def _own(self, count: int, own: str, fixed: bool = False) -> int:
        return bytes_of_all(self.batch * count, own if fixed else at_dtype(own, self.dtype))


def read(node: Node, place: int) -> Made:
    """The value that a node reads at a place."""
    return node.inputs[place], node.slots[place] if node.slots else 0
