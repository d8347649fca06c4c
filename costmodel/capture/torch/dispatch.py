"""Runs a blank module once and writes down each operator that PyTorch dispatches, with the module that asked for it.

Why this way, and not ``torch.export``: under a dispatch mode every operator passes by, whoever called it (a module, a
function, ``@``, a fused kernel on meta), composite ones are already taken apart into a few that multiply, ordinary
Python control flow just runs, and it costs what FlopCounterMode costs. ``torch.export`` gives the same operators, but
takes seconds, refuses more than the module does, and loses names. ``benchmarks/capture.py`` has the coverage and
``benchmarks/capture_speed.py`` the times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from threading import get_ident
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

from costmodel.capture.torch.function_tracker import Callers
from costmodel.capture.torch.ops.handlers import handler
from costmodel.capture.torch.shortcuts import result_of
from costmodel.capture.torch.source_location import line_of_source, place
from costmodel.capture.torch.tape import (
    Call,
    Held,
    Step,
    first_tensor,
    full_name,
    name_of,
    sample,
    storage,
    tensors,
)
from costmodel.core.layers import (
    Captured,
    ChannelSlice,
    Conv,
    Dropout,
    Flatten,
    Input,
    Layer,
    Outputs,
    Stored,
    Uncounted,
    ZeroPad,
)
from costmodel.core.network import Node
from costmodel.core.values import NO_PARAMS, Params, Shape
from costmodel.errors import CostModelError

#: These move no value where nothing is dropped and PyTorch dispatches nothing, but the papers draw them.
_DRAWN: dict[type[nn.Module], Layer] = {
    nn.Flatten: Flatten(),
    **dict.fromkeys((nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout), Dropout()),
}


class Recorder(TorchDispatchMode):
    """Records into ``steps`` what a module computes while it is entered."""

    def __init__(self, module: nn.Module, inputs: Mapping[str, Tensor], *, allow_uncounted: bool, real: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own has no types
        self._allow_uncounted = allow_uncounted
        #: Constants are computed for real, on the CPU: for models whose control flow reads them.
        self._real = real
        self._paths = {child: path for path, child in module.named_modules()}
        self._root = Call("", module)
        self._calls = [self._root]
        self._all_calls = [self._root]
        self.steps: list[Step] = []
        self.held: dict[int, Held] = {}
        self._claimed: set[int] = set()
        self._made: dict[int, Step] = {}
        self._alive: list[object] = []
        self._failed: Call | None = None
        self.callers = Callers()
        self._thread = get_ident()
        for path, parameter in module.named_parameters():
            self.held[storage(parameter)] = Held(path, parameter, True)
        for path, buffer in module.named_buffers():
            self.held.setdefault(storage(buffer), Held(path, buffer, False))
        for name, tensor in inputs.items():
            shape = sample(tensor.shape)
            step = Step("", Input(shape), (), (), shape, False, name)
            self.steps.append(step)
            self._keep(tensor, step)

    # What handlers ask and say.

    def step(self, tensor: Tensor) -> Step | None:
        """What made ``tensor``; None for a constant and for a parameter that nothing has named yet."""
        return self._made.get(storage(tensor))

    def source(self, tensor: Tensor) -> Step:
        """What made ``tensor``; a parameter, a buffer or a constant becomes a step of its own."""
        key = storage(tensor)
        found = self._made.get(key)
        if found is not None:
            return found
        held = self.held.get(key)
        params, path, shape = NO_PARAMS, "", sample(tensor.shape)
        if held is not None:
            path, shape = held.path, sample(held.tensor.shape)
            # A vector scales or shifts; what has more axes is a table or a matrix.
            params = self.claim("affine" if held.tensor.dim() < 2 else "weight", tensor)
        made = Step("constant", Stored(shape, params), (), (), shape, True, path)
        if not path:
            self._calls[-1].steps.append(made)
        self.steps.append(made)
        self._keep(tensor, made)
        return made

    def is_held(self, tensor: Tensor | None) -> bool:
        """Whether it is a parameter or a buffer, or a view of one."""
        return tensor is not None and storage(tensor) in self.held

    def is_constant(self, tensor: Tensor) -> bool:
        """Whether it depends on no sample."""
        made = self.step(tensor)
        return made is None or made.constant

    def claim(self, role: Literal["weight", "bias", "affine"], *stored: Tensor | None) -> Params:
        """What ``stored`` adds to the network, in this ``role``: nothing if it is counted already, or computed."""
        added = NO_PARAMS
        for tensor in stored:
            key = None if tensor is None else storage(tensor)
            if key is not None and key in self.held and key not in self._claimed:
                self._claimed.add(key)
                held = self.held[key]
                added += Params(**{role if held.trainable else "buffer": held.tensor.numel()})
        return added

    def add(
        self,
        operator: str,
        layer: Layer,
        reads: Sequence[Tensor],
        made: Tensor,
        *,
        shapes: Sequence[Shape] = (),
        stored: Params = NO_PARAMS,
        times: int = 1,
    ) -> None:
        """Writes down that ``layer`` made ``made`` out of ``reads``; it stores ``stored``.

        ``shapes``: how it sees the first of ``reads``, where that is not as they are.
        """
        call = self._calls[-1]
        steps = tuple([self.source(tensor) for tensor in reads])
        seen = (*shapes, *(sample(tensor.shape) for tensor in reads[len(shapes) :]))
        wrapped = Captured(layer, times, stored, "", *self.callers.current)
        step = Step(operator, wrapped, steps, seen, wrapped.output(seen), all(read.constant for read in steps))
        self.steps.append(step)
        call.steps.append(step)
        self._keep(made, step)

    def same(self, made: Tensor, source: Tensor) -> None:
        """``made`` holds the values of ``source``, moved."""
        step = self.step(source)
        if step is not None:
            self._keep(made, step)
        elif self.is_held(source):
            self._keep(made, self.source(source))

    def _keep(self, tensor: Tensor, step: Step) -> None:
        self._made[storage(tensor)] = step
        self._alive.append(tensor)  # a storage that is freed would lend its number to another

    # What PyTorch tells.

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
            out = func(*args, **kwargs)
            self._alive.append(out)
            return out
        if handle == "unknown":
            # Where gradients are not even prepared for, a composite operator arrives whole.
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        given = tensors((args, kwargs)) if self._real else []
        if any(tensor.is_meta for tensor in given) and not all(tensor.is_meta for tensor in given):
            return self._mixed(func, args, kwargs, given)
        out = result_of(func, args, kwargs)
        self._alive.append(out)
        if callable(handle):
            handle(self, func, args, kwargs, out)
        elif self._allow_uncounted:
            self._uncounted(func, args, kwargs, out)
        else:
            raise CostModelError(
                f"nobody has decided what {full_name(func)} costs; it runs {place(self._calls[-1])},"
                f" {line_of_source()}; --allow-uncounted (allow_uncounted=True) counts the rest and says what is"
                " missing"
            )
        return out

    def _mixed(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], given: list[Tensor]) -> Any:
        """Real constants that meet blanks become blanks; what is written into one is known of both."""
        pairs = {id(tensor): (tensor, tensor if tensor.is_meta else tensor.to("meta")) for tensor in given}
        for real, empty in pairs.values():
            self._share(real, empty)
        blanks = torch.utils._pytree.tree_map_only(Tensor, lambda tensor: pairs[id(tensor)][1], (args, kwargs))
        out = self.__torch_dispatch__(func, (), *blanks)
        for real, empty in pairs.values():
            self._share(empty, real)
        return out

    def _share(self, known: Tensor, other: Tensor) -> None:
        step = self.step(known)
        if step is not None:
            self._keep(other, step)

    def _uncounted(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> None:
        made = first_tensor(out)
        if made is not None:
            reads = [tensor for tensor in tensors((args, kwargs)) if self.step(tensor) is not None]
            self.add(name_of(func), Uncounted(full_name(func), sample(made.shape)), reads, made)
            for other in tensors(out):
                self.same(other, made)

    def failed(self) -> str:
        """The module in which the model broke off, for a message."""
        return place(self._failed or self._root)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Told, inside, of every module that is entered and left."""
        hooks = [
            register_module_forward_pre_hook(self._enter_module),
            register_module_forward_hook(self._leave_module, always_call=True),
        ]
        try:
            with self.callers:
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def _enter_module(self, module: nn.Module, _args: object) -> None:
        if get_ident() != self._thread:
            if module not in self._paths:  # somebody else's, who computes beside the capture
                return
            raise CostModelError(
                f"{self._paths.get(module, type(module).__name__)} runs in a thread of its own, which a capture cannot"
                " see; run the modules one after the other"
            )
        self._calls[-1].called_others = True
        call = Call(self._paths.get(module, self._calls[-1].path), module)
        self._failed = None
        self._calls.append(call)
        self._all_calls.append(call)

    def _leave_module(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        if get_ident() != self._thread:
            return None
        call = self._calls.pop() if len(self._calls) > 1 else self._root
        if output is None:  # an exception is on its way out; the innermost module is left first
            self._failed = self._failed or call
        if isinstance(output, Tensor) and output.dim():
            call.leading = output.shape[0]
        if call.steps or call.called_others or not isinstance(output, Tensor) or not args:
            return None
        read = args[0]
        if not isinstance(read, Tensor) or self.step(read) is None:
            return None
        layer = _DRAWN.get(type(module)) or _part(read, output)
        if layer is None:
            return None
        # A tensor of its own, so that who reads the module can be told from who reads what it read.
        self._calls.append(call)
        fresh = torch.empty_strided(output.size(), output.stride(), dtype=output.dtype, device=output.device)
        self.add(layer.kind(()), layer, [read], fresh)
        self._calls.pop()
        return fresh

    # The end.

    def nodes(self, result: object) -> Node:
        """The network as its output node, named."""
        for key, held in self.held.items():
            if key not in self._claimed and held.trainable:
                self.source(held.tensor)
        read = {id(step) for made in self.steps for step in made.reads}
        results = [self.source(tensor) for tensor in tensors(result)]
        self._fold_padding(results)
        last_name = self._name()
        ends = [step for step in self.steps if id(step) not in read and _costs(step)]
        last = list(dict.fromkeys([*results, *ends]))
        if not last:
            raise CostModelError("the model returns no tensor that costs anything; there is nothing to count")
        built: dict[int, Node] = {}
        for step in self.steps:
            reads = tuple([built[id(source)] for source in step.reads])
            built[id(step)] = Node(step.name, _plain(step), reads, step.read_shapes, step.shape)
        if len(last) == 1:
            return built[id(last[0])]
        shapes = tuple([step.shape for step in last])
        return Node(last_name, Outputs(), tuple([built[id(step)] for step in last]), shapes, shapes[0])

    def _fold_padding(self, results: list[Step]) -> None:
        """Zeros that a convolution's own module puts around its input, for it alone, are the convolution's padding."""
        readers = Counter(id(read) for step in self.steps for read in step.reads) + Counter(map(id, results))
        for call in self._all_calls:
            if not isinstance(call.module, _ConvNd):
                continue
            for step in call.steps:
                pad = step.reads[0] if step.reads else step
                if not isinstance(step.layer.primitive, Conv):
                    continue
                if isinstance(pad.layer.primitive, ZeroPad) and pad in call.steps and readers[id(pad)] == 1:
                    step.absorb(pad)
                if call.module.padding == "same":
                    step.pad_same()
            call.steps = [step for step in call.steps if not step.absorbed]
        self.steps = [step for step in self.steps if not step.absorbed]

    def _name(self) -> str:
        """Gives every step its name; what the modules are called comes first. Returns a name for their end."""
        taken: Counter[str] = Counter()
        for call in self._all_calls:
            main = _main(call)
            for step in call.steps:
                own = step is main and bool(call.path)
                name = call.path if own else ".".join(filter(None, (call.path, step.operator)))
                step.name = name
                if not call.called_others and isinstance(step.layer, Captured):
                    step.layer = replace(step.layer, module=call.kind, leading=call.leading)
        for step in sorted(self.steps, key=lambda step: isinstance(step.layer, Input)):
            step.name = _free(step.name, taken)
        return _free("outputs", taken)


def _free(name: str, taken: Counter[str]) -> str:
    taken[name] += 1
    return name if taken[name] == 1 else f"{name}:{taken[name]}"


def _costs(step: Step) -> bool:
    """Whether a step that nobody reads belongs to the network: it works on a sample, or stores something."""
    return not step.constant or bool(step.reads) or step.layer.params(step.read_shapes) != NO_PARAMS


def _main(call: Call) -> Step | None:
    """The one step that a module which calls no other is there for; it bears the module's name."""
    if call.called_others:
        return None
    if len(call.steps) == 1:
        return call.steps[0]
    multiply = [step for step in call.steps if step.layer.macs(step.read_shapes, step.shape)]
    return multiply[0] if len(multiply) == 1 else None


def _plain(step: Step) -> Layer:
    """The layer, without saying again what follows from it."""
    layer = step.layer
    if isinstance(layer, Captured) and layer.stored == layer.layer.params(layer.each(step.read_shapes)):
        return replace(layer, stored=None)
    return layer


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
