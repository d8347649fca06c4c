"""``costmodel compare``: stages side by side, at one resolution or one budget."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import costmodel as cm
from tests.cli_runner import refusal, run
from tests.zoo import next_larger


def test_text_is_a_row_a_stage_with_totals() -> None:
    answer = run("compare", "mobilenet_v1", "mobilenet_v2")
    lines = answer.out.splitlines()
    assert (answer.status, answer.err) == (0, "")
    assert lines[0] == "mobilenet_v1 568,740,352 against mobilenet_v2 300,774,272 multiply-adds"
    assert lines[1] == "Input 3x224x224; mobilenet_v1 alpha 1.0, mobilenet_v2 alpha 1.0"
    sizes = [line.split()[0] for line in lines[8:15]]
    assert sizes == ["112x112", "56x56", "28x28", "14x14", "7x7", "1x1", "vector"]
    assert lines[-1].split() == ["total", "568,740,352", "4,231,976", "300,774,272", "3,504,872"]


def test_at_one_budget_each_is_the_largest() -> None:
    answer = run("compare", "mobilenet_v1", "mobilenet_v2", "--budget", "multiply_adds=300M", "--resolution", "192")
    assert answer.out.splitlines()[1].startswith(
        "At most 300,000,000 multiply-adds each, input 3x192x192; mobilenet_v1 a"
    )
    found = json.loads(
        run("compare", "mobilenet_v1", "mobilenet_v2", "--budget", "multiply_adds=300M", "--format", "json").out
    )
    for model in found["models"]:
        network = cm.load(model["model"], alpha=model["alpha"])
        assert network.multiply_adds == model["multiply_adds"] <= 300_000_000
        assert next_larger(model["model"], model["alpha"]).multiply_adds > 300_000_000


def test_json_has_every_stage_of_every_model() -> None:
    found = json.loads(run("compare", "mobilenet_v1", "alexnet", "resnet18", "--format", "json").out)
    assert [model["model"] for model in found["models"]] == ["mobilenet_v1", "alexnet", "resnet18"]
    assert found["models"][1]["alpha"] is None
    for place, model in enumerate(found["models"]):
        parts = [stage["models"][place] for stage in found["stages"]]
        assert sum(part["multiply_adds"] for part in parts if part) == model["multiply_adds"]
        assert sum(part["parameters"] for part in parts if part) == model["parameters"]
    assert {len(stage["models"]) for stage in found["stages"]} == {3}
    assert next(stage for stage in found["stages"] if stage["output"] == [7, 7])["models"][1] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "a comparison needs two models"),
        (("mobilenet_v1",), "a comparison needs two models"),
        (("mobilenet_v1", "mobilenet_v4"), "no model is called 'mobilenet_v4'; did you mean mobilenet_v"),
        (("mobilenet_v1", "lenet"), "mobilenet_v1 reads 224x224 and lenet 32x32; give them one resolution"),
        (("mobilenet_v1", "resnet18", "--alpha", "0.5"), "resnet18 takes no alpha"),
        (("mobilenet_v1", "resnet18", "--budget", "flops=1G"), "resnet18 takes no alpha"),
        (("mobilenet_v1", "mobilenet_v2", "--budget", "flops=10"), "mobilenet_v1 has at least "),
        (
            ("mobilenet_v1", "mobilenet_v2", "--budget", "10"),
            "Invalid value for '--budget': no quantity is called '10'",
        ),
        (
            ("mobilenet_v1", "mobilenet_v2", "--budget", "flops=1G", "--alpha", "1"),
            "alpha=1.0 and a budget of flops both decide the widths; give one of them",
        ),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert refusal("compare", *arguments).startswith(message)


def test_bytes_are_compared_at_a_type() -> None:
    found = json.loads(run("compare", "mobilenet_v1", "mobilenet_v2", "--dtype", "int8", "--format", "json").out)
    assert (found["dtype"], found["policy"]) == ("int8", "fused")
    for place, model in enumerate(found["models"]):
        parts = [stage["models"][place] for stage in found["stages"] if stage["models"][place]]
        network = cm.load(model["model"])
        assert max(part["peak_memory"] for part in parts) == model["peak_memory"] == network.memory("int8").peak_bytes
        assert sum(part["size"] for part in parts) == model["size"] == network.parameters
    assert "peak_memory" not in run("compare", "mobilenet_v1", "mobilenet_v2", "--format", "json").out


def test_each_is_as_large_as_a_budget_of_memory_allows() -> None:
    budget = ("--budget", "peak_memory=1 MB at int8", "--format", "json")
    for model in json.loads(run("compare", "mobilenet_v1", "mobilenet_v2", *budget).out)["models"]:
        network = cm.load(model["model"], alpha=model["alpha"])
        assert network.memory("int8").peak_bytes == model["peak_memory"] <= 1_000_000
        larger = next_larger(model["model"], model["alpha"])
        assert larger.memory("int8").peak_bytes > 1_000_000


@pytest.mark.slow
def test_an_input_is_of_all_models_and_modules_of_ones_own_are_among_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "compared.py").write_text(
        "from torch import nn\n\n\ndef net():\n    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())\n"
    )
    monkeypatch.chdir(tmp_path)
    answer = run("compare", "compared:net", "resnet18", "--input", "3x32x48", "--format", "json")
    first, second = json.loads(answer.out)["models"]
    assert first["multiply_adds"] == 3 * 8 * 9 * 32 * 48
    assert second["multiply_adds"] == cm.load("resnet18", "3x32x48").multiply_adds
    refused = refusal("compare", "resnet18", "mobilenet_v1", "--input", "3x32x48", "--budget", "multiply_adds=1M")
    assert "are sought at a resolution; give that" in refused
