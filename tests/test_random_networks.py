"""Random networks: whatever is built of the layers equals PyTorch, operation by operation."""

from __future__ import annotations

from hypothesis import given

from costmodel.reproduction.verification import compare
from reference_models.oracles import image, measure
from tests.networks import Description, descriptions, module_from, network_of


@given(descriptions())
def test_a_drawn_network_equals_pytorch_operation_by_operation(description: Description) -> None:
    network = network_of(description)
    measured = measure(module_from(description), image(description.input.sizes))
    result = compare(network, measured)
    assert result.difference is None
    assert len(result.pairs) == len(network.ledger)
    assert network.multiply_adds == sum(leaf.multiply_adds for leaf in measured)
    assert network.parameters == sum(leaf.parameters for leaf in measured)
