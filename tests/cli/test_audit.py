"""``costmodel audit``: totals first, a row a number, the same in every format."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from functools import cache

import pytest

from costmodel.reproduction.audit import audit as search
from tests.cli_runner import Answer, refusal, run

# Each searches for seconds, and finds the same.
pytestmark = pytest.mark.slow


search_once = cache(search)


@cache
def audit(style: str) -> Answer:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("costmodel.cli.audit.audit", search_once)
        return run("audit", "--format", style)


def test_the_totals_come_first_and_add_up() -> None:
    answer = audit("markdown")
    first, second, third, by_rule = (line for line in answer.out.splitlines()[:7] if line)
    assert (answer.status, answer.err) == (0, "")
    found = json.loads(audit("json").out)
    verdicts = Counter(finding["verdict"] for finding in found["findings"])
    assert found["totals"] == verdicts
    explained = ("exact", "rounded", "truncated", "other scope", "other variant")
    reproduced = sum(verdicts[verdict] for verdict in explained)
    figures = verdicts.total() - verdicts["no figure"]
    by_verdict = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in explained)
    assert first == f"**{reproduced} of {figures} published numbers are reproduced: {by_verdict}**"
    assert second == (
        f"Not reproduced: {verdicts['unexplained']} that no rule explains, {verdicts['not built']} of networks that"
        " costmodel does not build."
    )
    assert third.startswith("Of 405 rows 294 print a cost: ")
    counts = [int(part.split()[-1]) for part in by_rule.removeprefix("By rule: ").removesuffix(".").split("; ")]
    assert sum(counts) == reproduced
    assert counts == sorted(counts, reverse=True)


def test_a_row_says_what_was_printed_what_is_exact_and_why() -> None:
    rows = list(csv.DictReader(io.StringIO(audit("csv").out)))
    (row,) = (
        row
        for row in rows
        if row["row"] == "MobileNetV1: float, alpha 0.75, at 192" and row["quantity"] == "multiply-adds"
    )
    assert (row["printed"], row["exact"], row["verdict"]) == ("233 M", "233301504", "other scope")
    assert row["reason"] == "without the stem, rounded: 233,301,504 = 239,273,472 - 5,971,968"
    assert row["source"].startswith("tensorflow/models@")


def test_a_row_without_a_figure_is_no_figure() -> None:
    found = json.loads(audit("json").out)["findings"]
    memory = [finding for finding in found if finding["table"] == "mobilenet_v2_memory"]
    assert len(memory) == 14
    assert {(finding["verdict"], finding["exact"]) for finding in memory} == {("no figure", None)}


@cache
def chosen(*arguments: str) -> Answer:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("costmodel.cli.audit.audit", search_once)
        return run("audit", *arguments)


def test_all_of_it_fits_a_page_and_a_choice_is_a_row_a_number() -> None:
    page = chosen().out.splitlines()
    assert len(page) < 60
    full = list(csv.DictReader(io.StringIO(audit("csv").out)))
    for option, column in (("--source", "source"), ("--verdict", "verdict"), ("--model", "row")):
        value = {"source": "1704.04861", "verdict": "unexplained", "row": "mobilenetv2"}[column]
        some = list(csv.DictReader(io.StringIO(chosen(option, value, "--format", "csv").out)))
        assert some == [row for row in full if value in row[column].casefold()]
        assert 0 < len(some) < len(full)
    with_filter = chosen("--source", "1409.1556").out
    assert "VGG" in with_filter
    assert "Every number" not in with_filter


def test_a_choice_of_nothing_is_an_error() -> None:
    assert refusal("audit", "--model", "nothing").startswith("no published number has model 'nothing'; leave one out")


def test_bad_input_is_one_line() -> None:
    assert refusal("audit", "--format", "xml").startswith("Invalid value for '--format': 'xml' is not one of")
    assert refusal("audit", "mobilenet_v2").startswith("Got unexpected extra argument (mobilenet_v2)")
