"""A number with a unit is read or refused with the same words by everything that takes one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import costmodel as cm
from costmodel.guard.budget import parse_budgets
from costmodel.quantities import parse_bound, parse_budget, parse_quantity
from costmodel.scaling.solve import solve
from tests.cli_runner import run


def _said(*arguments: str) -> str:
    answer = run(*arguments)
    return answer.err if answer.status == 2 else ""


def _python(call: Callable[[str], object]) -> Callable[[str, Path], str]:
    def said(text: str, _: Path) -> str:
        try:
            call(text)
        except cm.CostModelError as error:
            return str(error)
        return ""

    return said


def _check(text: str, folder: Path) -> str:
    """A project whose one model has ``text`` for a budget."""
    (folder / "costmodel.toml").write_text(
        f"[models.m]\nbuild = \"lenet\"\n[models.m.budgets]\nmultiply_adds = '{text}'\n"
    )
    _said("lock")
    return _said("check")


#: Everything that reads a number of multiply-adds with a unit; "" where it took it.
ENTRIES: dict[str, Callable[[str, Path], str]] = {
    "parse_quantity": _python(lambda text: parse_quantity(text, "multiply_adds")),
    "parse_bound": _python(lambda text: parse_bound(text, "multiply_adds")),
    "parse_budget": _python(lambda text: parse_budget(f"multiply_adds={text}")),
    "parse_budgets": _python(lambda text: parse_budgets({"multiply_adds": text})),
    "growth": _python(lambda text: parse_budgets({"growth": text})),
    "solve": _python(lambda text: solve("mobilenet_v1", {"multiply_adds": text}, {"resolution": 96})),
    "explain": _python(lambda text: cm.explain(cm.lenet(), text)),
    "solve --max": lambda text, _: _said(
        "solve", "mobilenet_v1", "--max", f"multiply_adds={text}", "--at", "resolution=96"
    ),
    "compare --budget": lambda text, _: _said(
        "compare", "mobilenet_v1", "mobilenet_v2", "--budget", f"multiply_adds={text}"
    ),
    "explain --claim": lambda text, _: _said("explain", "lenet", "--claim", text),
    "costmodel.toml": _check,
}

READ = ["300M", "0.39B", "300 million", "0.6 GFLOPs", "300 MMAC", "400,000,000", "4e8", "0.3 G"]
REFUSED = [
    ("3OO M", "'3OO M' is not an amount; write it as 100M, 3,000,000"),
    ("1,00,000", "'1,00,000' is not an amount; write it as 100M, 3,000,000"),
    ("300m", "'300m' has the unit 'm'; did you mean M? units are MAC, FLOPs, params, bytes and %"),
    ("3 gflops", "'3 gflops' has the unit 'gflops'; did you mean GFLOPs? units are MAC"),
    ("5 MiMAC", "'5 MiMAC' has the unit 'MiMAC'"),
    ("1008 GB/s", "'1008 GB/s' is a rate in bytes a second, and"),
    ("3 M at int8", "'3 M at int8' is no size in bytes, which alone depends on a type; leave out 'at int8'"),
]


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_number_is_read_wherever_one_is(entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert {text: ENTRIES[entry](text, tmp_path) for text in READ} == dict.fromkeys(READ, "")


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_is_no_number_is_refused_in_the_same_words(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for text, words in REFUSED:
        assert words in ENTRIES[entry](text, tmp_path), text
