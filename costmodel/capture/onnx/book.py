"""What is counted, named and stored so far of a file that is read."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from costmodel.capture.onnx.tensor import FLOATING, Tensor
from costmodel.core.counts import NO_PARAMS, Params
from costmodel.core.graph import Node
from costmodel.core.layers import Stored


class _Mark(NamedTuple):
    claimed: frozenset[str]
    taken: Counter[str]
    sources: int


class Book:
    """Which names are taken, which tensors of the file are counted, and which nodes are made."""

    def __init__(self, title: str, ir_version: int) -> None:
        self.title = title
        self.ir_version = ir_version
        #: Every node that an operator made.
        self.nodes: list[Node] = []
        self._claimed: set[str] = set()
        self._elements: dict[str, int] = {}
        self._taken: Counter[str] = Counter()
        self._sources: list[Tensor] = []

    def hold(self, name: str, tensor: Tensor) -> None:
        """The file holds ``tensor`` under this name."""
        tensor.stored = (name,)
        self._elements[name] = tensor.elements

    def claim(self, role: Literal["weight", "bias", "affine", "buffer"], *tensors: Tensor | None) -> Params:
        """What ``tensors`` add to the network, in this ``role``: nothing if it is counted already, or computed."""
        added = NO_PARAMS
        for tensor in tensors:
            for name in () if tensor is None or not tensor.constant else tensor.stored:
                if name not in self._claimed:
                    self._claimed.add(name)
                    added += Params(**{role: self._elements[name]})
        return added

    def node_of(self, tensor: Tensor) -> Node:
        """What makes ``tensor``; a constant becomes a node."""
        if tensor.node is not None:
            return tensor.node
        if tensor.source is None:
            role: Any = "weight" if len(tensor.sizes) > 1 else "affine"
            params = self.claim(role if tensor.type in FLOATING else "buffer", tensor)
            name = self.free(tidy(tensor.stored[0]) if tensor.stored else "constant")
            tensor.source = Node(name, Stored(tensor.shape, params), (), (), tensor.shape, tensor.dtype)
            self._sources.append(tensor)
        return tensor.source

    def put(self, node: Node, whole: Node) -> None:
        """``whole`` in the place of ``node``, which was made of late."""
        place = next(place for place in range(len(self.nodes) - 1, -1, -1) if self.nodes[place] is node)
        self.nodes[place] = whole

    def free(self, name: str) -> str:
        """``name``, numbered where it is taken."""
        self._taken[name] += 1
        return name if self._taken[name] == 1 else f"{name}:{self._taken[name]}"

    def mark(self) -> _Mark:
        """What is counted and named so far."""
        return _Mark(frozenset(self._claimed), self._taken.copy(), len(self._sources))

    def back_to(self, mark: _Mark) -> None:
        """Forgets what was counted since ``mark``."""
        self._claimed, self._taken = set(mark.claimed), mark.taken.copy()
        for tensor in self._sources[mark.sources :]:
            tensor.source = None
        del self._sources[mark.sources :]


@lru_cache(maxsize=4096)
def tidy(name: str) -> str:
    """A name of the file as the name of a node: its parts between dots, nothing that a terminal would not print."""
    parts: list[str] = []
    for part in name.strip("/").split("/"):
        # The exporter repeats the path of a module in each of its parts: /layer1/layer1.0/layer1.0.conv1/Conv.
        if parts and part.startswith(f"{parts[-1]}."):
            parts[-1] = part
        else:
            parts.append(part)
    text = ".".join(filter(None, parts))[:200]
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)
