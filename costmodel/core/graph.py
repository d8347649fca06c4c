"""Nodes and the values on their edges: what makes what of what, and where a captured node came from.

A network is a graph of primitive operations; its tree of modules is in the dotted names. Build one by applying
layers to nodes, from the image on:

>>> from costmodel.core.layers import RELU, conv
>>> x = image(3, 32)
>>> x = apply(x, "stem.conv", conv(16, kernel=3, padding=1))
>>> x = apply(x, "stem.relu", RELU)
>>> x.inputs[0].name, str(x.shape), x.dtype
('stem.conv', '16x32x32', 'float32')
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from costmodel.core.counts import Ops, Params
from costmodel.core.layers.base import Alias, Input, Layer, Shapes
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, positive_int

#: The type of values where nobody says another.
FLOAT = "float32"


class Value(NamedTuple):
    """A tensor that a node makes, of one sample: its shape, the type of its numbers, and whose memory it is in.

    ``alias`` is None for memory of its own; otherwise the input that it views or writes over.
    """

    shape: Shape
    dtype: str = FLOAT
    alias: Alias | None = None


class Provenance(NamedTuple):
    """Where a node was met in a model that costmodel did not build. None means that it is not known.

    ``module``: the type of the module that computes it, with its path; empty for a functional call. ``function``: what
    that code called, such as ``torch.nn.functional.relu``; several nodes in a row may be of one call, and ``call``
    numbers the calls, from 1. ``leading``: the first size of what its module returned, the batch where there is one; 0
    where it returned no tensor. ``times``: the layer runs so many times in this one node, once for each along the first
    axis (frames of a clip, windows of an image). ``stored``: what this node adds to the parameters, where that is not
    what its layer needs: nothing where its module was met before, or shares its weights. ``source``: file and line.
    ``types``: how many of its parameters are of which type, where that is not the type that it makes.
    """

    module: str | None = None
    function: str | None = None
    call: int = 0
    leading: int | None = None
    times: int = 1
    stored: Params | None = None
    source: str = ""
    types: tuple[tuple[str, int], ...] = ()
    #: Made by :func:`apply`: each layer stands for the one PyTorch module that computes it.
    built: bool = False

    def once(self, inputs: Shapes, output: Shape) -> tuple[Shapes, Shape]:
        """What the layer reads and makes each time it runs, of all that the node reads and makes."""
        if self.times == 1:
            return inputs, output
        return tuple([shape.without_first_axis() for shape in inputs]), output.without_first_axis()


#: The provenance of every node of a network that was built from layers.
BUILT = Provenance(built=True)


class Node(NamedTuple):
    """One operation in a network: its dotted name, its layer, the nodes it reads, what it makes.

    Compared by identity: two equal convolutions in one network are two nodes. A named tuple because a network is
    made of hundreds: it is built in half the time of a frozen dataclass. ``shape``, ``dtype`` and ``alias`` are of its
    first value, which is the only one of most nodes; ``others`` are the further ones, such as the indices of a maximum.

    >>> from costmodel.core.layers import Linear
    >>> node = apply(tokens(196, 64), "head", Linear(10))
    >>> node.name, node.shape.sizes, node.macs
    ('head', (196, 10), 125440)
    """

    name: str
    layer: Layer
    inputs: tuple[Node, ...]
    #: The shapes in which it reads ``inputs``: theirs, or a view of the same values.
    input_shapes: Shapes
    shape: Shape
    dtype: str = FLOAT
    alias: Alias | None = None
    provenance: Provenance = BUILT
    others: tuple[Value, ...] = ()
    #: Which value of each input it reads; empty where it is the first of each.
    slots: tuple[int, ...] = ()

    @property
    def values(self) -> tuple[Value, ...]:
        """What it makes.

        >>> from costmodel.core.layers import Flatten
        >>> apply(image(8, 4), "flatten", Flatten()).values
        (Value(shape=Shape(channels=128, spatial=()), dtype='float32', alias=Alias(input=0, writes=False)),)
        """
        return (Value(self.shape, self.dtype, self.alias), *self.others)

    @property
    def sample(self) -> tuple[Shapes, Shape]:
        """The shapes that its layer reads and makes each time it runs: those of the node, but where it runs often."""
        return self.provenance.once(self.input_shapes, self.shape)

    @property
    def macs(self) -> int:
        """Multiply-adds of one sample."""
        return self.provenance.times * self.layer.macs(*self.sample)

    @property
    def activations(self) -> int:
        """Values that it makes, where it multiplies and adds: a convolution, a linear layer, a matrix product."""
        return self.shape.elements if self.layer.multiplies and self.macs else 0

    @property
    def ops(self) -> Ops:
        """All arithmetic of one sample, by its kind."""
        return self.provenance.times * self.layer.ops(*self.sample)

    @property
    def params(self) -> Params:
        """What this node adds to the parameters of the network."""
        if self.provenance is BUILT:
            return self.layer.params(self.input_shapes)
        stored = self.provenance.stored
        return self.layer.params(self.sample[0]) if stored is None else stored

    @property
    def parameter_types(self) -> tuple[tuple[str, int], ...]:
        """How many of its parameters are of which type.

        >>> from costmodel.core.layers import Linear
        >>> apply(tokens(196, 64), "head", Linear(10)).parameter_types
        (('float32', 650),)
        """
        return self.provenance.types or ((self.dtype, self.params.parameters),)

    @property
    def kind(self) -> str:
        """What the field calls it: ``conv``, ``depthwise_conv``, ``linear``, ``batch_norm`` ..."""
        return self.layer.kind(self.sample[0])

    @property
    def label(self) -> str:
        """``kind`` for people, with the kernel: ``depthwise conv 3x3``."""
        return self.layer.label(self.sample[0])

    # The generated repr would walk the whole network behind this node.
    def __repr__(self) -> str:
        return f"Node({self.name!r}, {self.layer!r}, shape={self.shape})"


# A tuple would be compared and hashed by value, through the whole network behind it. Set here because the body of a
# named tuple holds no assignments; the three ignores are for that.
Node.__eq__ = object.__eq__  # type: ignore[method-assign]
Node.__ne__ = object.__ne__  # type: ignore[method-assign]
Node.__hash__ = object.__hash__  # type: ignore[method-assign]


def image(channels: int, size: int | Sequence[int], name: str = "input") -> Node:
    """An input of a network: an image of ``size`` x ``size``, or of the spatial sizes given.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 1.

    >>> image(3, 224).shape
    Shape(channels=3, spatial=(224, 224))
    """
    spatial = size if isinstance(size, Sequence) else (size, size)
    try:
        shape = Shape(positive_int(channels, "channels"), tuple([positive_int(axis, "size") for axis in spatial]))
    except CostModelError as error:
        raise error.at(name) from None
    return Node(name, Input(shape), (), (), shape)


def tokens(length: int, features: int, name: str = "input") -> Node:
    """An input of a network: a sequence of ``length`` tokens with so many ``features`` each.

    Raises :class:`~costmodel.errors.CostModelError` for sizes below 1.

    >>> tokens(196, 768).shape
    Shape(channels=768, spatial=(196,), axis=1)
    """
    try:
        shape = Shape(positive_int(features, "features"), (positive_int(length, "length"),), axis=1)
    except CostModelError as error:
        raise error.at(name) from None
    return Node(name, Input(shape), (), (), shape)


def token_ids(length: int, name: str = "input") -> Node:
    """An input of a network: the numbers of ``length`` tokens, which an embedding reads.

    Raises :class:`~costmodel.errors.CostModelError` for a length below 1.

    >>> token_ids(1024).values
    (Value(shape=Shape(channels=1024, spatial=()), dtype='int64', alias=None),)
    """
    shape = Shape(positive_int(length, "sequence"))
    return Node(name, Input(shape), (), (), shape, "int64")


def apply(inputs: Node | Sequence[Node], name: str, layer: Layer) -> Node:
    """The node that ``layer`` makes of ``inputs``: one node, or several for an addition.

    Raises :class:`~costmodel.errors.CostModelError`, with ``name`` as the place, where the shapes do not fit.

    >>> from costmodel.core.layers import conv
    >>> apply(image(64, 56), "features.3.depthwise", conv(5, kernel=3, groups=5))
    Traceback (most recent call last):
        ...
    costmodel.errors.CostModelError: features.3.depthwise: groups=5 does not divide 64 input channels; groups=4 does
    """
    try:
        if isinstance(inputs, Node) and layer.least_inputs == 1:
            shapes: Shapes = (inputs.shape,)
            dtype = layer.dtype or inputs.dtype
            # What Node() does, in half the time: nearly every node of every network is made here.
            made = (name, layer, (inputs,), shapes, layer.output(shapes), dtype, layer.alias, BUILT, (), ())
            return tuple.__new__(Node, made)
        nodes = (inputs,) if isinstance(inputs, Node) else tuple(inputs)
        shapes = tuple([node.shape for node in nodes])
        if len(nodes) < layer.least_inputs or (layer.most_inputs is not None and len(nodes) > layer.most_inputs):
            reads = "several inputs" if layer.least_inputs > 1 else "one input"
            raise CostModelError(f"{layer!r} reads {reads}, {len(nodes)} given")
        return Node(name, layer, nodes, shapes, layer.output(shapes), layer.dtype or nodes[0].dtype, layer.alias)
    except CostModelError as error:
        raise error.at(name) from None
    except AttributeError:
        if isinstance(layer, Layer) and isinstance(name, str):
            raise
        raise _wrong_call(inputs, name, layer) from None


def _wrong_call(inputs: object, name: object, layer: object) -> TypeError:
    given = ", ".join(type(argument).__name__ for argument in (inputs, name, layer))
    return TypeError(f"apply takes nodes, a name and a layer, as in apply(x, 'relu', RELU); given: {given}")


def postorder(output: Node) -> tuple[Node, ...]:
    """Every node that ``output`` depends on, each once, after all that it reads; inputs from left to right.

    Iterative, so that the depth of a network is bounded by memory alone.
    """
    order: list[Node] = []
    seen: set[Node] = set()
    # Nodes to visit, and chains of visited nodes that wait for what their last one reads.
    stack: list[Node | list[Node]] = [output]
    while stack:
        top = stack.pop()
        if isinstance(top, list):
            order += top[::-1]
        elif top not in seen:
            chain = []
            reads: tuple[Node, ...] = (top,)
            while len(reads) == 1 and (node := reads[0]) not in seen:
                seen.add(node)
                chain.append(node)
                reads = node.inputs
            stack.append(chain)
            stack += reads[::-1]
    return tuple(order)
