"""``costmodel conventions`` and ``costmodel count --convention``."""

from __future__ import annotations

import csv
import io
import json

import pytest

import costmodel as cm
from costmodel.conventions import CONVENTIONS
from tests.cli_runner import refusal, run

FVCORE = "fvcore 314,193,216 = paper 300,774,272 + batch norm 13,356,224 + adaptive pooling 62,720"


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_every_figure_stands_beside_what_it_is_made_of() -> None:
    out = run("conventions", "mobilenet_v2").out
    assert FVCORE.replace("fvcore ", "fvcore multiply-adds ") in squeezed(out)
    assert "flop_counter_mode FLOPs 601,548,544 = 2 x paper 300,774,272" in squeezed(out)
    assert "weights parameters 3,469,760 = trainable 3,504,872 - gamma and beta 34,112 - bias 1,000" in squeezed(out)
    assert out.splitlines()[0].endswith(
        "other counters say 300,774,272 to 328,830,720, or 601,548,544 to 632,297,600 FLOPs"
    )


def test_bugs_are_named_where_they_change_a_figure_and_not_elsewhere() -> None:
    out = run("conventions", "mobilenet_v2").out
    assert "+ pooling again (bug) 62,720" in out
    assert "Bug of ptflops: what it knows both as a module and as a function counts twice" in out
    assert "Bug of fvcore" not in out
    assert "Bug of" not in run("count", "mobilenet_v2", "--convention", "fvcore").out


def test_json_is_exact_and_adds_up() -> None:
    document = json.loads(run("conventions", "resnet18", "--resolution", "64", "--batch", "3", "--format", "json").out)
    assert [found["name"] for found in document["conventions"]] == list(CONVENTIONS)
    for found in document["conventions"]:
        assert found["factor"] * found["base_figure"] + sum(found["items"].values()) == found["figure"]
        expected = cm.resnet18(resolution=64).under(found["name"])
        assert found["figure"] == (expected if found["quantity"] == "parameters" else 3 * expected)


def test_csv_is_a_row_a_convention() -> None:
    rows = list(csv.DictReader(io.StringIO(run("conventions", "mobilenet_v2", "--format", "csv").out)))
    assert {row["convention"]: int(row["figure"]) for row in rows} == {
        name: cm.mobilenet_v2().under(name) for name in CONVENTIONS
    }


def test_markdown_has_the_table_and_the_bugs() -> None:
    out = run("conventions", "mobilenet_v2", "--format", "markdown").out
    assert "| fvcore | 0.1.5.post20221221 | multiply-adds | 314,193,216 | 13,418,944 |" in out
    assert "\n\nBug of ptflops: " in out


def test_without_a_model_it_says_what_each_counts_and_where_that_is_written() -> None:
    assert "fvcore/nn/jit_handles.py" in run("conventions").out
    document = json.loads(run("conventions", "--format", "json").out)
    held = {found["name"] for found in document["conventions"] if found["held"]}
    assert {"fvcore", "flop_counter_mode", "ptflops", "ptflops_aten", "thop", "torchinfo", "torchprofile"} == held
    assert "7 of them checked against the tool itself" in run("conventions", "--format", "markdown").out


def test_count_answers_with_the_figure_of_a_convention_and_its_shares() -> None:
    out = run("count", "mobilenet_v2", "--convention", "fvcore", "--by", "type").out
    assert out.splitlines()[0] == FVCORE
    assert "batch norm 52 34,112 0 13,356,224 4.25 %" in squeezed(out)
    assert "total 3,504,872 300,774,272 314,193,216 100.00 %" in squeezed(out)


@pytest.mark.parametrize("by", ["layer", "block", "stage", "type"])
def test_count_s_column_adds_up_to_the_figure(by: str) -> None:
    arguments = ("count", "mobilenet_v2", "--convention", "thop", "--by", by, "--batch", "2", "--sort", "thop")
    rows = list(csv.DictReader(io.StringIO(run(*arguments, "--format", "csv").out)))
    figures = [int(row["thop"]) for row in rows]
    assert sum(figures) == 2 * cm.mobilenet_v2().under("thop")
    assert figures == sorted(figures, reverse=True)


def test_count_s_json_has_the_convention_beside_what_it_had() -> None:
    plain = json.loads(run("count", "mobilenet_v2", "--by", "layer", "--format", "json").out)
    said = json.loads(
        run("count", "mobilenet_v2", "--by", "layer", "--format", "json", "--convention", "torchinfo").out
    )
    found = said.pop("convention")
    assert (found["name"], found["version"], found["figure"]) == ("torchinfo", "1.8.0", 300_809_384)
    assert said == plain


@pytest.mark.slow
def test_a_module_of_yours_is_captured_and_seen_as_the_tools_see_it() -> None:
    """Keras's stem is a subclass of a convolution: ptflops and thop, which ask for the type, do not see it."""
    model = ("reference_models.mobilenet_v2:mobilenet_v2", "--input", "3x64x64", "--kwargs", "variant=keras")
    document = json.loads(run("conventions", *model, "--format", "json").out)
    said = {found["name"]: found for found in document["conventions"]}
    stem = 32 * 32 * 32 * 27
    assert said["thop"]["items"]["what it does not see"] == said["ptflops"]["items"]["what it does not see"] == -stem
    assert said["paper"]["figure"] == cm.load("mobilenet_v2:keras", resolution=64).multiply_adds


def test_what_cannot_be_answered_is_refused_in_a_line() -> None:
    assert "no convention is called 'fv-core'; did you mean fvcore? there are paper," in refusal(
        "count", "mobilenet_v2", "--convention", "fv-core"
    )
    assert refusal("conventions", "mobilnet_v2").startswith("no model is called 'mobilnet_v2'; did you mean")
    assert "name a model to count" in refusal("conventions", "--batch", "2")
    assert "both say the size" in refusal("conventions", "vgg16", "--resolution", "64", "--input", "3x32x32")
    plot = ("--convention", "fvcore", "--plot", "cost.png")
    assert "--plot draws multiply-adds, not what fvcore counts" in refusal("count", "mobilenet_v2", *plot)
