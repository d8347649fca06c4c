"""``torchsummaryx``: the Mult-Adds of ``torchsummaryX.summary(model, x)``."""

from __future__ import annotations

from costmodel.conventions.convention import BUG, ELEMENTWISE, MOVES, POOLS, Convention, Items, SeenOperation, nothing
from costmodel.core import layers
from costmodel.errors import CostModelError

_NORMS = (layers.BatchNorm, layers.GroupNorm, layers.LayerNorm)


def _extra_counts(op: SeenOperation) -> Items:
    match op.layer:
        case layers.Conv():
            return {}
        case layers.TransposedConv():
            return {"transposed convolutions at every output" + BUG: op.at_every_output - op.macs}
        case layers.Linear():
            return {"a linear layer for one position" + BUG: op.params.weight - op.macs}
        case layers.BatchNorm() | layers.GroupNorm() | layers.LayerNorm():
            return {op.kind: op.params.affine // 2}
    return nothing(op, *ELEMENTWISE, *POOLS, *MOVES)


def _is_visible(op: SeenOperation) -> bool:
    if op.type == "MultiheadAttention" or op.is_recurrent:
        raise CostModelError(f"no rule for nn.{op.type}, whose weights it counts by their names")
    known = isinstance(op.layer, (layers.Conv, layers.TransposedConv, layers.Linear, *_NORMS))
    return not known or op.module is None or op.type != ""


TORCHSUMMARYX = Convention(
    name="torchsummaryx",
    source="torchsummaryX, Mult-Adds",
    version="commit 7480ad0",
    place="torchsummaryX/torchsummaryX.py, summary",
    quantity="multiply_adds",
    counts="multiply-adds of convolutions; the weights of linear layers, norms and whatever has a weight once each",
    extra_counts=_extra_counts,
    is_visible=_is_visible,
    bugs=("a linear layer counts once, however many positions it works on", "a norm counts 1 a channel"),
)
