"""The tape: which tensor holds what, and what made it of what. Handlers of operators write on it.

A tensor is known by its storage, which all its views share and which an operation in place writes to. So a view needs
no entry: it is a tensor with another shape in a storage that an entry made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from costmodel.capture.torch.complex_numbers import in_real_arithmetic
from costmodel.capture.torch.function_tracker import FunctionTracker
from costmodel.capture.torch.modules import ModuleCalls
from costmodel.capture.torch.tape_entry import DECISIVE, TapeEntry
from costmodel.capture.torch.tensors import storage
from costmodel.core.counts import NO_PARAMS, Params
from costmodel.core.graph import Provenance, Value
from costmodel.core.layers import (
    Alias,
    Input,
    Layer,
    Operation,
    Shapes,
    Stored,
)
from costmodel.core.shape import Shape

#: torch.float32 -> "float32"
_DTYPES = {value: str(value).removeprefix("torch.") for value in vars(torch).values() if isinstance(value, torch.dtype)}


@dataclass(frozen=True, slots=True, eq=False)
class StoredTensor:
    """A parameter or a buffer of the module."""

    path: str
    tensor: Tensor
    is_parameter: bool
    #: A parameter that training leaves as it is.
    frozen: bool = False


class Tape:
    """What a module computes, entry by entry."""

    def __init__(
        self, module: nn.Module, inputs: Mapping[str, Tensor], modules: ModuleCalls, functions: FunctionTracker
    ) -> None:
        self._modules = modules
        self._functions = functions
        self.entries: list[TapeEntry] = []
        self.stored: dict[int, StoredTensor] = {}
        self.claimed: set[int] = set()
        #: How many parameters of which type were claimed for the entry that comes next.
        self._types: Counter[str] = Counter()
        #: Storage -> the entry that made what is in it, which of its values that is, and the size and stride of the
        #: axis that has the features, where that is known.
        self._made: dict[int, tuple[TapeEntry, int, tuple[int, int] | None]] = {}
        self._alive: list[object] = []
        for path, parameter in module.named_parameters():
            self.stored[storage(parameter)] = StoredTensor(path, parameter, True, not parameter.requires_grad)
        for path, buffer in module.named_buffers():
            self.stored.setdefault(storage(buffer), StoredTensor(path, buffer, False))
        for name, tensor in inputs.items():
            shape = sample(tensor.shape)
            self._append(TapeEntry("", Input(shape), (), (), shape, False, False, _DTYPES[tensor.dtype], name=name))
            self._put(tensor, self.entries[-1])

    # What handlers ask.

    def entry(self, tensor: Tensor) -> TapeEntry | None:
        """What made ``tensor``; None for a constant and for a parameter that nothing has named yet."""
        made = self._made.get(storage(tensor))
        return None if made is None else made[0]

    def is_stored(self, tensor: Tensor | None) -> bool:
        """Whether it is a parameter or a buffer, or a view of one."""
        return tensor is not None and storage(tensor) in self.stored

    def is_constant(self, tensor: Tensor) -> bool:
        """Whether it depends on no sample."""
        entry = self.entry(tensor)
        return entry is None or entry.constant

    def seen(self, tensor: Tensor) -> Shape:
        """The shape of ``tensor`` without a leading axis of one sample, its features where they are now.

        A view may have moved the axis of the features; it is found again by its size and its stride.
        """
        made = self._made.get(storage(tensor))
        return _seen(tensor, None if made is None else made[2])

    def features_axis(self, reads: Iterable[Tensor]) -> int:
        """The axis of the features, after a batch of one, in the first of ``reads`` where that is known; else 0."""
        for read in reads:
            made = self._made.get(storage(read))
            if made is not None and made[2] is not None:
                return _seen(read, made[2]).axis
        return 0

    def output_shape(self, output: Tensor, reads: Iterable[Tensor]) -> Shape:
        """The shape of what an operation made of ``reads``: its features stay on their axis where the sizes do."""
        shape = sample(output.shape)
        for read in reads:
            made = self._made.get(storage(read))
            if made is None or made[2] is None:
                continue
            seen = _seen(read, made[2])
            if seen.sizes == shape.sizes:
                return seen
            # Of another number of axes: features that stood last still do, as after a sum over tokens.
            last = seen.axis > 0 and seen.axis == len(seen.spatial)
            axis = -1 if last else min(seen.axis, len(shape.spatial))
            return Shape.of(shape.sizes, axis)
        return shape

    def source(self, tensor: Tensor) -> tuple[TapeEntry, int]:
        """What made ``tensor``, and as which of its values; a parameter, a buffer or a constant becomes an entry."""
        key = storage(tensor)
        made = self._made.get(key)
        if made is not None:
            return made[0], made[1]
        stored = self.stored.get(key)
        params, path, shape = NO_PARAMS, "", sample(tensor.shape)
        if stored is not None:
            path, shape = stored.path, sample(stored.tensor.shape)
            # A vector scales or shifts; what has more axes is a table or a matrix.
            waiting, self._types = self._types, Counter()
            params = self.claim("affine" if stored.tensor.dim() < 2 else "weight", tensor)
            self._types = waiting  # its own are of the type that it is
        entry = TapeEntry(
            "constant", Stored(shape, params), (), (), shape, True, False, _DTYPES[tensor.dtype], name=path
        )
        if not path:
            self._modules.current.entries.append(entry)
        self._append(entry)
        self._put(tensor, entry)
        return entry, 0

    def claim(self, role: Literal["weight", "bias", "affine"], *tensors: Tensor | None) -> Params:
        """What ``tensors`` add to the network, in this ``role``: nothing if it is counted already, or computed."""
        added = NO_PARAMS
        for tensor in tensors:
            key = None if tensor is None else storage(tensor)
            if key is not None and key in self.stored and key not in self.claimed:
                self.claimed.add(key)
                stored = self.stored[key]
                count = stored.tensor.numel()
                added += Params(
                    **{role if stored.is_parameter else "buffer": count}, frozen=count if stored.frozen else 0
                )
                if stored.is_parameter:
                    self._types[_DTYPES[stored.tensor.dtype]] += count
        return added

    def inputs_behind(self, tensor: Tensor) -> dict[str, str]:
        """The names of the inputs that ``tensor`` comes of, each with the type of its values."""
        entry = self.entry(tensor)
        waiting, seen = [entry] if entry else [], set[int]()
        dtypes: dict[str, str] = {}
        while waiting:
            here = waiting.pop()
            if isinstance(here.layer, Input):
                dtypes[here.name] = here.dtype
            waiting += [read for read in here.reads if id(read) not in seen]
            seen.update(map(id, here.reads))
        return dtypes

    # What handlers say.

    def add(
        self,
        operator: str,
        layer: Layer,
        reads: Sequence[Tensor],
        output: Tensor,
        *,
        shapes: Sequence[Shape] = (),
        stored: Params = NO_PARAMS,
        times: int = 1,
        others: Sequence[Tensor] = (),
        real: bool = False,
    ) -> None:
        """Writes down that ``layer`` made ``output``, and ``others`` with it, out of ``reads``; it stores ``stored``.

        ``shapes``: how it sees the first of ``reads``, where that is not as they are. ``real``: the arithmetic of
        ``layer`` is of real numbers, also where the values are complex.
        """
        dtype = _DTYPES[output.dtype]
        types, self._types = tuple(self._types.items() if self._types.keys() - {dtype} else ()), Counter()
        sources = [self.source(tensor) for tensor in reads]
        entries = tuple([entry for entry, _ in sources])
        slots = tuple([slot for _, slot in sources])
        seen: Shapes = (*shapes, *[self.seen(tensor) for tensor in reads[len(shapes) :]])
        decides = isinstance(layer, DECISIVE)
        known = decides or any(entry.axis_known for entry in entries)
        if known and not decides and len(seen) > 1:
            seen = _agreed(seen, entries)
        if times == 1:
            shape = layer.output(seen)
        else:
            shape = layer.output(tuple([one.without_first_axis() for one in seen])).stacked(times)
        if not real and (output.is_complex() or any(read.is_complex() for read in reads)):
            layer, times = in_real_arithmetic(layer, seen, shape, times), 1
        function, call = self._functions.current
        alias = layer.alias
        if alias is None:
            key = storage(output)
            alias = next((Alias(place, True) for place, read in enumerate(reads) if storage(read) == key), None)
        entry = TapeEntry(
            operator,
            layer,
            entries,
            seen,
            shape,
            all(read.constant for read in entries),
            known,
            dtype,
            alias,
            Provenance("", function, call, 0, times, stored, types=types),
            [Value(sample(other.shape), _DTYPES[other.dtype]) for other in others],
            slots if any(slots) else (),
        )
        self._append(entry)
        self._modules.current.entries.append(entry)
        self._put(output, entry)
        for slot, other in enumerate(others, start=1):
            self._put(other, entry, slot)

    def assumes(self, what: str) -> None:
        """The last entry rests on an assumption about values."""
        last = self.entries[-1]
        if isinstance(last.layer, Operation):
            last.layer = replace(last.layer, assumption=what)

    def same(self, output: Tensor, source: Tensor) -> None:
        """``output`` holds the values of ``source``: a view of it, or a copy of what no sample decides."""
        if storage(output) == storage(source):
            return
        if self.entry(source) is not None or self.is_stored(source):
            entry, slot = self.source(source)
            self._put(output, entry, slot, moved=True)

    def keep_alive(self, output: object) -> None:
        """A storage that is freed would lend its number to another."""
        self._alive.append(output)

    def _append(self, entry: TapeEntry) -> None:
        self.entries.append(entry)

    def _put(self, tensor: Tensor, entry: TapeEntry, slot: int = 0, moved: bool = False) -> None:
        features = None
        if entry.axis_known and not slot and not moved:
            shape = entry.shape
            axis = shape.axis + tensor.dim() - len(shape.spatial) - 1  # after a batch of one
            if 0 <= axis < tensor.dim():
                features = tensor.shape[axis], tensor.stride(axis)
        self._made[storage(tensor)] = entry, slot, features
        self._alive.append(tensor)


def _seen(tensor: Tensor, features: tuple[int, int] | None) -> Shape:
    sizes = tuple(tensor.shape)
    first = 1 if len(sizes) > 1 and sizes[0] == 1 else 0
    if features is None:
        return Shape.of(sizes[first:])
    strides = tensor.stride()
    here = list(zip(sizes, strides, strict=True))
    if features in here:
        axis = len(here) - 1 - here[::-1].index(features)
    else:  # split, as into heads: the part whose neighbors in memory are the features'
        parts = [place for place, (size, stride) in enumerate(here) if stride == features[1] and size > 1]
        axis = parts[-1] if parts else first
    return Shape.of(sizes[first:], max(axis - first, 0))


def _agreed(seen: Shapes, entries: Sequence[TapeEntry]) -> Shapes:
    """The same axis of features in all that have the same sizes: of what is computed, where it is known."""
    axes = {shape.sizes: shape.axis for shape, entry in zip(seen, entries, strict=True) if entry.axis_known}
    return tuple(
        [
            shape if entry.axis_known or shape.sizes not in axes else Shape.of(shape.sizes, axes[shape.sizes])
            for shape, entry in zip(seen, entries, strict=True)
        ]
    )


def sample(sizes: Iterable[int]) -> Shape:
    """The sizes of a tensor without a leading axis of one sample, its features taken to be first.

    >>> str(sample((1, 3, 224, 224))), str(sample((16, 3, 224, 224))), str(sample((1,)))
    ('3x224x224', '16x3x224x224', '1')
    """
    every = tuple(sizes)
    return Shape.of(every[1:] if len(every) > 1 and every[0] == 1 else every)
