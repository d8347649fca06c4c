"""``osmr``: the FLOPs of osmr's model collection, whose tables print them halved."""

from __future__ import annotations

import math

from costmodel.conventions.convention import NOTHING, Convention, Items, SeenOperation, nothing, undecided
from costmodel.core import layers

#: What an activation costs for each value.
_ACTIVATIONS = {"relu": 1, "relu6": 1, "sigmoid": 4, "swish": 5, "hard_sigmoid": 1, "hard_swish": 2, "elu": 3} | {
    "leaky_relu": 2
}

#: The last map at 224, of SqueezeNet the latter: its pool has that kernel; over all of another map it counts as 1.
_KERNELS = ((7, 7), (13, 13))


def _extra_counts(op: SeenOperation) -> Items:
    match op.layer:
        case layers.Conv(bias=bias):
            # A convolution without bias is one addition less for each of its filters' channels, wherever it slides.
            return NOTHING if bias else {"one addition less": -(op.params.weight // math.prod(op.layer.kernel))}
        case layers.Linear(bias=bias):
            return NOTHING if bias else {"one addition less": -op.output.elements}
        case layers.BatchNorm():
            return {"batch norm": 4 * op.input.elements}
        case layers.Activation(name) if name in _ACTIVATIONS:
            return {op.kind: _ACTIVATIONS[name] * op.input.elements}
        case layers.Activation():
            raise undecided(op)
        case layers.Pool(kernel=kernel):
            return {"pooling": math.prod(kernel) * op.output.elements}
        case layers.AdaptiveAveragePool() if op.input == op.output:  # there is none in these networks
            return NOTHING
        case layers.GlobalAveragePool() | layers.AdaptiveAveragePool():
            return {"pooling": op.input.elements if op.input.spatial in _KERNELS else op.output.elements}
        case layers.Scale():  # squeezes call a function, which it does not see, instead of a pool
            squeezed = op.inputs[0]
            seen = squeezed.elements if squeezed.spatial in _KERNELS else squeezed.channels
            return {"squeezes as 0": -seen}
        case layers.ChannelShuffle():
            return {"channel shuffle": op.input.elements}
    return nothing(op, layers.Add, layers.ChannelSlice, layers.Concat, layers.Dropout, layers.Flatten)


OSMR = Convention(
    name="osmr",
    source="osmr/imgclsmob, FLOPs of its MXNet models (its tables print FLOPs/2)",
    version="commit c1a844d",
    place="gluon/model_stats.py, measure_model",
    quantity="flops",
    factor=2,
    counts="2 a multiply-add, without a bias one addition less for each weight of a 1x1; batch norm 4 an element;"
    " ReLU 1, swish 5, sigmoid 4; pooling its kernel an output; no x + y or x * y",
    extra_counts=_extra_counts,
    bugs=("without a bias a convolution is one addition less for each pair of channels, and not for each output",),
)
