"""The ledger: totals, groups, batches. Whatever way it is cut, nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costmodel as cm
from costmodel import CostModelError, Ledger, Ops, Params, load
from costmodel.core.ledger import GROUPINGS
from costmodel.models.registry import names

NAMES = names()
counts = st.integers(0, 10**12)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("grouping", GROUPINGS)
@settings(max_examples=5)
@given(depth=st.integers(1, 4), batch=st.integers(1, 64))
def test_every_grouping_adds_up_to_the_totals(name: str, grouping: str, depth: int, batch: int) -> None:
    whole = load(name).ledger
    ledger = whole.batched(batch)
    parts = ledger.by(grouping, depth).values()
    assert sum(part.multiply_adds for part in parts) == ledger.multiply_adds == batch * whole.multiply_adds
    assert sum(part.parameters for part in parts) == ledger.parameters == whole.parameters
    assert sum(part.weights for part in parts) == ledger.weights == whole.weights
    # The totals ask the layers; the entries have every kind of operation. They must not drift apart.
    assert sum(entry.ops.mac for entry in whole) == whole.multiply_adds
    assert sum((entry.params for entry in whole), Params()) == whole.params
    assert sorted(entry.name for part in parts for entry in part) == sorted(entry.name for entry in ledger)


def test_blocks_are_cut_from_names() -> None:
    ledger = cm.mobilenet_v2().ledger
    assert list(ledger.by("block", depth=1)) == ["features", "pool", "flatten", "dropout", "classifier"]
    assert list(ledger.by("block", depth=3))[3:6] == [
        "features.1.depthwise", "features.1.project", "features.2.expand",
    ]  # fmt: skip


def test_stages_are_runs_of_one_map_size() -> None:
    stages = cm.mobilenet_v2().ledger.by("stage")
    # arXiv:1801.04381 Table 2: 112, 56, 28, 14, 7, then the pooled vector.
    assert [stage.output.spatial for stage in stages.values()] == [
        (112, 112), (56, 56), (28, 28), (14, 14), (7, 7), (),
    ]  # fmt: skip
    assert next(iter(stages)) == "features.0 to features.1"


def test_an_unknown_grouping_is_named() -> None:
    with pytest.raises(CostModelError, match="by='stages' is not a grouping; there are layer, block, stage, type"):
        cm.mobilenet_v1().ledger.by("stages")
    with pytest.raises(CostModelError, match="depth=0 must be"):
        cm.mobilenet_v1().ledger.by("block", depth=0)
    with pytest.raises(CostModelError, match="batch=0 must be"):
        cm.mobilenet_v1().ledger.batched(0)


@given(st.lists(st.tuples(counts, counts, counts, counts, counts, counts), max_size=5), st.integers(0, 100))
def test_operations_add_field_by_field(rows: list[tuple[int, ...]], times: int) -> None:
    total = sum((Ops(*row) for row in rows), Ops())
    columns = zip(*rows, strict=True) if rows else ((0,) for _ in range(6))
    assert tuple(total) == tuple(sum(column) for column in columns)
    assert tuple(total * times) == tuple(value * times for value in tuple(total))


@given(st.tuples(counts, counts, counts, counts), st.tuples(counts, counts, counts, counts))
def test_parameters_add_field_by_field_and_buffers_are_not_trained(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    total = Params(*a) + Params(*b)
    assert (total.weight, total.bias, total.affine, total.buffer) == tuple(x + y for x, y in zip(a, b, strict=True))
    assert total.trainable == sum(a[:3]) + sum(b[:3])


def test_counts_do_not_behave_like_tuples() -> None:
    assert 3 * Ops(1, 2) == Ops(1, 2) * 3 == Ops(3, 6)
    for wrong in (
        lambda: Ops(1) + tuple(Ops(1)),
        lambda: Ops(1) + Params(1),
        lambda: Params(1) + Ops(1),
    ):
        with pytest.raises(TypeError, match="add up with"):
            wrong()
    for wrong in (lambda: Params(1) * 3, lambda: 3 * Params(1)):
        with pytest.raises(TypeError, match="stored once, however often they are used"):
            wrong()


def test_an_empty_ledger_says_so() -> None:
    empty = Ledger(())
    assert (empty.multiply_adds, empty.parameters, empty.by("layer"), empty.by("stage")) == (0, 0, {}, {})
    with pytest.raises(CostModelError, match="the ledger is empty"):
        _ = empty.output


def test_a_ledger_shows_itself_in_a_line() -> None:
    assert repr(cm.mobilenet_v1().ledger) == (
        "<Ledger of 84 operations: 568740352 multiply-adds, 4231976 parameters, batch 1>"
    )


def test_a_part_of_a_ledger_is_a_ledger() -> None:
    part = cm.mobilenet_v1().ledger.by("block")["features.1"]
    assert isinstance(part, Ledger)
    assert (str(part.input), str(part.output)) == ("32x112x112", "64x112x112")
    assert part.multiply_adds == 3_612_672 + 25_690_112  # the slim docstring's rows 1 and 2
