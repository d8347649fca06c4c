"""The tools themselves, run on a copy of a module: what each says in all, and of each operation where it says so.

Warnings of a tool are about its trace or its packaging and not about the count, so they are silenced around it alone.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

with warnings.catch_warnings():
    # thop asks distutils for versions, fvcore compiles a loss: both warn when they are imported.
    warnings.simplefilter("ignore")
    from fvcore.nn import FlopCountAnalysis
    from ptflops import get_model_complexity_info
    from thop import profile
    from torchinfo import summary
    from torchprofile import profile_macs


@dataclass(frozen=True)
class Measured:
    """A tool's total; its figure for each module by path; its figures for operations that it gives no path."""

    total: int
    modules: dict[str, int] = field(default_factory=dict)
    operations: tuple[int, ...] | None = None


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _leaves(module: nn.Module) -> list[str]:
    return [name for name, leaf in module.named_modules() if not list(leaf.children())]


def fvcore(module: nn.Module, x: Tensor) -> Measured:
    analysis = FlopCountAnalysis(module, x).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    with torch.no_grad():
        found = analysis.tracer_warnings("none").by_module()
    return Measured(int(found[""]), {name: int(found[name]) for name in _leaves(module)})


def flop_counter_mode(module: nn.Module, x: Tensor) -> Measured:
    # On the meta device, where PyTorch runs no kernel that computes attention or an LSTM in one piece.
    with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.device("meta"):
        module.to("meta")(x.to("meta"))
    found, root = counter.get_flop_counts(), type(module).__name__
    modules = {name: sum(found.get(f"{root}.{name}", {}).values()) for name in _leaves(module)}
    return Measured(counter.get_total_flops(), modules)


def _ptflops(backend: str) -> Callable[[nn.Module, Tensor], Measured]:
    def measure(module: nn.Module, x: Tensor) -> Measured:
        total, _ = get_model_complexity_info(
            module,
            tuple(x.shape[1:]),
            as_strings=False,
            print_per_layer_stat=False,
            backend=backend,
        )
        # It prints what went wrong and answers None.
        assert total is not None
        return Measured(int(total))

    return measure


def thop(module: nn.Module, x: Tensor) -> Measured:
    total, _, found = profile(module, (x,), verbose=False, ret_layer_info=True)
    modules: dict[str, int] = {}

    def walk(inside: dict[str, Any], path: str) -> None:
        for name, (figure, _, children) in inside.items():
            if children:
                walk(children, f"{path}{name}.")
            else:
                modules[f"{path}{name}"] = int(figure)

    walk(found, "")
    return Measured(int(total), modules)


def torchinfo(module: nn.Module, x: Tensor) -> Measured:
    found = summary(module, input_data=x, verbose=0, depth=1, cache_forward_pass=False)
    paths = {id(leaf): name for name, leaf in module.named_modules()}
    modules = {paths[layer.layer_id]: int(layer.macs) for layer in found.summary_list if layer.is_leaf_layer}
    return Measured(int(found.total_mult_adds), modules)


def torchprofile(module: nn.Module, x: Tensor) -> Measured:
    with torch.no_grad():
        found = profile_macs(module, x, reduction=None)
    return Measured(sum(found.values()), operations=tuple(found.values()))


#: Name of a convention -> the tool that it stands for.
PEERS: dict[str, Callable[[nn.Module, Tensor], Measured]] = {
    "fvcore": fvcore,
    "flop_counter_mode": flop_counter_mode,
    "ptflops": _ptflops("pytorch"),
    "ptflops_aten": _ptflops("aten"),
    "thop": thop,
    "torchinfo": torchinfo,
    "torchprofile": torchprofile,
}


def measure(name: str, module: nn.Module, x: Tensor) -> Measured:
    """What the tool says of ``module``: of a copy, for some leave hooks, buffers or another mode behind."""
    # No tool touches a weight: the copy shares them, for VGG's take half a second.
    shared = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    with _quiet():
        return PEERS[name](copy.deepcopy(module, shared).eval(), x)
