"""``costmodel lock``, ``check`` and ``diff``: what they print, what they write, how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from costmodel.guard.lockfile import read
from tests.cli_runner import refusal, run
from tests.guard.projects import GIT_ENVIRONMENT, UNJUDGED, commit, configure, git, student


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, in which nobody has configured git or GitHub."""
    for name, value in {**GIT_ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}.items():
        monkeypatch.setenv(name, value)
    for name in ("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# By hand: the stem has 216 weights and 16 of its norm, a block 8*48 + 9*48 + 48*8, the classifier 90; 16 channels more
# are 16 * (8 + 9 + 8) parameters, and as many multiply-adds at each of 256 positions.
WIDER = """\
m0: changed: 1,079,376 multiply-adds, +102.4 k (+10.5 %); 4,322 parameters, +400 (+10.2 %)
  body.1.expand 48 -> 64 channels: +102.4 k (+10.5 %), +400 parameters
    body.1.depthwise: +36.9 k (+3.8 %), +144 parameters
    body.1.expand: +32.8 k (+3.4 %), +128 parameters
    body.1.project: +32.8 k (+3.4 %), +128 parameters
"""
PATH = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
MEANT = 'If this is meant: costmodel lock --update --reason "..." and commit costmodel.lock.\n'


def test_from_nothing_to_a_failing_check(project: Path) -> None:
    configure(project, student())
    answer = run("check")
    assert (answer.status, answer.out) == (
        1,
        "m0: not in the lock; new: 976,976 multiply-adds, 3,922 parameters\n"
        "1 model: 1 not as locked\n"
        f"Run `costmodel lock` and commit costmodel.lock.\n{UNJUDGED}",
    )
    answer = run("lock")
    assert (answer.status, answer.out) == (0, "costmodel.lock is written: 1 model\n")
    answer = run("check")
    assert (answer.status, answer.out) == (
        0,
        f"m0: as locked: 976,976 multiply-adds, 3,922 parameters\n1 model: 1 in order\n{UNJUDGED}",
    )
    configure(project, student(hidden=64))
    answer = run("check")
    assert (answer.status, answer.out) == (1, f"{WIDER}1 model: 1 not as locked\n{MEANT}{UNJUDGED}")


def test_a_lock_is_overwritten_only_if_that_is_meant(project: Path) -> None:
    configure(project, student())
    run("lock")
    before = (project / "costmodel.lock").read_bytes()
    configure(project, student(hidden=64))
    answer = run("lock")
    assert answer.status == 1
    assert answer.out == f"{WIDER}1 model: 1 not as locked\n{MEANT}costmodel.lock is left as it was.\n"
    assert (project / "costmodel.lock").read_bytes() == before
    answer = run("lock", "--update", "--reason", "wider  stem\n")
    assert answer.status == 0
    assert answer.out == (
        f"From costmodel.lock to now:\n{WIDER}1 model: 1 changed\ncostmodel.lock is written: 1 model\n"
    )
    assert "reason | wider stem\n  body.1.expand | conv |" in (project / "costmodel.lock").read_text()
    assert run("check").status == 0
    assert os.listdir(project).count("costmodel.lock") == 1
    assert len(os.listdir(project)) == 2


def test_a_new_model_is_added_without_asking_and_a_missing_one_is_not_dropped(project: Path) -> None:
    configure(project, student())
    run("lock", "--reason", "first")
    configure(project, student(), student(blocks=1))
    assert run("lock").status == 0
    assert run("lock").out == "costmodel.lock is up to date: 2 models\n"
    configure(project, student())
    for command in ("check", "lock"):
        answer = run(command)
        assert answer.status == 1
        assert "m1: in the lock, not in the configuration; gone: had 362,576 multiply-adds" in answer.out
    answer = run("lock", "--update")
    assert (answer.status, answer.out.splitlines()[-1]) == (0, "costmodel.lock is written: 1 model")
    assert list(read((project / "costmodel.lock").read_bytes())) == ["m0"]


def test_a_reason_stays_as_long_as_its_layer(project: Path) -> None:
    def reasons() -> list[str]:
        lines = (project / "costmodel.lock").read_text().splitlines()
        pairs = pairwise(lines)
        return [f"{above[9:]}: {below.split()[0]}" for above, below in pairs if above.startswith("reason | ")]

    configure(project, student())
    run("lock")
    configure(project, student(hidden=64))
    run("lock", "--update", "--reason", "wider")
    configure(project, student(hidden=64, blocks=4))
    run("lock", "--update", "--reason", "longer")
    assert reasons() == ["wider: body.1.expand", "longer: body.3.expand"]
    configure(project, student(hidden=64, blocks=4, trunk="trunk"))
    run("lock", "--update")
    assert reasons() == ["wider: trunk.1.expand", "longer: trunk.3.expand"]
    configure(project, student(hidden=32, blocks=4, trunk="trunk"))
    run("lock", "--update", "--reason", "narrow after all")
    assert reasons() == ["narrow after all: trunk.1.expand", "longer: trunk.3.expand"]


def test_a_budget_is_judged_beside_the_lock(project: Path) -> None:
    configure(project, student('multiply_adds = "<= 0.9 M", parameters = "<= 10 kB", growth = "<= 5 %"'))
    run("lock")
    answer = run("check")
    assert (answer.status, answer.out) == (
        1,
        "m0: as locked: 976,976 multiply-adds, 3,922 parameters\n"
        "  over budget: multiply-adds: 976,976 are over the budget <= 0.9 M (900,000) by 76,976\n"
        "  over budget: parameters: 3,922 are over the budget <= 10 kB at fp32 (2,500) by 1,422\n"
        "1 model: 1 over budget\n"
        f"The budgets are in costmodel.toml.\n{UNJUDGED}",
    )
    configure(project, student('growth = "<= 5 %"', hidden=64))
    assert "  over budget: multiply-adds: 976,976 grew by 102,400 to 1,079,376; growth is <= 5 %\n" in run("check").out


def test_growth_against_the_base_outlives_an_update_of_the_lock(project: Path) -> None:
    git(project, "init", "--quiet")
    configure(project, student('growth = "<= 5 %"'))
    commit(project)
    git(project, "branch", "empty")
    run("lock")
    commit(project)
    git(project, "checkout", "--quiet", "-b", "wider")
    configure(project, student('growth = "<= 5 %"', hidden=64))
    run("lock", "--update")
    assert run("check").status == 0
    answer = run("check", "--base", "main")
    assert answer.status == 1
    assert "grew by 102,400" in answer.out
    # The branch that adds the lock has nothing to grow from, and it is said that nothing was checked against it.
    answer = run("check", "--base", "empty")
    assert answer.status == 0
    note = "growth not judged: not in the lock of empty"
    assert f"multiply-adds, 4,322 parameters\n  note: {note}\n" in answer.out
    (model,) = json.loads(run("check", "--base", "empty", "--format", "json").out)["models"]
    assert model["notes"] == [note]
    assert "note" not in run("check").out


def test_what_cannot_be_counted_does_not_stop_the_others(project: Path) -> None:
    configure(project, student(), 'build = "tests.guard.nets:broken"', 'build = "lenet"\nbudgets = { parameters = 1 }')
    answer = run("check")
    assert answer.status == 2  # above the 1 of the budget: what was not counted says nothing
    assert "m0: not in the lock; new: 976,976 multiply-adds" in answer.out
    assert "m1: cannot be counted: tests.guard.nets:broken raised RuntimeError: no weights here\n" in answer.out
    assert "  over budget: parameters: 121,182 are over the budget <= 1 (1) by 121,181\n" in answer.out
    assert "3 models: 2 not as locked, 1 over budget, 1 not counted\n" in answer.out
    answer = run("lock", "--update")
    assert answer.status == 2
    assert answer.out.endswith("costmodel.lock is left as it was: every model must be counted for it.\n")
    assert not (project / "costmodel.lock").exists()


@pytest.mark.slow
def test_a_pytorch_module_is_locked_and_checked_like_any_other(project: Path) -> None:
    body = 'build = "tests.guard.nets:module"\ninput = "3x4x4"\nkwargs = {{ width = {} }}'
    configure(project, body.format(4))
    assert run("lock").status == 0
    # 27 weights a filter at 4 positions, then 16 x 2; and 27 + 1 parameters a filter, 16 x 2 + 2.
    assert run("check").out == (f"m0: as locked: 464 multiply-adds, 146 parameters\n1 model: 1 in order\n{UNJUDGED}")
    configure(project, body.format(5))
    answer = run("check")
    assert answer.status == 1
    assert "\n  0 4 -> 5 channels: +116 (+25.0 %), +36 parameters\n" in answer.out


def test_what_a_model_prints_is_no_part_of_the_answer(project: Path) -> None:
    configure(project, 'build = "tests.guard.nets:noisy"')
    answer = run("check", "--format", "json")
    assert json.loads(answer.out)["status"] == 1
    assert answer.err == "\\x3a:error::from the model\n"


def test_what_a_model_writes_past_python_reaches_no_ci_as_a_command(project: Path) -> None:
    (project / "loud.py").write_text(
        "import os, subprocess, sys\n"
        "from tests.guard.nets import student\n"
        "print('::error::from the import')\n"
        "def build():\n"
        "    print('##[error]python', file=sys.stderr)\n"
        "    os.write(1, b'##vso[task.complete]descriptor\\n')\n"
        "    os.write(2, b'  ::stop-commands::x\\n\\xff\\n')\n"
        "    subprocess.run(['sh', '-c', 'echo ::warning::program'], check=True)\n"
        "    return student()\n"
    )
    configure(project, 'build = "loud:build"')
    for command in (
        ("check", "--format", "json"),
        ("lock",),
        ("diff", "loud:build", "costmodel.lock", "--format", "json"),
    ):
        line = [sys.executable, "-m", "costmodel", *command]
        ran = subprocess.run(line, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": PATH}, check=False)
        assert "from the import" not in ran.stdout
        assert ran.stderr.splitlines() == [
            "\\x3a:error::from the import",
            "#\\x23[error]python",
            "#\\x23vso[task.complete]descriptor",
            "  \\x3a:stop-commands::x",
            "\\xff",
            "\\x3a:warning::program",
        ]


@pytest.mark.parametrize("style", ["text", "json", "markdown", "github", "junit"])
def test_names_reach_no_ci_as_a_command(project: Path, style: str) -> None:
    name = "##[error]x ##vso[task.complete]"
    (project / "costmodel.toml").write_text(
        f"[models.'{name}']\nbuild = 'tests.guard.nets:called'\nkwargs = {{ name = '{name}' }}\n"
    )
    out = run("check", "--format", style).out
    assert "##" not in out.replace("### ", "")
    assert "task.complete" in out
    (project / "broken.py").write_text(f"def build():\n    raise ValueError('{name}')\n")
    configure(project, 'build = "broken:build"')
    answer = run("check", "--format", style)
    assert "##" not in answer.out.replace("### ", "") + answer.err
    assert "task.complete" in answer.out
    assert "##" not in run("count", "broken:build").err


STANDARD = {
    "os:system": "os:system",
    "subprocess:run": "subprocess:run",
    "builtins:exec": "builtins:exec",
    "xml.dom.minidom:parse": "xml.dom.minidom:parse",
    "imported here": "mine:system",
    "with arguments": "mine:partly",
    "a method": "mine:write",
}


@pytest.mark.parametrize("case", STANDARD)
def test_a_configuration_runs_nothing_of_the_standard_library(project: Path, case: str) -> None:
    touched = project / "touched"
    (project / "mine.py").write_text(
        "import functools\nfrom os import system\nfrom pathlib import Path\n"
        f"partly = functools.partial(system, 'touch {touched}')\nwrite = Path('{touched}').touch\n"
    )
    build = STANDARD[case]
    configure(project, f"build = '{build}'\nkwargs = {{ command = 'touch {touched}' }}")
    for command in ("check", "lock"):
        answer = run(command)
        assert answer.status == 2
        assert f"build = '{build}' is of Python's standard library" in answer.out
        assert f"allow = ['{build}']" in answer.out
    assert not touched.exists()
    # Allowed by name, it runs; it still builds nothing.
    text = (project / "costmodel.toml").read_text()
    (project / "costmodel.toml").write_text(f"allow = ['{build}']\n{text}")
    assert "standard library" not in run("check").out
    if build in ("os:system", "mine:system"):
        assert touched.exists()


def test_a_builder_that_is_allowed_newly_needs_a_reason(project: Path) -> None:
    git(project, "init", "--quiet")
    configure(project, student())
    run("lock")
    commit(project)
    git(project, "checkout", "--quiet", "-b", "other")
    text = (project / "costmodel.toml").read_text()
    (project / "costmodel.toml").write_text(f"allow = ['tests.guard.nets:student']\n{text}")
    answer = run("check", "--base", "main")
    assert answer.status == 1
    assert "  guarded less: build = 'tests.guard.nets:student' is allowed since main\n" in answer.out


def test_a_damaged_lock_ends_in_one_line_and_can_be_written_anew(project: Path) -> None:
    configure(project, student())
    run("lock")
    place = project / "costmodel.lock"
    whole = place.read_text()
    place.write_text(whole.replace("98304", "98305", 1))
    for command in (("check",), ("lock",)):
        assert refusal(*command) == (
            "costmodel.lock:10: this line, or one just before it, was edited, moved or removed by hand, or is damaged;"
            " run `costmodel lock --update` to count anew"
        )
    assert run("lock", "--update").status == 0
    assert place.read_text() == whole
    newer = whole.replace("format 1", "format 2")
    place.write_text(newer)
    assert "format 2 is newer" in refusal("lock", "--update")
    assert place.read_text() == newer


def test_reasons_outlive_a_conflict(project: Path) -> None:
    configure(project, student())
    run("lock", "--reason", "first")
    place = project / "costmodel.lock"
    ours = place.read_text()
    expand = next(line for line in ours.splitlines() if line.startswith("  body.1.expand"))
    theirs = expand.replace("48x16x16", "64x16x16")
    sides = f'<<<<<<< HEAD\nreason | wider\n{expand}\n=======\nreason | "a | b"\n{theirs}\n>>>>>>> other\n'
    place.write_text(ours.replace(f"{expand}\n", f"{sides}reason | gone\n  no.such | conv | - |\n"))
    answer = run("lock", "--update")
    assert (answer.status, answer.out) == (
        0,
        "costmodel.lock is written: 1 model\n1 reason could not be kept: gone (m0)\n",
    )
    (cost,) = read(place.read_bytes()).values()
    assert [(cost.layers[number].name, text) for number, text in cost.reasons] == [
        ("input", "first"),
        ("body.1.expand", "wider"),
        ("body.1.expand", "a | b"),
    ]
    # A lock that was cut off in the middle of a model.
    whole = place.read_text()
    place.write_text(whole[: whole.index("reason | wider") + 70])
    assert "could not be kept" not in run("lock", "--update").out
    assert 'reason | wider\nreason | "a \\u007c b"\n  body.1.expand | ' in place.read_text()
    place.write_text("reason | alone\n")
    assert run("lock", "--update").out.endswith("\n1 reason could not be kept: alone (no model)\n")


def test_a_lock_over_budget_is_written_and_says_so(project: Path) -> None:
    configure(project, student('multiply_adds = "<= 0.9 M"'))
    said = "m0 is over budget: multiply-adds: 976,976 are over the budget <= 0.9 M (900,000) by 76,976\n"
    for first in ("written", "up to date"):
        answer = run("lock")
        assert (answer.status, answer.out) == (0, f"costmodel.lock is {first}: 1 model\n{said}")


def test_a_damaged_lock_of_another_place_is_called_by_its_name(project: Path) -> None:
    configure(project, student())
    run("lock")
    (project / "past").mkdir()
    other = project / "past" / "x.lock"
    other.write_text((project / "costmodel.lock").read_text().replace("98304", "98305", 1))
    message = refusal("diff", "past/x.lock", "costmodel.lock")
    assert message.startswith("past/x.lock:10: this line, or one just before it, was edited")
    assert message.endswith("; run `costmodel lock --update` in its project to count anew")
    (project / "costmodel.lock").write_text(other.read_text())
    assert refusal("diff", "costmodel.lock", "lenet").endswith("; run `costmodel lock --update` to count anew")


def test_no_project_is_one_line() -> None:
    for command in ("lock", "check", "diff"):
        assert refusal(command).startswith("no pyproject.toml or costmodel.toml in . or above it lists models; write [")


def test_a_project_is_found_from_below_and_its_modules_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "found_from_below.py").write_text("from costmodel import lenet5\n\ndef net():\n    return lenet5()\n")
    configure(project, 'build = "found_from_below:net"')
    (project / "sub").mkdir()
    monkeypatch.chdir(project / "sub")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert run("lock").out == "../costmodel.lock is written: 1 model\n"
    assert (project / "costmodel.lock").exists()
    assert str(project) not in sys.path


# --- formats --------------------------------------------------------------------------------------------------------


def test_every_format_of_a_check(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(project, student(), student(blocks=1))
    run("lock")
    assert run("check", "--format", "markdown").out == ""
    assert run("check", "--format", "github").out.endswith(f"2 models: 2 in order\n{UNJUDGED}")
    configure(project, student(hidden=64), student(blocks=1))
    answer = run("check", "--format", "json")
    assert answer.status == 1
    first, second = json.loads(answer.out)["models"]
    assert (first["old"], first["new"]) == (
        {"multiply_adds": 976_976, "parameters": 3_922},
        {"multiply_adds": 1_079_376, "parameters": 4_322},
    )
    assert second["changes"] == []
    (change,) = first["changes"]
    assert (change["kind"], change["layer"], change["what"]) == ("changed", "body.1.expand", "48 -> 64 channels")
    assert (change["multiply_adds"], change["parameters"], len(change["layers"])) == (102_400, 400, 3)

    suite = ElementTree.fromstring(run("check", "--format", "junit").out)[0]
    assert [case.get("name") for case in suite] == ["m0", "m1"]
    assert suite.get("failures") == "1"

    assert run("check", "--format", "markdown").out == (
        "### The cost check failed\n\n2 models: 1 in order, 1 not as locked\n\n**`m0`**\n\n"
        "| | before | now | change |\n|:---|---:|---:|---:|\n"
        "| multiply-adds | 976,976 | 1,079,376 | +102.4 k (+10.5 %) |\n"
        "| parameters | 3,922 | 4,322 | +400 (+10.2 %) |\n\n"
        "- `body.1.expand` `48 -> 64 channels`: +102.4 k (+10.5 %), +400 parameters\n\n"
        'If this is meant: costmodel lock --update --reason "..." and commit `costmodel.lock`.\n'
        f"\n`{UNJUDGED.strip()}`\n"
    )

    summary = project / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.parent))
    answer = run("check", "--format", "github")
    assert answer.status == 1
    assert answer.out.splitlines()[0] == (
        f"::error file={project.name}/costmodel.lock,line=5,title=costmodel%3A m0::changed: 1,079,376 multiply-adds,"
        " +102.4 k (+10.5 %25); 4,322 parameters, +400 (+10.2 %25)%0Abody.1.expand 48 -> 64 channels: +102.4 k"
        " (+10.5 %25), +400 parameters"
    )
    assert summary.read_text().startswith(
        "before\n### The cost check failed\n\n2 models: 1 in order, 1 not as locked\n"
    )
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "missing" / "summary.md"))
    answer = run("check", "--format", "github")
    assert answer.status == 2
    assert "cannot write the summary to " in answer.err


