"""What the activations of Keras compute: as functions inside of other layers, as layers, and as operations."""

from __future__ import annotations

from typing import Any

from costmodel.capture.keras.call import Handlers, LayerCall, Made, UndecidedError
from costmodel.capture.operator_costs import ELEMENTWISE, REDUCTIONS
from costmodel.core.counts import Ops
from costmodel.core.layers import Activation, Alias

#: Those that have a name in the field, by the function of ``keras.activations``.
_NAMED = {
    "relu": "relu", "relu6": "relu6", "sigmoid": "sigmoid", "hard_sigmoid": "hard_sigmoid", "silu": "swish",
    "hard_silu": "hard_swish", "tanh": "tanh", "gelu": "gelu", "leaky_relu": "leaky_relu", "elu": "elu",
    "softplus": "softplus", "log_sigmoid": "log_sigmoid", "hard_tanh": "hard_tanh", "mish": "mish",
}  # fmt: skip
#: For each value, the others, by the name that PyTorch has for them.
_VALUES = {
    "selu": "selu", "celu": "celu", "exponential": "exp", "soft_shrink": "softshrink", "hard_shrink": "hardshrink",
    "threshold": "threshold",
}  # fmt: skip
#: For each value that is read.
_ROWS = {"softmax": "_softmax", "log_softmax": "_log_softmax"}
#: For each value, what PyTorch has no operator for.
_OWN = {"softsign": Ops(add=1, cmp=1, div=1)}


def activated(call: LayerCall, made: Made, function: Any) -> Made:
    """What a layer makes after the activation ``function`` that it computes as well, which writes over it."""
    name = _name(function)
    return made if name == "linear" else _computed(call, made, name, name, Alias(0, writes=True))


def _name(function: Any) -> str:
    name = "linear" if function is None else getattr(function, "__name__", type(function).__name__)
    if function is not None and not str(getattr(function, "__module__", "")).startswith("keras."):
        raise UndecidedError(f"the activation {name}")
    return str(name)


def _computed(call: LayerCall, read: Made, name: str, part: str = "", alias: Alias | None = None) -> Made:
    if name in _NAMED:
        return call.add(Activation(_NAMED[name]), [read], part=part and _NAMED[name], alias=alias, dtype=read.dtype)
    if name in _ROWS:
        work = REDUCTIONS[_ROWS[name]]
    elif name in _VALUES:
        work = ELEMENTWISE[_VALUES[name]]
    elif name in _OWN:
        work = _OWN[name]
    else:
        raise UndecidedError(f"the activation {name}")
    return call.operation(name, work * read.elements, [read], sizes=read.sizes, part=part, alias=alias)


def _activation(call: LayerCall) -> Made:
    name = _name(call.keras.activation)
    return call.x if name == "linear" else _computed(call, call.x, name)


def _relu(call: LayerCall) -> Made:
    """``ReLU``: with a slope below 0, a threshold, a largest value."""
    most = call.option("max_value")
    if call.option("threshold"):
        return call.operation("relu", Ops(cmp=2 if most is not None else 1, mul=1) * call.elements)
    if call.option("negative_slope"):
        name = "leaky_relu"
        if most is not None:
            return call.operation(name, Ops(cmp=2, mul=1) * call.elements)
    elif most is not None:
        name = "relu6"  # or another bound, which takes as much
    else:
        name = "relu"
    return _computed(call, call.x, name)


def _prelu(call: LayerCall) -> Made:
    return call.operation("prelu", ELEMENTWISE["_prelu_kernel"] * call.elements, claimed=call.claim())


def _as_operation(name: str) -> Any:
    return lambda call: _computed(call, call.x, name)


LAYERS: Handlers = {
    "Activation": _activation,
    "ReLU": _relu,
    "PReLU": _prelu,
    "LeakyReLU": _as_operation("leaky_relu"),
    "ELU": _as_operation("elu"),
    "Softmax": _as_operation("softmax"),
}

#: Operations of ``keras.ops``.
OPERATIONS: Handlers = {
    "".join(map(str.title, name.split("_"))): _as_operation(name)
    for name in (*_NAMED, *_VALUES, *_ROWS, *_OWN)
    if name != "exponential"
}
