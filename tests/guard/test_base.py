"""``check --base``: what a branch does to the lock and the budgets does not hide what it does to the models."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from costmodel.guard.base import likeness
from costmodel.guard.budget import parse_budgets
from costmodel.guard.cost import ModelCost, cost_of
from costmodel.guard.lockfile import read, write
from tests.cli_runner import refusal, run
from tests.guard.nets import student as student_net
from tests.guard.projects import GIT_ENVIRONMENT, UNJUDGED, commit, git, student

GROWTH = 'growth = "<= 2 %"'


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a locked model ``a`` on main, and a branch to edit."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name, value in {**GIT_ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    for name in ("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    git(folder, "init", "--quiet")
    models({"a": student(GROWTH), "other": student(blocks=1)})
    assert run("lock").status == 0
    commit(folder)
    git(folder, "checkout", "--quiet", "-b", "branch")
    return folder


def on_main(project: Path, budgets: str) -> None:
    """The model ``a`` has these budgets on main, and the branch begins after that."""
    git(project, "checkout", "--quiet", "main")
    models({"a": student(budgets), "other": student(blocks=1)})
    git(project, "commit", "--quiet", "--all", "--allow-empty", "--message", "budgets")
    git(project, "checkout", "--quiet", "-B", "branch")


def models(tables: dict[str, str]) -> None:
    """The configuration: the body of a table by the name of its model."""
    Path("costmodel.toml").write_text("\n".join(f"[models.{name}]\n{body}" for name, body in tables.items()) + "\n")


def check(*arguments: str) -> tuple[int, str]:
    answer = run("check", "--base", "main", *arguments)
    assert answer.err == ""
    return answer.status, answer.out


def test_as_it_was() -> None:
    status, out = check()
    assert status == 0
    assert out.endswith("2 models: 2 in order\n")
    assert "Not judged" not in out
    assert run("check").out.endswith(UNJUDGED)


def test_a_renamed_model_is_judged_as_the_one_it_was() -> None:
    models({"b": student(GROWTH, hidden=96), "other": student(blocks=1)})
    assert run("lock", "--update").status == 0
    assert run("check").status == 0
    status, out = check()
    assert status == 1
    # 48 channels more of 25 weights each, at 256 positions.
    assert "  over budget: multiply-adds: 976,976 grew by 307,200 to 1,284,176; growth is <= 2 %\n" in out
    assert "  note: new since main, where a was like it\n" in out
    assert "a: neither in the configuration nor in the lock\n" in out
    assert "  guarded less: gone since main; b is like it (100 % of the layers)\n" in out
    # A reason for the model that is gone is none for the growth of the one it became.
    assert run("lock", "--update", "--base", "main", "--reason", "a better name").status == 0
    status, out = check()
    assert status == 1
    assert "  note: gone since main; b is like it (100 % of the layers); the lock says why: a better name\n" in out
    assert "grew by 307,200" in out
    assert "guarded less" not in out


def test_a_model_renamed_with_its_layers_is_judged_as_the_one_it_was() -> None:
    models({"b": student(GROWTH, trunk="trunk"), "other": student(blocks=1)})
    assert run("lock", "--update", "--reason", "shorter names").status == 0
    status, out = check()
    assert status == 0
    assert "  note: new since main, where a was like it\n" in out


@pytest.mark.parametrize("locked", [True, False])
def test_a_model_that_is_gone_needs_a_reason(locked: bool) -> None:
    models({"other": student(blocks=1)})
    if locked:
        assert run("lock", "--update").status == 0
    assert run("check").status == (0 if locked else 1)
    status, out = check()
    assert status == 1
    assert "  guarded less: gone since main\n" in out
    assert 'costmodel lock --update --reason "..." --base main' in out
    assert run("lock", "--update", "--base", "main", "--reason", "nobody uses it").status == 0
    status, out = check()
    assert status == 0
    assert "  note: gone since main; the lock says why: nobody uses it\n" in out
    # Its place in the lock says so to whoever reads it, and costs nothing anywhere.
    assert read(Path("costmodel.lock").read_bytes())["a"] == ModelCost("a", (), ((0, "nobody uses it"),), 5)
    assert "1 model: 1 in order" in run("check").out
    assert run("lock").out == "costmodel.lock is up to date: 1 model\n"
    assert "a: gone: had 976,976 multiply-adds" in run("diff", "--base", "main").out
    # Back again, it is a model like any other.
    models({"a": student(GROWTH), "other": student(blocks=1)})
    assert run("lock").status == 0
    assert check()[0] == 0


def test_after_the_merge_a_removed_model_is_no_news(project: Path) -> None:
    models({"other": student(blocks=1)})
    assert run("lock", "--update", "--reason", "nobody uses it").status == 0
    commit(project)
    git(project, "checkout", "--quiet", "-B", "main")
    assert check() == (0, "other: as locked: 362,576 multiply-adds, 1,522 parameters\n1 model: 1 in order\n")


WEAKER = {
    "gone": ('multiply_adds = "<= 1 M"', "", "multiply-adds: <= 1 M is gone"),
    "more": ('multiply_adds = "<= 1 M"', 'multiply_adds = "<= 2 MMAC"', "multiply-adds: <= 1 M became <= 2 MMAC"),
    "growth gone": (GROWTH, "", "growth: <= 2 % is gone"),
    "growth more": (GROWTH, 'growth = "<= 2.5 %"', "growth: <= 2 % became <= 2.5 %"),
    # 2 % of 976,976 multiply-adds are 19,539.52.
    "growth as an amount": (GROWTH, 'growth = "<= 19540 MACs"', "growth: <= 2 % became <= 19540 MACs"),
    "another type": (
        'size = "<= 16 kB at fp32"',
        'size = "<= 5 kB at int8"',
        "size: <= 16 kB at fp32 became <= 5 kB at int8",
    ),
}


@pytest.mark.parametrize("case", WEAKER)
def test_a_budget_that_allows_more_needs_a_reason(project: Path, case: str) -> None:
    old, new, sentence = WEAKER[case]
    on_main(project, old)
    models({"a": student(new), "other": student(blocks=1)})
    assert run("check").status == 0
    status, out = check()
    assert (status, f"  guarded less: {sentence} since main\n" in out) == (1, True), out
    assert run("lock", "--base", "main", "--reason", "a new chip").status == 0
    status, out = check()
    assert status == 0
    assert f"  note: {sentence} since main; the lock says why: a new chip\n" in out
    # Merged, the reason is of the past: it excuses nothing more.
    commit(project)
    git(project, "checkout", "--quiet", "-B", "main")
    assert "the lock says why" not in check()[1]
    if new:
        git(project, "checkout", "--quiet", "-B", "branch")
        models({"a": student(), "other": student(blocks=1)})
        assert check()[0] == 1


STRICTER = [
    ("", 'multiply_adds = "<= 1 M"'),
    ('multiply_adds = "<= 1 M"', 'multiply_adds = "<= 0.99 M"'),
    ('multiply_adds = "<= 1 M"', 'multiply_adds = "1000000"'),
    (GROWTH, 'growth = "<= 1 %"'),
    ('size = "<= 16 kB at fp32"', 'size = "<= 4 kB at int8"'),
    # 3,922 parameters at four bytes: the same room, said in another unit.
    ('parameters = "<= 16 kB at fp32"', 'parameters = "<= 4000"'),
]


@pytest.mark.parametrize(("old", "new"), STRICTER)
def test_a_budget_that_allows_no_more_is_in_order(project: Path, old: str, new: str) -> None:
    on_main(project, old)
    models({"a": student(new), "other": student(blocks=1)})
    assert check()[0] == 0
    assert "note" not in check()[1]


def test_two_models_that_change_names_are_judged_by_name() -> None:
    models({"other": student(GROWTH), "a": student(GROWTH, blocks=1)})
    assert run("lock", "--update").status == 0
    status, out = check()
    assert status == 1
    assert "over budget: multiply-adds: 362,576 grew by 614,400 to 976,976" in out


def test_a_project_that_moved_is_judged_by_the_lock_it_had(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(project, "checkout", "--quiet", "main")
    (project / "second").mkdir()
    (project / "second" / "costmodel.lock").write_text(write([]))
    commit(project)
    git(project, "checkout", "--quiet", "-B", "branch")
    (project / "sub").mkdir()
    git(project, "mv", "costmodel.toml", "costmodel.lock", "sub/")
    monkeypatch.chdir(project / "sub")
    models({"a": student(hidden=96), "other": student(blocks=1)})
    assert run("lock", "--update").status == 0
    commit(project)
    status, out = check()
    assert status == 1
    assert "guarded less: growth: <= 2 % is gone since main" in out


def test_of_two_locks_that_are_gone_nobody_knows_which_it_was(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(project, "checkout", "--quiet", "main")
    (project / "second").mkdir()
    (project / "second" / "costmodel.lock").write_bytes((project / "costmodel.lock").read_bytes())
    commit(project)
    git(project, "checkout", "--quiet", "-B", "branch")
    (project / "sub").mkdir()
    git(project, "mv", "costmodel.toml", "costmodel.lock", "sub/")
    git(project, "rm", "--quiet", "second/costmodel.lock")
    monkeypatch.chdir(project / "sub")
    assert "several have gone since: costmodel.lock, second/costmodel.lock" in refusal("check", "--base", "main")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "no configuration lies beside its lock"),
        ("[models.a]\nbulid = 1\n", "models.a has no key 'bulid'"),
    ],
)
def test_budgets_of_the_base_that_cannot_be_read_are_said(project: Path, content: str | None, why: str) -> None:
    git(project, "checkout", "--quiet", "main")
    ours = Path("costmodel.toml").read_text()
    if content is None:
        Path("costmodel.toml").unlink()
    else:
        Path("costmodel.toml").write_text(content)
    commit(project)
    git(project, "checkout", "--quiet", "-B", "branch")
    Path("costmodel.toml").write_text(ours)
    status, out = check()
    assert status == 0
    last = out.splitlines()[-1]
    assert last.startswith("Not judged, the budgets of main: ")
    assert why in last


def test_every_format_reports_what_is_guarded_less(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models({"b": student(hidden=96)})
    assert run("lock", "--update", "--reason", "smaller zoo").status == 0
    gone = "gone since main; b is like it (100 % of the layers); the lock says why: smaller zoo"
    lost = "growth: <= 2 % is gone since main"
    status, out = check("--format", "json")
    assert status == 0
    by_name = {model["name"]: model for model in json.loads(out)["models"]}
    assert by_name["a"]["notes"] == [gone]
    assert by_name["b"]["notes"] == [
        "new since main, where a was like it", f"{lost}; the lock says why: smaller zoo",
    ]  # fmt: skip
    assert check("--format", "markdown")[1].startswith("### The cost check passed, with notes\n")
    assert f"- note: `{gone}`\n" in check("--format", "markdown")[1]

    assert run("lock", "--update").status == 0
    text = Path("costmodel.lock").read_text()
    Path("costmodel.lock").write_text("\n".join(line for line in text.split("\n") if not line.startswith("reason")))
    status, out = check("--format", "json")
    assert status == 1
    by_name = {model["name"]: model for model in json.loads(out)["models"]}
    assert [by_name[name]["unguarded"] for name in "ab"] == [[gone.partition("; the")[0]], [lost]]
    assert f"- guarded less: `{lost}`\n" in check("--format", "markdown")[1]
    assert f"guarded less: {lost}" in check("--format", "text")[1]
    suite = ElementTree.fromstring(check("--format", "junit")[1])[0]
    assert suite.get("failures") == "3"
    assert any(lost in (failure.text or "") for failure in suite.iter("failure"))
    out = check("--format", "github")[1]
    assert sum(line.startswith("::error ") and "guarded less: " in line for line in out.splitlines()) == 3


def test_a_reason_for_a_base_needs_both() -> None:
    assert "add --reason TEXT" in refusal("lock", "--base", "main")


def test_likeness_counts_the_layers_that_agree() -> None:
    # 3 blocks of 5 layers, without sums 4: a stem of 3, a pool, a flatten, a classifier and the input beside them.
    cost = cost_of(student_net(), "a")
    assert likeness(cost, cost) == 100
    assert likeness(cost, cost_of(student_net(hidden=99), "b")) == 100
    assert likeness(cost, cost_of(student_net(trunk="b"), "b")) == 100
    names = {layer.name for layer in cost.layers}
    other = cost_of(student_net(blocks=1), "c")
    shared = len(names & {layer.name for layer in other.layers})
    assert likeness(cost, other) == 100 * shared // len(names)


def test_a_removed_model_is_read_as_it_was_written() -> None:
    removed = ModelCost("a", (), ((0, "no | use"), (0, "second")))
    kept = cost_of(student_net(), "b")
    assert read(write([removed, kept]).encode())["a"].reasons == removed.reasons
    assert parse_budgets({}).limits == ()
