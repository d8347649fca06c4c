"""Convolution by nested loops that count single multiplications: the slow, obvious other route.

Nothing here knows a closed form. A kernel slides over a padded grid as long as it fits; every multiplication of a
weight with a value is one step of a counter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product


@dataclass
class Tally:
    """What a loop saw: output positions, single multiplications, and the weights it touched."""

    positions: set[tuple[int, ...]] = field(default_factory=set)
    multiplications: int = 0
    weights: set[tuple[object, ...]] = field(default_factory=set)

    def sizes(self) -> tuple[int, ...]:
        """The extent of the positions along each axis."""
        return tuple(max(axis) - min(axis) + 1 for axis in zip(*self.positions, strict=True)) if self.positions else ()


def starts(size: int, kernel: int, stride: int, before: int, after: int, dilation: int) -> list[int]:
    """Where a dilated kernel can start so that its last tap is still on the padded axis, by trying."""
    found = []
    start = -before
    while start + dilation * (kernel - 1) < size + after:
        found.append(start)
        start += stride
    return found


def convolve(
    spatial: tuple[int, ...],
    in_channels: int,
    out_channels: int,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...],
    groups: int,
) -> Tally:
    """Slide every filter over every place; inputs outside the image are padding, and are multiplied too."""
    tally = Tally()
    axes = [
        starts(size, k, s, before, after, d)
        for size, k, s, (before, after), d in zip(spatial, kernel, stride, padding, dilation, strict=True)
    ]
    in_group = [[c for c in range(in_channels) if c * groups // in_channels == g] for g in range(groups)]
    for place in product(*(range(len(axis)) for axis in axes)):
        tally.positions.add(place)
        for out in range(out_channels):
            group = out * groups // out_channels
            for channel in in_group[group]:
                for tap in product(*map(range, kernel)):
                    tally.multiplications += 1
                    tally.weights.add((out, channel, tap))
    return tally


def convolve_transposed(
    spatial: tuple[int, ...],
    in_channels: int,
    out_channels: int,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> Tally:
    """Spread every input value over every tap of the filters that read it, before anything is cut off the rim."""
    tally = Tally()
    for place in product(*map(range, spatial)):
        for channel in range(in_channels):
            group = channel * groups // in_channels
            for out in [o for o in range(out_channels) if o * groups // out_channels == group]:
                for tap in product(*map(range, kernel)):
                    tally.multiplications += 1
                    tally.weights.add((out, channel, tap))
                    tally.positions.add(
                        tuple(p * s + t * d for p, s, t, d in zip(place, stride, tap, dilation, strict=True))
                    )
    return tally
