"""``mmcv``: what the model zoos of OpenMMLab print, from memory, and checked against nothing but printed tables."""

from __future__ import annotations

from costmodel.conventions.convention import MOVES, NOTHING, Convention, Items, SeenOperation, nothing
from costmodel.core import layers


def _extra_counts(op: SeenOperation) -> Items:
    match op.layer:
        case layers.Conv(bias=bias) | layers.TransposedConv(bias=bias):
            return {"bias": op.output.elements if bias else 0}
        case layers.BatchNorm():
            return {"batch norm": 2 * op.output.elements}
        case layers.Activation():
            return {"activations": op.output.elements}
        case layers.Pool() | layers.GlobalAveragePool() | layers.AdaptiveAveragePool():
            return {"pooling": op.input.elements}
        case layers.Linear():
            return NOTHING
    return nothing(op, layers.Add, layers.Scale, *MOVES)


MMCV = Convention(
    name="mmcv",
    source="OpenMMLab, get_model_complexity_info",
    version="unknown",
    place="mmcv/cnn/utils/flops_counter.py, get_modules_mapping; from memory, and not checked against the tool",
    quantity="multiply_adds",
    counts="multiply-adds, biases of convolutions, batch norm 2 an element, activations 1 an element,"
    " pooling 1 an element that it reads",
    extra_counts=_extra_counts,
)
