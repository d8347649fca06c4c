"""The measured times that ship with the package: joined where they belong, above every bound, and what ranks them."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pandas
import pytest

import costmodel as cm
from costmodel import CostModelError, load
from costmodel.published.tables import paper_table
from costmodel.report import plots
from costmodel.scaling.measured import MACHINES, MODES, latencies
from tests.cli_runner import run

ROWS = paper_table("latency_timm")
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "time.md"
#: The device and the type whose bound is that of a machine.
DEVICES = {"i9_10940x_ms": ("core-i9-10940x", "fp32"), "rtx_4090_ms": ("rtx-4090", "fp16")}


def choices(row: Any) -> dict[str, Any]:
    return {"resolution": row.resolution} | ({} if row.alpha is None else {"alpha": row.alpha})


def test_there_are_154_times_of_two_machines_and_one_network_is_not_ours() -> None:
    assert len(ROWS) == 154
    assert {row.machine for row in ROWS} == set(MACHINES.values())
    joined = [row for row in ROWS if latencies(row.costmodel, choices(row))]
    assert {row.timm_model for row in ROWS} - {row.timm_model for row in joined} == {"mobilenetv3_small_050"}
    assert all(len(latencies(row.costmodel, choices(row))) == 2 for row in joined)
    # What is said of how they were timed.
    batches = {name: {row.batch for row in ROWS if row.machine == machine} for name, machine in MACHINES.items()}
    assert batches["i9_10940x_ms"] == {1}
    assert (min(batches["rtx_4090_ms"]), max(batches["rtx_4090_ms"])) == (96, 1024)
    assert {row.precision for row in ROWS} == {text.partition(",")[0] for text in MODES.values()}


def test_a_sweep_has_the_times_of_the_very_networks_that_were_measured() -> None:
    grid = cm.sweep(["mobilenet_v2", "resnet50"], resolution=[160, 224])
    found = {(row.model, row.resolution): (row.i9_10940x_ms, row.rtx_4090_ms) for row in grid.itertuples()}
    assert found["mobilenet_v2", 224] == (5.299, round(94.71 / 1024, 5))
    assert found["resnet50", 160] == (12.938, round(125.776 / 1024, 5))
    assert all(map(pandas.isna, found["mobilenet_v2", 160]))
    assert set(grid.ms_source[:1]) == {""}
    assert "benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv" in grid.ms_source[1]
    other = cm.sweep("resnet50", resolution=224, num_classes=10)
    assert other[["i9_10940x_ms", "rtx_4090_ms"]].isna().all(axis=None)
    text = run("sweep", "mobilenet_v2").out
    assert "i9_10940x_ms on Intel i9-10940X, torch 2.4 compiled (fp32, one image at a time)" in text


def test_a_comparison_has_them_in_text_and_json() -> None:
    lines = run("compare", "mobilenet_v1", "mobilenet_v2").out.splitlines()
    assert lines[3].startswith(
        "Milliseconds an image on Intel i9-10940X, torch 2.4 compiled, fp32: mobilenet_v1 4.013 (batch 1), mobilenet_v2"
        " 5.299 (batch 1); huggingface/pytorch-image-models@aa4b5850 "
    )
    one = json.loads(run("compare", "mobilenet_v1", "mobilenet_v1:biased", "--format", "json").out)["models"]
    assert [len(model["latencies"]) for model in one] == [2, 0]
    assert one[0]["latencies"][1]["step_ms"] == 74.406


def test_a_network_of_a_user_is_not_taken_for_one_of_the_same_name() -> None:
    assert latencies("mobilenet_v1", {}) == ()
    assert latencies("mobilenet_v1", {"alpha": 1.0, "resolution": (224, 224)}) == ()


@cache
def readings() -> pandas.DataFrame:
    """Each measured network with what is counted of it, an image each."""
    found = []
    for row in ROWS:
        if not latencies(row.costmodel, choices(row)):
            continue
        column = next(name for name, machine in MACHINES.items() if machine == row.machine)
        net, (device, dtype) = load(row.costmodel, **choices(row)), DEVICES[column]
        bounds = {
            fused: net.roofline(device, dtype=dtype, batch=row.batch, fused=fused).total for fused in (False, True)
        }
        found.append(
            {
                "machine": column,
                "ms": float(row.step_ms) / row.batch,
                "parameters": net.parameters,
                "multiply-adds": net.multiply_adds,
                "activations": net.activations,
                "bytes moved": bounds[False].bytes / row.batch,
                "bytes moved, fused": bounds[True].bytes / row.batch,
                "bound": float(bounds[False].seconds) / row.batch * 1e3,
                "bound, fused": float(bounds[True].seconds) / row.batch * 1e3,
            }
        )
    return pandas.DataFrame(found)


def test_no_measured_time_is_below_its_bound() -> None:
    frame = readings()
    ratio = (frame.ms / frame.bound).groupby(frame.machine).agg(["min", "max"]).round(1)
    assert ratio.loc["rtx_4090_ms"].tolist() == [1.1, 1.8]
    assert ratio.loc["i9_10940x_ms"].tolist() == [1.7, 10.8]


def test_the_page_says_how_well_each_reading_ranks_the_times() -> None:
    text = PAGE.read_text()
    printed = {
        name: (float(i9), float(rtx))
        for name, i9, rtx in re.findall(r"^\| ([a-z, -]+) \| (0\.\d{3}) \| (0\.\d{3}) \|$", text, flags=re.MULTILINE)
    }
    frame = readings()
    assert set(printed) == set(frame.columns) - {"machine", "ms"}
    for place, machine in enumerate(("i9_10940x_ms", "rtx_4090_ms")):
        own = frame[frame.machine == machine]
        assert len(own) == 76
        for name, numbers in printed.items():
            assert numbers[place] == round(spearman(own.ms, own[name]), 3), (machine, name)
    most, least = frame["multiply-adds"].max(), frame["multiply-adds"].min()
    assert 500 < most / least < 1000
    assert "by a factor of" in text


def spearman(one: Any, other: Any) -> float:
    """The correlation of the ranks; equal values share the mean of theirs."""
    ranks = [pandas.Series(values).rank() for values in (one, other)]
    return float(ranks[0].corr(ranks[1]))


def test_mobilenet_v2_is_slower_than_v1_with_half_its_multiply_adds() -> None:
    v1, v2 = (cm.sweep(name).iloc[0] for name in ("mobilenet_v1", "mobilenet_v2"))
    assert v2.multiply_adds < 0.53 * v1.multiply_adds
    assert v2.i9_10940x_ms > 1.3 * v1.i9_10940x_ms
    assert v2.rtx_4090_ms > 1.2 * v1.rtx_4090_ms


def test_the_plot_has_a_line_a_model_and_a_point_a_time() -> None:
    grid = cm.sweep(["mobilenet_v1", "mobilenet_v2"], resolution=[160, 224, 256])
    (axes,) = plots.latency(grid).axes
    drawn = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}
    assert drawn["mobilenet_v1"] == ([568.740352, 742.531072], [4.013, 5.146])
    assert drawn["mobilenet_v2"] == ([300.774272], [5.299])
    assert axes.get_xlabel() == "multiply-adds (M)"


def test_what_cannot_be_drawn_is_refused() -> None:
    grid = cm.sweep("mobilenet_v1", resolution=160)
    with pytest.raises(CostModelError, match="none of the 1 designs was timed on that machine; sweep what was"):
        plots.latency(grid)
    with pytest.raises(CostModelError, match="no design was timed on 'm1_ms'; there are i9_10940x_ms, rtx_4090_ms"):
        plots.latency(grid, "m1_ms")
    with pytest.raises(CostModelError, match="the frame has no column i9_10940x_ms"):
        plots.latency(grid[["model", "variant", "multiply_adds"]])
