"""Accuracy and time, where a source measured that very network; never between or beyond such points."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from costmodel.published.tables import paper_table, published

#: Network (with its variant) -> the rows of published.csv that are of it, by family, variant and alpha (None for all).
#: torchvision scales MobileNetV3 unlike its authors, so the bare name has their accuracy at alpha 1 alone; the small
#: one that was measured had the head of 1280.
MEASURED_NETWORKS: dict[str, tuple[str, str, tuple[float, ...] | None]] = {
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
    if name not in MEASURED_NETWORKS:
        return {}
    family, variant, alphas = MEASURED_NETWORKS[name]
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
    if not _usual(choices):
        return None
    alpha, resolution = choices.get("alpha", 1.0), choices.get("resolution", 224)
    if not isinstance(alpha, (int, float)) or not isinstance(resolution, int):
        return None
    return measured(name).get((alpha, resolution))


def _usual(choices: Mapping[str, object]) -> bool:
    """Whether a network has the classes and the channels of ImageNet."""
    return choices.get("num_classes", 1000) == 1000 and choices.get("in_channels", 3) == 3


#: Column of a sweep -> the machine whose milliseconds it has, as latency_timm.csv names it.
MACHINES = {
    "i9_10940x_ms": "Intel i9-10940X, torch 2.4 compiled",
    "rtx_4090_ms": "NVIDIA RTX 4090, torch 2.4",
}

#: How each was timed.
MODES = {"i9_10940x_ms": "fp32, one image at a time", "rtx_4090_ms": "amp fp16, in batches of 96 to 1,024"}

#: timm keeps 16 channels in the first convolution of this one, where alpha makes 8: it is another network than ours.
_OTHER_STEM = "mobilenetv3_small_050"


class Latency(NamedTuple):
    """Milliseconds that a batch took on a machine, and who measured it."""

    machine: str
    precision: str
    batch: int
    step_ms: float
    source: str

    @property
    def image_ms(self) -> float:
        """Milliseconds an image, to five digits after the point."""
        return round(self.step_ms / self.batch, 5)


@cache
def times(name: str) -> Mapping[tuple[float | None, int], tuple[Latency, ...]]:
    """(alpha, resolution) of every configuration of ``name`` that was timed; alpha is None where it has none.

    >>> [(time.machine, time.image_ms) for time in times("mobilenet_v2")[1.0, 224]]
    [('Intel i9-10940X, torch 2.4 compiled', 5.299), ('NVIDIA RTX 4090, torch 2.4', 0.09249)]
    """
    timed: dict[tuple[float | None, int], tuple[Latency, ...]] = {}
    for row in paper_table("latency_timm"):
        if row.costmodel == name and row.timm_model != _OTHER_STEM:
            latency = Latency(row.machine, row.precision, row.batch, float(row.step_ms), row.source)
            key = row.alpha, row.resolution
            timed[key] = (*timed.get(key, ()), latency)
    return timed


def latencies(name: str, choices: Mapping[str, object]) -> tuple[Latency, ...]:
    """What a source measured for ``name`` built with ``choices``, the resolution among them: an entry a machine.

    >>> latencies("mobilenet_v2", {"alpha": 0.36, "resolution": 224})
    ()
    """
    alpha, resolution = choices.get("alpha"), choices.get("resolution")
    if not _usual(choices) or not isinstance(alpha, (int, float, type(None))) or not isinstance(resolution, int):
        return ()
    return times(name).get((alpha, resolution), ())
