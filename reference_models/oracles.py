"""What PyTorch and its counters say of a module: the other route to every figure.

fvcore counts 0 for ``padding="same"`` and adds batch norm and pooling to its total, so its conv and linear operators
are read alone, and FlopCounterMode (2 a multiply-add) stands in where fvcore is blind.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

with warnings.catch_warnings():
    # fvcore compiles a loss with torch.jit when it is imported; PyTorch deprecates that, and it is not our news.
    warnings.simplefilter("ignore")
    from fvcore.nn import FlopCountAnalysis


@contextmanager
def quiet() -> Iterator[None]:
    """Without the tracer's warnings, which are about the trace and not about the count."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _analysis(module: nn.Module, x: Tensor | tuple[Tensor, ...]) -> FlopCountAnalysis:
    analysis = FlopCountAnalysis(module, x)
    return analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")


def fvcore_multiply_adds(module: nn.Module, x: Tensor) -> int:
    """fvcore's conv + linear for the whole module."""
    with quiet(), torch.no_grad():
        operators = _analysis(module, x).by_operator()
    return int(operators["conv"] + operators["linear"])


def tool_total(tool: str, module: nn.Module, inputs: tuple[Tensor, ...]) -> int:
    """What ``fvcore`` or ``flop_counter_mode`` prints for a call of ``module``.

    Attention takes PyTorch's general path: both tools are blind to the fast ones, which are single operators.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), quiet(), sdpa_kernel(SDPBackend.MATH):
            if tool == "fvcore":
                return int(_analysis(module, inputs).total())
            with FlopCounterMode(display=False) as counter:
                module(*inputs)
        return int(counter.get_total_flops())
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def torch_multiply_adds(module: nn.Module, x: Tensor) -> int:
    """Half of FlopCounterMode: it counts 2 a multiply-add, and sees padding="same"."""
    with FlopCounterMode(display=False) as counter, torch.no_grad(), quiet():
        module(x)
    total = int(counter.get_total_flops())
    if total % 2:
        raise AssertionError(f"FlopCounterMode counted {total}, which is no whole number of multiply-adds")
    return total // 2


def numel(module: nn.Module) -> int:
    """Trainable parameters, each tensor once."""
    return sum(parameter.numel() for parameter in module.parameters())


def image(sizes: tuple[int, ...]) -> Tensor:
    """One sample of zeros, channels first."""
    return torch.zeros(1, *sizes)


def sample(network_input: tuple[int, ...], dtype: str, module: nn.Module) -> Tensor:
    """One sample of zeros, of that type, where the module is."""
    device = next((parameter.device for parameter in module.parameters()), "cpu")
    return torch.zeros(1, *network_input, dtype=getattr(torch, dtype), device=device)


def examples(specs: Sequence[Any]) -> tuple[Tensor, ...]:
    """A tensor for each ``costmodel.InputSpec``: zeros, or the number that it says, the batch first."""
    return tuple([torch.full(spec.sizes, spec.value or 0, dtype=getattr(torch, spec.type)) for spec in specs])


@dataclass(frozen=True)
class Measured:
    """One operation as PyTorch ran it: module path, what it does, paths that it reads, what came out, what it cost."""

    name: str
    kind: str
    reads: tuple[str, ...]
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int


def measure(module: nn.Module, x: Tensor) -> list[Measured]:
    """Every leaf module in the order of the traced graph, from one real forward pass and one pass of fvcore.

    Two oracles count each leaf. Where fvcore is blind (a convolution with padding="same" or "valid"), FlopCounterMode
    has the word; elsewhere they must agree.

    Raises ValueError where they do not, and where the module computes or stores anything outside its leaves, or runs
    one twice: nothing would then be known of that operation.
    """
    shapes, halved = _forward(module, x)
    with quiet(), torch.no_grad():
        counted = _analysis(module, x).by_module_and_operator()
    measured = []
    for name, reads in _edges(module):
        leaf = module.get_submodule(name)
        macs = int(sum(counted[name][operator] for operator in ("conv", "linear", "matmul")))
        if isinstance(getattr(leaf, "padding", None), str):
            macs = halved[name]
        elif macs != halved[name]:
            raise ValueError(f"{name}: fvcore counts {macs} multiply-adds, FlopCounterMode {halved[name]}")
        measured.append(Measured(name, _kind(leaf), reads, shapes[name], numel(leaf), macs))
    if sum(leaf.parameters for leaf in measured) != numel(module):
        raise ValueError("parameters are stored outside the leaves, or in two of them")
    return measured


#: What the field calls each type of module. A module of our own says so itself, in an attribute ``kind``.
_KINDS: dict[type[nn.Module], str] = {
    nn.Linear: "linear",
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.Sigmoid: "sigmoid",
    nn.Hardsigmoid: "hard_sigmoid",
    nn.SiLU: "swish",
    nn.Hardswish: "hard_swish",
    nn.Flatten: "flatten",
    nn.Dropout: "dropout",
    nn.ChannelShuffle: "channel_shuffle",
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), "batch_norm"),
    **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d), "max_pool"),
    **dict.fromkeys((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d), "average_pool"),
    **dict.fromkeys((nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d), "zero_pad"),
}
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_ADAPTIVE = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)


def _kind(leaf: nn.Module) -> str:
    if isinstance(leaf, (*_CONVOLUTIONS, *_TRANSPOSED)):
        name = "transposed_conv" if isinstance(leaf, _TRANSPOSED) else "conv"
        if leaf.groups == 1:
            return name
        return f"depthwise_{name}" if leaf.groups == leaf.in_channels else f"grouped_{name}"
    if isinstance(leaf, _ADAPTIVE):
        whole_map = leaf.output_size in (1, (1,), (1, 1), (1, 1, 1))
        return "global_average_pool" if whole_map else "adaptive_average_pool"
    own = getattr(leaf, "kind", None) or _KINDS.get(type(leaf))
    if own is None:
        raise ValueError(f"nothing is known of {type(leaf).__name__}: name its kind in reference_models/oracles.py")
    return str(own)


def _forward(module: nn.Module, x: Tensor) -> tuple[dict[str, tuple[int, ...]], dict[str, int]]:
    """For each leaf module of a real forward pass: the sizes it returned, without the batch, and its multiply-adds."""
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str, _module: nn.Module, _inputs: object, output: Any) -> None:
        if name in shapes:
            raise ValueError(f"{name} runs twice")
        first = output[0] if isinstance(output, tuple) else output
        shapes[name] = tuple(first.shape[1:])

    leaves = {name: leaf for name, leaf in module.named_modules() if not list(leaf.children())}
    handles = [leaf.register_forward_hook(partial(note, name)) for name, leaf in leaves.items()]
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad(), quiet():
            module(x)
    finally:
        for handle in handles:
            handle.remove()
    counts = counter.get_flop_counts()
    root = type(module).__name__
    return shapes, {name: sum(counts.get(f"{root}.{name}", {}).values()) // 2 for name in leaves}


class _LeafTracer(fx.Tracer):
    """Traces down to the modules that hold no others."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return not list(m.children())


def _edges(module: nn.Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(module path, paths it reads) in the order of execution."""
    names: dict[fx.Node, str] = {}
    for node in _LeafTracer().trace(module).nodes:
        if node.op == "placeholder":
            names[node] = "input"
        elif node.op == "call_module":
            names[node] = str(node.target)
            yield names[node], tuple(names[read] for read in _arguments(node))
        elif node.op != "output":
            raise ValueError(f"{node.format_node()} is computed outside a module")


def _arguments(node: fx.Node) -> list[fx.Node]:
    # Not all_input_nodes: that names a tensor read twice only once.
    return [argument for argument in node.args if isinstance(argument, fx.Node)]
