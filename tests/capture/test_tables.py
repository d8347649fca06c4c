"""The decisions on PyTorch's operators: each is about one that exists, and none is taken twice."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from costmodel.capture import operator_costs as tables
from costmodel.capture.torch.ops import handlers as operators

FREE = {"creations": tables.CREATIONS, "moves": tables.MOVES, "repeats": tables.REPEATS}
COSTLY = {"elementwise": tables.ELEMENTWISE, "reductions": tables.REDUCTIONS}
NAMES = sorted({name for table in (*FREE.values(), *COSTLY.values(), tables.ACTIVATIONS) for name in table})


@pytest.mark.parametrize("table", [*FREE.values(), *COSTLY.values(), tables.ACTIVATIONS, operators.HANDLERS])
def test_each_name_is_an_operator(table: dict[str, object]) -> None:
    assert [name for name in table if not hasattr(torch.ops.aten, name)] == []
    assert not hasattr(torch.ops.aten, "no_such_operator")


def test_no_operator_is_decided_twice() -> None:
    for (one, left), (other, right) in combinations({**FREE, **COSTLY}.items(), 2):
        assert set(left) & set(right) == set(), f"{one} and {other}"
    for name, table in FREE.items():
        assert set(table) & set(tables.ACTIVATIONS) == set(), name
    # What a table says is free never reaches a handler, so one of its name would be a dead one. Costs of one value
    # stand in the tables for some handlers too.
    for name, table in FREE.items():
        assert set(table) & set(operators.HANDLERS) == set(), name


@pytest.mark.parametrize("table", COSTLY.values())
def test_what_is_not_free_costs_something_and_never_less(table: dict[str, object]) -> None:
    for name, work in table.items():
        assert min(work) >= 0 < sum(work), name  # type: ignore[call-overload]


def test_what_makes_something_of_nothing_reads_no_tensor() -> None:
    """A creation is a constant: it must not depend on the values of a sample, but may take its sizes."""
    reading = {
        name
        for name in tables.CREATIONS
        for overload in getattr(torch.ops.aten, name).overloads()
        if any(
            str(argument.type) == "Tensor" and argument.name not in ("self", "out")
            for argument in getattr(getattr(torch.ops.aten, name), overload)._schema.arguments
        )
    }
    assert reading <= {"arange", "linspace", "logspace", "randint_like"}  # their ends may be tensors of one value


def test_a_view_is_free_by_its_schema() -> None:
    views = ("view", "permute", "expand", "select", "slice", "unbind", "diagonal")
    for name in views:
        packet = getattr(torch.ops.aten, name)
        assert all(
            operators.handler(getattr(packet, o)) is None for o in packet.overloads() if getattr(packet, o).is_view
        )
    assert operators.handler(torch.ops.aten.clone.default) is not None
    assert operators.handler(torch.ops.aten._linalg_svd.default) == "unknown"
