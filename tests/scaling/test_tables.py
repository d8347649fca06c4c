"""The tables of an architecture against the networks themselves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel import CostModelError, load
from costmodel.report.explore.page import drawable
from costmodel.scaling.tables import Grid, Tables, tables
from tests.zoo import NIGHTLY

#: One of each way to cost: no alpha, alpha in the first layer, logits of every position, tokens, fixed sizes.
CHOSEN = ("lenet", "alexnet:halved", "squeezenet1_0", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "vit_b_32")


def cell(grid: Grid, alpha: int, resolution: int) -> int:
    row = grid[alpha if len(grid) > 1 else 0]
    return row[resolution if len(row) > 1 else 0]


def choices_at(table: Tables, alpha: int, resolution: int, classes: int) -> dict[str, Any]:
    choices: dict[str, Any] = {"resolution": table.resolutions[resolution]}
    if table.alphas:
        choices["alpha"] = table.alphas[alpha]
    if table.has_classes:
        choices["num_classes"] = classes
    return choices


@pytest.mark.slow
@pytest.mark.parametrize("name", drawable() if NIGHTLY else CHOSEN)
@settings(max_examples=max(12, settings.default.max_examples // 20))
@given(data=st.data())
def test_every_place_of_a_table_is_the_network_there(name: str, data: st.DataObject) -> None:
    table = made(name)
    alpha = data.draw(st.integers(0, max(len(table.alphas) - 1, 0)))
    resolution = data.draw(st.integers(0, len(table.resolutions) - 1))
    classes = data.draw(st.sampled_from((1, 2, 10, 1000, 100_000)) | st.integers(1, 3000))
    network = load(name, **choices_at(table, alpha, resolution, classes))
    assert table.multiply_adds(alpha, resolution, classes) == network.multiply_adds
    each_class = table.parameters_each_class[alpha] * classes
    assert cell(table.parameters, alpha, resolution) + each_class == network.parameters
    logits = [cell(stays, alpha, resolution) + cell(each, alpha, resolution) * classes for stays, each in table.logits]
    assert max(cell(table.peak_memory, alpha, resolution), *logits, 0) == network.memory().peak_bytes


TABLES: dict[str, Tables] = {}


def made(name: str) -> Tables:
    return TABLES.setdefault(name, tables(name))


def test_the_stages_are_those_of_the_usual_network() -> None:
    table = tables("mobilenet_v2", alphas=[1.0], resolutions=[224])
    stages = load("mobilenet_v2").ledger.by("stage")
    assert table.stages == tuple(stages)
    for place, part in enumerate(stages.values()):
        cost = sum(
            (c.fixed[0] + c.each_class[0] * 1000) * table.basis[c.basis][0] for c in table.costs if c.stage == place
        )
        assert cost == part.multiply_adds


def test_what_cannot_be_built_is_left_out_and_said_where_nothing_is_left() -> None:
    assert tables("lenet").resolutions == (32,)
    assert min(tables("mobilenet_v1:plain").resolutions) == 208
    with pytest.raises(CostModelError, match="gpt2 takes no resolution"):
        tables("gpt2")
