"""What the backward pass of each operation needs of its forward pass, as PyTorch's autograd keeps it (torch 2.13).

An operation keeps values that it reads or makes, and sometimes numbers of its own: the statistics of a norm, the places
of the largest values, the mask of a dropout. Weights are parameters, and there anyway. An operation that nobody has
decided on is an error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from costmodel.core.graph import Node
from costmodel.core.layers import (
    Activation,
    AdaptiveAveragePool,
    Add,
    BatchNorm,
    ChannelShuffle,
    ChannelSlice,
    Concat,
    Conv,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    Layer,
    LayerNorm,
    Linear,
    MatMul,
    Move,
    Operation,
    Outputs,
    Pool,
    Scale,
    TransposedConv,
    ZeroPad,
)
from costmodel.errors import CostModelError


class Kept(NamedTuple):
    """What one operation keeps: inputs by number, its output, and numbers of its own.

    ``own`` are so many numbers of a type for each sample; an empty type is that of the values. ``once`` are numbers in
    fp32 for all samples together: statistics of a batch.
    """

    inputs: tuple[int, ...] = ()
    output: bool = False
    own: int = 0
    own_dtype: str = ""
    once: int = 0


NOTHING, INPUT, OUTPUT = Kept(), Kept((0,)), Kept(output=True)

#: Statistics of norms are kept in this type, whatever the type of the values.
STATISTICS = "float32"

_NOTHING = (Add, ChannelShuffle, ChannelSlice, Concat, Flatten, GlobalAveragePool, Outputs, ZeroPad)
_FROM_OUTPUT = frozenset(["relu", "sigmoid", "tanh"])

#: Operations without a layer of their own, by what they keep of what they read or make.
_OPERATIONS = {
    **dict.fromkeys(("add", "sub", "rsub", "neg", "sum", "mean", "cumsum", "floor", "ceil", "round", "sign"), NOTHING),
    **dict.fromkeys(("softmax", "safe_softmax", "log_softmax", "exp", "sqrt", "rsqrt", "reciprocal"), OUTPUT),
    **dict.fromkeys(("pow", "square", "log", "log2", "log10", "log1p", "sin", "cos", "erf", "abs"), INPUT),
    **dict.fromkeys(("clamp", "clamp_min", "clamp_max", "celu", "selu"), INPUT),
}


def kept(node: Node, needs: Sequence[bool], trains: bool) -> Kept:
    """What ``node`` keeps, whose inputs need a gradient where ``needs`` says so; ``trains``: its weights do.

    Raises :class:`~costmodel.errors.CostModelError` for an operation that nobody has decided on.

    >>> import costmodel as cm
    >>> relu = cm.mobilenet_v1().nodes[3]
    >>> kept(relu, [True], trains=False)
    Kept(inputs=(), output=True, own=0, own_dtype='', once=0)
    """
    layer, shape = node.layer, node.shape
    match layer:
        case Conv() | TransposedConv():  # kept for all of its gradients together, whichever are asked for
            return Kept(tuple(range(len(needs))))
        case Linear():
            return Kept((0,) if trains else ()) if len(needs) == 1 else _product(needs)
        case MatMul() | Scale():
            return _product(needs)
        case Activation("log_sigmoid"):
            return Kept((0,), own=shape.elements)
        case Activation(name):
            return OUTPUT if name in _FROM_OUTPUT or (node.alias and node.alias.writes) else INPUT
        case Embedding():
            return INPUT
        case BatchNorm():
            return Kept((0,), once=2 * node.provenance.times * node.sample[1].channels)
        case LayerNorm(axes):
            return Kept((0,), own=2 * (shape.elements // math.prod(shape.sizes[-axes:])), own_dtype=STATISTICS)
        case GroupNorm(groups):
            return Kept((0,), own=2 * node.provenance.times * groups)
        case Pool(mean=mean):
            return INPUT if mean else Kept((0,), own=shape.elements, own_dtype="int64")
        case AdaptiveAveragePool(sizes):
            return NOTHING if max(sizes) == 1 else INPUT
        case Dropout():
            return Kept(own=shape.elements)
        case Move():
            return Kept(tuple([place for place, read in enumerate(node.inputs) if "float" not in read.dtype]))
        case Operation(name):
            return _operation(node, name.strip("_"), needs)
    if isinstance(layer, _NOTHING):
        return NOTHING
    raise _undecided(node, layer)


def _product(needs: Sequence[bool]) -> Kept:
    """The gradient of each factor needs the other ones."""
    return Kept(tuple([place for place in range(len(needs)) if any([*needs[:place], *needs[place + 1 :]])]))


def _operation(node: Node, name: str, needs: Sequence[bool]) -> Kept:
    if name == "mul":
        return _product(needs)
    if name == "div":
        return Kept((0, 1) if needs[-1] else (1,)) if len(needs) > 1 else NOTHING
    if name == "rms_norm":
        return Kept((0,), own=node.shape.positions, own_dtype=STATISTICS)
    if name not in _OPERATIONS or node.macs:
        raise _undecided(node, node.layer)
    return _OPERATIONS[name]


def _undecided(node: Node, layer: Layer) -> CostModelError:
    return CostModelError(
        f"{node.name}: no rule for what the backward pass of {layer.label(node.sample[0])} needs; train a network"
        " without it, or add a rule to costmodel/analyses/kept.py"
    )
