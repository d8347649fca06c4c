"""What the tape holds: a node in the making."""

from __future__ import annotations

from dataclasses import dataclass, field

from costmodel.core.graph import BUILT, Provenance, Value
from costmodel.core.layers import (
    AdaptiveAveragePool,
    Alias,
    BatchNorm,
    ChannelShuffle,
    ChannelSlice,
    Conv,
    Embedding,
    GlobalAveragePool,
    GroupNorm,
    Layer,
    LayerNorm,
    Linear,
    MatMul,
    Pool,
    Scale,
    Shapes,
    TransposedConv,
    ZeroPad,
)
from costmodel.core.shape import Shape

#: Layers that know themselves which axis of what they read, and of what they make, has the features.
DECISIVE = (
    AdaptiveAveragePool, BatchNorm, ChannelShuffle, ChannelSlice, Conv, Embedding, GlobalAveragePool, GroupNorm,
    LayerNorm, Linear, MatMul, Pool, Scale, TransposedConv, ZeroPad,
)  # fmt: skip


@dataclass(slots=True, eq=False)
class TapeEntry:
    """A node in the making: its name follows when all that its module computed is known."""

    operator: str
    layer: Layer
    reads: tuple[TapeEntry, ...]
    read_shapes: Shapes
    shape: Shape
    #: It depends on no sample: computed from parameters and constants alone.
    constant: bool
    #: Whether the axis of the features is known; where it is not, ``shape`` says the first.
    axis_known: bool
    dtype: str
    alias: Alias | None = None
    provenance: Provenance = BUILT
    others: list[Value] = field(default_factory=list)
    slots: tuple[int, ...] = ()
    name: str = ""
    #: It is part of another entry.
    absorbed: bool = False

    @property
    def decides_axis(self) -> bool:
        """Whether its layer knows which axis it reads the features from."""
        return isinstance(self.layer, DECISIVE)

    def multiplies(self) -> bool:
        """Whether it has multiply-adds of its own."""
        return self.layer.macs(*self.provenance.once(self.read_shapes, self.shape)) > 0
