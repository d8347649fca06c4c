"""Depth: does the time to build and to count grow as the number of layers does?

Timed: a chain of equal 3 x 3 convolutions, built through the public functions and counted. Not timed: its removal.
Measured twice: with Python's garbage collector on, as it is for users, and off. A network is many small objects that
stay, so a deep one sets the collector going over all of them, now and then; off shows what costmodel itself takes.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, field
from statistics import median

import costmodel as cm
from costmodel.core.layers import conv

CHANNELS = 16
SIZE = 32
LAYERS = (1_000, 10_000, 100_000)


@dataclass
class Depth:
    """Times of chains of one length, with the garbage collector on or off."""

    layers: int
    collector: bool = True
    build_seconds: list[float] = field(default_factory=list)
    count_seconds: list[float] = field(default_factory=list)

    @property
    def microseconds_a_layer(self) -> float:
        """Building and counting together, by their medians."""
        return (median(self.build_seconds) + median(self.count_seconds)) / self.layers * 1e6


def chain(layers: int) -> cm.Network:
    """A network of so many convolutions, one after the other."""
    x = cm.image(CHANNELS, SIZE)
    for index in range(layers):
        x = cm.apply(x, f"layers.{index}", conv(CHANNELS, kernel=3, padding=1))
    return cm.Network(x, "chain")


def _once(depth: Depth) -> None:
    gc.collect()
    if not depth.collector:
        gc.disable()
    try:
        start = time.perf_counter()
        net = chain(depth.layers)
        built = time.perf_counter()
        answer = net.multiply_adds, net.parameters
        counted = time.perf_counter()
    finally:
        gc.enable()
    weights = depth.layers * CHANNELS * CHANNELS * 3 * 3
    assert answer == (weights * SIZE * SIZE, weights), answer
    depth.build_seconds.append(built - start)
    depth.count_seconds.append(counted - built)


def measure(repeats: int) -> list[Depth]:
    """Every length in both states of the collector, ``repeats`` times; they take turns."""
    _once(Depth(LAYERS[0]))  # imports the ledger
    depths = [Depth(layers, collector) for collector in (True, False) for layers in LAYERS]
    for _ in range(repeats):
        for depth in depths:
            _once(depth)
    return depths
