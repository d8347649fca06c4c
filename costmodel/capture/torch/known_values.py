"""Values that are few and known, beside tensors that hold none: masks, ids, lengths, and what is made of them.

Every tensor of a capture is on PyTorch's meta device. Where one has at most :data:`LARGEST` values, and they depend on
no weight, no random draw and no example of floating point, its numbers are kept beside it, in the same layout in
memory: a view of the one is a view of the other. An operator that reads nothing else is computed on those too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_map, tree_map_only

from costmodel.capture.operator_costs import CREATIONS
from costmodel.capture.torch.assumptions import (
    ALL_NONZERO,
    CHOOSES_LARGEST,
    DISTINCT,
    EVEN_ROUTING,
    all_places,
    evenly_spread,
)
from costmodel.capture.torch.sized_by_values import SIZED_BY_VALUES, padded_rows
from costmodel.capture.torch.tensors import name_of, storage, tensors

#: A tensor with more values than this has none in a capture.
LARGEST = 2**20

_CPU, _META = torch.device("cpu"), torch.device("meta")
_HANDS_OUT = (Tensor.tolist, Tensor.numpy, Tensor.__array__)
_TAKES_IN = (torch.tensor, torch.as_tensor, torch.asarray)
#: Functions that :meth:`KnownValues.call` has to see.
READERS = frozenset((*_HANDS_OUT, *_TAKES_IN, Tensor.new_tensor, Tensor.__deepcopy__, torch._VF._pad_packed_sequence))
_NEEDS_VALUES = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)
#: Write all of their target, whatever was there before.
_OVERWRITES = frozenset(["fill", "zero", "copy"])
_UNWRITTEN = frozenset(["empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided"])


class _Traits(NamedTuple):
    """What an operator does with values."""

    #: Places of the arguments that it writes to, and their names.
    writes: tuple[tuple[int, str], ...]
    random: bool
    creates: bool
    takes_device: bool
    #: What it returns, or of which size, depends on values.
    needs_values: bool
    overwrites: bool
    #: One of its results is needed with numbers whatever the other is.
    half_known: bool


@cache
def traits(func: Any) -> _Traits:
    """Read from the schema and the tags that PyTorch gives its operators."""
    arguments, name = func._schema.arguments, name_of(func)
    return _Traits(
        tuple(
            (place, argument.name)
            for place, argument in enumerate(arguments)
            if argument.alias_info is not None and argument.alias_info.is_write
        ),
        torch.Tag.nondeterministic_seeded in func.tags or name in _UNWRITTEN,
        name in CREATIONS,
        any(argument.name == "device" for argument in arguments),
        any(tag in func.tags for tag in _NEEDS_VALUES),
        name in _OVERWRITES and func._schema.is_mutable,
        name == "_pack_padded_sequence",
    )


class KnownValues:
    """The values beside tensors on the meta device, by their storage."""

    def __init__(self, refusal: Callable[[Tensor], Exception], assume: bool = False) -> None:
        #: Whether a mask that is not known is true everywhere, and a choice of the largest is spread evenly.
        self.assume = assume
        #: What was assumed since it was last taken: masks with their places, and what was said of the result itself.
        self._masks: list[tuple[Tensor, Tensor]] = []
        self._of_result = ""
        #: What to raise where the numbers of a tensor are asked for and not known.
        self.refusal = refusal
        #: Storage on meta -> storage with numbers, in the same layout.
        self._known: dict[int, torch.UntypedStorage] = {}
        #: The same, of tensors of the caller, which are copied when they are first asked for.
        self._lent: dict[int, tuple[Tensor, Tensor]] = {}
        #: Storage of a tensor that is not on meta -> the storage on meta that stands for it.
        self._stand_ins: dict[int, Tensor] = {}
        self._alive: list[object] = []

    def lend(self, blank: Tensor, real: Tensor) -> None:
        """``blank`` stands for ``real``, a tensor of the caller: it has its values, if they are few."""
        if real.numel() <= LARGEST and real.layout is torch.strided and not real.is_meta:
            self._lent[storage(blank)] = blank, real

    def keep(self, blank: Tensor, real: Tensor) -> None:
        """``blank``, new and of the same sizes, has the values of ``real``."""
        if real.numel() > LARGEST or real.layout is not torch.strided:
            return
        memory = torch.empty_strided(blank.size(), blank.stride(), dtype=blank.dtype, device=_CPU)
        # Of an axis that repeats one place in memory, the first is written.
        once = tuple([slice(0, 1) if stride == 0 else slice(None) for stride in blank.stride()])
        memory[once].copy_(real.detach()[once])
        self._known[storage(blank)] = memory.untyped_storage()
        self._alive.append(blank)

    def forget(self, tensor: Tensor) -> None:
        """Something unknown is written into ``tensor``, or into a part of it."""
        key = storage(tensor)
        self._known.pop(key, None)
        self._lent.pop(key, None)

    def of(self, tensor: Tensor) -> Tensor | None:
        """``tensor`` with its numbers, on the CPU; None where they are not known. Writing to it writes to all views."""
        if not tensor.is_meta:
            return tensor
        key = storage(tensor)
        memory = self._known.get(key)
        if memory is None:
            if key not in self._lent:
                return None
            self.keep(*self._lent.pop(key))
            memory = self._known[key]
        real = torch.empty(0, dtype=tensor.dtype, device=_CPU)
        return real.set_(memory, tensor.storage_offset(), tensor.size(), tensor.stride())

    def read(self, tensor: Tensor) -> Tensor:
        """``tensor`` with its numbers. Raises ``refusal`` where they are not known."""
        real = self.of(tensor)
        if real is None:
            raise self.refusal(tensor)
        return real

    def result(self, func: Any, args: Any, kwargs: Any, on_meta: Callable[..., Any]) -> Any:
        """What ``func`` returns, on meta; where all that it reads is known, so is what it makes.

        ``on_meta`` is asked for the sizes and types of the result. Raises what it raises, and what ``refusal`` says
        where the result depends on values that are not known.
        """
        does = traits(func)
        if does.takes_device and (does.creates or "device" in kwargs):
            kwargs = {**kwargs, "device": _META}
        real = None if does.random or does.half_known else self._real(does, args, kwargs)
        if real is None:
            output = self._unknown(func, does, args, kwargs, on_meta)
            self._written(does, args, kwargs)
            if self.assume and name_of(func) in CHOOSES_LARGEST:
                self._spread(name_of(func), output, args)
            return output
        try:
            output = self._asked(func, args, kwargs, on_meta)
        except Exception:
            if not does.needs_values:
                raise
            return tree_map_only(Tensor, self.blank_of, func(*real[0], **real[1]))
        made = tensors(output)
        if sum([tensor.numel() for tensor in made]) > LARGEST:
            self._written(does, args, kwargs)
            return output
        try:
            outcome = func(*real[0], **real[1])
        except Exception:  # what the CPU cannot compute stays unknown
            self._written(does, args, kwargs)
            return output
        if not does.writes:
            for blank, values in zip(made, tensors(outcome), strict=True):
                self.keep(blank, values)
        return output

    def blank_of(self, real: Tensor) -> Tensor:
        """A new tensor on meta with the values of ``real``."""
        blank = torch.empty_strided(real.size(), real.stride(), dtype=real.dtype, device=_META)
        self.keep(blank, real)
        return blank

    def positions(self, mask: Tensor) -> Tensor:
        """The places of ``mask`` that are not zero, a row each; all, where that is assumed.

        Raises ``refusal`` where its numbers are not known.
        """
        if not self.assume or self._knows(mask):
            return self.blank_of(self.read(mask).nonzero())
        places = all_places(mask)
        self._masks.append((mask, places))
        if mask.numel() <= LARGEST:
            self.keep(places, torch.ones(mask.shape, dtype=torch.bool).nonzero())
        return places

    def assumed(self) -> tuple[list[tuple[Tensor, Tensor]], str]:
        """What was assumed since this was last asked: masks with their places, and what is said of the result."""
        answer = self._masks, self._of_result
        self._masks, self._of_result = [], ""
        return answer

    def call(self, func: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """What a function of PyTorch returns; those that hand out numbers, or take them in, never reach an operator."""
        if func in _HANDS_OUT and args[0].is_meta:
            with _disable_current_modes():
                return func(self.read(args[0]).clone(), *args[1:], **kwargs)
        if func is torch._VF._pad_packed_sequence:
            rows, lengths = padded_rows(*args, **kwargs)
            with _disable_current_modes():
                rows = self.stand_in(rows)
            return args[0][rows], lengths
        if func is Tensor.new_tensor:
            func, args, kwargs = torch.tensor, args[1:], {"dtype": args[0].dtype, **kwargs}
        if func is Tensor.__deepcopy__:
            tensor, memo = args
            return memo.setdefault(id(tensor), tensor.clone())
        if func in _TAKES_IN and kwargs.get("device") is not None:
            kwargs = {**kwargs, "device": _CPU}
        if func in _TAKES_IN and not isinstance(args[0] if args else None, Tensor):
            made = func(*tree_map_only(Tensor, self._number_of, args), **kwargs)
            with _disable_current_modes():
                return self.stand_in(made)
        return func(*args, **kwargs)

    def _number_of(self, tensor: Tensor) -> Any:
        with _disable_current_modes():
            return self.read(tensor).item() if tensor.dim() == 0 else tensor

    def stand_in(self, tensor: Tensor) -> Tensor:
        """A tensor on meta for one that is not, with its values; in the same memory for all views of it."""
        if tensor.is_meta or tensor.layout is not torch.strided:
            return tensor
        memory = tensor.untyped_storage()
        base = self._stand_ins.get(memory._cdata)
        if base is None:
            base = self._stand_ins[memory._cdata] = torch.empty(memory.nbytes(), dtype=torch.uint8, device=_META)
            if memory.device == _CPU and tensor.numel() <= LARGEST:
                self._known[storage(base)] = memory
            self._alive += [tensor, base]
        blank = torch.empty(0, dtype=tensor.dtype, device=_META)
        return blank.set_(base.untyped_storage(), tensor.storage_offset(), tensor.size(), tensor.stride())

    def _knows(self, tensor: Tensor) -> bool:
        key = storage(tensor)
        return key in self._known or key in self._lent or not tensor.is_meta

    def _real(self, does: _Traits, args: Any, kwargs: Any) -> tuple[Any, Any] | None:
        """The arguments with their numbers; None where some are not known, or there is nothing to know."""
        first = args[0] if args else None
        alone = not (does.creates or does.overwrites)
        if alone and isinstance(first, Tensor) and not self._knows(first):  # nearly always
            return None
        given = tensors((args, kwargs))
        if not (given or does.creates):
            return None
        real: dict[int, Tensor] = {}
        for tensor in given:
            if not self._knows(tensor):
                if tensor.numel() > LARGEST:
                    return None
                if does.creates:  # its sizes and type alone are read
                    real[id(tensor)] = torch.empty_strided(
                        tensor.size(), tensor.stride(), dtype=tensor.dtype, device=_CPU
                    )
                    continue
                if not (does.overwrites and tensor is first and _fills_its_memory(tensor)):
                    return None
                self.keep(tensor, torch.zeros_like(tensor, device=_CPU))
            value = self.of(tensor)
            assert value is not None
            real[id(tensor)] = value

        def mapped(leaf: Any) -> Any:
            if isinstance(leaf, Tensor):
                return real[id(leaf)]
            return _CPU if isinstance(leaf, torch.device) else leaf

        return tree_map(mapped, args), tree_map(mapped, kwargs)

    def _unknown(self, func: Any, does: _Traits, args: Any, kwargs: Any, on_meta: Callable[..., Any]) -> Any:
        """The result of an operator that reads something unknown."""
        sized = SIZED_BY_VALUES.get(name_of(func))
        if sized is not None:
            return sized(self, func, args, kwargs, on_meta)
        if self.assume and name_of(func) in DISTINCT:
            self._of_result = ALL_NONZERO
            return DISTINCT[name_of(func)](*args, **kwargs)
        try:
            return self._asked(func, args, kwargs, on_meta)
        except Exception:
            unknown = [tensor for tensor in tensors((args, kwargs)) if not self._knows(tensor)]
            if does.needs_values and unknown:
                raise self.refusal(unknown[0]) from None
            raise

    def _asked(self, func: Any, args: Any, kwargs: Any, on_meta: Callable[..., Any]) -> Any:
        """What PyTorch answers on meta; what is not there, as a tensor out of numpy, gets a stand-in."""
        try:
            return on_meta(func, args, kwargs)
        except Exception:
            if all(tensor.is_meta for tensor in tensors((args, kwargs))):
                raise
            args, kwargs = tree_map_only(Tensor, self.stand_in, (args, kwargs))
            return on_meta(func, args, kwargs)

    def _spread(self, name: str, output: Any, args: Any) -> None:
        """Each row's largest are as many as it takes, and evenly spread over all rows."""
        indices = tensors(output)[-1]
        spread = evenly_spread(name, indices, args) if indices.numel() <= LARGEST else None
        if spread is not None:
            self.keep(indices, spread)
            self._of_result = EVEN_ROUTING

    def _written(self, does: _Traits, args: Any, kwargs: Any) -> None:
        for place, name in does.writes:
            for tensor in tensors(args[place] if place < len(args) else kwargs.get(name)):
                self.forget(tensor)


def _fills_its_memory(tensor: Tensor) -> bool:
    return tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
