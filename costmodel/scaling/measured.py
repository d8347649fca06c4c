"""Accuracy, where a source measured that very network; never between or beyond such points."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from costmodel.published.tables import published

#: Network (with its variant) -> the rows of published.csv that are of it, by family, variant and alpha (None for all).
#: torchvision scales MobileNetV3 unlike its authors, so the bare name has their accuracy at alpha 1 alone; the small
#: one that was measured had the head of 1280.
_MEASURED: dict[str, tuple[str, str, tuple[float, ...] | None]] = {
    "mobilenet_v1": ("MobileNetV1", "float", None),
    "mobilenet_v2": ("MobileNetV2", "checkpoint", None),
    "mobilenet_v3_large": ("MobileNetV3", "Large (float)", (1.0,)),
    "mobilenet_v3_large:slim": ("MobileNetV3", "Large (float)", None),
    "mobilenet_v3_large:minimalistic": ("MobileNetV3", "Large minimalistic (float)", None),
    "mobilenet_v3_small:wide-head": ("MobileNetV3", "Small (float)", None),
    "mobilenet_v3_small:minimalistic": ("MobileNetV3", "Small minimalistic (float)", None),
}


class Accuracy(NamedTuple):
    """ImageNet top-1 accuracy in percent, and who measured it."""

    top1: float
    source: str


@cache
def measured(name: str) -> Mapping[tuple[float, int], Accuracy]:
    """(alpha, resolution) of every configuration of ``name`` whose accuracy a source printed, for 1000 classes.

    >>> measured("mobilenet_v2")[0.35, 96]
    Accuracy(top1=45.5, source='tensorflow/models@0ba83cf0 research/slim/nets/mobilenet/README.md')
    """
    if name not in _MEASURED:
        return {}
    family, variant, alphas = _MEASURED[name]
    return {
        (row.alpha, row.resolution): Accuracy(float(row.top1), row.source)
        for row in published()
        if (row.family, row.variant) == (family, variant) and (alphas is None or row.alpha in alphas)
        if row.alpha is not None and row.resolution is not None and row.top1 is not None
    }


def accuracy(name: str, choices: Mapping[str, object]) -> Accuracy | None:
    """What a source measured for ``name`` built with ``choices``, all of them, or None.

    >>> accuracy("mobilenet_v2", {"alpha": 0.36, "resolution": 96}) is None
    True
    """
    if choices.get("num_classes", 1000) != 1000 or choices.get("in_channels", 3) != 3:
        return None
    alpha, resolution = choices.get("alpha", 1.0), choices.get("resolution", 224)
    if not isinstance(alpha, (int, float)) or not isinstance(resolution, int):
        return None
    return measured(name).get((alpha, resolution))
