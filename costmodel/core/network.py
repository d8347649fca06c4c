"""A whole network: its output node, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, final

from costmodel.core.graph import Node, postorder
from costmodel.core.layers import Input
from costmodel.core.ledger import Ledger
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError

if TYPE_CHECKING:
    import pandas


@final
@dataclass(frozen=True, eq=False)
class Network:
    """A whole network: its output node, a name, and the choices it was built from.

    Numbers are of one sample (of one call, where a module was captured with example tensors) and of the papers'
    convention: multiply-adds of convolutions, linear layers and matrix products, without bias, norm, activation and
    pooling. ``ledger`` has every operation in every kind.

    Further readings (``table``, ``under``, ``conventions`` ...) are functions of rooms that this one does not know:
    ``readings`` has, for the name of each, where its function is, and that is loaded when it is first asked for.

    >>> import costmodel as cm
    >>> net = cm.mobilenet_v1(alpha=0.75, resolution=192)
    >>> net.multiply_adds, net.flops, net.parameters, net.weights
    (239273472, 478546944, 2585560, 2568144)
    """

    output: Node
    name: str = "network"
    config: Mapping[str, object] = field(default_factory=dict)
    source: str = ""

    #: Name of a reading -> ``"module:function"``; the function takes the network first. ``costmodel`` fills it.
    readings: ClassVar[dict[str, str]] = {}

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
        return tuple(node.shape for node in self.nodes if type(node.layer) is Input)

    @property
    def input(self) -> Shape:
        """Shape of one sample. Raises :class:`~costmodel.errors.CostModelError` where there is not one input."""
        if len(self.inputs) != 1:
            raise CostModelError(f"{self.name} reads {len(self.inputs)} inputs; ask for `inputs`")
        return self.inputs[0]

    @cached_property
    def ledger(self) -> Ledger:
        """One entry an operation, for one sample."""
        return Ledger(tuple([node for node in self.nodes if type(node.layer) is not Input]))

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of convolutions, linear layers and matrix products, for one sample."""
        return self.ledger.multiply_adds

    @property
    def flops(self) -> int:
        """Two a multiply-add, for one sample."""
        return self.ledger.flops

    @property
    def activations(self) -> int:
        """Values that convolutions, linear layers and matrix products make, for one sample (arXiv:2003.13678)."""
        return self.ledger.activations

    @property
    def parameters(self) -> int:
        """Weights, biases, and gamma and beta of the norms: trainable ones and frozen ones together."""
        return self.ledger.parameters

    @property
    def trainable_parameters(self) -> int:
        """Those of the parameters that training changes: all, but for the frozen ones of a captured module."""
        return self.ledger.trainable_parameters

    @property
    def frozen_parameters(self) -> int:
        """Those of the parameters whose ``requires_grad`` was False when the module was captured."""
        return self.ledger.frozen_parameters

    @property
    def buffers(self) -> int:
        """Stored numbers that a forward pass reads and no training changes, such as running statistics."""
        return self.ledger.buffers

    @property
    def weights(self) -> int:
        """Weights of convolutions and linear layers alone."""
        return self.ledger.weights

    if TYPE_CHECKING:  # the readings, for type checkers and editors

        def table(self, by: str = "layer", depth: int = 2, batch: int = 1) -> pandas.DataFrame: ...
        def under(self, convention: str) -> int: ...
        def conventions(self, batch: int = 1) -> pandas.DataFrame: ...
        def receptive_field(self) -> tuple[Any, ...]: ...
        def _repr_html_(self) -> str: ...
        def headline(self) -> str: ...
        def roofline(
            self,
            device: str = "",
            *,
            peak: str | int = "",
            bandwidth: str | int = "",
            dtype: str = "",
            batch: int = 1,
            fused: bool = False,
        ) -> Any: ...
        def memory(self, dtype: str = "", policy: str = "fused", best_order: bool = False) -> Any: ...
        def size(self, dtype: str = "") -> int: ...
        def generation(self, new: int = 1, batch: int = 1, dtype: str = "", device: str = "") -> Any: ...
        def training(
            self, batch: int = 1, dtype: str = "", optimizer: str = "adamw", checkpoint: str = "", depth: int = 2
        ) -> Any: ...

    else:

        def __getattr__(self, name: str) -> Callable[..., Any]:
            if name not in self.readings:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            module, _, function = self.readings[name].partition(":")
            return partial(getattr(import_module(module), function), self)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.readings})

    # Pickled and copied as a list of nodes: along their links, a deep network would exceed the recursion limit.
    def __reduce__(self) -> tuple[object, ...]:
        number = {node: index for index, node in enumerate(self.nodes)}
        steps = [(*node[:2], [number[read] for read in node.inputs], *node[3:]) for node in self.nodes]
        return _rebuilt, (steps, self.name, dict(self.config), self.source)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.headline()}>"


def _rebuilt(steps: list[tuple[Any, ...]], name: str, config: Mapping[str, object], source: str) -> Network:
    nodes: list[Node] = []
    for label, layer, reads, *rest in steps:  # a node, with the numbers of the nodes it reads in their place
        nodes.append(Node(label, layer, tuple([nodes[read] for read in reads]), *rest))
    return Network(nodes[-1], name, config, source)
