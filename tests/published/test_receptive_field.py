"""The published receptive fields of TF-slim's networks: 38 end points, equal or of a named other architecture."""

from __future__ import annotations

from functools import cache

import pytest

from costmodel import load
from costmodel.analyses.receptive_field import ReceptiveField
from costmodel.published.tables import Row, paper_table

ROWS = paper_table("receptive_field")

#: Slim's network -> ours. Of resnet_v1_50 the variant that strides where slim does.
NETWORKS = {"alexnet_v2": "alexnet", "vgg_16": "vgg16:plain", "mobilenet_v1": "mobilenet_v1",
            "resnet_v1_50": "resnet50:slim-stride"}  # fmt: skip

#: Slim pads nothing in AlexNet's first convolution, torchvision two positions; so every later padding is two more.
ALEXNET_PADDING = 2


def node_name(row: Row) -> str:
    """Our name of an end point; of a convolution with what follows it, its activation."""
    end = row.end_point.rpartition("/")[2]
    if row.slim_net == "alexnet_v2":
        return f"features.{end}" + ".activation" * end.startswith("conv")
    if row.slim_net == "vgg_16":
        if end.startswith("pool"):
            return f"features.{end[-1]}.pool"
        return "features.{}.conv{}.activation".format(*end.removeprefix("conv").split("_"))
    if row.slim_net == "mobilenet_v1":
        number, _, pointwise = end.removeprefix("Conv2d_").partition("_")
        return f"features.{number}{pointwise and '.pointwise'}.activation"
    return f"layer{end[-1]}.{(2, 3, 5, 2)[int(end[-1]) - 1]}.activation"


@cache
def fields(name: str) -> dict[str, ReceptiveField]:
    return {row.name: row for row in load(name).receptive_field()}


def test_the_table_has_38_end_points() -> None:
    assert len(ROWS) == 38
    assert {row.slim_net for row in ROWS} == set(NETWORKS)
    assert {row.nearest_costmodel for row in ROWS} == {name.replace(":slim-stride", "") for name in NETWORKS.values()}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.end_point)
def test_an_end_point_sees_what_is_published(row: Row) -> None:
    ours = fields(NETWORKS[row.slim_net])[node_name(row)]
    assert (ours.receptive_field, ours.effective_stride) == (row.receptive_field, row.effective_stride)
    if row.effective_padding is not None:
        more = ALEXNET_PADDING if row.slim_net == "alexnet_v2" else 0
        assert ours.effective_padding == row.effective_padding + more


@pytest.mark.parametrize(
    ("name", "field"), [("resnet50", 427), ("resnet50:paper-stride", 483), ("resnet50:slim-stride", 483)]
)
def test_where_a_stage_strides_changes_what_its_last_layer_sees(name: str, field: int) -> None:
    # torchvision strides in the 3x3 convolution of a first block; its like before the stride sees half as far.
    assert fields(name)["layer4.2.activation"].receptive_field == field
