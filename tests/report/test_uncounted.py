"""A network with operations that nobody has decided on: no answer shows a total that looks complete."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from costmodel import CostModelError, Network, Node, apply, image
from costmodel.core import layers
from costmodel.report import plots
from costmodel.report.compare import CompareReport
from costmodel.report.conventions import ConventionsReport
from costmodel.report.costs import headline
from costmodel.report.count import CountReport
from costmodel.report.solve import SolveReport
from costmodel.report.sweep import SweepReport
from costmodel.reproduction.explain import explain
from costmodel.scaling.compare import Comparison
from costmodel.scaling.solve import solve
from costmodel.scaling.sweep import sweep

SAID = "aten.foo (2 x), aten.bar (1 x)"
RECORDS = [{"operator": "aten.foo", "times": 2}, {"operator": "aten.bar", "times": 1}]


def network(*unknown: str) -> Network:
    """A convolution of 3 * 9 * 4 multiply-adds at 6 x 6 positions, and operations that nobody has decided on."""
    x = apply(image(3, 8), "features.conv", layers.conv(4, 3))
    for place, name in enumerate(unknown):
        x = Node(f"tail.{place}", layers.Uncounted(name, x.shape), (x,), (x.shape,), x.shape)
    return Network(x, "net")


NETWORK = network("aten.foo", "aten.bar", "aten.foo")
WORK = 3 * 9 * 4 * 6 * 6


def test_the_headline_and_the_repr_say_at_least() -> None:
    told = f"at least {WORK:,} multiply-adds = 7.8 kFLOPs; 108 parameters, of which weights 108; not counted: {SAID}"
    assert headline(NETWORK) == told
    assert repr(NETWORK) == f"<net: {told}>"
    assert "at least" not in repr(network())


@pytest.mark.parametrize("by", ["layer", "block", "stage", "type"])
@pytest.mark.parametrize("style", ["text", "markdown", "latex", "html"])
def test_a_report_for_people_says_it_above_and_in_the_totals(style: str, by: str) -> None:
    told = getattr(CountReport(NETWORK, by=by), style)().replace(r"\_", "_")
    first, *_, last = (line for line in told.splitlines() if f"{WORK:,}" in line)
    assert f"at least {WORK:,}" in first
    assert f"not counted: {SAID}" in first
    assert "total, at least" in last
    assert SAID in last
    whole = getattr(CountReport(network(), by=by), style)()
    assert "at least" not in whole
    assert "counted" not in whole.replace("Counted:", "")


def test_notebooks_and_terminals_show_the_same() -> None:
    assert f"at least {WORK:,} multiply-adds" in NETWORK._repr_html_()
    assert f"\033[1mat least {WORK:,} multiply-adds" in CountReport(NETWORK).text(color=True)


def test_json_lists_the_operators_and_how_often_each_runs() -> None:
    for report in (CountReport(NETWORK), ConventionsReport(NETWORK)):
        assert json.loads(report.json())["not_counted"] == RECORDS
    for report in (CountReport(network()), ConventionsReport(network())):
        assert json.loads(report.json())["not_counted"] == []


def test_rows_for_programs_say_which_part_holds_them() -> None:
    rows = list(csv.DictReader(io.StringIO(CountReport(NETWORK).csv())))
    assert [(row["name"], row["not_counted"]) for row in rows] == [
        ("features.conv", ""), ("tail.0", "aten.foo (1 x)"), ("tail.1", "aten.bar (1 x)"), ("tail.2", "aten.foo (1 x)"),
    ]  # fmt: skip
    assert NETWORK.table(by="type")["not_counted"].to_list() == ["", "aten.foo (2 x)", "aten.bar (1 x)"]
    assert "not_counted" not in network().table().columns
    assert "not_counted" not in CountReport(network()).csv()


def test_no_tool_has_a_number_and_the_report_says_why() -> None:
    report = ConventionsReport(NETWORK)
    assert report.lines()[0].startswith(f"at least {WORK:,} multiply-adds")
    rows = {row[0]: row for row in report.table().rows}
    for name in ("paper", "fvcore", "thop", "torchinfo"):
        assert rows[name][3] == ""
        assert "no rule for uncounted: aten.foo" in str(rows[name][5])
    assert NETWORK.conventions().set_index("convention")["figure"].isna()["paper"]


def test_a_comparison_says_whose_number_is_not_all() -> None:
    report = CompareReport(Comparison((network(), NETWORK), ()))
    assert report.lines()[0] == f"net {WORK:,} against net at least {WORK:,} multiply-adds; not counted: {SAID}"
    assert report.table().total[0] == "total, at least"
    document = json.loads(report.json())
    assert [model["not_counted"] for model in document["models"]] == [[], RECORDS]


UNKNOWN_NET = '''
from costmodel import Network, Node, apply, image
from costmodel.core import layers

def net(alpha=1.0, resolution=8, unknown=True):
    """3 * 9 * width multiply-adds at each position; at 12 and over an operation more that nobody knows."""
    x = apply(image(3, resolution), "conv", layers.conv(int(4 * alpha) + 1, 3))
    for place in range(unknown and 1 + (resolution >= 12)):
        x = Node(f"tail.{place}", layers.Uncounted("aten.foo", x.shape), (x,), (x.shape,), x.shape)
    return Network(x, "net")
'''


@pytest.fixture
def unknown_net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A function of a user whose network holds what nobody has decided on."""
    (tmp_path / "unknown_net.py").write_text(UNKNOWN_NET)
    monkeypatch.syspath_prepend(tmp_path)
    return "unknown_net:net"


