"""Layers of Keras that run once for each step of a sequence."""

from __future__ import annotations

from costmodel.capture.keras.call import Handlers, LayerCall, Made, UndecidedError
from costmodel.capture.recurrent_costs import step_work
from costmodel.core.counts import Ops
from costmodel.core.layers import Concat

#: The layers, the cells that they run, and the functions that a cell has where nobody says others.
_CELLS = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "rnn"}


def _recurrent(call: LayerCall) -> tuple[Made, ...]:
    layer = call.keras
    kind = type(layer).__name__
    gate = getattr(layer, "recurrent_activation", None)  # a plain cell has no gates
    if layer.activation.__name__ != "tanh" or (gate is not None and gate.__name__ != "sigmoid"):
        raise UndecidedError(f"a {kind} with activations of its own")
    steps, features = call.x.sizes
    biases = (2 if kind == "GRU" and layer.reset_after else 1) if layer.use_bias else 0
    work = steps * step_work(_CELLS[kind], features, layer.units, biases)
    made = call.operation(_CELLS[kind], work, call.reads, call.claim(), others=call.others)
    return call.all_made(made)


def _bidirectional(call: LayerCall) -> Made:
    """Two layers, one of them from the last step to the first, and what is made of both."""
    layer = call.keras
    if layer.return_state or len(call.reads) > 1:
        raise UndecidedError("a Bidirectional with states that come in or out")
    sizes = (*call.sizes[:-1], layer.forward_layer.units)
    both = [call.layer(one, [call.x], sizes) for one in (layer.forward_layer, layer.backward_layer)]
    ways = {"sum": ("add", Ops(add=1)), "mul": ("mul", Ops(mul=1)), "ave": ("average", Ops(add=1, div=1))}
    if layer.merge_mode == "concat":
        return call.add(Concat(), both, tuple([one.shape(-1) for one in both]))
    if layer.merge_mode not in ways:
        raise UndecidedError(f"a Bidirectional with merge_mode={layer.merge_mode}")
    name, each = ways[layer.merge_mode]
    return call.operation(name, each * call.elements, both)


def _time_distributed(call: LayerCall) -> Made:
    """The same layer for each place along the first axis."""
    if len(call.reads) != 1 or call.times > 1:
        raise UndecidedError("a TimeDistributed of several tensors, or inside another")
    steps, *sizes = call.x.sizes
    read = call.seen_as(call.x, sizes)
    return call.seen_as(call.layer(call.keras.layer, [read], call.sizes[1:], steps), call.sizes)


RECURRENT: Handlers = {
    **dict.fromkeys(_CELLS, _recurrent),
    "Bidirectional": _bidirectional,
    "TimeDistributed": _time_distributed,
}