def test_what_is_damaged_or_misconfigured_is_said_in_every_format(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(project, student())
    run("lock")
    place = project / "costmodel.lock"
    place.write_text(place.read_text().replace("98304", "98305", 1))
    message = refusal("check")
    answer = run("check", "--format", "json")
    assert answer.status == 2
    assert json.loads(answer.out) == {
        "status": 2, "models": [], "error": message, "file": "costmodel.lock", "line": 10
    }  # fmt: skip
    suite = ElementTree.fromstring(run("check", "--format", "junit").out)[0]
    assert (suite.get("tests"), suite.get("errors"), suite[0][0].tag, suite[0][0].text) == ("1", "1", "error", message)
    assert run("check", "--format", "markdown").out.startswith("### The cost check could not run\n\n")

    summary = project / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.parent))
    answer = run("check", "--format", "github")
    where = f"file={project.name}/costmodel.lock,line=10,title=costmodel"
    assert (answer.status, answer.err) == (2, "")
    assert answer.out == f"::error {where}::{message}\n"
    assert summary.read_text().startswith("### The cost check could not run\n\n")

    configure(project, "build = 50 %\n")
    answer = run("check", "--format", "github")
    toml = f"file={project.name}/costmodel.toml"
    assert answer.out.startswith(f"::error {toml},line=2,title=costmodel::costmodel.toml is no TOML: ")
    configure(project, "color = 'red'\n")
    answer = run("diff", "--format", "github")
    assert answer.out.startswith(f"::error {toml},title=costmodel::costmodel.toml: models.")
    assert answer.status == 2


