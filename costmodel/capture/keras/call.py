"""One call of a layer or an operation of Keras while its model is read, and what a handler says of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from costmodel.core.counts import NO_PARAMS, Ops, Params
from costmodel.core.graph import Node, Provenance, Value
from costmodel.core.layers import Alias, Dropout, Flatten, Layer, Move, Operation, Shapes, Stored
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError

#: What a variable is, by its name in its layer; other names are those of weights.
_ROLES = {
    **dict.fromkeys(("bias",), "bias"),
    **dict.fromkeys(("gamma", "beta", "scale", "alpha"), "affine"),
    **dict.fromkeys(("moving_mean", "moving_variance", "mean", "variance", "count"), "buffer"),
}


class UndecidedError(CostModelError):
    """Nobody has decided what this costs."""


class Made(NamedTuple):
    """A tensor of one sample: what makes it, as which of its values, its sizes and the type of its values."""

    node: Node
    slot: int
    sizes: tuple[int, ...]
    dtype: str

    @property
    def elements(self) -> int:
        """Number of values in it."""
        return math.prod(self.sizes)

    @property
    def axis(self) -> int:
        """Where its features stand: last, as Keras has them, unless a layer said otherwise."""
        shape = self.node.values[self.slot].shape
        return shape.axis if len(shape.sizes) == len(self.sizes) else max(len(self.sizes) - 1, 0)

    def shape(self, axis: int | None = None) -> Shape:
        """Its shape, the features at ``axis``."""
        return Shape.of(self.sizes, self.axis if axis is None else axis)


class Claimed(NamedTuple):
    """What variables add to the network, and how many of its parameters are of which type."""

    params: Params = NO_PARAMS
    types: tuple[tuple[str, int], ...] = ()


class VariableBook:
    """Which names are taken and which variables are counted, of the whole model."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._claimed: set[int] = set()

    def free(self, name: str) -> str:
        """``name``, numbered where it is taken."""
        self._taken[name] += 1
        return name if self._taken[name] == 1 else f"{name}:{self._taken[name]}"

    def mark(self) -> tuple[Counter[str], set[int]]:
        """What is named and counted so far."""
        return self._taken.copy(), set(self._claimed)

    def back_to(self, mark: tuple[Counter[str], set[int]]) -> None:
        """Forgets what was named and counted since ``mark``."""
        self._taken, self._claimed = mark

    def is_claimed(self, variable: Any) -> bool:
        """Whether ``variable`` is counted already."""
        return id(variable) in self._claimed

    def stored(self, variable: Any) -> Made:
        """A variable that code computes with, as a node of its own."""
        params, types = self.claim([variable])
        shape = Shape.of(tuple(variable.shape), -1)
        provenance = Provenance(types=types)
        name = self.free(str(variable.path).replace("/", "."))
        node = Node(name, Stored(shape, params), (), (), shape, variable.dtype, None, provenance)
        return Made(node, 0, tuple(variable.shape), variable.dtype)

    def claim(self, variables: Iterable[Any]) -> Claimed:
        """What ``variables`` add: nothing for one that is counted already."""
        counts: Counter[str] = Counter()
        types: Counter[str] = Counter()
        for variable in variables:
            if variable is None or id(variable) in self._claimed:
                continue
            self._claimed.add(id(variable))
            size = math.prod(variable.shape)
            role = _ROLES.get(variable.name, "weight")
            counts[role] += size
            if role != "buffer":
                counts["frozen"] += 0 if variable.trainable else size
                types[variable.dtype] += size
        return Claimed(Params(**counts), tuple(types.items()))


