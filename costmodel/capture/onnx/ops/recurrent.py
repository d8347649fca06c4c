"""Recurrent layers, whole: each step multiplies its input and the state before it."""

from __future__ import annotations

from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.ops.matmul import computed
from costmodel.capture.onnx.ops.types import Handler
from costmodel.capture.onnx.tensor import Tensor
from costmodel.capture.recurrent_costs import step_work
from costmodel.core.counts import Ops
from costmodel.errors import CostModelError

#: The operators, and the cells that they run.
_CELLS = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn"}


def _recurrent(op: Operator) -> None:
    recurrent(op, _CELLS[op.type], op.needed(2).sizes[2])


def recurrent(op: Operator, cell: str, hidden: int) -> None:
    """A recurrent layer with a state of ``hidden`` values; it reads its input, two weights, a bias, lengths, states."""
    x, weights, state, bias = op.needed(0), op.needed(1), op.needed(2), op.input(3)
    steps, batch = x.sizes[:2] if not op.attribute("layout", 0) else x.sizes[1::-1]
    rows = _rows(op.input(4), steps * batch)
    directions = state.sizes[0]
    work = directions * step_work(cell, x.sizes[2], hidden, 0 if bias is None else 2)
    peepholes = op.input(7) if cell == "lstm" else None
    if peepholes is not None:
        work += Ops(mul=3, add=3) * (directions * hidden)
    stored = op.book.claim("weight", weights, state, peepholes) + op.book.claim("bias", bias)
    op.operation(cell, work * rows, computed(*op.inputs), stored, axis=-1)


def _rows(lengths: Tensor | None, most: int) -> int:
    """How many steps all samples take together."""
    if lengths is None:
        return most
    known = lengths.integers()
    if known is None:
        raise CostModelError("how long its sequences are depends on values that only a run knows; leave them out")
    return sum(known)


RECURRENT: dict[str, Handler] = dict.fromkeys(_CELLS, _recurrent)
