"""``costmodel explain``: the answer first, itemized; the chance; every refusal."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.cli_runner import refusal, run

V1 = ("mobilenet_v1", "--alpha", "0.75", "--resolution", "192")


def test_the_answer_comes_first_and_is_itemized() -> None:
    answer = run("explain", *V1, "--claim", "233M", "--source", "paper")
    lines = answer.out.splitlines()
    assert (answer.status, answer.err) == (0, "")
    assert lines[0] == (
        "233M is the multiply-adds of mobilenet_v1, without the stem, rounded: 233,301,504 = 239,273,472 - 5,971,968"
    )
    assert lines[1:3] == ["  239,273,472  multiply-adds", "   -5,971,968  without the stem (features.0.conv)"]
    assert " ways to count it were tried, " in lines[3]
    assert "between 117,000,000 and 466,000,000, printed with as many digits, would agree with 0." in lines[3]
    assert lines[8].split() == ["without", "the", "stem", "233,301,504", "rounded", "98.03", "%", "yes"]
    assert all(line.endswith("not sure") for line in lines[9:])


def test_without_a_rule_that_is_the_answer_and_the_status_is_1() -> None:
    answer = run("explain", "mobilenet_v1", "--claim", "575M")
    assert (answer.status, answer.err) == (1, "")
    assert answer.out.splitlines()[0] == "No rule fits 575M: mobilenet_v1 has 568,740,352 multiply-adds, 1.09 % less"
    assert json.loads(run("explain", "mobilenet_v1", "--claim", "575M", "--format", "json").out)["explained"] is False


def test_json_is_the_contract() -> None:
    answer = run("explain", "mobilenet_v2", "--claim", "314.19M", "--format", "json")
    found = json.loads(answer.out)
    assert answer.status == 0
    assert (found["model"], found["claim"], found["of"]) == ("mobilenet_v2", "314.19M", "multiply_adds")
    assert (found["value"], found["step"], found["plain"]) == (314_190_000, 10_000, 300_774_272)
    first = found["fits"][0]
    assert (first["departures"], first["rule"], first["explains"]) == (["as fvcore counts"], "rounded", True)
    assert [term["number"] for term in first["terms"]] == [300_774_272, 13_356_224, 62_720]
    assert all(sum(term["number"] for term in fit["terms"]) == fit["exact"] for fit in found["fits"])
    assert 0 < found["expected"] < 0.1


def test_the_unit_or_the_option_says_what_it_is_of() -> None:
    named = run("explain", "mobilenet_v2", "--claim", "3.4698M params").out.splitlines()[0]
    asked = run("explain", "mobilenet_v2", "--claim", "3.4698M", "--of", "parameters").out.splitlines()[0]
    assert named.replace(" params", "", 1) == asked
    assert asked.startswith(
        "3.4698M is the parameters of mobilenet_v2, as weights counts, rounded: 3,469,760 = 3,504,872 -"
    )


def test_a_table_in_other_formats() -> None:
    rows = list(
        csv.DictReader(io.StringIO(run("explain", *V1, "--claim", "233M", "--source", "paper", "--format", "csv").out))
    )
    assert (rows[0]["reading"], rows[0]["exact"], rows[0]["explains"]) == ("without the stem", "233301504", "yes")
    markdown = run("explain", *V1, "--claim", "233M", "--source", "paper", "--format", "markdown").out
    assert "| without the stem | 233,301,504 | rounded | 98.03 % | yes |" in markdown
    assert r"\toprule" in run("explain", *V1, "--claim", "233M", "--source", "paper", "--format", "latex").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mobilenet_v2",), "Missing option '--claim'."),
        (("mobilnet_v2", "--claim", "300M"), "no model is called 'mobilnet_v2'; did you mean mobilenet_v2?"),
        (("mobilenet_v2", "--claim", "3OO M"), "'3OO M' is not an amount; write it as"),
        (("mobilenet_v2", "--claim", "10 MB"), "'10 MB' is of bytes; a claim is a count, such as 300M"),
        (("mobilenet_v2", "--claim", "1 GFLOPs", "--of", "parameters"), "'1 GFLOPs' is of flops, not of parameters;"),
        (("mobilenet_v2", "--claim", "1", "--of", "memory"), "Invalid value for '--of': 'memory' is not one of"),
        (("resnet50", "--claim", "4.1G", "--alpha", "0.5"), "resnet50 takes no alpha (alpha=0.5 given)"),
        (("mobilenet_v2", "--claim", "0.5"), "'0.5' is not a whole count above 0; give it a unit, as in 0.5M"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert refusal("explain", *arguments).startswith(message)


def test_a_claim_in_flops_says_which_it_counted() -> None:
    one = run("explain", "resnet50", "--claim", "4.1 GFLOPs").out.splitlines()[0]
    two = run("explain", "resnet50", "--claim", "8.18 GFLOPs").out.splitlines()[0]
    assert one.startswith("4.1 GFLOPs is the multiply-adds (called FLOPs, one each) of resnet50, the plain reading")
    assert two.startswith("8.18 GFLOPs is the FLOPs (two a multiply-add) of resnet50, two operations a multiply-add")


def test_a_figure_of_parameters_is_known_for_one() -> None:
    answer = run("explain", "resnet50", "--claim", "25.6M")
    assert answer.status == 1
    first = answer.out.splitlines()[0]
    assert first == "No rule fits 25.6M as multiply-adds; as parameters one does: add --of parameters"
    assert run("explain", "resnet50", "--claim", "25.6M", "--of", "parameters").status == 0
