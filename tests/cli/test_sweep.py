"""``costmodel sweep``: every format and file, nothing half written, every refusal."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pandas
import pytest

import costmodel as cm
from tests.cli_runner import refusal, run

GRID = ("mobilenet_v1", "--alpha", "0.25:1:0.25", "--resolution", "128,224")
DESIGNS = [(alpha, resolution) for alpha in (0.25, 0.5, 0.75, 1.0) for resolution in (128, 224)]
COSTS = [cm.mobilenet_v1(alpha=alpha, resolution=resolution).multiply_adds for alpha, resolution in DESIGNS]


def test_text_has_the_answer_the_convention_the_source_and_a_row_a_design() -> None:
    answer = run("sweep", *GRID)
    lines = answer.out.splitlines()
    assert (answer.status, answer.err) == (0, "")
    assert lines[0] == f"8 designs of mobilenet_v1: {COSTS[0]:,} to {COSTS[-1]:,} multiply-adds"
    assert lines[1].startswith("Counted: multiply-adds of convolutions, linear layers and matrix products")
    assert lines[2].startswith(
        "top1: percent on ImageNet, where a source measured that very network: tensorflow/models@"
    )
    assert lines[3].startswith(
        "Milliseconds an image, where a source measured that very network: i9_10940x_ms on Intel"
    )
    titles = ["model", "alpha", "resolution", "multiply-adds", "parameters", "top1", "i9_10940x_ms", "rtx_4090_ms"]
    assert lines[5].split() == titles
    assert lines[7].split() == ["mobilenet_v1", "0.25", "128", f"{COSTS[0]:,}", "470,072", "41.5"]
    assert len(lines) == 7 + 8


def test_csv_and_json_are_exact() -> None:
    rows = list(csv.DictReader(io.StringIO(run("sweep", *GRID, "--format", "csv").out)))
    assert [int(row["multiply_adds"]) for row in rows] == COSTS
    assert list(rows[0]) == [
        "model", "variant", "alpha", "resolution", "multiply_adds", "parameters", "top1", "top1_source", "i9_10940x_ms",
        "rtx_4090_ms", "ms_source"
    ]  # fmt: skip
    records = json.loads(run("sweep", *GRID, "--num-classes", "10", "--format", "json").out)
    assert [(record["alpha"], record["resolution"]) for record in records] == DESIGNS
    assert {(record["num_classes"], record["top1"], record["top1_source"]) for record in records} == {(10, None, "")}
    assert list(records[0])[2:6] == ["alpha", "resolution", "num_classes", "multiply_adds"]


def test_markdown_and_latex_are_tables() -> None:
    rows = [line for line in run("sweep", *GRID, "--format", "markdown").out.splitlines() if line.startswith("|")]
    assert rows[0] == "| model | alpha | resolution | multiply-adds | parameters | top1 | i9_10940x_ms | rtx_4090_ms |"
    assert len(rows) == 2 + 8
    assert r"\begin{tabular}{lrrrrrrr}" in run("sweep", *GRID, "--format", "latex").out


def test_any_argument_of_a_model_is_an_axis() -> None:
    answer = run("sweep", "shufflenet_v1", "--groups", "1,8", "--variant=,scaled-stem", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert [(row["variant"], row["groups"]) for row in rows] == [
        ("", "1"), ("", "8"), ("scaled-stem", "1"), ("scaled-stem", "8")
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".csv", ".json", ".md", ".CSV"])
def test_the_suffix_says_what_a_file_holds(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"grid{suffix}"
    path.write_text("old")
    answer = run("sweep", *GRID, "-o", str(path))
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.endswith(f"multiply-adds; written to {path}\n")
    style = {".md": "markdown"}.get(suffix, suffix[1:].lower())
    assert path.read_text() == run("sweep", *GRID, "--format", style).out
    assert os.listdir(tmp_path) == [path.name]


def test_a_parquet_file_holds_the_frame(tmp_path: Path) -> None:
    path = tmp_path / "grid.parquet"
    assert run("sweep", *GRID, "-o", str(path)).status == 0
    expected = cm.sweep("mobilenet_v1", alpha="0.25:1:0.25", resolution="128,224")
    pandas.testing.assert_frame_equal(pandas.read_parquet(path), expected)


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("costmodel.report.sweep.find_spec", lambda name: None if name == "pyarrow" else find(name))
    assert refusal("sweep", *GRID, "-o", "grid.parquet") == (
        "a .parquet file needs pyarrow, which is not installed; run: pip install pyarrow"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a model to sweep, as in costmodel sweep mobilenet_v2"),
        (("mobilenet_v3",), "no model is called 'mobilenet_v3'; did you mean mobilenet_v"),
        (("mobilenet_v1", "--aplha", "0.5"), "mobilenet_v1 takes no aplha (aplha=0.5 given); did you mean alpha?"),
        (("mobilenet_v1", "--groups"), "Option '--groups' requires values, as in --groups 1,2,3."),
        (("mobilenet_v1", "--groups="), "mobilenet_v1 takes no groups"),
        (("shufflenet_v1", "--groups", "1", "--groups", "2"), "Option '--groups' is given twice; separate its values"),
        (("mobilenet_v1", "-x", "1"), "No such option '-x'."),
        (("mobilenet_v1", "--=1"), "No such option '--'."),
        (("mobilenet_v1", "--alpha", "1:0.5:0.1"), "alpha='1:0.5:0.1' is reversed; write 0.5:1:0.1"),
        (("mobilenet_v1", "--alpha", ""), "alpha has an empty value"),
        (
            ("mobilenet_v1", "--alpha", "0.000001:1:0.000001", "--resolution", "1:1000000:1"),
            "the grid has 1,000,000,000,000 points, the most is 10,000,000; use a larger step",
        ),
        (("mobilenet_v1", "--resolution", "1:1000000000000:1"), "resolution='1:1000000000000:1' has 1,000,"),
        (("mobilenet_v1", "-o", "grid.xlsx"), "'grid.xlsx' has no suffix that is known; end it in .csv, .parquet"),
        (("mobilenet_v1", "-o", "grid"), "'grid' has no suffix that is known"),
        (("mobilenet_v1", "-o", "no/such/folder/grid.csv"), "cannot write no/such/folder/grid.csv"),
        (("mobilenet_v1", "-o", "grid.csv", "--format", "json"), "--format=json is for the screen"),
        (("mobilenet_v1", "--resolution", "32:10100:1"), "10,069 rows are too many for a table (the most is 10,000)"),
        (("mobilenet_v1:plain", "--variant", "biased"), "mobilenet_v1:plain names its variant already"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert refusal("sweep", *arguments).startswith(message)


def test_a_file_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "grid.csv"
    folder.mkdir()
    (folder / "inside").write_text("kept")
    assert refusal("sweep", *GRID, "-o", str(folder)).startswith(f"cannot write {folder}: is a directory")
    assert os.listdir(tmp_path) == ["grid.csv"]
    assert (folder / "inside").read_text() == "kept"


def test_a_refused_sweep_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "grid.csv"
    assert "would overflow" in refusal("sweep", "resnet18", "--resolution", "224,2000000000", "-o", str(path))
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_the_bar_is_for_a_terminal_and_for_long_sweeps() -> None:
    environment = {**os.environ, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)

    def errors(patience: float) -> bytes:
        script = (
            f"import costmodel.cli.progress as shown; shown.PATIENCE_SECONDS = {patience}\n"
            "from costmodel.cli import main; main(['sweep', 'resnet18', '--resolution', '64:96:8', '--format', 'csv'])"
        )
        leader, follower = pty.openpty()
        command = [sys.executable, "-c", script]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=follower, env=environment) as process:
            os.close(follower)
            assert process.stdout is not None
            assert process.stdout.read().startswith(b"model,variant,")
            assert process.wait() == 0
        try:
            return os.read(leader, 65536)
        except OSError:  # the other end is closed, and nothing was written
            return b""
        finally:
            os.close(leader)

    assert b"counting" in errors(patience=0.0)
    assert errors(patience=60.0) == b""


MEASURED = ("mobilenet_v1", "mobilenet_v2", "--alpha", "0.5,1.0", "--resolution", "160,224")


@pytest.mark.parametrize("kind", ["accuracy", "parameters", "contour"])
def test_plot_draws_and_says_where_it_is(kind: str, tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    models = MEASURED[1:] if kind == "contour" else MEASURED
    answer = run("sweep", *models, "--plot", str(plot), "--plot-kind", kind)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.endswith(f"multiply-adds; written to {plot}\n")
    assert plot.read_text().startswith("<?xml")


def test_a_grid_and_its_picture_are_written_at_once(tmp_path: Path) -> None:
    grid, plot = tmp_path / "grid.csv", tmp_path / "plot.png"
    answer = run("sweep", *MEASURED, "-o", str(grid), "--plot", str(plot))
    assert answer.out.endswith(f"written to {grid} and {plot}\n")
    assert len(grid.read_text().splitlines()) == 1 + 8
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_a_refused_picture_leaves_no_file(tmp_path: Path) -> None:
    grid, plot = tmp_path / "grid.csv", tmp_path / "plot.png"
    unmeasured = ("mobilenet_v2", "--alpha", "0.6", "--resolution", "100", "-o", str(grid), "--plot", str(plot))
    assert "none of the 1 designs has a measured accuracy" in refusal("sweep", *unmeasured)
    assert "end its name in .png, .svg or .pdf" in refusal("sweep", *MEASURED, "--plot", str(tmp_path / "a.gif"))
    assert refusal("sweep", *MEASURED, "--plot-kind", "contour") == (
        "--plot-kind=contour says what --plot draws; add --plot FILE.png"
    )
    assert os.listdir(tmp_path) == []


def test_models_without_a_published_accuracy_are_told(tmp_path: Path) -> None:
    answer = run("sweep", "mobilenet_v1", "vgg16", "resnet18", "--plot", str(tmp_path / "a.svg"))
    assert answer.err == "No accuracy is published for resnet18, vgg16: marked on the axis of cost.\n"
    assert run("sweep", "mobilenet_v1", "--plot", str(tmp_path / "b.svg")).err == ""
