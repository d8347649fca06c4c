"""The Pareto front: the designs that no other one beats."""

from __future__ import annotations

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the (cost, value) points that no point beats, the cheapest first; equal points are all there.

    A point is beaten by one that costs no more and is worth no less, and differs from it. Sorts once: n log n.

    >>> front([(569, 70.9), (300, 71.8), (418, 70.0), (582, 75.0)])
    [1, 3]
    """
    order = sorted(range(len(points)), key=lambda index: (points[index][0], -points[index][1]))
    kept: list[int] = []
    for index in order:
        if not kept or points[index][1] > points[kept[-1]][1] or points[index] == points[kept[-1]]:
            kept.append(index)
    return kept