def test_a_sweep_says_what_each_design_lacks(unknown_net: str) -> None:
    report = SweepReport(sweep(unknown_net, alpha=[1, 2], resolution=[8, 12]))
    once, twice = "aten.foo (1 x)", "aten.foo (2 x)"
    assert report.frame["not_counted"].to_list() == [once, twice, once, twice]
    work = (27 * 5 * 6 * 6, 27 * 9 * 10 * 10)
    assert report.lines()[0] == (
        f"4 designs of unknown_net:net: at least {work[0]:,} to {work[1]:,} multiply-adds;"
        f" not counted: {once} or {twice}"
    )
    assert [row["not_counted"] for row in json.loads(report.json())] == [once, twice, once, twice]
    assert once in report.csv()
    drawn = plots.contour(report.frame)
    assert "Not counted: aten.foo" in " ".join(text.get_text().replace("\n", " ") for text in drawn.texts)
    mixed = sweep(unknown_net, alpha=1, resolution=[8, 12], unknown=[False, True])
    assert mixed["not_counted"].to_list() == ["", "", once, twice]
    assert "not_counted" not in sweep(unknown_net, unknown=False).columns


def test_a_solution_says_that_its_costs_are_the_least(unknown_net: str) -> None:
    def solved(most: int, unknown: bool = True) -> SolveReport:
        return SolveReport(solve(unknown_net, {"multiply_adds": most}, {"resolution": 8, "unknown": unknown}))

    for report, kept in ((solved(10_000), "designs"), (solved(10), "smallest")):
        assert "every number is the least that it can be; not counted: aten.foo (1 x)" in report.lines()[0]
        assert report.table().columns[-1] == "not_counted"
        assert {row[-1] for row in report.table().rows} == {"aten.foo (1 x)"}
        (found,) = json.loads(report.json())[kept]
        assert found["not_counted"] == [{"operator": "aten.foo", "times": 1}]
    for report in (solved(10_000, False), solved(10, False)):
        assert "not counted" not in report.text()
        assert "not_counted" not in report.json()


def test_no_claim_is_explained_by_a_number_that_is_not_all() -> None:
    with pytest.raises(CostModelError, match=r"tail\.0: paper: no rule for uncounted: aten\.foo"):
        explain(NETWORK, "1M")
