"""Functions of the user's own, named MODULE:FUNCTION: built, swept and solved like the known ones, or refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import costmodel as cm
from costmodel import CostModelError
from tests.cli_runner import refusal, run

NETS = """
import costmodel as cm
from costmodel.core.layers import conv


def tiny(alpha: float = 1, resolution=32, depth=2, bias=False, kernel=None):
    x = cm.image(3, resolution)
    for index in range(depth):
        x = cm.apply(x, f"layer{index}", conv(int(16 * alpha), kernel=kernel or 3, padding=1, bias=bias))
    return cm.Network(x, "tiny")


def number():
    return 3


def division(by=0):
    return 1 / by


def leaving():
    raise SystemExit(0)


def shrinking(alpha=1.0, resolution=32):
    return tiny(4 / alpha + 1, resolution)


value = 3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = tmp_path / "mypackage"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "nets.py").write_text(NETS)
    (package / "broken.py").write_text("1 / 0")
    (package / "needy.py").write_text("import surely_not_installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "mypackage"]:
        del sys.modules[name]


def test_it_counts_like_any_other() -> None:
    network = cm.load("mypackage.nets:tiny", alpha=0.5)
    assert network.multiply_adds == 32 * 32 * 9 * (3 * 8 + 8 * 8)
    assert run("count", "mypackage.nets:tiny", "--alpha", "0.5").out.startswith("811,008 multiply-adds")


def test_any_argument_is_an_axis_of_its_own_kind() -> None:
    frame = cm.sweep("mypackage.nets:tiny", depth="1,2", bias="true,false", alpha="0.5,1", kernel="3")
    assert list(frame.columns[2:7]) == ["alpha", "resolution", "depth", "bias", "kernel"]
    assert set(frame["model"]) == {"mypackage.nets:tiny"}
    expected = [
        (32 * 32 * 27 * width + (depth - 1) * 32 * 32 * 9 * width**2,
         27 * width + (depth - 1) * 9 * width**2 + bias * depth * width)
        for depth in (1, 2) for bias in (True, False) for width in (8, 16)
    ]  # fmt: skip
    assert list(zip(frame["multiply_adds"], frame["parameters"], strict=True)) == expected


def test_it_is_solved_by_its_operations() -> None:
    (design,) = cm.solve("mypackage.nets:tiny", {"multiply_adds": 811_008}, at={"resolution": 32}).designs
    assert (design.alpha_from, design.alpha_below, design.multiply_adds) == (0.5, 9 / 16, 811_008)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mypackage.nets:number", "mypackage.nets:number returned an int; let it return a costmodel.Network"),
        ("mypackage.nets:division", "mypackage.nets:division raised ZeroDivisionError: division by zero"),
        ("mypackage.nets:leaving", "mypackage.nets:leaving raised SystemExit: 0"),
        ("mypackage.nets:tny", "nets.py) has no function 'tny'; did you mean tiny?"),
        (
            "mypackage.nets:value",
            "mypackage.nets:value is an int; name a costmodel.Network, a torch.nn.Module, or a function of one",
        ),
        ("mypackage.net:tiny", "no model and no module is called 'mypackage.net'; `costmodel models` lists the models"),
        ("mobilnet_v2:keras", "no model and no module is called 'mobilnet_v2'; did you mean mobilenet_v2?"),
        ("mypackage.broken:tiny", "mypackage.broken cannot be imported, it raised ZeroDivisionError"),
        ("mypackage.needy:tiny", "mypackage.needy needs surely_not_installed, which is not installed"),
        ("my package:tiny", "no model is called 'my package:tiny'; write NAME, NAME:VARIANT or MODULE:FUNCTION"),
        ("..:tiny", "no model is called '..:tiny'"),
        ("sys:no_such", "sys (built in) has no function 'no_such'"),
    ],
)
def test_what_is_no_network_is_one_line(name: str, message: str) -> None:
    assert message in refusal("count", name)


def test_an_error_of_the_network_has_its_place() -> None:
    assert refusal("count", "mypackage.nets:tiny", "--alpha", "0.01") == (
        "mypackage.nets:tiny: out_channels=0 must be a whole number of at least 1"
    )
    assert "takes no groups (groups=3 given); it takes alpha, resolution, depth, bias" in refusal(
        "sweep", "mypackage.nets:tiny", "--groups", "3"
    )


def test_a_cost_that_falls_is_not_solved() -> None:
    with pytest.raises(CostModelError, match=r"has fewer multiply_adds at alpha .* so sweep it"):
        cm.solve("mypackage.nets:shrinking", {"multiply_adds": "1M"}, at={"resolution": 32})