# --- diff -----------------------------------------------------------------------------------------------------------


def test_diff_since_the_branch_began(project: Path) -> None:
    git(project, "init", "--quiet")
    configure(project, student())
    run("lock")
    first = commit(project)
    git(project, "checkout", "--quiet", "-b", "wider")
    assert run("diff", "--base", "main", "--format", "markdown").out == ""
    configure(project, student(hidden=64))
    answer = run("diff", "--base", "main")
    assert (answer.status, answer.out) == (
        0,
        f"From {first[:12]} (where HEAD and main parted) to now:\n{WIDER}1 model: 1 changed\n",
    )
    assert run("diff", "--base", "main", "--format", "github").out.startswith("::notice file=costmodel.lock,title=")
    assert "<system-out>" in run("diff", "--base", "main", "--format", "junit").out
    assert refusal("diff").startswith("git knows no commit 'origin/main'")
    run("lock", "--update")
    commit(project)
    between = run("diff", "main", "HEAD")
    assert between.out == f"From {first[:12]} (main) to {commit_of(project)} (HEAD):\n{WIDER}1 model: 1 changed\n"


def test_diff_on_the_branch_that_adds_the_lock(project: Path) -> None:
    git(project, "init", "--quiet")
    configure(project, student())
    first = commit(project)
    git(project, "checkout", "--quiet", "-b", "lock")
    run("lock")
    commit(project)
    answer = run("diff", "--base", "main")
    place = f"{first[:12]} (where HEAD and main parted)"
    assert (answer.status, answer.out) == (
        0,
        f"From {place} to now:\nNo lock in {place}: every model is new.\n"
        "m0: new: 976,976 multiply-adds, 3,922 parameters\n1 model: 1 changed\n",
    )


