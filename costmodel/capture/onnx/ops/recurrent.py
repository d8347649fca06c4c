"""Recurrent layers, whole: each step multiplies its input and the state before it."""

from __future__ import annotations

from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.ops.matmul import computed
from costmodel.capture.onnx.ops.pointwise import activation_work
from costmodel.capture.onnx.ops.types import Handler
from costmodel.capture.onnx.tensor import Tensor
from costmodel.core.counts import Ops
from costmodel.errors import CostModelError

_SIGMOID, _TANH = activation_work("sigmoid"), activation_work("tanh")
#: For each value of the state: the gates, their activations, and how they make the new state of the old.
_CELLS = {
    # Four gates of two products; c = f * c + i * g, h = o * tanh(c).
    "LSTM": (4, 3 * _SIGMOID + 2 * _TANH + Ops(mul=3, add=1)),
    # Three gates; n = tanh(x + r * h), h = (1 - z) * n + z * h.
    "GRU": (3, 2 * _SIGMOID + _TANH + Ops(mul=3, add=2)),
    "RNN": (1, _TANH),
}


def _recurrent(op: Operator) -> None:
    recurrent(op, op.type, op.needed(2).sizes[2])


def recurrent(op: Operator, cell: str, hidden: int) -> None:
    """A recurrent layer with a state of ``hidden`` values; it reads its input, two weights, a bias, lengths, states."""
    x, weights, state, bias = op.needed(0), op.needed(1), op.needed(2), op.input(3)
    steps, batch = x.sizes[:2] if not op.attribute("layout", 0) else x.sizes[1::-1]
    rows = _rows(op.input(4), steps * batch)
    gates, each = _CELLS[cell]
    directions = state.sizes[0]
    work = Ops(mac=directions * gates * hidden * (x.sizes[2] + hidden)) + directions * hidden * each
    # The products are added up, and a bias to each of them.
    work += Ops(add=directions * gates * hidden * (1 if bias is None else 3))
    peepholes = op.input(7) if cell == "LSTM" else None
    if peepholes is not None:
        work += Ops(mul=3, add=3) * (directions * hidden)
    stored = op.book.claim("weight", weights, state, peepholes) + op.book.claim("bias", bias)
    op.operation(cell.lower(), work * rows, computed(*op.inputs), stored, axis=-1)


def _rows(lengths: Tensor | None, most: int) -> int:
    """How many steps all samples take together."""
    if lengths is None:
        return most
    known = lengths.integers()
    if known is None:
        raise CostModelError("how long its sequences are depends on values that only a run knows; leave them out")
    return sum(known)


RECURRENT: dict[str, Handler] = dict.fromkeys(_CELLS, _recurrent)
