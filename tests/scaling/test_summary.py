"""Summaries of grids: what a sweep with a row a design says, however the designs were counted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costmodel as cm
from costmodel.errors import CostModelError
from costmodel.report.summary import SummaryReport
from costmodel.scaling.summary import plan as planning
from costmodel.scaling.summary.digest import bin_start, bins_of
from tests.cli_runner import refusal, run

ROOT = Path(__file__).parent.parent.parent

#: Several chunks of several sizes: combinations, alphas and resolutions.
GRID: dict[str, Any] = {
    "models": ["mobilenet_v2", "shufflenet_v1"],
    "alpha": "0.25:1.25:0.05",
    "resolution": "96:320:16",
    "num_classes": [10, 1000],
}


def document(**arguments: Any) -> dict[str, Any]:
    text = SummaryReport(cm.summarize(**arguments)).json()
    result: dict[str, Any] = json.loads(text)
    return result


def front_of(frame: pandas.DataFrame) -> set[tuple[int, int]]:
    """By comparing all pairs."""
    points = {*zip(frame["multiply_adds"].tolist(), frame["parameters"].tolist(), strict=True)}
    return {
        (cost, value)
        for cost, value in points
        if not any(c <= cost and v >= value and (c, v) != (cost, value) for c, v in points)
    }


def check(summary: dict[str, Any], frame: pandas.DataFrame, most: int, best: int) -> None:
    assert summary["designs"] == len(frame)
    frame = frame[frame["multiply_adds"] <= most]
    costs = sorted(frame["multiply_adds"].tolist())
    assert summary["within"]["designs"] == len(costs)
    if not costs:
        assert (summary["front"], summary["best"], summary["histogram"]) == ([], [], [])
        return
    assert (summary["smallest"], summary["largest"], summary["total"]) == (costs[0], costs[-1], sum(costs))
    for share, (low, high) in summary["quantiles"].items():
        quantile = costs[max(1, -(-len(costs) * Fraction(share) // 1)) - 1]
        assert low <= quantile <= high
        assert high - low <= low / 2048
    for low, high, number in summary["histogram"]:
        assert number == sum(low <= cost <= high for cost in costs)
    assert sum(number for *_, number in summary["histogram"]) == len(costs)
    assert {(row["multiply_adds"], row["parameters"]) for row in summary["front"]} == front_of(frame)
    pairs = sorted({*zip((-frame["multiply_adds"]).tolist(), frame["parameters"].tolist(), strict=True)})[:best]
    assert [(-row["multiply_adds"], row["parameters"]) for row in summary["best"]] == pairs
    for row in [*summary["front"], *summary["best"]]:
        # Of equal designs the first.
        equal = frame[(frame["multiply_adds"] == row["multiply_adds"]) & (frame["parameters"] == row["parameters"])]
        axes = [name for name in row if name not in _COUNTS and name != "model"]
        assert [equal.iloc[0][name] for name in axes] == [row[name] for name in axes]
        counted = cm.load(row.pop("model"), **{name: row[name] for name in row if name not in _COUNTS})
        assert (counted.multiply_adds, counted.parameters) == (row["multiply_adds"], row["parameters"])


_COUNTS = ("multiply_adds", "parameters")


@settings(max_examples=max(10, settings.default.max_examples // 10), deadline=None)
@given(
    alphas=st.lists(st.sampled_from((0.35, 0.5, 0.75, 1.0, 1.37)), min_size=1, max_size=5, unique=True),
    resolutions=st.lists(st.integers(32, 260), min_size=1, max_size=6, unique=True),
    classes=st.lists(st.integers(1, 2000), min_size=1, max_size=3, unique=True),
    most=st.integers(0, 500_000_000),
    best=st.integers(0, 5),
    chunk=st.integers(1, 12),
)
def test_a_summary_says_what_the_rows_of_a_sweep_say(
    alphas: list[float], resolutions: list[int], classes: list[int], most: int, best: int, chunk: int
) -> None:
    grid: dict[str, Any] = {"alpha": alphas, "resolution": resolutions, "num_classes": classes}
    models = ["mobilenet_v2", "mobilenet_v3_small"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "CHUNK", chunk)
        summary = document(models=models, **grid, most={"multiply_adds": str(most)}, best=best)
    check(summary, cm.sweep(models, **grid), most, best)


@pytest.mark.parametrize("chunk", [5, 100, 1 << 20])
def test_without_a_budget_all_designs_count(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks are parts of a row, some rows, or all."""
    monkeypatch.setattr(planning, "CHUNK", chunk)
    summary = document(**GRID)
    check(summary, cm.sweep(**GRID), 10**15, 10)


def test_many_equal_designs_are_one() -> None:
    """All alphas of each of three groups round to the same widths."""
    alphas = [alpha + place / 10**6 for alpha in (0.5, 0.75, 1.0) for place in range(300)]
    grid: dict[str, Any] = {"models": "mobilenet_v1", "alpha": alphas, "resolution": [96, 224]}
    summary = document(**grid, best=5)
    assert len({row["multiply_adds"] for row in summary["best"]}) == 5
    check(summary, cm.sweep(**grid), 10**15, 5)


