"""``costmodel receptive-field``: the answer, its rows, and where there is none."""

from __future__ import annotations

import csv
import io
import json

from costmodel import Network, apply, image
from costmodel.core.layers import GlobalAveragePool
from tests.cli_runner import refusal, run


def test_the_answer_stands_first_and_unchanged_rows_are_left_out() -> None:
    out = run("receptive-field", "resnet50").out.splitlines()
    assert out[0] == "427 positions of the input at layer4.2.activation, stride 32, padding 213"
    shown = [line.split()[0] for line in out[6:-4]]
    assert shown[:3] == ["stem.conv1.conv", "stem.pool", "layer1.0.conv2.conv"]
    assert out[-2] == "None from pool on: pool sees every position."


def test_json_has_a_row_an_operation_and_null_where_there_is_a_reason() -> None:
    document = json.loads(run("receptive-field", "mobilenet_v1", "--format", "json").out)
    rows = {row["name"]: row for row in document["rows"]}
    assert document["model"] == "mobilenet_v1"
    assert document["input"] == [3, 224, 224]
    assert rows["features.1.depthwise.conv"] == {
        "name": "features.1.depthwise.conv",
        "type": "depthwise_conv",
        "output": [32, 112, 112],
        "receptive_field": 7,
        "effective_stride": 2,
        "effective_padding": 3,
        "reason": "",
    }
    assert rows["classifier"]["receptive_field"] is None
    assert rows["classifier"]["reason"] == "pool sees every position"


def test_axes_that_differ_are_a_list_in_json_and_joined_in_text() -> None:
    given = ("receptive-field", "mobilenet_v2:keras", "--input", "3x200x225")
    rows = json.loads(run(*given, "--format", "json").out)["rows"]
    assert rows[0]["name"] == "features.0.conv"
    assert rows[0]["effective_padding"] == [0, 1]
    assert "0x1" in run(*given).out


def test_csv_has_every_operation() -> None:
    rows = list(csv.DictReader(io.StringIO(run("receptive-field", "mobilenet_v3_small", "--format", "csv").out)))
    assert len(rows) == len(json.loads(run("count", "mobilenet_v3_small", "--format", "json").out)["layers"])
    assert {row["reason"] for row in rows[-3:]} == {"features.1.squeeze_excite.pool sees every position"}
    assert {row["receptive_field"] for row in rows[-3:]} == {""}


def pooled_at_once() -> Network:
    return Network(apply(image(3, 8), "pool", GlobalAveragePool()))


def test_a_network_without_any_says_why() -> None:
    out = run("receptive-field", f"{__name__}:pooled_at_once").out
    assert out.splitlines()[0] == "No receptive field: pool sees every position"


def test_a_misspelled_model_is_one_line() -> None:
    assert "did you mean resnet50?" in refusal("receptive-field", "resnet-5O")
