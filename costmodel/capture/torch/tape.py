"""The pieces of a recording: steps, the calls of modules they belong to, and what is asked of tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, nn

from costmodel.core.layers import Captured, Conv, Layer, ZeroPad
from costmodel.core.values import Shape


def sample(sizes: Iterable[int]) -> Shape:
    """The sizes of a tensor without a leading axis of one sample.

    >>> str(sample((1, 3, 224, 224))), str(sample((16, 3, 224, 224))), str(sample((1,)))
    ('3x224x224', '16x3x224x224', '1')
    """
    whole = tuple(sizes)
    return Shape.of(whole[1:] if len(whole) > 1 and whole[0] == 1 else whole)


@dataclass(slots=True, eq=False)
class Step:
    """A node in the making: its name follows when all that its module computed is known."""

    operator: str
    layer: Layer
    reads: tuple[Step, ...]
    read_shapes: tuple[Shape, ...]
    shape: Shape
    #: It depends on no sample: computed from parameters and constants alone.
    constant: bool
    name: str = ""
    #: It is part of another step.
    absorbed: bool = False

    def absorb(self, pad: Step) -> None:
        """This convolution pads as well as ``pad``, which it reads first."""
        assert isinstance(self.layer, Captured)
        conv, zeros = self.layer.primitive, pad.layer.primitive
        assert isinstance(conv, Conv)
        assert isinstance(zeros, ZeroPad)
        assert conv.padding != "same"
        pairs = zip(conv.padding, zeros.padding, strict=True)
        padding = tuple((low + before, high + after) for (low, high), (before, after) in pairs)
        self.layer = replace(self.layer, layer=replace(conv, padding=padding))
        self.reads = (*pad.reads, *self.reads[1:])
        self.read_shapes = (*pad.read_shapes, *self.read_shapes[1:])
        pad.absorbed = True

    def pad_same(self) -> None:
        """PyTorch pads by numbers where its author wrote ``"same"``, and some counters look at what was written."""
        assert isinstance(self.layer, Captured)
        conv = self.layer.primitive
        assert isinstance(conv, Conv)
        written = replace(self.layer, layer=replace(conv, padding="same"))
        # As many places as it makes: of a batch, zeros around it may stand in what it reads already.
        rank = len(conv.kernel)
        read = Shape.of((*self.read_shapes[0].sizes[:-rank], *self.shape.sizes[-rank:]))
        if written.output((read, *self.read_shapes[1:])) == self.shape:
            self.layer, self.read_shapes = written, (read, *self.read_shapes[1:])


@dataclass(slots=True)
class Call:
    """One call of one module: what it computed itself, apart from the modules it called."""

    path: str
    module: nn.Module
    called_others: bool = False
    #: The first size of the tensor that it returned; 0 where that is none.
    leading: int = 0
    steps: list[Step] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The type of the module, with its path."""
        return f"{type(self.module).__module__}.{type(self.module).__qualname__}"


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A parameter or a buffer of the module."""

    path: str
    tensor: Tensor
    trainable: bool


def storage(tensor: Tensor) -> int:
    """What all views of one tensor have in common, and what an operation in place writes to."""
    return int(tensor.untyped_storage()._cdata)


def tensors(tree: object) -> list[Tensor]:
    """Every tensor in nested tuples, lists, mappings and objects with fields, in order."""
    found: list[Tensor] = []
    waiting = [tree]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Tensor):
            found.append(here)
        elif isinstance(here, (tuple, list)):
            waiting.extend(reversed(here))
        elif isinstance(here, Mapping):
            waiting.extend(reversed(list(here.values())))
        elif hasattr(here, "__dataclass_fields__"):
            waiting.extend(reversed([getattr(here, name) for name in here.__dataclass_fields__]))
    return found


def first_tensor(out: object) -> Tensor | None:
    """The tensor that an operator is called for."""
    if isinstance(out, Tensor):
        return out
    found = tensors(out)
    return found[0] if found else None


def name_of(func: Any) -> str:
    """The operator's name, without namespace, overload, and the mark of an operation in place."""
    name = str(func._schema.name).partition("::")[2]
    return name[:-1] if name.endswith("_") and not name.endswith("__") else name


def full_name(func: Any) -> str:
    return str(func._schema.name).replace("::", ".")
