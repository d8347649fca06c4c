"""Exactly what a neural network costs, before anyone builds it.

>>> import costmodel as cm
>>> cm.mobilenet_v1(alpha=0.75, resolution=192).multiply_adds
239273472
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from costmodel.core import layers as layers
from costmodel.core.counts import Ops as Ops
from costmodel.core.counts import Params as Params
from costmodel.core.graph import Node as Node
from costmodel.core.graph import apply as apply
from costmodel.core.graph import image as image
from costmodel.core.graph import token_ids as token_ids
from costmodel.core.graph import tokens as tokens
from costmodel.core.ledger import Entry as Entry
from costmodel.core.ledger import Ledger as Ledger
from costmodel.core.network import Network as Network
from costmodel.core.shape import Shape as Shape
from costmodel.errors import CostModelError as CostModelError
from costmodel.errors import missing_package
from costmodel.version import __version__ as __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from costmodel.capture.keras.api import from_keras as from_keras
    from costmodel.capture.onnx.api import from_onnx as from_onnx
    from costmodel.capture.own_operators import register_operator as register_operator
    from costmodel.capture.tflite.api import from_tflite as from_tflite
    from costmodel.capture.torch.api import from_torch as from_torch
    from costmodel.capture.torch.huggingface import from_huggingface as from_huggingface
    from costmodel.guard.budget import parse_budgets as parse_budgets
    from costmodel.loading import load as load
    from costmodel.reproduction.explain import explain as explain
    from costmodel.scaling.closed_form.derive import closed_form as closed_form
    from costmodel.scaling.compare import compare as compare
    from costmodel.scaling.solve import solve as solve
    from costmodel.scaling.spaces.named import space as space
    from costmodel.scaling.summary.run import summarize as summarize
    from costmodel.scaling.sweep import sweep as sweep

#: What a network answers beside what it knows itself; each is loaded when it is first asked for.
Network.readings.update(
    table="costmodel.report.frame:table",
    conventions="costmodel.report.frame:conventions",
    under="costmodel.conventions:under",
    receptive_field="costmodel.analyses.receptive_field:receptive_field",
    headline="costmodel.report.costs:headline",
    roofline="costmodel.analyses.roofline:roofline",
    memory="costmodel.analyses.memory:memory",
    size="costmodel.analyses.size:size",
    generation="costmodel.analyses.generation:generation",
    training="costmodel.analyses.training:training",
    _repr_html_="costmodel.report.count:html",
)

#: Name -> the module that has it, loaded when the name is first used.
_LAZY = {
    "closed_form": "costmodel.scaling.closed_form.derive",
    "compare": "costmodel.scaling.compare",
    "explain": "costmodel.reproduction.explain",
    "from_huggingface": "costmodel.capture.torch.huggingface",
    "from_onnx": "costmodel.capture.onnx.api",
    "from_tflite": "costmodel.capture.tflite.api",
    "from_keras": "costmodel.capture.keras.api",
    "from_torch": "costmodel.capture.torch.api",
    "load": "costmodel.loading",
    "parse_budgets": "costmodel.guard.budget",
    "register_operator": "costmodel.capture.own_operators",
    "solve": "costmodel.scaling.solve",
    "space": "costmodel.scaling.spaces.named",
    "summarize": "costmodel.scaling.summary.run",
    "sweep": "costmodel.scaling.sweep",
}

_EAGER = [
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
    "layers",
    "token_ids",
    "tokens",
]

if TYPE_CHECKING:

    def __getattr__(name: str) -> Callable[..., Network]: ...

else:

    def __getattr__(name):
        if name in _LAZY:
            try:
                module = import_module(_LAZY[name])
            except ModuleNotFoundError as missing:
                raise missing_package(f"costmodel.{name}", missing.name) from None
            return getattr(module, name)
        # An architecture is loaded with its family, when it is first named.
        from costmodel.models.registry import FAMILIES, architecture

        if name == "__all__":
            return sorted([*_EAGER, *_LAZY, *FAMILIES])
        if name in FAMILIES:
            return architecture(name).build
        raise AttributeError(f"module 'costmodel' has no attribute {name!r}")


def __dir__() -> list[str]:
    from costmodel.models.registry import FAMILIES

    return sorted({*globals(), *_LAZY, *FAMILIES})
