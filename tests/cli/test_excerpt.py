"""``--top``, ``--nonzero`` and ``-o``: a part of a table, and an answer in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli_runner import refusal, run

COMMANDS = [
    ("count", "mobilenet_v2"),
    ("memory", "lenet"),
    ("models",),
    ("conventions", "lenet"),
    ("compare", "mobilenet_v1", "mobilenet_v2"),
    ("receptive-field", "lenet"),
    ("training", "lenet"),
    ("roofline", "lenet", "--device", "t4"),
    ("sweep", "lenet", "--num-classes", "5,10,15"),
    ("layer", "separable", "--input", "8x8x8", "--out", "8", "--kernel", "3"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_first_rows_and_how_many_are_left(command: tuple[str, ...]) -> None:
    whole, part = (run(*command, *top).out.splitlines() for top in ((), ("--top", "2")))
    rule = next(number for number, line in enumerate(whole) if line.startswith("---"))
    rows = next(
        (number for number, line in enumerate(whole[rule + 1 :]) if line[:3] in ("---", "")), len(whole) - rule - 1
    )
    assert [line.split() for line in part[rule + 1 : rule + 3]] == [line.split() for line in whole[rule + 1 : rule + 3]]
    assert (f"{rows - 2} more rows are not shown." in part) is (rows > 2)
    assert "not shown" not in "".join(run(*command, "--top", "1000").out)


def test_the_most_expensive_with_the_total_of_all() -> None:
    lines = run("count", "mobilenet_v2", "--sort", "multiply_adds", "--top", "1").out.splitlines()
    names = [line.split()[0] for line in lines if line.startswith("features.")]
    assert names == ["features.2"]
    assert next(line for line in lines if line.startswith("total")).split()[1:3] == ["3,504,872", "300,774,272"]


def test_rows_that_cost_nothing_are_left_out() -> None:
    lines = run("count", "lenet", "--by", "layer", "--nonzero").out.splitlines()
    names = [line.split()[0] for line in lines if line.startswith(("features.", "classifier."))]
    convolutions = [f"features.conv{number}.conv" for number in (1, 2)]
    assert names == [*convolutions, "classifier.fc1.linear", "classifier.fc2.linear", "classifier.fc3"]
    assert "7 more rows are not shown." in run("count", "lenet", "--by", "layer", "--nonzero").out


def test_what_programs_read_stays_whole() -> None:
    for style in ("json", "csv"):
        whole = run("count", "lenet", "--format", style).out
        assert run("count", "lenet", "--format", style, "--top", "1").out == whole


@pytest.mark.parametrize(
    ("suffix", "style"), [("txt", "text"), ("json", "json"), ("csv", "csv"), ("md", "markdown"), ("tex", "latex")]
)
def test_an_answer_in_a_file(suffix: str, style: str, tmp_path: Path) -> None:
    file = tmp_path / f"answer.{suffix}"
    answer = run("memory", "lenet", "-o", str(file))
    assert answer.status == 0
    assert answer.out.endswith(f"; written to {file}\n")
    assert answer.out.count("\n") == 1
    assert file.read_text() == run("memory", "lenet", "--format", style).out


def test_a_format_that_is_not_the_suffix_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "answer.csv"
    assert "both say the format" in refusal("count", "lenet", "-o", str(file), "--format", "json")
    assert "names no format" in refusal("count", "lenet", "-o", str(tmp_path / "answer"))
    assert list(tmp_path.iterdir()) == []
    assert run("count", "lenet", "-o", str(tmp_path / "answer"), "--format", "json").status == 0
    assert json.loads((tmp_path / "answer").read_text())["multiply_adds"] == 2_327_720
