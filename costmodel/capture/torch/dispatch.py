"""Runs a module without numbers once and writes down each operator that PyTorch dispatches.

Why this way, and not ``torch.export``: under a dispatch mode every operator passes by, whoever called it (a module, a
function, ``@``, a fused kernel on meta), composite ones are already taken apart into a few that multiply, ordinary
Python control flow just runs, and it costs what FlopCounterMode costs. ``torch.export`` gives the same operators, but
takes seconds, refuses more than the module does, and loses names. ``benchmarks/capture.py`` has the coverage and
``benchmarks/capture_speed.py`` the times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from costmodel.capture.own_operators import RULES
from costmodel.capture.torch.assumptions import ALL_NONZERO
from costmodel.capture.torch.function_tracker import FunctionTracker
from costmodel.capture.torch.graph_builder import graph
from costmodel.capture.torch.known_values import LARGEST, KnownValues
from costmodel.capture.torch.modules import ModuleCall, ModuleCalls
from costmodel.capture.torch.ops.handlers import handler
from costmodel.capture.torch.ops.own import own
from costmodel.capture.torch.shortcuts import Results
from costmodel.capture.torch.source_location import line_of_source
from costmodel.capture.torch.tape import Tape, sample
from costmodel.capture.torch.tensors import first_tensor, full_name, name_of, storage, tensors
from costmodel.core.counts import Ops
from costmodel.core.graph import Node
from costmodel.core.layers import ChannelSlice, Dropout, Flatten, Layer, Operation, Uncounted
from costmodel.errors import CostModelError

#: These move no value where nothing is dropped and PyTorch dispatches nothing, but the papers draw them.
_DRAWN: dict[type[nn.Module], Layer] = {
    nn.Flatten: Flatten(),
    **dict.fromkeys((nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout), Dropout()),
}


_OFFERED = (
    "choose what runs by an argument of the model, or take --assume all-nonzero (assume='all-nonzero') for an upper"
    " bound where a mask selects"
)


#: Of an operator of the user's own.
_RULE = ", and cm.register_operator gives it a rule"


class Recorder(TorchDispatchMode):
    """Writes on a tape what a module computes while it is entered."""

    def __init__(
        self,
        module: nn.Module,
        inputs: Mapping[str, Tensor],
        known: Iterable[tuple[Tensor, Tensor]],
        *,
        allow_uncounted: bool,
        assume: bool,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own has no types
        self._allow_uncounted = allow_uncounted
        self._values = KnownValues(self._refusal, assume)
        for blank, real in known:
            self._values.lend(blank, real)
        self._results = Results()
        self.modules = ModuleCalls(module)
        self._functions = FunctionTracker(self._values)
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
            output = self._values.result(func, args, kwargs, _asked)
            self._tape.keep_alive(output)
            return output
        if handle == "lift":  # a tensor out of Python's numbers
            return self._values.stand_in(args[0])
        if handle == "unknown":
            # Where gradients are not even prepared for, a composite operator arrives whole.
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        output = self._values.result(func, args, kwargs, self._results.of)
        if handle == "read":
            return output
        self._tape.keep_alive(output)
        masks, of_result = self._values.assumed()
        for mask, places in masks:
            operation = Operation("nonzero", sample(places.shape), Ops(cmp=mask.numel()), ALL_NONZERO)
            self._tape.add("nonzero", operation, [mask], places)
        if masks and name_of(func) == "nonzero":
            return output
        if callable(handle):
            handle(self._tape, func, args, kwargs, output)
            if of_result:
                self._tape.assumes(of_result)
        elif str(func._schema.name) in RULES:
            own(self._tape, func, args, kwargs, output)
        elif self._allow_uncounted:
            self._uncounted(func, args, kwargs, output)
        else:
            raise CostModelError(
                f"nobody has decided what {full_name(func)} costs; it runs {self.modules.current.place},"
                f" {line_of_source()}; --allow-uncounted (allow_uncounted=True) counts the rest and says what is"
                f" missing{_RULE if func.namespace not in ('aten', 'prims') else ''}"
            )
        return output

    def _refusal(self, tensor: Tensor) -> CostModelError:
        """Why the numbers of ``tensor`` are not known, where they are asked for, and what to do."""
        behind = self._tape.inputs_behind(tensor)
        whole = [name for name, dtype in behind.items() if not dtype.startswith(("float", "bfloat", "complex"))]
        asks = f"{self.modules.current.place}, {line_of_source()}: what runs depends on values"
        if tensor.numel() > LARGEST:
            why = f"of a tensor of {tensor.numel()}; a capture knows those of {LARGEST} at most: give smaller inputs"
        elif whole and len(whole) == len(behind):
            why = (
                f"of {' and '.join(whole)}; say them, as in --input"
                f" {f'{whole[0]}=' if whole[0].isidentifier() else ''}1x128:int64:ones, or give an example tensor"
            )
        elif behind:
            why = f"that come of {' and '.join(behind)}, which a capture does not compute; {_OFFERED}"
        else:
            why = f"of weights or random numbers, which a capture has not; {_OFFERED}"
        return CostModelError(f"it stopped {asks} {why}")

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


def _asked(func: Any, args: Any, kwargs: Any) -> Any:
    return func(*args, **kwargs)
