"""Exactly what a neural network costs, before anyone builds it.

>>> import costmodel as cm
>>> cm.mobilenet_v1(alpha=0.75, resolution=192).multiply_adds
239273472
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costmodel.checks import CostModelError
from costmodel.ledger import Entry, Ledger
from costmodel.network import Network, Node, apply, image
from costmodel.values import Ops, Params, Shape

if TYPE_CHECKING:
    from costmodel.architectures.mobilenet_v1 import mobilenet_v1
    from costmodel.architectures.mobilenet_v2 import mobilenet_v2

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
    "apply",
    "image",
    "mobilenet_v1",
    "mobilenet_v2",
]


def __getattr__(name: str) -> object:
    # An architecture is loaded with its family, when it is first named.
    from costmodel.architectures import FAMILIES, architecture

    if name in FAMILIES:
        return architecture(name).build
    raise AttributeError(f"module 'costmodel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