class LayerCall:
    """One call: ``tensors`` are those that it is given, ``made`` the sizes and types of what it makes."""

    def __init__(
        self,
        reader: CallReader,
        operation: Any,
        name: str,
        number: int,
        tensors: Sequence[Made],
        made: Sequence[tuple[tuple[int, ...], str]],
        times: int = 1,
    ) -> None:
        self.reader = reader
        #: The layer or the operation of Keras.
        self.keras = operation
        self.name = name
        self.number = number
        self.tensors = tuple(tensors)
        #: The tensors that it is given, and the variables.
        self.reads = self.tensors
        self.made = tuple(made)
        #: What it was called with, tensors of the model as :class:`Made`, and as Keras holds it; None where a layer
        #: calls another with tensors alone.
        self.args: Sequence[Any] = self.tensors
        self.kwargs: Mapping[str, Any] = {}
        self.arguments: Any = None
        #: How often it runs, once for each place along the first axis of all that it reads.
        self.times = times

    @property
    def x(self) -> Made:
        """The first tensor that it reads. Raises where it reads none."""
        if not self.reads:
            raise CostModelError(f"{type(self.keras).__name__} reads no tensor of the model")
        return self.reads[0]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the first tensor that it makes."""
        return self.made[0][0]

    @property
    def elements(self) -> int:
        """How many values the first tensor has that it makes."""
        return math.prod(self.sizes)

    @property
    def feature_axis(self) -> int:
        """Where its ``data_format`` has the features: first or last."""
        return 0 if getattr(self.keras, "data_format", "") == "channels_first" else -1

    def option(self, name: str, default: Any = None) -> Any:
        """What its author chose."""
        return getattr(self.keras, name, default)

    def argument(self, place: int, name: str) -> Any:
        """What it was given at ``place``, or by ``name``; None where that is nothing."""
        return self.args[place] if place < len(self.args) else self.kwargs.get(name)

    def layer(self, layer: Any, reads: Sequence[Made], sizes: tuple[int, ...], times: int = 1) -> Made:
        """What a layer inside of it makes of ``reads``, of these ``sizes``; it runs so many ``times``."""
        made = [(sizes, self.made[0][1])]
        name = f"{self.name}.{layer.name}"
        call = LayerCall(self.reader, layer, name, self.number, reads, made, times * self.times)
        return self.reader.read(call)[0]

    # What handlers say.

    def claim(self, *variables: Any) -> Claimed:
        """What these variables add to the network; all of the layer where none is named."""
        return self.reader.book.claim(variables or self.keras.weights)

    def add(
        self,
        layer: Layer,
        reads: Sequence[Made] = (),
        shapes: Shapes = (),
        claimed: Claimed | None = None,
        *,
        part: str = "",
        alias: Alias | None = None,
        dtype: str = "",
        others: Sequence[Value] = (),
    ) -> Made:
        """``layer`` computes what the call makes, or a part of it, and reads the first tensor where none is named.

        ``shapes``: how it sees the first of ``reads``, where that is not as they are. Without ``claimed`` it stores
        nothing.
        """
        reads = reads or (self.x,)
        seen: Shapes = (*shapes, *[read.shape() for read in reads[len(shapes) :]])
        shape, times = layer.output(seen), self.times
        stored = NO_PARAMS if claimed is None else claimed.params
        dtype = dtype or layer.dtype or self.made[0][1]
        own = claimed.types if claimed is not None and {kind for kind, _ in claimed.types} - {dtype} else ()
        provenance = Provenance(
            call=self.number, times=times, stored=None if stored == layer.params(seen) else stored, types=own
        )
        whole = shape
        if times > 1:
            seen, whole = tuple([one.stacked(times) for one in seen]), shape.stacked(times)
        name = self.reader.book.free(f"{self.name}.{part}" if part else self.name)
        slots = tuple([read.slot for read in reads])
        node = Node(
            name, layer, tuple([read.node for read in reads]), seen, whole, dtype, alias or layer.alias, provenance,
            tuple(others), slots if any(slots) else (),
        )  # fmt: skip
        return Made(node, 0, shape.sizes, dtype)

    def operation(
        self,
        name: str,
        work: Ops,
        reads: Sequence[Made] = (),
        claimed: Claimed | None = None,
        sizes: tuple[int, ...] | None = None,
        **more: Any,
    ) -> Made:
        """An operation that is its name and its arithmetic, and makes ``sizes``."""
        return self.add(Operation(name, self._like(sizes, reads), work), reads or self.reads, (), claimed, **more)

    def move(self, name: str, sizes: tuple[int, ...] | None = None, **more: Any) -> Made:
        """Values in new memory, or a view of the first with ``alias``; nothing is computed."""
        return self.add(Move(name, self._like(sizes, self.reads)), self.reads, **more)

    def flat(self) -> Made:
        """All values of the first tensor as one vector."""
        return self.add(Flatten())

    def dropped(self) -> Made:
        """What inference leaves as it is."""
        return self.add(Dropout())

    def seen_as(self, made: Made, sizes: Sequence[int]) -> Made:
        """The same values in other sizes, which is no step of its own."""
        return made._replace(sizes=tuple(sizes))

    def all_made(self, made: Made) -> tuple[Made, ...]:
        """``made``, the first tensor that it makes, and the others, which are further values of the same node."""
        others = [Made(made.node, slot, sizes, dtype) for slot, (sizes, dtype) in enumerate(self.made[1:], start=1)]
        return (made, *others)

    @property
    def others(self) -> list[Value]:
        """What it makes beside the first tensor."""
        return [Value(Shape.of(sizes, -1), dtype) for sizes, dtype in self.made[1:]]

    def _like(self, sizes: tuple[int, ...] | None, reads: Sequence[Made]) -> Shape:
        """The shape of what it makes, its features where those of the first tensor of as many sizes are."""
        sizes = self.sizes if sizes is None else sizes
        axis = next((read.axis for read in reads or self.reads if len(read.sizes) == len(sizes)), -1)
        return Shape.of(sizes, axis)


class CallReader(Protocol):
    """Reads a call by the handler of what is called."""

    book: VariableBook

    def read(self, call: LayerCall) -> tuple[Made, ...]:
        """What ``call`` makes."""


#: What a layer or an operation of Keras is: each tensor that a call of it makes.
Handler: TypeAlias = Callable[[LayerCall], "Made | tuple[Made, ...]"]
Handlers: TypeAlias = Mapping[str, Handler]
