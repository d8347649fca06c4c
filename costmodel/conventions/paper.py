"""``paper``: multiply-adds of convolutions, linear layers and matrix products. The default everywhere else."""

from __future__ import annotations

from costmodel.conventions.convention import NOTHING, Convention, Items, SeenOperation, undecided
from costmodel.core.layers import Uncounted


def _extra_counts(op: SeenOperation) -> Items:
    # The multiply-adds are the layers' own answer, so there is nothing to decide but what nobody has decided.
    if isinstance(op.layer, Uncounted):
        raise undecided(op)
    return NOTHING


PAPER = Convention(
    name="paper",
    source="MobileNets (Howard et al.)",
    version="arXiv:1704.04861",
    place="section 3.1 and Table 2",
    quantity="multiply_adds",
    counts="multiply-adds of convolutions, linear layers and matrix products; no bias, norm, activation or pooling",
    extra_counts=_extra_counts,
)
