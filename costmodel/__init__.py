"""Exactly what a neural network costs, before anyone builds it.

>>> import costmodel as cm
>>> cm.mobilenet_v1(alpha=0.75, resolution=192).multiply_adds
239273472
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from costmodel.core import layers
from costmodel.core.counts import Ops, Params
from costmodel.core.graph import Node, apply, image, tokens
from costmodel.core.ledger import Entry, Ledger
from costmodel.core.network import Network
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError

if TYPE_CHECKING:
    from costmodel.capture.torch.api import from_torch
    from costmodel.guard.budget import parse_budgets
    from costmodel.loading import load
    from costmodel.models.alexnet import alexnet
    from costmodel.models.densenet import densenet121, densenet161, densenet169, densenet201
    from costmodel.models.efficientnet import (
        efficientnet_b0,
        efficientnet_b1,
        efficientnet_b2,
        efficientnet_b3,
        efficientnet_b4,
        efficientnet_b5,
        efficientnet_b6,
        efficientnet_b7,
    )
    from costmodel.models.googlenet import googlenet
    from costmodel.models.lenet import lenet, lenet5
    from costmodel.models.mnasnet import mnasnet
    from costmodel.models.mobilenet_v1 import mobilenet_v1
    from costmodel.models.mobilenet_v2 import mobilenet_v2
    from costmodel.models.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
    from costmodel.models.resnet import (
        resnet18,
        resnet34,
        resnet50,
        resnet101,
        resnet152,
        resnext50_32x4d,
        resnext101_32x4d,
        resnext101_32x8d,
        resnext101_64x4d,
    )
    from costmodel.models.shufflenet_v1 import shufflenet_v1
    from costmodel.models.shufflenet_v2 import shufflenet_v2
    from costmodel.models.squeezenet import squeezenet1_0, squeezenet1_1
    from costmodel.models.vgg import vgg11, vgg13, vgg16, vgg19
    from costmodel.reproduction.explain import explain
    from costmodel.scaling.closed_form.api import closed_form
    from costmodel.scaling.compare import compare
    from costmodel.scaling.solve import solve
    from costmodel.scaling.sweep import sweep

__version__ = "0.1.0"

__all__ = [
    "CostModelError",
    "Entry",
    "Ledger",
    "Network",
    "Node",
    "Ops",
    "Params",
    "Shape",
    "alexnet",
    "apply",
    "closed_form",
    "compare",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b3",
    "efficientnet_b4",
    "efficientnet_b5",
    "efficientnet_b6",
    "efficientnet_b7",
    "explain",
    "from_torch",
    "googlenet",
    "image",
    "layers",
    "lenet",
    "lenet5",
    "load",
    "mnasnet",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "parse_budgets",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "shufflenet_v1",
    "shufflenet_v2",
    "solve",
    "squeezenet1_0",
    "squeezenet1_1",
    "sweep",
    "tokens",
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg19",
]


#: What a network answers beside what it knows itself; each is loaded when it is first asked for.
Network.readings.update(
    table="costmodel.report.frame:table",
    conventions="costmodel.report.frame:conventions",
    under="costmodel.conventions:under",
    headline="costmodel.report.count:headline",
    _repr_html_="costmodel.report.count:html",
)

#: Name -> the module that has it, loaded when the name is first used.
_LAZY = {
    "from_torch": "costmodel.capture.torch.api",
    "closed_form": "costmodel.scaling.closed_form.api",
    "compare": "costmodel.scaling.compare",
    "explain": "costmodel.reproduction.explain",
    "load": "costmodel.loading",
    "parse_budgets": "costmodel.guard.budget",
    "solve": "costmodel.scaling.solve",
    "sweep": "costmodel.scaling.sweep",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    # An architecture is loaded with its family, when it is first named.
    from costmodel.models.registry import FAMILIES, architecture

    if name in FAMILIES:
        return architecture(name).build
    raise AttributeError(f"module 'costmodel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
