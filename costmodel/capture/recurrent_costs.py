"""What recurrent cells compute, one formula for every door that reads them whole."""

from __future__ import annotations

from costmodel.core.counts import Ops
from costmodel.core.layers import Activation
from costmodel.core.shape import Shape


def activation_work(name: str) -> Ops:
    """What one value of the activation ``name`` takes.

    >>> activation_work("relu6")
    Ops(mac=0, add=0, mul=0, div=0, cmp=2, exp=0)
    """
    return Activation(name).other_ops((), Shape(1))


SIGMOID, TANH = activation_work("sigmoid"), activation_work("tanh")

#: For each value of the state: how many gates, their activations, and how they make the new state of the old.
CELLS = {
    # Four gates of two products; c = f * c + i * g, h = o * tanh(c).
    "lstm": (4, 3 * SIGMOID + 2 * TANH + Ops(mul=3, add=1)),
    # Three gates; n = tanh(x + r * h), h = (1 - z) * n + z * h.
    "gru": (3, 2 * SIGMOID + TANH + Ops(mul=3, add=2)),
    "rnn": (1, TANH),
}


def step_work(cell: str, features: int, hidden: int, biases: int) -> Ops:
    """One step of one direction: ``features`` values come in, ``hidden`` are kept; a gate has so many ``biases``.

    >>> step_work("lstm", 8, 16, 2).mac
    1536
    """
    gates, each = CELLS[cell]
    products = Ops(mac=gates * hidden * (features + hidden))
    # The two products of a gate are added up, and its biases to them.
    return products + Ops(add=gates * hidden * (1 + biases)) + hidden * each
