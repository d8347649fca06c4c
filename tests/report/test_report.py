"""What people read: units, frames, and pages for a notebook."""

from __future__ import annotations

import html.parser
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costmodel as cm
from costmodel import Network, apply, image
from costmodel.core.layers import RELU
from costmodel.report.count import CountReport
from costmodel.report.units import percent, si


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.0 k"),
        (1049, "1.0 k"),
        (1050, "1.1 k"),
        (999_949, "999.9 k"),
        (999_950, "1.0 M"),
        (300_774_272, "300.8 M"),
        (4_111_514_624, "4.1 G"),
        (10**30, "1.0 Q"),
        (123_456 * 10**30, "123,456.0 Q"),
    ],
)
def test_decimal_prefixes(value: int, text: str) -> None:
    assert si(value) == text


@given(st.integers(1000, 10**33))
def test_a_rounded_figure_is_within_half_a_tenth(value: int) -> None:
    number, unit = si(value).split()
    scale = 1000 ** (" kMGTPEZYRQ".index(unit))
    assert abs(Fraction(number.replace(",", "")) * scale - value) <= Fraction(scale, 20)
    assert 1 <= Fraction(number.replace(",", "")) < 1000 or unit == "Q"


def test_percent_has_two_decimals() -> None:
    assert percent(1 / 3) == "33.33 %"


def test_the_table_is_a_frame_of_exact_integers() -> None:
    frame = cm.mobilenet_v1().table()
    assert list(frame.columns) == ["name", "type", "input", "output", "parameters", "multiply_adds", "share"]
    assert frame.multiply_adds.sum() == 568_740_352
    assert frame.parameters.sum() == 4_231_976
    assert frame.multiply_adds.dtype == "int64"
    assert frame.iloc[0].to_list()[:4] == ["features.0.conv", "conv 3x3", "3x224x224", "32x112x112"]
    assert cm.mobilenet_v1().table(by="block", batch=3).multiply_adds.sum() == 3 * 568_740_352
    assert list(cm.mobilenet_v1().table(by="type").columns)[:2] == ["type", "layers"]


class Cells(html.parser.HTMLParser):
    """Collects the text of every cell, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data: str) -> None:
        if self.rows and data.strip():
            self.rows[-1].append(data)


def test_a_notebook_shows_the_answer_and_the_table() -> None:
    page = cm.mobilenet_v2()._repr_html_()
    assert "<strong>300,774,272 multiply-adds = 601.5 MFLOPs" in page
    cells = Cells()
    cells.feed(page)
    assert cells.rows[0] == ["name", "input", "output", "parameters", "multiply-adds", "share"]
    assert cells.rows[-1] == ["total", "3,504,872", "300,774,272", "100.00 %"]
    assert len(cells.rows) == 1 + 23 + 1


def test_names_cannot_break_out_of_a_page_or_a_table() -> None:
    net = Network(apply(image(3, 8), "<script>alert(1)</script>|&_%", RELU), "<b>net</b>")
    cells = Cells()
    cells.feed(CountReport(net).html())
    assert cells.tags == {"p", "strong", "br", "table", "thead", "tbody", "tfoot", "tr", "th", "td"}
    assert r"\|" in CountReport(net).markdown()
    assert r"\|&" not in CountReport(net).latex()
    assert r"\&\_\%" in CountReport(net).latex()


def test_a_network_without_multiply_adds_has_no_shares() -> None:
    net = Network(apply(image(3, 8), "relu", RELU))
    assert "0 multiply-adds = 0 FLOPs; 0 parameters" in CountReport(net).text(color=False)
    assert net.table().share.to_list() == [0.0]
