"""Nodes, the network they form, and its order.

A network is a graph of primitive operations; its tree of modules is in the dotted names. Build one by applying
layers to nodes, from the image on:

>>> from costmodel.core.layers import RELU, conv
>>> x = image(3, 32)
>>> x = apply(x, "stem.conv", conv(16, kernel=3, padding=1))
>>> x = apply(x, "stem.relu", RELU)
>>> net = Network(x, "tiny")
>>> net.multiply_adds, net.parameters
(442368, 432)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, final

from costmodel.core.layers import Input, Layer
from costmodel.core.values import Shape
from costmodel.errors import CostModelError, positive_int

if TYPE_CHECKING:
    import pandas

    from costmodel.core.ledger import Ledger


class Node(NamedTuple):
    """One operation in a network: its dotted name, its layer, the nodes it reads, the shape it makes.

    Compared by identity: two equal convolutions in one network are two nodes. A named tuple because a network is
    made of hundreds: it is built in half the time of a frozen dataclass.
    """

    name: str
    layer: Layer
    inputs: tuple[Node, ...]
    #: The shapes in which it reads ``inputs``: theirs, or in a captured model another view of the same values.
    input_shapes: tuple[Shape, ...]
    shape: Shape

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
        shape = Shape(positive_int(channels, "channels"), tuple(positive_int(axis, "size") for axis in spatial))
    except CostModelError as error:
        raise error.at(name) from None
    return Node(name, Input(shape), (), (), shape)


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
        if isinstance(inputs, Node) and not layer.joins:
            shapes: tuple[Shape, ...] = (inputs.shape,)
            return Node(name, layer, (inputs,), shapes, layer.output(shapes))
        nodes = (inputs,) if isinstance(inputs, Node) else tuple(inputs)
        shapes = tuple([node.shape for node in nodes])
        if (len(nodes) > 1) is not layer.joins or not nodes:
            reads = "several inputs" if layer.joins else "one input"
            raise CostModelError(f"{layer!r} reads {reads}, {len(nodes)} given")
        return Node(name, layer, nodes, shapes, layer.output(shapes))
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
            order.extend(reversed(top))
        elif top not in seen:
            chain = []
            reads: tuple[Node, ...] = (top,)
            while len(reads) == 1 and reads[0] not in seen:
                node = reads[0]
                seen.add(node)
                chain.append(node)
                reads = node.inputs
            stack.append(chain)
            stack.extend(reversed(reads))
    return tuple(order)


@final
@dataclass(frozen=True, eq=False)
class Network:
    """A whole network: its output node, a name, and the choices it was built from.

    Figures are of one sample (of one call, where a module was captured with example tensors) and of the papers'
    convention: multiply-adds of convolutions, linear layers and matrix products, without bias, norm, activation and
    pooling. ``ledger`` has every operation in every kind.

    >>> import costmodel as cm
    >>> net = cm.mobilenet_v1(alpha=0.75, resolution=192)
    >>> net.multiply_adds, net.flops, net.parameters, net.weights
    (239273472, 478546944, 2585560, 2568144)
    """

    output: Node
    name: str = "network"
    config: Mapping[str, object] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.output, Node):
            raise TypeError(f"a network is made of its output node, not of {type(self.output).__name__}")
        object.__setattr__(self, "config", MappingProxyType(dict(self.config)))

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, inputs first."""
        return postorder(self.output)

    @cached_property
    def inputs(self) -> tuple[Shape, ...]:
        """Shapes of one sample of each input."""
        return tuple(node.shape for node in self.nodes if isinstance(node.layer, Input))

    @property
    def input(self) -> Shape:
        """Shape of one sample. Raises :class:`~costmodel.errors.CostModelError` where there are several inputs."""
        if len(self.inputs) > 1:
            raise CostModelError(f"{self.name} reads {len(self.inputs)} inputs; ask for `inputs`")
        return self.inputs[0]

    # The readings. Each room is to the right of this one, so it is entered when it is asked for and not before.

    @cached_property
    def ledger(self) -> Ledger:
        """One entry an operation, for one sample."""
        from costmodel.core.ledger import Ledger

        return Ledger(tuple([node for node in self.nodes if not isinstance(node.layer, Input)]))

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of convolutions, linear layers and matrix products, for one sample."""
        return self.ledger.multiply_adds

    @property
    def flops(self) -> int:
        """Two a multiply-add, for one sample."""
        return self.ledger.flops

    @property
    def parameters(self) -> int:
        """Trainable parameters: weights, biases, and gamma and beta of the norms."""
        return self.ledger.parameters

    @property
    def weights(self) -> int:
        """Weights of convolutions and linear layers alone."""
        return self.ledger.weights

    def table(self, by: str = "layer", depth: int = 2, batch: int = 1) -> pandas.DataFrame:
        """The cost by ``"layer"``, ``"block"`` (names cut at ``depth`` parts), ``"stage"`` or ``"type"``: a DataFrame.

        Columns: name, type, input, output, parameters, multiply_adds, share; by type, the number of layers instead
        of a name and shapes. Loads pandas.

        >>> import costmodel as cm
        >>> cm.mobilenet_v2().table(by="block").multiply_adds.sum()
        np.int64(300774272)
        """
        from costmodel.report.frame import table

        return table(self, by, depth, batch)

    def under(self, convention: str) -> int:
        """What a paper or a tool would print for one sample, by the name of its convention.

        Raises :class:`~costmodel.errors.CostModelError` for a name that is none, and where it has no rule.

        >>> import costmodel as cm
        >>> cm.mobilenet_v2().under("fvcore")
        314193216
        """
        from costmodel.conventions import convention as named

        return named(convention).of(self.ledger).total

    def conventions(self, batch: int = 1) -> pandas.DataFrame:
        """What every paper and tool would print, itemized against the paper: a DataFrame, a row a convention.

        Columns: convention, version, counts (multiply-adds, FLOPs or parameters), figure, difference (from the paper's
        multiply-adds, or the trainable parameters), itemized. Loads pandas.

        >>> import costmodel as cm
        >>> cm.mobilenet_v2().conventions().set_index("convention").figure["torchinfo"]
        np.int64(300809384)
        """
        from costmodel.report.frame import conventions

        return conventions(self, batch)

    # Pickled and copied as a list of nodes: along their links, a deep network would exceed the recursion limit.
    def __reduce__(self) -> tuple[object, ...]:
        number = {node: index for index, node in enumerate(self.nodes)}
        steps = [(*node[:2], [number[read] for read in node.inputs], *node[3:]) for node in self.nodes]
        return _rebuilt, (steps, self.name, dict(self.config), self.source)

    def __repr__(self) -> str:
        from costmodel.report.count import headline

        return f"<{self.name}: {headline(self)}>"

    def _repr_html_(self) -> str:
        from costmodel.report.count import html

        return html(self)


def _rebuilt(
    steps: list[tuple[str, Layer, list[int], tuple[Shape, ...], Shape]],
    name: str,
    config: Mapping[str, object],
    source: str,
) -> Network:
    nodes: list[Node] = []
    for label, layer, reads, shapes, shape in steps:
        nodes.append(Node(label, layer, tuple([nodes[read] for read in reads]), shapes, shape))
    return Network(nodes[-1], name, config, source)
