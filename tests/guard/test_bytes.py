"""Bytes in the lock: the peak of the activation memory and the size of the parameters, at a type that is named."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree
from zlib import crc32

import pytest

from costmodel.guard.cost import ByteCost, cost_of
from costmodel.guard.lockfile import LockError, read, write
from tests.cli_runner import refusal, run
from tests.guard.nets import student as student_net
from tests.guard.projects import GIT_ENVIRONMENT, UNJUDGED, commit, git

# By hand: inside a block, 48 maps of 16x16 are read and 48 written, while the 8 that are added at the end wait.
PEAK = (48 + 48 + 8) * 16 * 16
SIZE = 3_922
WIDER_PEAK, WIDER_SIZE = (64 + 64 + 8) * 16 * 16, SIZE + 16 * (8 + 9 + 8)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {**GIT_ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}.items():
        monkeypatch.setenv(name, value)
    for name in ("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def model(dtype: str = "int8", budgets: str = "", **kwargs: int) -> None:
    given = ", ".join(f"{name} = {value}" for name, value in kwargs.items())
    named = f'dtype = "{dtype}"\n' * bool(dtype)
    Path("costmodel.toml").write_text(
        f'[models.m]\nbuild = "tests.guard.nets:student"\n{named}kwargs = {{ {given} }}\nbudgets = {{ {budgets} }}\n'
    )


def test_bytes_are_locked_where_a_type_is_named() -> None:
    model()
    assert run("lock").status == 0
    (cost,) = read(Path("costmodel.lock").read_bytes()).values()
    assert cost.bytes == ByteCost("int8", PEAK, "body.0.depthwise", SIZE)
    assert run("check").out == (
        "m: as locked: 976,976 multiply-adds, 3,922 parameters; peak memory 26,624 bytes, size 3,922 bytes at int8\n"
        f"1 model: 1 in order\n{UNJUDGED}"
    )
    model("fp16")
    answer = run("check")
    assert answer.status == 1
    assert "  gone: peak memory 26,624 bytes, size 3,922 bytes at int8\n" in answer.out
    assert "  new: peak memory 53,248 bytes, size 7,844 bytes at fp16\n" in answer.out


def test_a_lock_without_a_type_has_no_such_line() -> None:
    model("")
    assert run("lock").status == 0
    assert "\nbytes" not in Path("costmodel.lock").read_text()
    plain = cost_of(student_net(), "m")
    assert write([plain]) == Path("costmodel.lock").read_text()


def test_every_format_says_what_became_of_the_bytes() -> None:
    model()
    run("lock")
    model(hidden=64)
    peak = "peak memory at int8: 26,624 -> 34,816 bytes, +8.2 k (+30.8 %), at body.1.depthwise"
    size = "size at int8: 3,922 -> 4,322 bytes, +400 (+10.2 %)"
    assert f"  {peak}\n  {size}\n" in run("check").out
    assert f"  {peak}\n  {size}\n" in run("diff", "costmodel.lock", "m").out
    (fields,) = json.loads(run("check", "--format", "json").out)["models"]
    assert fields["old"]["bytes"] == {"dtype": "int8", "peak_memory": PEAK, "at": "body.0.depthwise", "size": SIZE}
    assert (fields["new"]["bytes"]["peak_memory"], fields["new"]["bytes"]["size"]) == (WIDER_PEAK, WIDER_SIZE)
    markdown = run("check", "--format", "markdown").out
    assert "| peak memory, bytes at int8 | 26,624 | 34,816 | +8.2 k (+30.8 %) |\n" in markdown
    assert f"- `{peak}`\n- `{size}`\n" in markdown
    (failure,) = ElementTree.fromstring(run("check", "--format", "junit").out).iter("failure")
    assert f"{peak}\n{size}" in (failure.text or "")
    assert "peak memory at int8: 26,624 -> 34,816 bytes" in run("check", "--format", "github").out.splitlines()[0]
    assert run("lock", "--update").status == 0
    assert run("check").status == 0


BUDGETS = {
    'peak_memory = "<= 26 KiB"': "",
    'peak_memory = "<= 26623"': "peak memory: 26,624 bytes at int8 at body.0.depthwise are over",
    'peak_memory = "<= 26.624 kB at fp16"': "peak memory: 53,248 bytes at fp16 at body.0.depthwise are over",
    'size = "<= 3.922 kB"': "",
    'size = "<= 3.921 kB"': "size: 3,922 bytes at int8 are over",
    'parameters = "<= 3.922 kB"': "",
    'parameters = "<= 3.921 kB"': "parameters: 3,922 are over the budget <= 3.921 kB at int8 (3,921) by 1",
    'parameters = "<= 3.922 kB at fp16"': "parameters: 3,922 are over the budget <= 3.922 kB at fp16 (1,961) by 1,961",
}


@pytest.mark.parametrize("budget", BUDGETS)
def test_a_budget_in_bytes_is_at_the_type_of_the_model(budget: str) -> None:
    model(budgets=budget)
    run("lock")
    answer = run("check")
    assert (answer.status, BUDGETS[budget] in answer.out) == (bool(BUDGETS[budget]), True), answer.out


@pytest.mark.parametrize(
    ("growth", "broken"),
    [
        ('"<= 30 %"', ["peak memory: 26,624 bytes at int8 grew by 8,192 to 34,816; growth is <= 30 %"]),
        ('"<= 31 %"', []),
        ('"<= 0.4 kB"', []),
        ('"<= 0.399 kB"', ["parameters: 3,922 grew by 400 to 4,322; growth is <= 0.399 kB at int8"]),
    ],
)
def test_growth_is_of_the_bytes_too(project: Path, growth: str, broken: list[str]) -> None:
    git(project, "init", "--quiet")
    model(budgets=f"growth = {growth}")
    run("lock")
    commit(project)
    git(project, "checkout", "--quiet", "-b", "branch")
    model(budgets=f"growth = {growth}", hidden=64)
    run("lock", "--update")
    answer = run("check", "--base", "main")
    assert answer.status == bool(broken)
    assert [line[15:] for line in answer.out.splitlines() if line.startswith("  over budget: ")] == broken


@pytest.mark.parametrize("dtype", ["fp16", ""])
def test_another_type_does_not_hide_growth(project: Path, dtype: str) -> None:
    git(project, "init", "--quiet")
    model(budgets='growth = "<= 15 %"')
    run("lock")
    commit(project)
    git(project, "checkout", "--quiet", "-b", "branch")
    model(dtype, budgets='growth = "<= 15 %"', hidden=64)
    run("lock", "--update", "--reason", "another chip")
    answer = run("check", "--base", "main")
    assert answer.status == 1
    assert "over budget: peak memory: 26,624 bytes at int8 grew by 8,192 to 34,816; growth is <= 15 %\n" in answer.out


def test_a_branch_that_names_no_type_any_more_needs_a_reason(project: Path) -> None:
    git(project, "init", "--quiet")
    model()
    run("lock")
    commit(project)
    git(project, "checkout", "--quiet", "-b", "branch")
    model("")
    run("lock", "--update")
    answer = run("check", "--base", "main")
    assert answer.status == 1
    assert "  guarded less: bytes at int8 are locked no more since main\n" in answer.out


@pytest.mark.parametrize(
    ("old", "new"),
    [("26624", "26625"), ("int8", "int4"), ("body.0.depthwise |", "body.1.depthwise |"), ("| 3922 |", "| 3921 |")],
)
def test_an_edited_line_of_bytes_is_found(old: str, new: str) -> None:
    text = write([cost_of(student_net(), "m", "int8")])
    lines = text.split("\n")
    (number,) = (number for number, line in enumerate(lines) if line.startswith("bytes"))
    lines[number] = lines[number].replace(old, new)
    with pytest.raises(LockError, match=f":{number + 1}: this line, or one just before it, was edited"):
        read("\n".join(lines).encode())


@pytest.mark.parametrize(
    "content", ["int7 | 1 | a | 1", "int8 | +1 | a | 1", "int8 | 1_0 | a | 1", "int8 | \u0661 | a | 1"]
)
def test_bytes_that_somebody_computed_a_check_for_are_read_all_the_same(content: str) -> None:
    text = write([cost_of(student_net(), "m", "int8")])
    lines = text.split("\n")
    (number,) = (number for number, line in enumerate(lines) if line.startswith("bytes"))
    before = lines[number - 1].split(" | ")[0].strip()
    lines[number] = f"bytes | {content} | {crc32(f'm | {before} | {content}'.encode()):08x}"
    with pytest.raises(LockError, match="was edited"):
        read("\n".join(lines).encode())


def test_a_type_that_there_is_not_is_one_line() -> None:
    model("int9")
    assert refusal("check").startswith("costmodel.toml: models.m.dtype: ")
    Path("costmodel.toml").write_text('[models.m]\nbuild = "lenet"\ndtype = 8\n')
    assert refusal("check") == ('costmodel.toml: models.m.dtype = 8 must be the name of a type, as in dtype = "int8"')
