"""Whole architectures by name: the registry. One file a family; a family is loaded when it is asked for."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import final

from costmodel.checks import CostModelError, nearest
from costmodel.network import Network


@final
@dataclass(frozen=True)
class Architecture:
    """An architecture that the command line knows by name.

    ``build`` is a function of keyword arguments (``alpha``, ``resolution`` ...) that all have defaults;
    ``variants`` maps the name of each variant, ``""`` for the bare name, to a line on what it is and where it is from.
    """

    build: Callable[..., Network]
    summary: str
    variants: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.build.__name__


#: Name of each architecture -> the module of its family. Importing one family costs nothing for the others.
FAMILIES = {
    "lenet": "lenet",
    "lenet5": "lenet",
    "alexnet": "alexnet",
    "vgg11": "vgg",
    "vgg13": "vgg",
    "vgg16": "vgg",
    "vgg19": "vgg",
    "googlenet": "googlenet",
    "resnet18": "resnet",
    "resnet34": "resnet",
    "resnet50": "resnet",
    "resnet101": "resnet",
    "resnet152": "resnet",
    "resnext50_32x4d": "resnet",
    "resnext101_32x4d": "resnet",
    "resnext101_32x8d": "resnet",
    "resnext101_64x4d": "resnet",
    "squeezenet1_0": "squeezenet",
    "squeezenet1_1": "squeezenet",
    "densenet121": "densenet",
    "densenet161": "densenet",
    "densenet169": "densenet",
    "densenet201": "densenet",
    "mobilenet_v1": "mobilenet_v1",
    "mobilenet_v2": "mobilenet_v2",
    "mobilenet_v3_large": "mobilenet_v3",
    "mobilenet_v3_small": "mobilenet_v3",
    "shufflenet_v1": "shufflenet_v1",
    "shufflenet_v2": "shufflenet_v2",
    "mnasnet": "mnasnet",
    "efficientnet_b0": "efficientnet",
    "efficientnet_b1": "efficientnet",
    "efficientnet_b2": "efficientnet",
    "efficientnet_b3": "efficientnet",
    "efficientnet_b4": "efficientnet",
    "efficientnet_b5": "efficientnet",
    "efficientnet_b6": "efficientnet",
    "efficientnet_b7": "efficientnet",
}


def architecture(name: str) -> Architecture:
    """The architecture called ``name``, without variant.

    Raises :class:`~costmodel.checks.CostModelError` with the nearest name where there is none.

    >>> architecture("mobilenet_v2").variants[""]
    'as in torchvision: the last 1x1 convolution never gets narrower than 1280 (document 004)'
    """
    if name not in FAMILIES:
        raise CostModelError(f"no model is called {name!r}; {nearest(name, FAMILIES)}`costmodel models` lists them all")
    module = importlib.import_module(f"costmodel.architectures.{FAMILIES[name]}")
    found: Architecture = module.ARCHITECTURES[name]
    return found


def build(name: str, **choices: object) -> Network:
    """The network that ``name``, with its variant after a colon, makes of ``choices``; defaults for the rest.

    Raises :class:`~costmodel.checks.CostModelError` for an unknown name and for a choice it does not take.

    >>> build("mobilenet_v2:scaled-head", alpha=0.5).name
    'mobilenet_v2:scaled-head'
    """
    base, _, variant = name.partition(":")
    found = architecture(base)
    known = inspect.signature(found.build).parameters
    for choice, value in choices.items():
        if choice not in known:
            takes = ", ".join(other for other in known if other != "variant")
            raise CostModelError(f"{base} takes no {choice} ({choice}={value} given); it takes {takes}")
    if not variant:
        return found.build(**choices)
    check_variant(base, variant, found.variants)
    return found.build(**choices, variant=variant)


def architectures() -> Iterator[Architecture]:
    """Every architecture, in the order of the registry."""
    return map(architecture, FAMILIES)


def check_variant(name: str, variant: str, variants: Mapping[str, str]) -> None:
    """Raises :class:`~costmodel.checks.CostModelError` where ``name`` has no such variant."""
    if variant not in variants:
        known = ", ".join(f"{name}:{other}" for other in variants if other) or "it has none"
        raise CostModelError(f"{name} has no variant {variant!r}; {nearest(variant, variants)}variants: {known}")
