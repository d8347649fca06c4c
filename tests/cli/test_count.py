"""``costmodel count``: the answer, the contract of its JSON, every format, every refusal."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from tests.cli_runner import refusal, run


def test_the_answer_comes_first() -> None:
    answer = run("count", "mobilenet_v1", "--alpha", "0.75", "--resolution", "192")
    lines = answer.out.splitlines()
    assert answer.status == 0
    assert answer.err == ""
    assert lines[0] == ("239,273,472 multiply-adds = 478.5 MFLOPs; 2,585,560 parameters, of which weights 2,568,144")
    assert lines[1] == "mobilenet_v1: alpha 0.75, input 3x192x192, batch 1, 1000 classes"
    assert lines[2] == "Source: arXiv:1704.04861 Table 1"
    assert "multiply-adds of convolutions, linear layers and matrix products" in lines[3]
    assert "no bias, norm, activation, pooling" in lines[3]
    assert re.fullmatch(r"total +2,585,560 +239,273,472 +100.00 %", lines[-1])
    assert "\x1b" not in answer.out  # this is no terminal


@pytest.mark.slow
def test_json_is_the_contract() -> None:
    from reference_models import build as build_module
    from reference_models.oracles import fvcore_multiply_adds, numel
    from reference_models.oracles import image as sample

    arguments = ("--alpha", "0.5", "--resolution", "160", "--num-classes", "10", "--format", "json")
    found = json.loads(run("count", "mobilenet_v2", *arguments).out)
    layers = found.pop("layers")
    rows = found.pop("rows")
    module = build_module("mobilenet_v2", alpha=0.5, num_classes=10)
    macs = fvcore_multiply_adds(module, sample((3, 160, 160)))
    assert found == {
        "model": "mobilenet_v2",
        "alpha": 0.5,
        "input": [3, 160, 160],
        "batch": 1,
        "multiply_adds": macs,
        "flops": 2 * macs,
        "activations": sum(layer["activations"] for layer in layers),
        "parameters": numel(module),
        "trainable_parameters": numel(module),
        "frozen_parameters": 0,
        "buffers": sum(b.numel() for name, b in module.named_buffers() if "num_batches" not in name),
        "weights": sum(p.numel() for p in module.parameters() if p.dim() > 1),
        "choices": {"alpha": 0.5, "resolution": 160, "num_classes": 10, "in_channels": 3},
        "by": "block",
        "not_counted": [],
    }
    assert sum(layer["multiply_adds"] for layer in layers) == sum(row["multiply_adds"] for row in rows) == macs
    assert sum(layer["parameters"] for layer in layers) == numel(module)
    assert layers[0] == {
        "name": "features.0.conv",
        "type": "conv",
        "input": [3, 160, 160],
        "output": [16, 80, 80],
        "parameters": 432,
        "trainable_parameters": 432,
        "frozen_parameters": 0,
        "buffers": 0,
        "multiply_adds": 432 * 80 * 80,
        "activations": 16 * 80 * 80,
        "inputs": ["input"],
    }
    add = next(layer for layer in layers if layer["type"] == "add")
    assert add["inputs"] == ["features.2.project.norm", "features.3.project.norm"]


def test_json_has_integers_of_any_size() -> None:
    huge = json.loads(run("count", "mobilenet_v1", "--batch", str(10**18), "--format", "json").out)
    assert huge["multiply_adds"] == 568_740_352 * 10**18
    assert sum(layer["multiply_adds"] for layer in huge["layers"]) == huge["multiply_adds"]
    assert huge["parameters"] == 4_231_976


def table(*arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run("count", "mobilenet_v1", "--format", "csv", *arguments).out)))


def test_csv_has_exact_rows_for_each_grouping() -> None:
    sizes = {"layer": 84, "block": 17, "stage": 6, "type": 8}
    for by, rows in sizes.items():
        found = table("--by", by)
        assert len(found) == rows
        assert sum(int(row["multiply_adds"]) for row in found) == 568_740_352
        assert sum(int(row["parameters"]) for row in found) == 4_231_976
        assert abs(sum(float(row["share_percent"]) for row in found) - 100) < 1e-2


def test_depth_cuts_the_names() -> None:
    assert [row["name"] for row in table("--depth", "1")] == ["features", "pool", "flatten", "classifier"]


@pytest.mark.parametrize("column", ["multiply_adds", "multiply-adds", "parameters", "share", "output"])
def test_sort_puts_the_largest_first(column: str) -> None:
    found = table("--sort", column)
    if column == "output":
        sizes = [eval(row["output"].replace("x", "*")) for row in found]
    else:
        sizes = [float(row[{"share": "share_percent"}.get(column, column.replace("-", "_"))]) for row in found]
    assert sizes == sorted(sizes, reverse=True)
    assert len(found) == 17


def test_sort_by_name_follows_the_alphabet_and_json_follows_too() -> None:
    names = [row["name"] for row in table("--sort", "name")]
    assert names[:4] == ["classifier", "features.0", "features.1", "features.2"]
    assert names[-4:] == ["features.12", "features.13", "flatten", "pool"]
    ordered = run("count", "mobilenet_v1", "--by", "layer", "--sort", "multiply_adds", "--format", "json")
    macs = [layer["multiply_adds"] for layer in json.loads(ordered.out)["layers"]]
    assert macs == sorted(macs, reverse=True)
    rows = json.loads(run("count", "mobilenet_v1", "--sort", "parameters", "--format", "json").out)["rows"]
    assert rows[0]["name"] == "features.13"


def test_markdown_is_a_pipe_table() -> None:
    lines = run("count", "mobilenet_v1", "--format", "markdown").out.splitlines()
    assert lines[0].startswith("**568,740,352 multiply-adds")
    rows = [line for line in lines if line.startswith("|")]
    assert rows[0] == "| name | input | output | parameters | multiply-adds | share |"
    assert rows[1] == "| :--- | :--- | :--- | ---: | ---: | ---: |"
    assert rows[-1] == "| total |  |  | 4,231,976 | 568,740,352 | 100.00 % |"
    assert {row.count("|") for row in rows} == {7}


def test_latex_is_a_booktabs_table() -> None:
    found = run("count", "mobilenet_v1", "--by", "type", "--format", "latex").out
    body = [line for line in found.splitlines() if not line.startswith("%")]
    assert body[0] == r"\begin{tabular}{lrrrr}"
    assert body[-1] == r"\end{tabular}"
    assert r"conv 1x1 & 13 & 3,139,584 & 539,492,352 & 94.86 \% \\" in body
    assert sum(line.endswith(r"\\") for line in body) == 1 + 8 + 1


@pytest.mark.slow
def test_input_gives_channels_height_and_width() -> None:
    from reference_models import build as build_module
    from reference_models.oracles import fvcore_multiply_adds
    from reference_models.oracles import image as sample

    found = json.loads(run("count", "mobilenet_v1", "--input", "1x96x160", "--format", "json").out)
    assert found["input"] == [1, 96, 160]
    module = build_module("mobilenet_v1", in_channels=1)
    assert found["multiply_adds"] == fvcore_multiply_adds(module, sample((1, 96, 160)))


def test_the_subject_has_every_choice_in_full_and_the_variants_own_source() -> None:
    lines = run("count", "mobilenet_v2:keras", "--alpha", "0.12345678912", "--input", "1x64x96").out.splitlines()
    assert lines[1] == "mobilenet_v2:keras: alpha 0.12345678912, input 1x64x96, batch 1, 1000 classes"
    assert lines[2].endswith("(document 002, Keras)")


@pytest.mark.slow
def test_a_variant_follows_a_colon() -> None:
    from reference_models import build as build_module
    from reference_models.oracles import numel

    found = json.loads(run("count", "mobilenet_v2:scaled-head", "--alpha", "0.5", "--format", "json").out)
    assert found["model"] == "mobilenet_v2:scaled-head"
    assert found["parameters"] == numel(build_module("mobilenet_v2:scaled-head", alpha=0.5))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing argument 'MODEL'."),
        (
            ("mobilnet_v1",),
            "no model is called 'mobilnet_v1'; did you mean mobilenet_v1? `costmodel models` lists them all",
        ),
        (
            ("mobilenet_v2:scaled_head",),
            "mobilenet_v2 has no variant 'scaled_head'; did you mean scaled-head? variants: mobilenet_v2:scaled-head,"
            " mobilenet_v2:biased, mobilenet_v2:keras",
        ),
        (
            ("resnet50", "--alpha", "0.5"),
            "resnet50 takes no alpha (alpha=0.5 given); it takes resolution, num_classes, in_channels",
        ),
        (
            ("mobilenet_v1", "--input", "3x224"),
            "the input 3x224 has 1 spatial sizes, an image has 2; write CxHxW, as in 3x224x224",
        ),
        (
            ("mobilenet_v1", "--input", "3x224x"),
            "Invalid value for '--input': '3x224x' is not a shape; write channels and sizes with x between them,"
            " as in 3x224x224",
        ),
        (
            ("mobilenet_v1", "--input", "3x9x9", "--resolution", "9"),
            "--resolution=9 and --input=3x9x9 both say the size; give one of them",
        ),
        (("mobilenet_v1", "--alpha", "0"), "alpha=0.0 must be above 0 and at most 100; 1.0 is the full width"),
        (("mobilenet_v1", "--alpha", "nan"), "alpha=nan must be above 0 and at most 100; 1.0 is the full width"),
        (("mobilenet_v1", "--alpha", "-1"), "alpha=-1.0 must be above 0 and at most 100; 1.0 is the full width"),
        (("mobilenet_v1", "--alpha", "101"), "alpha=101.0 must be above 0 and at most 100; 1.0 is the full width"),
        (("mobilenet_v1", "--alpha", "big"), "Invalid value for '--alpha': 'big' is not a valid float."),
        (
            ("mobilenet_v1", "--resolution", "0"),
            "Invalid value for '--resolution': size=0 must be a whole number of at least 1",
        ),
        (
            ("mobilenet_v1", "--batch", "-1"),
            "Invalid value for '--batch': '-1' is not a whole number of at least 1 and at most 19 digits",
        ),
        (
            ("mobilenet_v1", "--by", "row"),
            "Invalid value for '--by': 'row' is not one of 'layer', 'block', 'stage', 'type'.",
        ),
        (
            ("mobilenet_v1", "--by", "type", "--depth", "1"),
            "--depth=1 says how much of a name makes a block; use it with --by block or stage",
        ),
        (
            ("mobilenet_v1", "--sort", "price"),
            "cannot sort by 'price'; the columns are name, input, output, parameters, multiply_adds, share",
        ),
        (("mobilenet_v1", "\x1b[31mred"), "Got unexpected extra argument (\\x1b[31mred)"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert refusal("count", *arguments) == message


def test_columns_are_those_that_are_asked_for_in_their_order() -> None:
    asked = ("--columns", "output,read-bytes,written_bytes,weights_bytes,intensity", "--dtype", "int8")
    rows = list(csv.reader(io.StringIO(run("count", "mobilenet_v1", "--by", "layer", *asked, "--format", "csv").out)))
    assert rows[0] == ["name", "output", "read_bytes", "written_bytes", "weights_bytes", "flops_per_byte"]
    # A depthwise convolution 3x3 of 32 channels at 112x112: 9 multiply-adds for each value that it reads and writes.
    values, weights = 32 * 112 * 112, 9 * 32
    depthwise = ["features.1.depthwise.conv", "32x112x112", str(values), str(values), str(weights)]
    assert rows[4] == [*depthwise, f"{2 * 9 * values / (2 * values + weights):.2f}"]
    lines = run("count", "mobilenet_v1", *asked).out.splitlines()
    assert lines[4].startswith("Bytes are at int8: each tensor goes through memory once")
    only = run("count", "mobilenet_v1", "--by", "type", "--columns", "layers", "--sort", "read_bytes").out
    assert "Bytes" not in only
    assert re.search(r"^batch norm +27\n(.*\n)*conv 1x1 +13\n(.*\n)*linear +1$", only, flags=re.MULTILINE)


def test_bytes_of_parts_add_up_and_a_batch_reads_the_weights_once() -> None:
    def found(by: str, batch: int) -> dict[str, list[float]]:
        asked = ("--columns", "read_bytes,written_bytes,weights_bytes,intensity", "--by", by, "--batch", str(batch))
        document = json.loads(run("count", "resnet18", *asked, "--format", "json").out)
        assert document["dtype"] == "float32"
        assert all(row["intensity"] <= 2 * document["multiply_adds"] for row in document["rows"])
        return {name: [row[name] for row in document["rows"]] for name in asked[1].split(",")}

    layers, types, eight = found("layer", 1), found("type", 1), found("stage", 8)
    for name in ("read_bytes", "written_bytes", "weights_bytes"):
        assert sum(layers[name]) == sum(types[name])
        assert sum(eight[name]) == sum(layers[name]) * (1 if name == "weights_bytes" else 8)
    # Not rounded to the two digits of the table.
    assert any(value != round(value, 2) for value in layers["intensity"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--columns", "read_byte"),
            "no column is called 'read_byte'; did you mean read_bytes? there are input, output,",
        ),
        (("--columns", ""), "no column is called ''; there are input, output,"),
        (("--columns", "share,share"), "the column share is asked for twice; name it once"),
        (("--dtype", "int8"), "--dtype=int8 is of columns in bytes; ask for them, as in --columns read_bytes"),
        (("--columns", "share", "--dtype", "int8"), "--dtype=int8 is of columns in bytes;"),
        (("--columns", "read_bytes", "--dtype", "int9"), "no type is called 'int9'; did you mean int8?"),
    ],
)
def test_a_column_that_there_is_not_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert message in refusal("count", "lenet", *arguments)
