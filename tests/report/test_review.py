"""The page about a model: its figures without a script, and its table with one."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

import costmodel as cm
from costmodel import Network
from costmodel.core.layers import Uncounted
from costmodel.report.review.page import page
from tests.cli_runner import refusal, run
from tests.report.browser import driven, in_chromium


class Rows(HTMLParser):
    """The rows of the tables of operations, as a browser without JavaScript shows them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[tuple[str, list[str]]] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append((dict(attrs).get("class") or "", []))
        elif tag == "td":
            self.rows[-1][1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][1][-1] += data


def test_without_a_script_the_page_has_every_operation_with_its_figures() -> None:
    network = cm.mobilenet_v2(alpha=0.5, resolution=160)
    rows = Rows(page([network])).rows
    layers = [cells for kind, cells in rows if kind == "layer"]
    assert [cells[0] for cells in layers] == [entry.name for entry in network.ledger]
    for cells, entry in zip(layers, network.ledger, strict=True):
        assert cells[1:4] == [entry.label, str(entry.input), str(entry.output)]
        assert cells[4:6] == [f"{entry.params.parameters:,}", f"{entry.ops.mac:,}"]
    modules = [cells for kind, cells in rows if kind == "module"]
    assert sum(int(cells[5].replace(",", "")) for cells in modules) == network.multiply_adds
    assert sum(int(cells[4].replace(",", "")) for cells in modules) == network.parameters


def test_the_numbers_on_top_and_along_the_depth_are_those_of_the_network() -> None:
    network = cm.mobilenet_v1()
    text = unescape(page([network]))
    for number in (network.multiply_adds, network.parameters, network.memory().peak_bytes, network.under("fvcore")):
        assert f"{number:,}" in text
    costly = max(network.nodes, key=lambda node: node.macs)
    assert f"<title>{costly.name}: {costly.macs:,} multiply-adds</title>" in text
    assert "<title>features.13.pointwise.activation: 315 pixels of the input</title>" in text
    assert "From there on none: " in text


def test_two_models_stand_side_by_side_with_what_changed() -> None:
    text = unescape(page([cm.mobilenet_v1(alpha=0.5), cm.mobilenet_v1()]))
    assert "What changed" in text
    more = cm.mobilenet_v1().multiply_adds - cm.mobilenet_v1(0.5).multiply_adds
    assert f"+{more / 1e6:.1f} M" in text
    assert text.count('<table class="layers">') == 2


def test_what_is_not_counted_is_said_on_top() -> None:
    x = cm.apply(cm.image(3, 8), "odd", Uncounted("aten.odd", cm.Shape(3, (8, 8))))
    text = page([Network(x, "own")])
    assert "Not counted: aten.odd (1 x); the true cost is higher." in text
    assert "at least 0" in text


def test_names_are_texts_and_no_tags() -> None:
    x = cm.apply(cm.image(3, 8), "a<script>alert(1)</script>", cm.core.layers.RELU)
    text = page([Network(x, "own <b>")])
    assert "<script>alert" not in text
    assert "own <b>" not in text


DRIVER = """
const table = document.querySelector("table.layers");
const visible = () => [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[0].textContent);
results.push(visible().length);
table.tHead.rows[0].cells[5].querySelector("button").click();
results.push(visible()[0]);
const filter = document.querySelector(".tools input");
filter.value = "depthwise.conv";
filter.dispatchEvent(new Event("input"));
results.push(visible().length);
document.querySelector(".tools button").click();
results.push(visible().length);
table.querySelector("tr.module button").click();
results.push(visible().length);
"""


@pytest.mark.slow
@in_chromium
@pytest.mark.parametrize("width", [1280, 400])
def test_the_table_sorts_filters_and_folds(width: int, tmp_path: Path) -> None:
    network = cm.mobilenet_v1()
    every, first, filtered, again, folded = driven(page([network]), DRIVER, width, tmp_path)
    blocks = network.ledger.by("block")
    assert every == again == len(network.ledger) + len(blocks)
    most = max(entry.ops.mac for entry in network.ledger)
    assert first in {entry.name for entry in network.ledger if entry.ops.mac == most}
    assert filtered == sum("depthwise.conv" in entry.name for entry in network.ledger)
    assert folded == every - len(next(iter(blocks.values())))


def test_the_command_writes_the_page_or_says_why_not(tmp_path: Path) -> None:
    path = str(tmp_path / "report.html")
    answer = run("report", "mobilenet_v1", "mobilenet_v2", "--resolution", "160", "-o", path)
    assert (answer.status, answer.err) == (0, "")
    assert re.search(r"<h1>mobilenet_v1 and mobilenet_v2</h1>", Path(path).read_text())
    assert "a report is of one model or of two, 3 given" in refusal("report", "lenet", "lenet", "lenet", "-o", path)
    assert "end it in .html" in refusal("report", "lenet", "-o", str(tmp_path / "report.txt"))
