"""Recurrent cells, which run once for each step of a sequence: an operator each, whatever its inputs are."""

from __future__ import annotations

import math

from costmodel.capture.recurrent_costs import SIGMOID, TANH
from costmodel.capture.tflite.builder import Call, Role, Written
from costmodel.capture.tflite.products import Handler
from costmodel.core.counts import NO_OPS, Ops
from costmodel.core.layers import Operation
from costmodel.errors import CostModelError

#: For each cell: the cell state (f * c + i * g) and the output (o * tanh(c)).
_STATE = Ops(mul=3, add=1) + TANH
#: For each value that a layer norm makes: sum, shift, square, sum, scale, gamma.
_NORM = Ops(add=3, mul=3)


def _elements(call: Call, *places: int) -> int:
    return sum(math.prod(call.sizes(place)) for place in places if call.has(place))


def _positions(call: Call) -> int:
    return math.prod(call.sizes(0)[:-1])


def _cell(call: Call, first: int, norms: int = 0) -> tuple[Ops, dict[int, Role]]:
    """One direction of an LSTM: the arithmetic of a step, and the roles of its inputs, which start at ``first``.

    There: four matrices for the input, four for the output before, three peepholes, four biases, a projection and its
    bias. ``norms`` is where four gammas of layer norms start. Without an input gate it is one minus the forget gate.
    """
    matrices, peepholes = range(first, first + 8), range(first + 8, first + 11)
    biases, projection = range(first + 11, first + 15), first + 15
    cells = call.sizes(first + 1)[0]
    gates = 4 if call.has(first) else 3
    work = Ops(mac=_elements(call, *matrices, projection), add=_elements(call, *biases, projection + 1))
    work += Ops(add=gates * cells)  # what the input gives, and what the output before gives
    work += cells * ((gates - 1) * SIGMOID + TANH + _STATE + Ops(add=4 - gates))
    work += Ops(mul=1, add=1) * _elements(call, *peepholes)
    work += _NORM * (_elements(call, *range(norms, norms + 4)) if norms else 0)
    roles: dict[int, Role] = dict.fromkeys((*matrices, projection), "weight")
    roles |= dict.fromkeys((*biases, projection + 1), "bias")
    roles |= dict.fromkeys((*peepholes, *(range(norms, norms + 4) if norms else ())), "affine")
    return work, {place: role for place, role in roles.items() if call.has(place)}


def _recurrent(call: Call, name: str, work: Ops, roles: dict[int, Role], *states: int) -> Written:
    layer = Operation(name, call.made, work * _positions(call))
    return Written(layer, (0, *filter(call.has, states)), (), roles, own_activation=True)


def _lstm(call: Call) -> Written:
    if not call.has(7):
        return _basic_lstm(call)
    return _recurrent(call, "lstm", *_cell(call, 1, 20), 18, 19)


def _basic_lstm(call: Call) -> Written:
    """The old kernel: one matrix for all four gates, of the input and the output before."""
    rows, _ = call.sizes(2, 2)
    cells = rows // 4
    work = Ops(mac=_elements(call, 2), add=_elements(call, 3)) + cells * (3 * SIGMOID + TANH + _STATE)
    return _recurrent(call, "lstm", work, {2: "weight", 3: "bias"}, 1, 4)


def _bidirectional_lstm(call: Call) -> Written:
    if call.has(39):
        raise CostModelError("nobody has decided what a BIDIRECTIONAL_SEQUENCE_LSTM with a second input costs")
    forward, backward = _cell(call, 1), _cell(call, 18)
    return _recurrent(call, "lstm", forward[0] + backward[0], forward[1] | backward[1], 35, 36, 37, 38)


def _direction(call: Call, first: int) -> tuple[Ops, dict[int, Role]]:
    """One direction of a plain recurrent layer: two matrices, a bias, an activation."""
    cells = call.sizes(first, 2)[0]
    activation = {"NONE": NO_OPS, "TANH": TANH, "RELU": Ops(cmp=1), "RELU6": Ops(cmp=2)}
    if call.operator.activation not in activation:
        raise CostModelError(f"nobody has decided what a recurrent layer with {call.operator.activation} costs")
    work = Ops(mac=_elements(call, first, first + 1), add=2 * cells) + cells * activation[call.operator.activation]
    return work, {first: "weight", first + 1: "weight", first + 2: "bias"}


def _rnn(call: Call) -> Written:
    return _recurrent(call, "rnn", *_direction(call, 1), 4)


def _bidirectional_rnn(call: Call) -> Written:
    if call.has(9):
        raise CostModelError("nobody has decided what a BIDIRECTIONAL_SEQUENCE_RNN with a second input costs")
    forward, backward = _direction(call, 1), _direction(call, 5)
    return _recurrent(call, "rnn", forward[0] + backward[0], forward[1] | backward[1], 4, 8)


def _svdf(call: Call) -> Written:
    """Filters over features, then over the steps in memory; the filters of a unit (its rank) are added up."""
    filters, steps = call.sizes(2, 2)
    units = call.made_sizes[-1]
    bias = units if call.has(3) else 0
    work = Ops(mac=_elements(call, 1) + filters * steps, add=filters - units + bias)
    roles: dict[int, Role] = {1: "weight", 2: "weight", 3: "bias"}
    layer = Operation("svdf", call.made, work * _positions(call))
    return Written(layer, (0, *filter(call.has, (4,))), (), {place: roles[place] for place in roles if call.has(place)})


RECURRENT: dict[str, Handler] = {
    **dict.fromkeys(("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM"), _lstm),
    "BIDIRECTIONAL_SEQUENCE_LSTM": _bidirectional_lstm,
    **dict.fromkeys(("RNN", "UNIDIRECTIONAL_SEQUENCE_RNN"), _rnn),
    "BIDIRECTIONAL_SEQUENCE_RNN": _bidirectional_rnn,
    "SVDF": _svdf,
}
