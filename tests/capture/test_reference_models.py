"""Each reference model, captured, is the architecture that was written by hand: node by node."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

import reference_models
from costmodel import Network, load
from costmodel.capture.torch.api import from_torch
from costmodel.reproduction.verification import compare
from tests.zoo import CONVOLUTIONAL


@dataclass(frozen=True)
class MeasuredOperation:
    """One captured operation, as :func:`compare` reads it."""

    name: str
    kind: str
    reads: tuple[str, ...]
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int


def measured(network: Network) -> list[MeasuredOperation]:
    return [
        MeasuredOperation(
            entry.name,
            entry.kind,
            tuple(read.name for read in entry.node.inputs),
            entry.output.sizes,
            entry.params.parameters,
            entry.ops.mac,
        )
        for entry in network.ledger
    ]


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_a_captured_reference_model_is_the_architecture(name: str) -> None:
    architecture = load(name)
    network = from_torch(reference_models.build(name), architecture.input.sizes)
    assert compare(architecture, measured(network)).difference is None
    # Additions, divisions, comparisons and buffers too: what the comparison of multiply-adds leaves out.
    assert [(entry.ops, entry.params) for entry in network.ledger] == [
        (entry.ops, entry.params) for entry in architecture.ledger
    ]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"name": "stem"}, "name"),
        ({"kind": "linear"}, "operation"),
        ({"reads": ()}, "reads"),
        ({"output": (1,)}, "output"),
        ({"parameters": 1}, "parameters"),
        ({"multiply_adds": 1}, "multiply-adds"),
    ],
)
def test_the_comparison_sees_every_difference(change: dict[str, Any], difference: str) -> None:
    architecture = load("mobilenet_v1")
    found = measured(from_torch(reference_models.build("mobilenet_v1"), (3, 224, 224)))
    assert compare(architecture, found).difference is None
    found[0] = replace(found[0], **change)
    assert f": {difference} " in str(compare(architecture, found).difference)
