"""``costmodel solve``: designs best first, a proof where none fits, every refusal."""

from __future__ import annotations

import csv
import io
import json

import pytest

import costmodel as cm
from tests.cli_runner import refusal, run

# Each searches for seconds.
pytestmark = pytest.mark.slow

BUDGETS = ("mobilenet_v2", "--max", "multiply_adds=100M", "--max", "parameters=3M")


def test_the_answer_comes_first_and_says_what_was_tried() -> None:
    answer = run("solve", *BUDGETS)
    lines = answer.out.splitlines()
    assert (answer.status, answer.err) == (0, "")
    assert lines[0] == (
        "8 designs of mobilenet_v2 with at most 100,000,000 multiply-adds and at most 3,000,000 parameters,"
        " the most multiply-adds first"
    )
    assert lines[1] == "Resolutions tried (none is given): 96, 128, 160, 192, 224, 256, 288, 320."
    assert len(lines) == 5 + 8
    verbose = run("solve", *BUDGETS, "--verbose").out.splitlines()
    assert verbose[2] == "Every alpha from alpha_from up to, not including, alpha_below builds the same network."
    assert verbose[4].split()[:4] == ["resolution", "alpha", "alpha_from", "alpha_below"]
    given = run("solve", *BUDGETS, "--at", "resolution=160").out.splitlines()
    assert given[1] == "Resolutions tried: 160."
    assert given[0].startswith("1 design of mobilenet_v2")


def test_the_alpha_to_use_is_the_shortest_decimal_that_builds_it() -> None:
    for design in json.loads(run("solve", *BUDGETS, "--format", "json").out)["designs"]:
        digits = len(repr(design["alpha"]).partition(".")[2])
        shorter = [number / 10 ** (digits - 1) for number in range(10 ** (digits + 1))]
        assert not [alpha for alpha in shorter if design["alpha_from"] <= alpha < design["alpha_below"]]
        assert digits <= 3


def test_json_is_the_contract() -> None:
    found = json.loads(run("solve", *BUDGETS, "--at", "resolution=160,224", "--format", "json").out)
    assert found["model"] == "mobilenet_v2"
    assert found["budgets"] == {"multiply_adds": 100_000_000, "parameters": 3_000_000}
    assert [design["resolution"] for design in found["designs"]] == [224, 160]
    for design in found["designs"]:
        network = cm.mobilenet_v2(alpha=design["alpha"], resolution=design["resolution"])
        assert (network.multiply_adds, network.parameters) == (design["multiply_adds"], design["parameters"])
        assert network.multiply_adds <= 100_000_000
        assert design["alpha_from"] <= design["alpha"] < design["alpha_below"]
        assert {breach["breaks"] for breach in design["next"]} == {"multiply_adds", "parameters"}
        for breach in design["next"]:
            larger = cm.mobilenet_v2(alpha=breach["alpha"], resolution=design["resolution"])
            assert getattr(larger, breach["breaks"]) == breach[breach["breaks"]]
            assert breach[breach["breaks"]] - breach["over"] == found["budgets"][breach["breaks"]]


def test_accuracy_is_that_of_published_designs_and_says_so() -> None:
    answer = run("solve", *BUDGETS, "--maximize", "accuracy")
    assert "Published designs alone: the accuracy of others is not known, and is not guessed." in answer.out
    assert "top1: percent on ImageNet, as measured by tensorflow/models@" in answer.out
    designs = json.loads(run("solve", *BUDGETS, "--maximize", "accuracy", "--format", "json").out)["designs"]
    assert (designs[0]["alpha"], designs[0]["resolution"], designs[0]["top1"]) == (0.5, 224, 65.4)


