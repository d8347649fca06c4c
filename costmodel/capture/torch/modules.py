"""Which module is running: hooks on every module that is entered and left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from costmodel.capture.torch.source_location import line_of_source
from costmodel.capture.torch.tape_entry import TapeEntry
from costmodel.errors import CostModelError


@dataclass(slots=True)
class ModuleCall:
    """One call of one module: what it computed itself, apart from the modules it called."""

    path: str
    module: nn.Module
    #: File and line of the code that called it.
    source: str = ""
    called_others: bool = False
    #: The first size of the tensor that it returned; 0 where that is none.
    leading: int = 0
    entries: list[TapeEntry] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The type of the module, with its path."""
        return f"{type(self.module).__module__}.{type(self.module).__qualname__}"

    @property
    def place(self) -> str:
        """For a message."""
        return f"in {self.path or 'the model itself'} ({type(self.module).__name__})"


class ModuleCalls:
    """The calls of modules so far, and the one that is running."""

    def __init__(self, module: nn.Module) -> None:
        self._paths = {child: path for path, child in module.named_modules()}
        self._root = ModuleCall("", module)
        self._running = [self._root]
        self.all = [self._root]
        self._failed: ModuleCall | None = None
        self._thread = get_ident()

    @property
    def current(self) -> ModuleCall:
        """The innermost module that is running."""
        return self._running[-1]

    @property
    def failed(self) -> str:
        """The module in which the model broke off, for a message."""
        return (self._failed or self._root).place

    @contextmanager
    def watched(self, left: Callable[[ModuleCall, tuple[Any, ...], Any], Any]) -> Iterator[None]:
        """Told, inside, of every module that is entered and left.

        ``left`` is told too, with the arguments and the output of the call, and may return another output.
        """

        def leave(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
            if get_ident() != self._thread:
                return None
            call = self._running.pop() if len(self._running) > 1 else self._root
            if output is None:  # an exception is on its way out; the innermost module is left first
                self._failed = self._failed or call
            if isinstance(output, Tensor) and output.dim():
                call.leading = output.shape[0]
            return left(call, args, output)

        hooks = [
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(leave, always_call=True),
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    @contextmanager
    def reopened(self, call: ModuleCall) -> Iterator[None]:
        """What is written down inside is of ``call``, which has just been left."""
        self._running.append(call)
        yield
        self._running.pop()

    def _enter(self, module: nn.Module, _args: object) -> None:
        if get_ident() != self._thread:
            if module not in self._paths:  # somebody else's, who computes during the capture
                return
            raise CostModelError(
                f"{self._paths.get(module, type(module).__name__)} runs in a thread of its own, which a capture cannot"
                " see; run the modules one after the other"
            )
        self.current.called_others = True
        call = ModuleCall(self._paths.get(module, self.current.path), module, line_of_source())
        self._failed = None
        self._running.append(call)
        self.all.append(call)
