"""FLOPs of a step of training, as papers and code on language models count them: six a multiply-add, or a parameter.

A forward pass takes two FLOPs a multiply-add, and a backward pass four. A rule by parameters takes them for each
parameter and token, whatever it does; attention between tokens has no parameters, and is added or left out.
"""

from __future__ import annotations

from collections.abc import Callable

from costmodel.conventions.convention import (
    ELEMENTWISE,
    MOVES,
    NORMS,
    NOTHING,
    Convention,
    Items,
    SeenOperation,
    nothing,
    undecided,
)
from costmodel.core import layers


def _by_parameters(op: SeenOperation, attention: int, tables: bool) -> Items:
    """Six FLOPs for each parameter and token; ``attention``: so many of its six a multiply-add are left out."""
    match op.layer:
        case layers.Linear():
            return _linear(op)
        case layers.MatMul():
            return {"attention": -attention * op.macs}
        case layers.Embedding():
            return {"tables of embeddings": 6 * op.stored.parameters * op.inputs[0].elements} if tables else NOTHING
        case layers.LayerNorm():
            return {"gamma and beta": 6 * op.stored.parameters * op.output.positions}
        case layers.Stored(holds=holds):
            if holds.weight:
                raise undecided(op)  # whoever reads it does not say how many tokens it is for
            return NOTHING
        case layers.Operation():
            # A gamma that an operation reads meets each value of its output once.
            return {"gamma and beta": 6 * op.output.elements} if op.reads_held and not op.macs else _nothing(op)
    return nothing(op, *MOVES, *NORMS, *ELEMENTWISE)


def _linear(op: SeenOperation) -> Items:
    """A bias counts as any parameter; the second use of a weight does not."""
    if not op.stored.parameters:
        return {"shared weights": -6 * op.macs}
    return {"bias": 6 * op.stored.bias * op.output.positions}


def _nothing(op: SeenOperation) -> Items:
    if op.macs:
        raise undecided(op)
    return NOTHING


def _by_multiply_adds(hidden_by_a_mask: int) -> Callable[[SeenOperation], Items]:
    """Six FLOPs for each multiply-add of linear layers and attention, of which a mask may hide half."""

    def extra_counts(op: SeenOperation) -> Items:
        match op.layer:
            case layers.Linear():
                return NOTHING
            case layers.MatMul():
                return {"scores behind the mask": -hidden_by_a_mask * op.macs}
            case layers.Operation():
                return _nothing(op)
        return nothing(op, *MOVES, *NORMS, *ELEMENTWISE)

    return extra_counts


SIX_N_D = Convention(
    name="6nd",
    source="Scaling Laws for Neural Language Models (Kaplan et al.)",
    version="arXiv:2001.08361",
    place="section 2.1: C = 6 N B S",
    quantity="training_flops",
    counts="6 for each parameter and token, embeddings among them; no attention between tokens",
    factor=6,
    extra_counts=lambda op: _by_parameters(op, attention=6, tables=True),
)

SIX_N_D_NO_EMBEDDING = Convention(
    name="6nd_no_embedding",
    source="Scaling Laws for Neural Language Models (Kaplan et al.)",
    version="arXiv:2001.08361",
    place="section 2.1 and Table 1: N without the tables of tokens and positions",
    quantity="training_flops",
    counts="6 for each parameter and token, without the tables that embeddings look up; no attention between tokens",
    factor=6,
    extra_counts=lambda op: _by_parameters(op, attention=6, tables=False),
)

PALM = Convention(
    name="palm",
    source="PaLM (Chowdhery et al.)",
    version="arXiv:2204.02311",
    place="appendix B: 6 N + 12 L H Q T a token",
    quantity="training_flops",
    counts="6 for each parameter and token, embeddings among them, and 6 for each multiply-add of attention",
    factor=6,
    extra_counts=lambda op: _by_parameters(op, attention=0, tables=True),
)

MEGATRON = Convention(
    name="megatron",
    source="Reducing Activation Recomputation in Large Transformer Models (Korthikanti et al.)",
    version="arXiv:2205.05198",
    place="equation 7, model FLOPs: 72 B L s h^2 (1 + s / 6h + v / 12hL), here of any MLP and any heads",
    quantity="training_flops",
    counts="6 for each multiply-add of linear layers, the head and attention; all scores, also those behind a mask",
    factor=6,
    extra_counts=_by_multiply_adds(0),
)

MAXTEXT = Convention(
    name="maxtext",
    source="MaxText, calculate_tflops_training_per_device",
    version="AI-Hypercomputer/maxtext#1988, before",
    place="src/MaxText/maxtext_utils.py",
    quantity="training_flops",
    counts="6 for each multiply-add of linear layers, the head and attention; no embeddings, no norms",
    factor=6,
    extra_counts=_by_multiply_adds(0),
)

MAXTEXT_CAUSAL = Convention(
    name="maxtext_causal",
    source="MaxText, calculate_tflops_training_per_device",
    version="AI-Hypercomputer/maxtext#1988",
    place="src/MaxText/maxtext_utils.py",
    quantity="training_flops",
    counts="as maxtext, with half of the attention: what a causal mask leaves",
    factor=6,
    extra_counts=_by_multiply_adds(3),
)
