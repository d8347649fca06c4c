"""Architectures checked against ``keras.applications``, whose authors are others: layer by layer that multiplies."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import NamedTuple

from costmodel.core.ledger import Entry
from costmodel.core.network import Network
from costmodel.errors import CostModelError
from costmodel.loading import load_with

#: Name of an architecture -> the function of ``keras.applications`` that builds the same, and its further arguments.
KERAS_MODELS: dict[str, tuple[str, Mapping[str, object]]] = {
    "mobilenet_v1": ("MobileNet", {}),
    "mobilenet_v2": ("MobileNetV2", {}),
    "mobilenet_v3_large": ("MobileNetV3Large", {}),
    "mobilenet_v3_large:keras": ("MobileNetV3Large", {}),
    "mobilenet_v3_large:minimalistic": ("MobileNetV3Large", {"minimalistic": True}),
    "mobilenet_v3_small": ("MobileNetV3Small", {}),
    "mobilenet_v3_small:keras": ("MobileNetV3Small", {}),
    "mobilenet_v3_small:minimalistic": ("MobileNetV3Small", {"minimalistic": True}),
    "vgg16": ("VGG16", {}),
    "vgg19": ("VGG19", {}),
    **{f"densenet{depth}": (f"DenseNet{depth}", {}) for depth in (121, 169, 201)},
    **{f"efficientnet_b{size}": (f"EfficientNetB{size}", {}) for size in range(8)},
}


class KerasResult(NamedTuple):
    """The layers that multiply, side by side up to a difference, which is None where all are equal."""

    network: Network
    keras: Network
    pairs: tuple[tuple[Entry, Entry], ...]
    difference: str | None


def against_keras(name: str, choices: Mapping[str, object]) -> KerasResult:
    """The architecture ``name`` beside what Keras builds under the same ``choices``.

    Compared are, in the order in which they run, all convolutions and linear layers: positions and channels that they
    make, weights and biases as Keras holds them, and multiply-adds; then all parameters.

    Raises :class:`~costmodel.errors.CostModelError` where Keras has no such architecture, or cannot build it.
    """
    if name not in KERAS_MODELS:
        raise CostModelError(f"keras.applications has no {name}; it has {', '.join(KERAS_MODELS)}")
    function, arguments = KERAS_MODELS[name]
    network = load_with(name, choices)
    more = {"num_classes": "classes", "alpha": "alpha"}
    named = {more[choice]: value for choice, value in choices.items() if choice in more}
    channels, *spatial = network.input.sizes
    theirs = load_with(
        f"keras.applications:{function}", {**arguments, **named}, (*spatial, channels), name=f"Keras's {function}"
    )
    pairs: list[tuple[Entry, Entry]] = []
    for ours, other in zip_longest(_multiplying(network), _multiplying(theirs)):
        if ours is None or other is None:
            where, whose = (other.name, "Keras") if ours is None else (ours.name, "costmodel")
            return KerasResult(network, theirs, tuple(pairs), f"{where}: only {whose} has this layer")
        pairs.append((ours, other))
        if difference := _difference(ours, other):
            return KerasResult(network, theirs, tuple(pairs), f"{ours.name} ({other.name} in Keras): {difference}")
    all_equal = network.parameters == theirs.parameters
    difference = None if all_equal else f"parameters: {network.parameters} here, {theirs.parameters} in Keras"
    return KerasResult(network, theirs, tuple(pairs), difference)


def _multiplying(network: Network) -> list[Entry]:
    return [entry for entry in network.ledger if entry.ops.mac]


def _difference(ours: Entry, other: Entry) -> str | None:
    rows = (
        ("positions", ours.output.positions, other.output.positions),
        ("channels", ours.output.channels, other.output.channels),
        ("weights", ours.params.weight, other.params.weight),
        ("biases", ours.params.bias, other.params.bias),
        ("multiply-adds", ours.ops.mac, other.ops.mac),
    )
    unequal = (f"{what} {here} here, {there} in Keras" for what, here, there in rows if here != there)
    return next(unequal, None)
