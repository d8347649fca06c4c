"""Runs a module without numbers once and writes down each operator that PyTorch dispatches.

Why this way, and not ``torch.export``: under a dispatch mode every operator passes by, whoever called it (a module, a
function, ``@``, a fused kernel on meta), composite ones are already taken apart into a few that multiply, ordinary
Python control flow just runs, and it costs what FlopCounterMode costs. ``torch.export`` gives the same operators, but
takes seconds, refuses more than the module does, and loses names. ``benchmarks/capture.py`` has the coverage and
``benchmarks/capture_speed.py`` the times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from costmodel.capture.torch.function_tracker import FunctionTracker
from costmodel.capture.torch.graph_builder import graph
from costmodel.capture.torch.modules import ModuleCall, ModuleCalls
from costmodel.capture.torch.ops.handlers import handler
from costmodel.capture.torch.shortcuts import Results
from costmodel.capture.torch.source_location import line_of_source
from costmodel.capture.torch.tape import Tape, first_tensor, full_name, name_of, sample, storage, tensors
from costmodel.core.graph import Node
from costmodel.core.layers import ChannelSlice, Dropout, Flatten, Layer, Uncounted
from costmodel.errors import CostModelError

#: These move no value where nothing is dropped and PyTorch dispatches nothing, but the papers draw them.
_DRAWN: dict[type[nn.Module], Layer] = {
    nn.Flatten: Flatten(),
    **dict.fromkeys((nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout), Dropout()),
}


class Recorder(TorchDispatchMode):
    """Writes on a tape what a module computes while it is entered."""

    def __init__(self, module: nn.Module, inputs: Mapping[str, Tensor], *, allow_uncounted: bool, real: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own has no types
        self._allow_uncounted = allow_uncounted
        #: Constants are computed for real, on the CPU: for models whose control flow reads them.
        self._real = real
        self._results = Results()
        self.modules = ModuleCalls(module)
        self._functions = FunctionTracker()
        self._tape = Tape(module, inputs, self.modules, self._functions)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Everything that the module does inside is written down."""
        with self.modules.watched(self._drawn), self._functions, self:
            yield

    def graph(self, result: object) -> Node:
        """The network that makes ``result``, as its output node."""
        return graph(self._tape, self.modules.all, result)

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        handle = handler(func)
        if handle is None:  # a view: the same values in the same place
            return func(*args, **kwargs)
        if handle == "creation":
            if not self._real and _takes_device(func):
                kwargs = {**kwargs, "device": "meta"}
            output = func(*args, **kwargs)
            self._tape.keep_alive(output)
            return output
        if handle == "unknown":
            # Where gradients are not even prepared for, a composite operator arrives whole.
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        given = tensors((args, kwargs)) if self._real else []
        if any(tensor.is_meta for tensor in given) and not all(tensor.is_meta for tensor in given):
            return self._mixed(func, args, kwargs, given)
        output = self._results.of(func, args, kwargs)
        self._tape.keep_alive(output)
        if callable(handle):
            handle(self._tape, func, args, kwargs, output)
        elif self._allow_uncounted:
            self._uncounted(func, args, kwargs, output)
        else:
            raise CostModelError(
                f"nobody has decided what {full_name(func)} costs; it runs {self.modules.current.place},"
                f" {line_of_source()}; --allow-uncounted (allow_uncounted=True) counts the rest and says what is"
                " missing"
            )
        return output

    def _mixed(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], given: list[Tensor]) -> Any:
        """Real constants that meet tensors without numbers lose theirs; what is written into one is known of both."""
        pairs = {id(tensor): (tensor, tensor if tensor.is_meta else tensor.to("meta")) for tensor in given}
        for real, empty in pairs.values():
            self._share(real, empty)
        blanks = torch.utils._pytree.tree_map_only(Tensor, lambda tensor: pairs[id(tensor)][1], (args, kwargs))
        output = self.__torch_dispatch__(func, (), *blanks)
        for real, empty in pairs.values():
            self._share(empty, real)
        return output

    def _share(self, known: Tensor, other: Tensor) -> None:
        if self._tape.entry(known) is not None:
            self._tape.same(other, known)

    def _uncounted(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], output: Any) -> None:
        made = first_tensor(output)
        if made is not None:
            reads = [tensor for tensor in tensors((args, kwargs)) if self._tape.entry(tensor) is not None]
            others = [other for other in tensors(output) if other is not made]
            self._tape.add(name_of(func), Uncounted(full_name(func), sample(made.shape)), reads, made, others=others)

    def _drawn(self, call: ModuleCall, args: tuple[Any, ...], output: Any) -> Any:
        """Writes down a module that dispatched nothing, where the papers draw it."""
        if call.entries or call.called_others or not isinstance(output, Tensor) or not args:
            return None
        read = args[0]
        if not isinstance(read, Tensor) or self._tape.entry(read) is None:
            return None
        layer = _DRAWN.get(type(call.module)) or _part(read, output)
        if layer is None:
            return None
        # A tensor of its own, so that who reads the module can be told from who reads what it read.
        fresh = torch.empty_strided(output.size(), output.stride(), dtype=output.dtype, device=output.device)
        with self.modules.reopened(call):
            self._tape.add(layer.kind(()), layer, [read], fresh)
        return fresh


def _part(read: Tensor, output: Tensor) -> Layer | None:
    """The slice of channels that ``output`` is of ``read``, if it is one."""
    if storage(read) != storage(output) or read.dim() != output.dim() or read.dim() < 2 or read.shape[0] != 1:
        return None
    same = read.shape[2:] == output.shape[2:] and read.stride() == output.stride()
    if not same or output.shape[1] >= read.shape[1]:
        return None
    start = (output.storage_offset() - read.storage_offset()) // read.stride(1)
    return ChannelSlice(start, start + output.shape[1])


@cache
def _takes_device(func: Any) -> bool:
    return any(argument.name == "device" for argument in func._schema.arguments)
