"""What the backward pass of each operation needs of its forward pass, as PyTorch's autograd keeps it (torch 2.13).

An operation keeps values that it reads or makes, and sometimes numbers of its own: the statistics of a norm, the places
of the largest values, the mask of a dropout. Weights are parameters, and there anyway. An operation that nobody has
decided on is an error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

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
    rule = _RULES.get(type(node.layer))
    if rule is None:
        raise _undecided(node, node.layer)
    return rule if isinstance(rule, Kept) else rule(node, node.layer, needs, trains)


def _convolution(node: Node, layer: Layer, needs: Sequence[bool], trains: bool) -> Kept:
    # Kept for all of its gradients together, whichever are asked for.
    return INPUT if len(needs) == 1 else Kept(tuple(range(len(needs))))


def _linear(node: Node, layer: Linear, needs: Sequence[bool], trains: bool) -> Kept:
    return (INPUT if trains else NOTHING) if len(needs) == 1 else _product(needs)


def _activation(node: Node, layer: Activation, needs: Sequence[bool], trains: bool) -> Kept:
    if layer.name == "log_sigmoid":
        return Kept((0,), own=node.shape.elements)
    return OUTPUT if layer.name in ("relu", "sigmoid", "tanh") or (node.alias and node.alias.writes) else INPUT


def _batch_norm(node: Node, layer: BatchNorm, needs: Sequence[bool], trains: bool) -> Kept:
    return Kept((0,), once=2 * node.provenance.times * node.sample[1].channels)


def _layer_norm(node: Node, layer: LayerNorm, needs: Sequence[bool], trains: bool) -> Kept:
    normalized = math.prod(node.shape.sizes[-layer.axes :])
    return Kept((0,), own=2 * (node.shape.elements // normalized), own_dtype=STATISTICS)


def _group_norm(node: Node, layer: GroupNorm, needs: Sequence[bool], trains: bool) -> Kept:
    return Kept((0,), own=2 * node.provenance.times * layer.groups)


def _pool(node: Node, layer: Pool, needs: Sequence[bool], trains: bool) -> Kept:
    return INPUT if layer.mean else Kept((0,), own=node.shape.elements, own_dtype="int64")


def _adaptive_pool(node: Node, layer: AdaptiveAveragePool, needs: Sequence[bool], trains: bool) -> Kept:
    return NOTHING if max(layer.sizes) == 1 else INPUT


def _dropout(node: Node, layer: Dropout, needs: Sequence[bool], trains: bool) -> Kept:
    return Kept(own=node.shape.elements)


def _move(node: Node, layer: Move, needs: Sequence[bool], trains: bool) -> Kept:
    # The numbers that say where from, or where to.
    return Kept(tuple([place for place, read in enumerate(node.inputs) if "int" in read.dtype or read.dtype == "bool"]))


def _factors(node: Node, layer: Layer, needs: Sequence[bool], trains: bool) -> Kept:
    return _product(needs)


def _product(needs: Sequence[bool]) -> Kept:
    """The gradient of each factor needs the other ones."""
    return Kept(tuple([place for place in range(len(needs)) if any([*needs[:place], *needs[place + 1 :]])]))


def _operation(node: Node, layer: Operation, needs: Sequence[bool], trains: bool) -> Kept:
    name = layer.name.strip("_")
    if name == "mul":
        return _product(needs)
    if name == "div":
        return Kept((0, 1) if needs[-1] else (1,)) if len(needs) > 1 else NOTHING
    if name == "rms_norm":
        return Kept((0,), own=node.shape.positions, own_dtype=STATISTICS)
    if name not in _OPERATIONS or node.macs:
        raise _undecided(node, node.layer)
    return _OPERATIONS[name]


#: What each layer keeps, or the function that says it.
_RULES: dict[type[Layer], Any] = {
    **dict.fromkeys((Add, ChannelShuffle, ChannelSlice, Concat, Flatten, GlobalAveragePool, Outputs, ZeroPad), NOTHING),
    **dict.fromkeys((Conv, TransposedConv), _convolution),
    **dict.fromkeys((MatMul, Scale), _factors),
    Linear: _linear,
    Embedding: INPUT,
    Activation: _activation,
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    GroupNorm: _group_norm,
    Pool: _pool,
    AdaptiveAveragePool: _adaptive_pool,
    Dropout: _dropout,
    Move: _move,
    Operation: _operation,
}


def _undecided(node: Node, layer: Layer) -> CostModelError:
    return CostModelError(
        f"{node.name}: no rule for what the backward pass of {layer.label(node.sample[0])} needs; train a network"
        " without it, or add a rule to costmodel/analyses/kept.py"
    )
