"""Names of models and layers come from files that anyone may edit: no format lets them do anything."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from costmodel.guard.check import Verdict
from costmodel.guard.choice_text import parse_choices
from costmodel.guard.cost import LayerCost, ModelCost
from costmodel.guard.diff import difference
from costmodel.report.guard.report import GuardReport
from costmodel.report.guard.words import changed, gain

HOSTILE = [
    "\x1b[31mred\x1b]0;title\x07",
    "::error file=x::taken over",
    "  ::stop-commands::token",
    "##[error]old runner",
    "a\n::error::next line\r\nb",
    "<script>alert(1)</script>",
    "</code></td><img src=x onerror=alert(1)>",
    "`` ` `code` ``` ",
    "| a | pipe |",
    "**bold** [link](https://example.org) @someone #1",
    "\u202eright to left\u2028line",
    "%0A::error::percent",
    "]]><x/>&amp;\x00\ufffe\ud800",
    "'\"",
    "",
    "x" * 5000,
]


def layer(name: str, channels: int, kind: str = "conv", choices: str = "kernel 1x1") -> LayerCost:
    return LayerCost(name, kind, parse_choices(choices), "3x2x2", f"{channels}x2x2", 12 * channels, 3 * channels)


def report(name: str, judged: bool = True) -> GuardReport:
    old = ModelCost(
        name, (layer(name, 8), layer(f"{name}.a", 4), layer("b", 5, choices=name), layer("c", 6, kind=name))
    )
    new = ModelCost(name, (layer(name, 16), layer(f"{name}.z", 4), layer("b", 5), layer("c", 6)))
    verdicts = (
        Verdict(name, difference(old, new), (f"{name} is over",), line=3),
        Verdict(f"{name}1", difference(None, new)),
        Verdict(f"{name}2", difference(old, None)),
        Verdict(f"{name}3", error=f"{name} raised {name}"),
        Verdict(f"{name}4", difference(new, new)),
    )
    return GuardReport(verdicts, "costmodel.lock", "pyproject.toml", judged, old=name, new=name)


@pytest.mark.parametrize("judged", [True, False])
@pytest.mark.parametrize("name", HOSTILE)
def test_text_is_printable_and_no_command(name: str, judged: bool) -> None:
    for line in report(name, judged).text().split("\n"):
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
        assert "##[" not in line


@pytest.mark.parametrize("name", HOSTILE)
def test_github_gets_four_commands_and_no_other(name: str) -> None:
    lines = report(name).github().split("\n")
    commands = [line for line in lines if line.lstrip().startswith("::")]
    assert commands == lines[:4]
    for command in commands:
        assert command.isprintable()
        properties, message = re.fullmatch(r"::error ([^:]*)::(.*)", command).groups()  # type: ignore[union-attr]
        assert re.fullmatch(r"file=costmodel\.lock,(line=3,)?title=costmodel%3A [^,:]*", properties)
        assert not re.search(r"%(?!25|0A|0D)", message)
        # Undone as the runner does it, each line of the message is as harmless as the text.
        for line in message.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%").split("\n"):
            assert line.isprintable()
    assert not any("##[" in line for line in lines)


@pytest.mark.parametrize("judged", [True, False])
@pytest.mark.parametrize("name", HOSTILE)
def test_markdown_quotes_every_name(name: str, judged: bool) -> None:
    comment = report(name, judged).markdown()
    assert all(line.isprintable() for line in comment.split("\n"))
    # What is left without the code spans is ours. A span ends at as many backticks as it began with.
    bare = re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "CODE", comment)
    for foreign in ("<", "@", "](", "`", "alert", "stop-commands", "bold"):
        assert foreign not in bare
    assert "CODE" in bare


@pytest.mark.parametrize("name", HOSTILE)
def test_junit_is_xml_with_four_unhappy_cases(name: str) -> None:
    (suite,) = ElementTree.fromstring(report(name).junit().encode())
    assert suite.attrib == {"name": "costmodel", "tests": "5", "failures": "3", "errors": "1", "skipped": "0"}
    assert [[child.tag for child in case] for case in suite] == [["failure"], ["failure"], ["failure"], ["error"], []]
    assert all(len(child) == 0 for case in suite for child in case)


@pytest.mark.parametrize("name", HOSTILE)
def test_json_holds_the_very_name(name: str) -> None:
    text = report(name).json()
    assert text.isascii()
    found = json.loads(text)
    assert found["status"] == 2
    assert [model["name"] for model in found["models"]] == [name, *(f"{name}{number}" for number in range(1, 5))]
    assert found["models"][0]["changes"][0]["layer"] == name


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def test_the_checks_of_these_tests_see_what_is_wrong() -> None:
    parser = _Tags()
    parser.feed("<script>")
    assert parser.tags == ["script"]
    assert "@" in re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "CODE", "`a` @someone `b`")


def test_markdown_is_empty_where_nothing_changed() -> None:
    cost = ModelCost("m", (layer("a", 8),))
    same = GuardReport((Verdict("m", difference(cost, cost)),), "costmodel.lock")
    assert (same.markdown(), same.status) == ("", 0)
    assert same.summary() == "costmodel: 1 model: 1 in order"


def many(count: int) -> GuardReport:
    old, new = ModelCost("m", (layer("a", 8),)), ModelCost("m", (layer("a", 9),))
    return GuardReport([Verdict(f"m{number}" * 40, difference(old, new)) for number in range(count)], "costmodel.lock")


@pytest.mark.parametrize(("models", "annotations"), [(1, 1), (10, 10), (11, 10), (100, 10)])
def test_at_most_ten_annotations(models: int, annotations: int) -> None:
    lines = many(models).github().split("\n")
    assert sum(line.startswith("::") for line in lines) == annotations
    if models > 10:
        assert lines[9] == (
            f"::error title=costmodel::{models - 9} models more are named in the log and in the summary of the job"
        )


def test_a_comment_is_as_long_as_github_takes() -> None:
    assert len(many(3000).markdown()) < 65_536
    assert "models more are not shown here." in many(3000).markdown()


@pytest.mark.parametrize(
    ("delta", "before", "text"),
    [
        (41_200_000, 300_774_272, "+41.2 M (+13.7 %)"),
        (-1, 2, "-1 (-50.0 %)"),
        (1, 10_000, "+1 (+<0.1 %)"),
        (5, 10_000, "+5 (+0.1 %)"),
        (7, 0, "+7"),
        (0, 9, "0"),
        (3 * 10**40, 10**40, "+30,000,000,000.0 Q (+300.0 %)"),
    ],
)
def test_a_gain(delta: int, before: int, text: str) -> None:
    assert gain(delta, before) == text


WINDOW = (("kernel", (3, 3)), ("stride", (1, 1)), ("padding", (1, 1)))
CONV = LayerCost("a", "conv", (*WINDOW, ("bias", False)), "8x4x4", "16x4x4", 1, 1)
DEPTHWISE = CONV._replace(kind="depthwise_conv", choices=(*WINDOW, ("groups", 8), ("bias", False)), makes="8x4x4")
NORM = LayerCost("norm", "batch_norm", (), "8x4x4", "8x4x4", 0, 16)
POOL = LayerCost("pool", "max_pool", (("kernel", (3, 3)), ("stride", (2, 2))), "8x4x4", "8x2x2", 0, 0)
FC = LayerCost("fc", "linear", (("outputs", 10), ("bias", True)), "8", "10", 80, 90)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (CONV, CONV._replace(choices=(("kernel", (5, 5)), *CONV.choices[1:])), ["kernel 3x3 -> 5x5"]),
        (CONV, CONV._replace(choices=(*WINDOW, ("bias", True))), ["bias no -> with"]),
        (CONV, CONV._replace(choices=(*CONV.choices, ("groups", 4))), ["groups 1 -> 4"]),
        (CONV, CONV._replace(reads="9x4x4"), ["reads 8x4x4 -> 9x4x4"]),
        (CONV, CONV._replace(multiply_adds=2), ["counted otherwise"]),
        (CONV, DEPTHWISE, ["conv -> depthwise conv", "16 -> 8 channels"]),
        (FC, FC._replace(choices=(("outputs", 12), ("bias", True)), makes="12"), ["10 -> 12 outputs"]),
        (
            DEPTHWISE,
            DEPTHWISE._replace(choices=(*WINDOW, ("groups", 9), ("bias", False)), reads="9x4x4", makes="9x4x4"),
            ["8 -> 9 channels"],
        ),
        (
            FC._replace(kind="channel_slice", choices=(("channels", ((0, 5),)),)),
            FC._replace(kind="channel_slice", choices=(("channels", ((5, 10),)),)),
            ["channels 0:5 -> 5:10"],
        ),
        (NORM, NORM._replace(choices=(("affine", False),)), ["affine with -> no"]),
        (NORM._replace(choices=(("running statistics", False),)), NORM, ["running statistics no -> with"]),
        (POOL, POOL._replace(choices=(*POOL.choices, ("ceil mode", True))), ["ceil mode no -> with"]),
    ],
)
def test_what_became_of_a_layer(old: LayerCost, new: LayerCost, words: list[str]) -> None:
    assert changed(old, new) == words
