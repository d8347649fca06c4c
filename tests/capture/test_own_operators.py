"""An operator of a user's own costs what its rule says of the sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import costmodel as cm
from costmodel import CostModelError, Ops
from costmodel.capture.own_operators import RULES
from costmodel.capture.torch.api import from_torch
from tests.capture.modules import Calls


@torch.library.custom_op("costmodel_own::scan", mutates_args=())
def scan(x: Tensor, matrix: Tensor, steps: int) -> Tensor:
    """So many steps of x by a matrix."""
    return x @ matrix


@scan.register_fake
def _shape_of_scan(x: Tensor, matrix: Tensor, steps: int) -> Tensor:
    return torch.empty_like(x)


@pytest.fixture(autouse=True)
def _without_rules() -> Iterator[None]:
    before = dict(RULES)
    yield
    RULES.clear()
    RULES.update(before)


def model() -> nn.Module:
    weight = nn.Parameter(torch.empty(8, 8))
    return Calls(lambda module, x: scan(module.layer(x), module.weight, 5), layer=nn.Linear(8, 8), weight=weight)


def rule(x: tuple[int, ...], matrix: tuple[int, ...], steps: int) -> int:
    return steps * x[0] * x[1] * matrix[1]


def test_a_rule_counts_an_operator_and_its_weights() -> None:
    with pytest.raises(CostModelError, match=r"costmodel_own\.scan costs.*register_operator gives it a rule"):
        from_torch(model(), torch.empty(3, 8))
    cm.register_operator("costmodel_own::scan", rule)
    network = from_torch(model(), torch.empty(3, 8))
    by_steps = sum(1 for _step in range(5) for _row in range(3) for _in in range(8) for _out in range(8))
    assert network.multiply_adds == by_steps + 3 * 8 * 8
    assert network.parameters == 72 + 64
    assert not network.ledger.uncounted


def test_a_rule_may_say_other_arithmetic() -> None:
    cm.register_operator("costmodel_own::scan", lambda x, matrix, steps: Ops(mac=1, exp=steps))
    network = from_torch(model(), torch.empty(3, 8))
    assert next(entry.ops for entry in network.ledger if entry.kind == "scan") == Ops(mac=1, exp=5)


@pytest.mark.parametrize("made", [True, 1.5, -1, None, (1, 2), Ops(mac=-1)])
def test_what_is_no_count_is_refused(made: Any) -> None:
    cm.register_operator("costmodel_own::scan", lambda *_: made)
    with pytest.raises(CostModelError, match="returned"):
        from_torch(model(), torch.empty(3, 8))


def test_a_rule_that_fails_is_one_line() -> None:
    cm.register_operator("costmodel_own::scan", lambda x: x[9])
    with pytest.raises(CostModelError, match="the rule of costmodel_own::scan raised TypeError") as caught:
        from_torch(model(), torch.empty(3, 8))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["scan", "::scan", "mylib::", "aten::mm", "prims::add"])
def test_a_name_that_is_no_operator_of_the_user(name: str) -> None:
    with pytest.raises(CostModelError):
        cm.register_operator(name, rule)


def test_one_rule_an_operator() -> None:
    cm.register_operator("costmodel_own::scan", rule)
    cm.register_operator("costmodel_own::scan", rule)
    with pytest.raises(CostModelError, match="has a rule already"):
        cm.register_operator("costmodel_own::scan", lambda *_: 0)
    with pytest.raises(CostModelError, match="is an int"):
        cm.register_operator("costmodel_own::other", 3)  # type: ignore[arg-type]
