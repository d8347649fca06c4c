"""What torch.onnx exports of a module costs, layer by layer, what a capture of the module says."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("onnx")


import costmodel as cm
import reference_models
from costmodel import Network
from costmodel.core.counts import NO_OPS, Ops
from tests.capture.torch_exports import exported
from tests.zoo import CONVOLUTIONAL, TRANSFORMERS, reads_tokens

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"

#: What this exporter has no operator for.
_NOT_EXPORTED = {
    "googlenet:training",
    "googlenet:document-training",
    "shufflenet_v1",
    "shufflenet_v1:scaled-stem",
    "shufflenet_v2",
}
EXPORTED = [name for name in (*CONVOLUTIONAL, *TRANSFORMERS) if name not in _NOT_EXPORTED and not reads_tokens(name)]
#: One of each family; the others every night.
CHOSEN = EXPORTED if NIGHTLY else list({name[:4]: name for name in reversed(EXPORTED) if "vgg" not in name}.values())


def layers(network: Network) -> list[tuple[object, ...]]:
    """Every layer that multiplies and adds or stores something."""
    return [
        (entry.ops.mac, entry.params, entry.output.sizes)
        for entry in network.ledger
        if entry.ops.mac or entry.params.parameters or entry.params.buffer
    ]


def work(network: Network) -> Ops:
    return sum((entry.ops for entry in network.ledger), NO_OPS)


@pytest.mark.parametrize("name", CHOSEN)
def test_a_reference_model_exported_is_the_captured_one_layer_by_layer(name: str) -> None:
    sizes = cm.load(name).input.sizes
    module = reference_models.build(name)
    captured = cm.from_torch(module, sizes)
    network = cm.from_onnx(exported(module, (1, *sizes)))
    assert layers(network) == layers(captured)
    assert work(network) == work(captured)