def commit_of(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")[:12]


def test_diff_of_models_and_files(project: Path) -> None:
    configure(project, student(), student(hidden=64))
    run("lock")
    (project / "costmodel.lock").rename(project / "old.lock")
    answer = run("diff", "m0", "m1")
    assert answer.out == f"From m0 to m1:\n{WIDER.replace('m0:', 'm0 -> m1:')}1 model: 1 changed\n"
    assert run("diff", "m0", "old.lock").out.endswith("1 model: 1 unchanged\n")
    assert refusal("diff", "lenet", "old.lock") == "old.lock has no model 'lenet'; it has m0, m1"
    configure(project, student(trunk="trunk"))
    run("lock")
    answer = run("diff", "old.lock", "costmodel.lock")
    assert answer.out == (
        "From old.lock to costmodel.lock:\n"
        "m0: changed: 976,976 multiply-adds, 0; 3,922 parameters, 0\n"
        "  body renamed to trunk (12 layers): no change in cost\n"
        "m1: gone: had 1,079,376 multiply-adds, 4,322 parameters\n"
        "2 models: 2 changed\n"
    )
    # A single model and a lock of a single model are compared, whatever their names.
    assert run("diff", "m0", "costmodel.lock").out.endswith("1 model: 1 unchanged\n")
    assert "mobilenet_v1 -> mobilenet_v2: changed: 300,774,272 multiply-adds, -268.0 M (-47.1 %)" in (
        run("diff", "mobilenet_v1", "mobilenet_v2").out
    )


def test_diff_needs_no_project_for_models(project: Path) -> None:
    assert run("diff", "lenet", "lenet").out == (
        "From lenet to lenet:\nlenet -> lenet: unchanged: 2,327,720 multiply-adds, 121,182 parameters\n"
        "1 model: 1 unchanged\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lenet",), "diff compares two, or the project with --base; 1 given"),
        (("lenet", "lenet5", "--base", "main"), "--base=main is for diff without A and B; leave out one or the other"),
        (("lenet", "lent"), "'lent' is no file, no model and no commit; did you mean lenet? `costmodel models` lists"),
        (("lenet", "tests.guard.nets:broken"), "tests.guard.nets:broken raised RuntimeError: no weights here"),
    ],
)
def test_a_diff_that_cannot_be_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert refusal("diff", *arguments).startswith(message)