def test_where_nothing_fits_the_least_is_said_and_the_status_is_1() -> None:
    answer = run("solve", "mobilenet_v2", "--max", "multiply_adds=1M", "--at", "resolution=96,128")
    least = cm.mobilenet_v2(alpha=0.01, resolution=96).multiply_adds
    assert (answer.status, answer.err) == (1, "")
    assert answer.out.splitlines()[0] == (
        f"No mobilenet_v2 has at most 1,000,000 multiply-adds: the smallest there is has {least:,} multiply-adds"
    )
    answer = run("solve", "mobilenet_v2", "--max", "multiply_adds=1M", "--at", "resolution=96", "--format", "json")
    found = json.loads(answer.out)
    assert (answer.status, found["designs"]) == (1, [])
    assert found["smallest"] == [{"resolution": 96, "multiply_adds": least}]


def test_where_no_published_design_fits_that_is_what_is_said() -> None:
    answer = run("solve", "mobilenet_v1", "--max", "multiply_adds=13M", "--maximize", "accuracy")
    assert answer.status == 1
    assert answer.out.startswith(
        "No mobilenet_v1 has at most 13,000,000 multiply-adds: some networks have, but none who"
    )


def test_the_smallest_network_begins_above_0_and_the_largest_has_no_end() -> None:
    rows = run("solve", "mobilenet_v2", "--max", "multiply_adds=5.32M", "--at", "resolution=96").out.splitlines()
    assert rows[-1].split()[:2] == ["96", "0.01"]
    rows = run("solve", "mobilenet_v2", "--max", "multiply_adds=5.32M", "--at", "resolution=96", "--verbose").out
    assert rows.splitlines()[-1].split()[:4] == ["96", "0.01", "above", "0"]
    found = run(
        "solve", "mobilenet_v1", "--max", "parameters=1T", "--at", "resolution=32", "--format", "csv", "--verbose"
    ).out
    (row,) = csv.DictReader(io.StringIO(found))
    assert row["alpha_below"] == ""


def test_markdown_is_a_table() -> None:
    rows = [line for line in run("solve", *BUDGETS, "--format", "markdown").out.splitlines() if line.startswith("|")]
    assert rows[0].startswith("| resolution | alpha | multiply-adds | parameters | top1 |")
    assert len(rows) == 2 + 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mobilenet_v2",), "Missing option '--max'."),
        (("mobilnet_v2", "--max", "flops=1G"), "no model is called 'mobilnet_v2'; did you mean mobilenet_v2?"),
        (("mobilenet_v2", "--max", "flops"), "Invalid value for '--max': flops has no number; write flops=100M"),
        (("mobilenet_v2", "--max", "100M"), "Invalid value for '--max': no quantity is called '100M'; write QUA"),
        (("mobilenet_v2", "--max", "flops=0.5"), "Invalid value for '--max': '0.5' is not a whole count"),
        (("mobilenet_v2", "--max", "flops=10x"), "Invalid value for '--max': '10x' has the unit 'x'"),
        (("mobilenet_v2", "--max", "flop=1G"), "Invalid value for '--max': no quantity is called 'flop'; did you"),
        (("mobilenet_v2", "--max", "flops=1", "--max", "flops=2"), "--max names flops, flops; give each name once"),
        (("mobilenet_v2", "--max", "flops=1", "--at", "160"), "Invalid value for '--at': '160' fixes nothing"),
        (("mobilenet_v2", "--max", "flops=1", "--at", "size=1"), "mobilenet_v2 takes no size (size=1 given); it takes"),
        (("mobilenet_v2", "--max", "flops=1", "--at", "resolution=0"), "input: size=0 must be a whole number"),
        (("mobilenet_v2", "--max", "flops=1", "--maximize", "size"), "Invalid value for '--maximize': 'size' is"),
        (("resnet50", "--max", "flops=1G"), "resnet50 takes no alpha, which is what is solved for"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert refusal("solve", *arguments).startswith(message)


def test_a_budget_beyond_every_network_is_a_budget() -> None:
    found = json.loads(
        run("solve", "mobilenet_v1", "--max", "multiply_adds=1e99", "--at", "resolution=32", "--format", "json").out
    )
    (design,) = found["designs"]
    assert found["budgets"] == {"multiply_adds": 10**99}
    assert design["alpha"] == 100  # the widest there is
