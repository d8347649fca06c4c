"""The page of sliders: its arithmetic in an engine of its own, and the whole page in Chromium where there is one."""

from __future__ import annotations

import json
import random
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import quickjs

import costmodel as cm
from costmodel.models.registry import names, resolve
from costmodel.report.explore.page import drawable, page
from costmodel.scaling.tables import tables
from tests.cli_runner import refusal, run
from tests.report.browser import driven, in_chromium

NAMES = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "shufflenet_v2", "squeezenet1_0", "resnet18", "lenet")


@pytest.fixture(scope="module")
def text() -> str:
    return page([tables(name) for name in NAMES])


def data_of(text: str) -> dict[str, Any]:
    found = json.loads(re.findall(r'<script id="data" type="application/json">(.*?)</script>', text)[0])
    assert isinstance(found, dict)
    return found


def network_at(name: str, network: dict[str, Any], alpha: int, resolution: int, classes: int) -> cm.Network:
    choices: dict[str, Any] = {"resolution": network["resolutions"][resolution]}
    if network["alphas"]:
        choices["alpha"] = network["alphas"][alpha]
    if network["has_classes"]:
        choices["num_classes"] = classes
    return cm.load(name, **choices)


def drawn(data: dict[str, Any], count: int) -> list[tuple[str, int, int, int]]:
    chance = random.Random(18)
    places = []
    for _ in range(count):
        name = chance.choice(NAMES)
        network = data["networks"][name]
        alpha = chance.randrange(max(len(network["alphas"]), 1))
        resolution = chance.randrange(len(network["resolutions"]))
        places.append((name, alpha, resolution, chance.choice((1, 10, 1000, chance.randrange(1, 20_000)))))
    return places


def test_the_arithmetic_of_the_page_is_exact_at_500_drawn_settings(text: str) -> None:
    data = data_of(text)
    engine = quickjs.Context()
    engine.eval((files("costmodel.report.explore") / "costs.js").read_text())
    engine.eval(f"const data = {json.dumps(data)}")
    for name, alpha, resolution, classes in drawn(data, 500):
        call = f"networkCost(data.networks[{name!r}], {alpha}, {resolution}, {classes})"
        cost = json.loads(engine.eval(f"JSON.stringify({call})"))
        network = network_at(name, data["networks"][name], alpha, resolution, classes)
        assert cost["multiplyAdds"] == sum(cost["stages"]) == network.multiply_adds
        assert cost["parameters"] == network.parameters
        assert cost["peakMemory"] == network.memory().peak_bytes


def test_the_layer_of_the_page_is_the_one_that_the_command_counts() -> None:
    chance, engine = random.Random(18), quickjs.Context()
    engine.eval((files("costmodel.report.explore") / "costs.js").read_text())
    for _ in range(60):
        groups = chance.choice((1, 1, 2, 4))
        kernel, size, stride = chance.randrange(1, 8), chance.randrange(8, 100), chance.randrange(1, 4)
        inner, outer = groups * chance.randrange(1, 40), groups * chance.randrange(1, 40)
        given = {"kernel": kernel, "input": inner, "output": outer, "size": size, "stride": stride, "groups": groups}
        cost = json.loads(engine.eval(f"JSON.stringify(layerCost({json.dumps(given)}))"))
        shape, options = (
            f"{inner}x{size}x{size}",
            ("--kernel", str(kernel), "--stride", str(stride), "--padding", "same"),
        )
        kind = ("grouped", "--groups", str(groups)) if groups > 1 else ("conv",)
        command = ("layer", kind[0], "--input", shape, "--out", str(outer), *kind[1:], *options, "--format", "json")
        counted = json.loads(run(*command).out)
        assert (cost["multiplyAdds"], cost["weights"]) == (counted["multiply_adds"], counted["weights"])
        command = ("layer", "separable", "--input", shape, "--out", str(outer), *options, "--format", "json")
        separable = json.loads(run(*command).out)
        assert cost["separable"] == separable["multiply_adds"]
        assert cost["ratio"] == pytest.approx(1 / outer + 1 / kernel**2, rel=1e-12)
    assert "error" in json.loads(
        engine.eval("JSON.stringify(layerCost({kernel:3,input:5,output:4,groups:2,size:8,stride:1}))")
    )


def test_the_page_needs_nothing_else_and_is_small(text: str) -> None:
    assert len(text.encode()) < 1_500_000
    outside = set(re.findall(r"https?://[\w./-]+", re.sub(r'<script id="data".*?</script>', "", text)))
    assert outside == {"http://www.w3.org/2000/svg"}  # a name, which no browser asks for
    assert not re.search(r'<(?:script|img|iframe|link)[^>]+(?:src|href)="(?!data:,)', text)
    labels = set(re.findall(r'for="([\w-]+)"', text)) | set(re.findall(r'<label>[^<]*<\w+ id="([\w-]+)"', text))
    controls = set(re.findall(r'<(?:select|input) id="([\w-]+)"', text))
    assert controls <= labels


#: Sets the controls as a reader would, and writes down what the page shows.
DRIVER = """
const shown = (id) => document.getElementById(id).textContent;
for (const [name, alpha, resolution, classes] of PLACES) {
  const list = document.getElementById("network");
  list.value = name;
  list.dispatchEvent(new Event("change"));
  for (const [id, value] of [["alpha", alpha], ["resolution", resolution], ["classes", classes]]) {
    const control = document.getElementById(id);
    control.value = value;
    control.dispatchEvent(new Event("input"));
  }
  const texts = ["multiply-adds", "parameters", "peak-memory", "command", "python"].map(shown);
  results.push([...texts, location.hash]);
}
"""


@pytest.mark.slow
@in_chromium
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_in_chromium_shows_the_figures_of_python(text: str, width: int, tmp_path: Path) -> None:
    data = data_of(text)
    places = drawn(data, 500)
    results = driven(text, DRIVER.replace("PLACES", json.dumps(places)), width, tmp_path)
    assert len(results) == 500
    for (name, alpha, resolution, classes), row in zip(places, results, strict=True):
        own = data["networks"][name]
        network = network_at(name, own, alpha, resolution, classes)
        expected = [network.multiply_adds, network.parameters, network.memory().peak_bytes]
        assert row[:3] == [f"{number:,}" for number in expected]
    for row in results[:5]:  # the command and the Python that stand there say the same
        printed = json.loads(run(*row[3].split()[1:], "--format", "json").out)
        assert f"{printed['multiply_adds']:,}" == row[0]
        assert f"{eval(row[4], {'costmodel': cm}):,}" == row[0]
        assert row[5].startswith("#network=")


def test_the_command_writes_the_page_or_says_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costmodel.cli.explore.drawable", lambda: ["mobilenet_v1", "lenet"])
    answer = run("explore", "-o", str(tmp_path / "page.html"))
    assert (answer.status, answer.err) == (0, "")
    assert list(data_of((tmp_path / "page.html").read_text())["networks"]) == ["mobilenet_v1", "lenet"]
    assert "end it in .html" in refusal("explore", "-o", str(tmp_path / "page.pdf"))
    assert "cannot write" in refusal("explore", "-o", str(tmp_path / "none" / "page.html"))


def test_every_architecture_that_reads_images_is_offered() -> None:
    reads_images = {name for name in names() if "resolution" in resolve(name)[0].choices}
    assert reads_images == {*drawable()}
    assert len(drawable()) == 80