# --- whole processes ------------------------------------------------------------------------------------------------


def test_a_check_loads_neither_rich_nor_torch_nor_pandas(project: Path) -> None:
    configure(project, 'build = "lenet"')
    script = (
        "import sys; from costmodel.cli import main\n"
        "try: main(['check'])\nexcept SystemExit as stop: print(stop.code)\n"
        "print(sorted({'torch', 'pandas', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=project, check=True)
    assert ran.stdout.splitlines()[-2:] == ["1", "[]"]


def test_two_locks_at_once_leave_the_lock_of_one(project: Path) -> None:
    configure(project, *['build = "mobilenet_v2"'] * 5)
    command = [sys.executable, "-m", "costmodel", "lock", "--update", "--reason"]
    writers = [subprocess.Popen([*command, str(number)], stdout=subprocess.DEVNULL) for number in range(4)]
    assert [process.wait() for process in writers] == [0] * 4
    found = read((project / "costmodel.lock").read_bytes())
    assert list(found) == ["m0", "m1", "m2", "m3", "m4"]
    assert len({cost.reasons for cost in found.values()}) == 1
    assert sorted(os.listdir(project)) == ["costmodel.lock", "costmodel.toml"]


@pytest.mark.slow
def test_an_input_is_of_the_modules_that_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "widths.py").write_text(
        "from torch import nn\n\n\ndef thin():\n    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1))\n\n\n"
        "def wide():\n    return nn.Sequential(nn.Conv2d(3, 12, 3, padding=1))\n"
    )
    monkeypatch.chdir(tmp_path)
    lines = run("diff", "widths:thin", "widths:wide", "--input", "3x16x16").out.splitlines()
    assert lines[1].startswith(
        f"widths:thin -> widths:wide: changed: {27 * 12 * 256:,} multiply-adds, +27.6 k (+50.0 %)"
    )
    assert "--input=3x8x8 is for a model as A or B" in refusal("diff", "--input", "3x8x8")
