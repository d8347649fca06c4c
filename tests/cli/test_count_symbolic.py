"""``costmodel count MODULE:NAME --symbolic resolution``: a formula for somebody's own module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli_runner import refusal, run

# Modules need torch.
pytestmark = pytest.mark.slow

NETS = """\
from torch import nn

def student(width=16):
    features = [nn.Conv2d(3, width, 3, 2, 1), nn.ReLU(), nn.Conv2d(width, 32, 3, 2, 1)]
    return nn.Sequential(*features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))

def fixed():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 30 * 30, 10))
"""
SYMBOLIC = ("--symbolic", "resolution")


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"nets_{tmp_path.name}".replace("-", "_").replace("[", "_").replace("]", "_")
    (tmp_path / f"{name}.py").write_text(NETS)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_the_cost_is_a_polynomial_of_the_resolution(nets: str) -> None:
    answer = run("count", f"{nets}:student", "--input", "3x224x224", *SYMBOLIC)
    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    # At resolution 4 rho: 2 rho x 2 rho positions of 27 * 16, rho x rho of 9 * 16 * 32, and 32 * 10 once.
    assert lines[0] == f"multiply-adds = {4 * 27 * 16 + 9 * 16 * 32:,} rho^2 + 320"
    assert lines[2] == f"{nets}:student: resolution 4 rho"
    assert lines[4] == "Seen to be exact at resolutions 4 rho, from 4 on."
    assert lines[5].startswith("Read from captures at 7 resolutions, 224 to 248, and checked against ")
    assert lines[5].endswith(" more, among them 276 and 304.")


def test_its_choices_and_the_formats_reach_it(nets: str) -> None:
    asked = ("count", f"{nets}:student", "--input", "3x64x64", "--kwargs", "width=8", *SYMBOLIC, "--format")
    found = json.loads(run(*asked, "json").out)
    assert found["resolution"] == {"step": 4, "first_rho": 1, "last_rho": None}
    assert found["proven"] is False
    assert found["pieces"][0]["multiply_adds"] == [
        {"coefficient": 4 * 27 * 8 + 9 * 8 * 32, "alpha": 0, "rho": 2},
        {"coefficient": 320, "alpha": 0, "rho": 0},
    ]
    assert [layer["name"] for layer in found["pieces"][0]["layers"]] == ["0", "2", "5"]
    assert rf"{4 * 27 * 8 + 9 * 8 * 32:,}".replace(",", "{,}") + r" \rho^{2} + 320" in run(*asked, "latex").out
    assert run(*asked, "markdown").out.startswith("**multiply-adds = 3,168 rho^2 + 320**\n\nparameters = ")
    assert run(*asked, "csv").out.splitlines()[:2] == [
        "of,term,coefficient,layers,type,from",
        "multiply-adds,rho^2,3168,2,conv 3x3,0 to 2",
    ]


def test_formula_prints_the_function_of_a_module(nets: str) -> None:
    asked = ("formula", f"{nets}:student", "--input", "3x224x224", "--kwargs", "width=8", "--format", "python")
    scope: dict[str, Any] = {}
    exec(run(*asked).out, scope)
    assert scope[f"{nets}_student"](64) == (16 * 16 * (4 * 27 * 8 + 9 * 8 * 32) + 320, 27 * 8 + 8 + 9 * 8 * 32 + 362)
    assert "say the shape of one sample" in refusal("formula", f"{nets}:student")
    lines = run("formula", "mobilenet_v1", "--input", "1x224x224").out.splitlines()
    # One channel in place of three: 2 * 9 * 32 weights of the first convolution fewer, at 16 rho x 16 rho positions.
    assert lines[0] == f"multiply-adds = {11_010_048 + 576_000 - 2 * 9 * 32 * 16 * 16:,} rho^2 + 1,024,000"


def test_an_architecture_has_its_own_proven_form() -> None:
    lines = run("count", "mobilenet_v1", "--alpha", "0.5", *SYMBOLIC).out.splitlines()
    # 11,010,048 a^2 + 576,000 a, and 1,024,000 a, at a = 1/2
    assert lines[0] == "multiply-adds = 3,040,512 rho^2 + 512,000"
    assert lines[4] == "Exact at resolutions 32 rho, from 32 on."


def test_every_refusal_is_one_line(nets: str) -> None:
    asked = ("count", f"{nets}:fixed", "--input", "3x32x32")
    assert "has no closed form in the resolution: not every size is taken" in refusal(*asked, *SYMBOLIC)
    assert "say the shape of one sample" in refusal("count", f"{nets}:student", *SYMBOLIC)
    for option in (["--batch", "2"], ["--by", "layer"], ["--allow-uncounted"], ["--depth", "3"], ["--sort", "name"]):
        message = refusal(*asked, *SYMBOLIC, *option)
        assert message == (f"--symbolic resolution prints a formula, to which {option[0]} does not apply; drop one")
    assert "--resolution" in refusal("count", "mobilenet_v1", "--resolution", "64", *SYMBOLIC)
    assert "is of a square image" in refusal("count", "mobilenet_v1", "--input", "3x64x32", *SYMBOLIC)
