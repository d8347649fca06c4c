"""Sweeps: each row is the network that it says it is, and nothing is measured that nobody measured."""

from __future__ import annotations

import csv
from importlib.resources import files
from itertools import product
from typing import Any

import numpy
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costmodel as cm
from costmodel import CostModelError
from costmodel.scaling.measured import MACHINES

MODELS = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v2:keras", "mobilenet_v3_small", "shufflenet_v1:scaled-stem")


def row_counts(frame: pandas.DataFrame) -> list[tuple[int, int]]:
    """Each row counted again as one network of its own."""
    known = [column for column in frame.columns if column not in ("model", "variant", "multiply_adds", "parameters")]
    arguments = [column for column in known if not column.startswith(("top1", "ms_", *MACHINES))]
    counts = []
    for row in frame.to_dict("records"):
        network = cm.load(
            f"{row['model']}:{row['variant']}".rstrip(":"),
            **{name: row[name] for name in arguments if row[name] == row[name]},
        )
        counts.append((network.multiply_adds, network.parameters))
    return counts


@settings(max_examples=max(10, settings.default.max_examples // 10))
@given(
    models=st.lists(st.sampled_from(MODELS), min_size=1, max_size=2),
    alphas=st.lists(st.sampled_from((0.5, 0.75, 1.0, 1.37)), min_size=1, max_size=3),
    resolutions=st.lists(st.integers(32, 260), min_size=1, max_size=3),
    classes=st.lists(st.integers(1, 2000), min_size=1, max_size=2),
)
def test_every_row_is_the_scalar_count(
    models: list[str], alphas: list[float], resolutions: list[int], classes: list[int]
) -> None:
    frame = cm.sweep(models, num_classes=classes, alpha=alphas, resolution=resolutions)
    assert list(zip(frame["multiply_adds"], frame["parameters"], strict=True)) == row_counts(frame)
    assert frame["multiply_adds"].dtype == frame["parameters"].dtype == "int64"
    points = list(zip(frame["num_classes"], frame["alpha"], frame["resolution"], strict=True))
    assert points == list(product(classes, alphas, resolutions)) * len(models)


def test_columns_are_in_order_and_defaults_are_said() -> None:
    frame = cm.sweep("shufflenet_v1", groups=[1, 8], variant=["", "scaled-stem"])
    assert list(frame.columns) == [
        "model", "variant", "alpha", "resolution", "groups", "multiply_adds", "parameters", "top1", "top1_source",
        "i9_10940x_ms", "rtx_4090_ms", "ms_source",
    ]  # fmt: skip
    assert frame["variant"].tolist() == ["", "", "scaled-stem", "scaled-stem"]
    assert set(frame["model"]) == {"shufflenet_v1"}
    assert set(frame["resolution"]) == {224}
    assert set(frame["alpha"]) == {1.0}
    assert row_counts(frame) == list(zip(frame["multiply_adds"], frame["parameters"], strict=True))


def test_a_model_without_alpha_has_none() -> None:
    frame = cm.sweep(["resnet18", "mobilenet_v1"], resolution=[96, 128])
    assert frame["alpha"].isna().tolist() == [True, True, False, False]
    assert row_counts(frame) == list(zip(frame["multiply_adds"], frame["parameters"], strict=True))


def test_axes_are_text_values_arrays_and_rectangular() -> None:
    same = [
        cm.sweep("mobilenet_v2", alpha=given)["multiply_adds"].tolist()
        for given in (
            "0.5,0.75,1",
            "0.5:1:0.25",
            (0.5, 0.75, 1),
            numpy.array([0.5, 0.75, 1]),
            pandas.Series([0.5, 0.75, 1.0]),
        )
    ]
    assert all(counts == same[0] for counts in same)
    rectangular = cm.sweep("mobilenet_v2", resolution=[(96, 160), 128])
    assert rectangular["multiply_adds"].tolist() == [
        cm.mobilenet_v2(resolution=resolution).multiply_adds for resolution in ((96, 160), 128)
    ]


def test_accuracy_is_where_the_table_has_it_and_nowhere_else() -> None:
    text = files("costmodel.published").joinpath("published.csv").read_text("utf-8")
    printed = {
        (float(row["alpha"]), int(row["resolution"])): (float(row["top1"]), row["source"])
        for row in csv.DictReader(text.splitlines())
        if (row["family"], row["variant"]) == ("MobileNetV2", "checkpoint")
    }
    alphas = sorted({alpha for alpha, _ in printed} | {0.36, 0.6})
    frame = cm.sweep("mobilenet_v2", alpha=alphas, resolution=[96, 97, 128, 160, 192, 224])
    found = {
        (row["alpha"], row["resolution"]): (row["top1"], row["top1_source"])
        for row in frame.to_dict("records")
        if row["top1_source"]
    }
    assert found == printed
    assert len(found) == 22
    assert frame["top1"].isna().sum() == len(frame) - 22


@pytest.mark.parametrize(
    ("model", "choices"),
    [
        ("mobilenet_v2", {"num_classes": 10}),
        ("mobilenet_v2", {"in_channels": 1}),
        ("mobilenet_v2:keras", {}),
        ("mobilenet_v3_large", {"alpha": 0.75}),
        ("mobilenet_v3_small", {}),
        ("resnet50", {}),
    ],
)
def test_another_network_has_no_accuracy(model: str, choices: dict[str, Any]) -> None:
    assert cm.sweep(model, **choices)["top1"].isna().all()


def test_progress_comes_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    cm.sweep(["mobilenet_v2", "mobilenet_v3_small"], alpha="0.5:1:0.25", progress=lambda *done: told.append(done))
    assert told == sorted(told)
    assert told[-1] == (6, 6)


@pytest.mark.parametrize(
    ("models", "axes", "message"),
    [
        ([], {}, "no model to sweep"),
        ("mobilenet_v1", {"aplha": 1}, "mobilenet_v1 takes no aplha (aplha=1 given); did you mean alpha?"),
        ("mobilenet_v1", {"aplha": [1, 2]}, "mobilenet_v1 takes no aplha (aplha=an axis given)"),
        (["shufflenet_v1", "mobilenet_v2"], {"groups": "1,2"}, "mobilenet_v2 takes no groups"),
        ("mobilenet_v1", {"alpha": []}, "alpha has no values; give at least one"),
        ("mobilenet_v1", {"alpha": "1:0.5:0.1"}, "is reversed"),
        ("mobilenet_v1", {"alpha": 0}, "alpha=0 must be above 0"),
        ("mobilenet_v1", {"alpha": "wide"}, "alpha: 'wide' is not a number"),
        ("mobilenet_v1:plain", {"variant": "biased"}, "mobilenet_v1:plain names its variant already"),
        ("mobilenet_v1", {"variant": "biassed"}, "mobilenet_v1 has no variant 'biassed'; did you mean biased?"),
        (
            "mobilenet_v1",
            {"alpha": range(1, 10**6), "resolution": range(1, 10**6)},
            "the grid has 999,998,000,001 points",
        ),
        ("resnet18", {"resolution": 2 * 10**9}, "resnet18 at resolution=2000000000: "),
        ("mobilenet_v2", {"resolution": 2 * 10**9}, "would overflow 64-bit integers"),
    ],
)
def test_what_cannot_be_swept_is_refused(models: Any, axes: dict[str, Any], message: str) -> None:
    with pytest.raises(CostModelError) as error:
        cm.sweep(models, **axes)
    assert message in str(error.value)
