"""What a paper or a tool would print for a network: one file each, every number from one ledger.

>>> import costmodel as cm
>>> convention("fvcore").of(cm.mobilenet_v2().ledger).total
314193216
"""

from __future__ import annotations

from costmodel.conventions.all_arithmetic import ALL_ARITHMETIC
from costmodel.conventions.calflops import CALFLOPS, CALFLOPS_MACS, DEEPSPEED, DEEPSPEED_MACS
from costmodel.conventions.convention import Convention, ConventionCount, Items
from costmodel.conventions.convnet_burden import CONVNET_BURDEN
from costmodel.conventions.documents import DOCUMENTS
from costmodel.conventions.flop_counter_mode import FLOP_COUNTER_MODE
from costmodel.conventions.fvcore import FVCORE
from costmodel.conventions.language_models import (
    MAXTEXT,
    MAXTEXT_CAUSAL,
    MEGATRON,
    PALM,
    SIX_N_D,
    SIX_N_D_NO_EMBEDDING,
)
from costmodel.conventions.mmcv import MMCV
from costmodel.conventions.mxop import MXOP
from costmodel.conventions.osmr import OSMR
from costmodel.conventions.paper import PAPER
from costmodel.conventions.parameters import KERAS, NUMEL, SLIM, TRAINABLE, WEIGHTS
from costmodel.conventions.ptflops import PTFLOPS, PTFLOPS_ATEN
from costmodel.conventions.thop import THOP, THOP_2019
from costmodel.conventions.torchinfo import TORCHINFO
from costmodel.conventions.torchprofile import TORCHPROFILE
from costmodel.conventions.torchsummaryx import TORCHSUMMARYX
from costmodel.core.layers import Embedding
from costmodel.core.ledger import Ledger
from costmodel.core.network import Network
from costmodel.errors import CostModelError, nearest

__all__ = [
    "ALL",
    "CONVENTIONS",
    "LANGUAGE_MODELS",
    "Convention",
    "ConventionCount",
    "Items",
    "asked_of",
    "convention",
    "counts_of",
    "under",
]

#: Every convention by its name: papers and arithmetic, tools, and what "parameters" can mean.
CONVENTIONS = {
    rule.name: rule
    for rule in (
        PAPER,
        DOCUMENTS,
        ALL_ARITHMETIC,
        FVCORE,
        FLOP_COUNTER_MODE,
        PTFLOPS,
        PTFLOPS_ATEN,
        THOP,
        TORCHINFO,
        TORCHPROFILE,
        CALFLOPS,
        CALFLOPS_MACS,
        DEEPSPEED,
        DEEPSPEED_MACS,
        MMCV,
        THOP_2019,
        TORCHSUMMARYX,
        OSMR,
        MXOP,
        CONVNET_BURDEN,
        TRAINABLE,
        NUMEL,
        WEIGHTS,
        KERAS,
        SLIM,
    )
}

#: What language models are counted by, of which every other network is none.
LANGUAGE_MODELS = {rule.name: rule for rule in (SIX_N_D, SIX_N_D_NO_EMBEDDING, PALM, MEGATRON, MAXTEXT, MAXTEXT_CAUSAL)}
ALL = CONVENTIONS | LANGUAGE_MODELS


def convention(name: str) -> Convention:
    """The convention called ``name``.

    Raises :class:`~costmodel.errors.CostModelError` with the nearest name where there is none.

    >>> convention("thop").version
    '0.1.1.post2209072238'
    >>> convention("fv_core")
    Traceback (most recent call last):
        ...
    costmodel.errors.CostModelError: no convention is called 'fv_core'; did you mean fvcore? there are paper, ...
    """
    if name not in ALL:
        raise CostModelError(f"no convention is called {name!r}; {nearest(name, ALL)}there are {', '.join(ALL)}")
    return ALL[name]


def under(network: Network, name: str) -> int:
    """What a paper or a tool would print for one sample, by the ``name`` of its convention.

    Raises :class:`~costmodel.errors.CostModelError` for a name that is none, and where it has no rule.

    >>> import costmodel as cm
    >>> cm.mobilenet_v2().under("fvcore")
    314193216
    """
    return convention(name).of(network.ledger).total


def counts_of(ledger: Ledger) -> dict[str, ConventionCount | CostModelError]:
    """What every convention says of a network; the reason, where one has no rule for an operation in it.

    >>> import costmodel as cm
    >>> said = counts_of(cm.lenet5().ledger)
    >>> said["paper"].total, said["flop_counter_mode"].total
    (416520, 833040)
    """
    return {name: _attempt(rule, ledger) for name, rule in asked_of(ledger).items()}


def asked_of(ledger: Ledger) -> dict[str, Convention]:
    """The conventions that a network is counted by: those of language models too, where an embedding reads tokens."""
    reads_tokens = any(isinstance(node.layer, Embedding) for node in ledger.operations)
    return ALL if reads_tokens else CONVENTIONS


def _attempt(rule: Convention, ledger: Ledger) -> ConventionCount | CostModelError:
    try:
        return rule.of(ledger)
    except CostModelError as error:
        return error