@pytest.mark.parametrize("quantity", ["peak_memory", "size"])
def test_budgets_in_bytes_are_those_of_the_sweep(quantity: str) -> None:
    grid: dict[str, Any] = {"alpha": "0.25:1:0.25", "resolution": "96:224:32"}
    frame = cm.sweep("mobilenet_v2", dtype="int8", **grid)
    middle = int(frame[quantity].median())
    summary = cm.summarize("mobilenet_v2", most={quantity: f"{middle} bytes at int8"}, **grid)
    assert summary.within == (frame[quantity] <= middle).sum()


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20))
def test_a_bin_holds_its_numbers(counts: list[int]) -> None:
    for count, place in zip(counts, bins_of(numpy.array(counts)).tolist(), strict=True):
        low, after = bin_start(place), bin_start(place + 1)
        assert low <= count < after
        assert after - low <= max(1, low / 2048)


def test_the_bins_follow_each_other() -> None:
    starts = [bin_start(place) for place in range(9_000)]
    counts = numpy.arange(starts[-1])
    expected = Counter(bins_of(counts).tolist())
    assert all(expected[place] == starts[place + 1] - starts[place] for place in range(len(starts) - 1))


def test_a_sweep_that_was_killed_goes_on_to_the_same_answer_to_the_bit(tmp_path: Path) -> None:
    """The process is ended without warning as soon as there is a checkpoint."""
    state = tmp_path / "state.json"
    script = (
        "import costmodel.scaling.summary.run as r, costmodel.scaling.summary.plan as p, costmodel as cm, time;"
        "p.CHUNK = 40; r._EVERY = 0;"
        f"cm.summarize(**{GRID!r}, checkpoint={str(state)!r}, progress=lambda *n: time.sleep(0.02))"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    while process.poll() is None and not state.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "CHUNK", 40)
        whole = document(**GRID)
        done = json.loads(state.read_text())["chunks"]
        assert 0 < done < cm.summarize(**GRID).plan.chunk_count
        assert document(**GRID, checkpoint=str(state)) == whole
        assert document(**GRID, checkpoint=str(state)) == whole  # of a sweep that is done, nothing is counted again


def test_a_checkpoint_of_another_sweep_is_refused(tmp_path: Path) -> None:
    state = str(tmp_path / "state.json")
    cm.summarize("mobilenet_v2", alpha=[0.5, 1.0], checkpoint=state)
    with pytest.raises(CostModelError, match="is of another sweep"):
        cm.summarize("mobilenet_v2", alpha=[0.5, 0.75], checkpoint=state)
    with pytest.raises(CostModelError, match="is of another sweep"):
        cm.summarize("mobilenet_v2", alpha=[0.5, 1.0], most={"multiply_adds": "1M"}, checkpoint=state)
    Path(state).write_text("[]")
    with pytest.raises(CostModelError, match="is no checkpoint"):
        cm.summarize("mobilenet_v2", alpha=[0.5, 1.0], checkpoint=state)


@pytest.mark.slow
def test_two_processes_give_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = document(**GRID)
    assert document(**GRID, workers=2) == alone


@pytest.mark.slow
def test_a_worker_of_a_cluster_is_killed_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(planning, "CHUNK", 40)
    alone = document(**GRID)
    killed: list[int] = []
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):

        def kill_one(done: int, total: int) -> None:
            if not killed and total > done > total // 4:
                pid = next(iter(client.run(os.getpid).values()))
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

        assert document(**GRID, dask=cluster.scheduler_address, progress=kill_one) == alone
    assert killed


def test_the_command_answers_in_lines_and_in_json() -> None:
    words = ("sweep", "mobilenet_v2", "--alpha", "0.25:1:0.25", "--resolution", "96:224:32", "--summary", "--best", "2")
    text = run(*words, "--max", "multiply_adds=100M").out
    assert text.startswith("20 designs of mobilenet_v2\n14 of them have at most 100M multiply_adds.\n")
    answer = json.loads(run(*words, "--format", "json").out)
    assert (answer["designs"], answer["within"]["designs"], len(answer["best"])) == (20, 20, 2)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("mobilenet_v2", "--best", "3"), "--best is of a summary; add --summary"),
        (("mobilenet_v2", "--max", "multiply_adds=3M"), "--max is of a summary"),
        (("mobilenet_v2", "--summary", "-o", "grid.csv"), "keeps no row a design"),
        (("mobilenet_v2", "--summary", "--max", "activations=3M"), "a summary knows no activations"),
        (("mobilenet_v2", "--summary", "--max", "size=3MB"), "needs the type"),
        (("mobilenet_v2", "--summary", "--max", "flops=3M", "--max", "flops=4M"), "give each once"),
        (("--summary",), "name a model"),
    ],
)
def test_what_is_no_summary_ends_in_one_line(arguments: tuple[str, ...], rule: str) -> None:
    assert rule in refusal("sweep", *arguments)
