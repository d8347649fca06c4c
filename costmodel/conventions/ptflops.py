"""``ptflops`` and ``ptflops_aten``: the two backends of ``ptflops.get_model_complexity_info``."""

from __future__ import annotations

from costmodel import layers
from costmodel.checks import CostModelError
from costmodel.conventions.convention import (
    BUG,
    ELEMENTWISE,
    MOVES,
    NORMS,
    NOTHING,
    POOLS,
    Call,
    Convention,
    Items,
    has_gamma,
    is_bias,
    nothing,
    operation,
    type_of,
)

#: Activations by what counts them: a hook on the module, and a patch of the function that the module calls.
_HOOKED = {"relu", "relu6", "elu", "leaky_relu", "gelu"}
_PATCHED = {"relu", "elu", "gelu", "swish"}
#: Modules that have a hook begin with these, and with no other module's name.
_HOOKS = ("Conv", "Linear", "BatchNorm", "GroupNorm", "LayerNorm", "InstanceNorm")


def _bias(call: Call) -> Items:
    return {"bias": call.output.elements if call.params.bias else 0}


def _sees(call: Call) -> bool:
    if type_of(call) == "MultiheadAttention":
        raise CostModelError("no rule for nn.MultiheadAttention, for which ptflops has a formula of its own")
    if isinstance(call.layer, layers.MatMul):
        raise CostModelError(
            "no rule for a matrix product: torch.matmul counts, x @ y does not, and they look alike here"
        )
    if isinstance(call.layer, (layers.Conv, layers.TransposedConv, layers.Linear, *NORMS)):
        return call.module is None or type_of(call).startswith(_HOOKS)
    return True


def _met(what: str, elements: int, hooked: bool, patched: bool) -> Items:
    again = hooked and patched
    return {what: (hooked or patched) * elements, f"{what} again{BUG}": again * elements}


def _pytorch(call: Call) -> Items:
    elements = call.input.elements
    own = call.module is None or type_of(call) != ""
    match call.layer:
        case layers.Conv() | layers.TransposedConv() | layers.Linear():
            return _bias(call)
        case layers.BatchNorm(affine=affine):
            return {"batch norm": (2 if affine else 1) * elements}
        case layers.GroupNorm(affine=affine):
            return {"group norm": (2 if affine else 1) * elements}
        case layers.LayerNorm():  # the hook asks for the attribute "affine", which is "elementwise_affine" here
            return {"layer norm": elements}
        case layers.Activation(name):
            known = _PATCHED if own else _PATCHED | {"relu6"}  # the module calls hardtanh, which is not patched
            return _met(call.kind, elements, own and name in _HOOKED, name in known)
        case layers.Pool() | layers.AdaptiveAveragePool() | layers.GlobalAveragePool():
            return _met("pooling", elements, own, patched=True)
        case layers.Operation() if is_bias(call):
            return {"bias": call.output.elements}
        case layers.Operation():
            norm = (2 if has_gamma(call) else 1) if own else 0
            return operation(call, softmax=1, prelu_kernel=1 + own, upsample_bilinear2d=1 + own, instance_norm=norm)
    return nothing(call, layers.Add, layers.Scale, *MOVES)


PTFLOPS = Convention(
    name="ptflops",
    source='ptflops, backend "pytorch"',
    version="0.7.5",
    place="ptflops/pytorch_ops.py, MODULES_MAPPING and FUNCTIONAL_MAPPING; ptflops/pytorch_engine.py",
    quantity="multiply_adds",
    held=True,
    counts="multiply-adds; bias 1 an output; batch and group norm 2 an element (1 without gamma), layer norm 1; ReLU,"
    " ReLU6, ELU, leaky ReLU, GELU and SiLU 1; pooling of every kind 1 an element that it reads",
    beside=_pytorch,
    sees=_sees,
    bugs=(
        "what it knows both as a module and as a function counts twice: ReLU, ELU, GELU and pooling, as modules",
        "a functional convolution or linear layer, x @ y and a subclass of a layer count 0",
        "a batch counts as one sample",
    ),
)


def _aten(call: Call) -> Items:
    match call.layer:
        case layers.Conv() | layers.TransposedConv() | layers.Linear():
            return _bias(call)
        case layers.MatMul():
            return NOTHING
        case layers.Operation():
            return operation(call)
    return nothing(call, *NORMS, *POOLS, *ELEMENTWISE, *MOVES)


PTFLOPS_ATEN = Convention(
    name="ptflops_aten",
    source='ptflops, backend "aten"',
    version="0.7.5",
    place="ptflops/aten_ops.py, ATEN_OPS_MAPPING",
    quantity="multiply_adds",
    held=True,
    counts="multiply-adds; bias 1 an output; nothing else",
    beside=_aten,
)
