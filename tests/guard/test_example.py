"""The example project, end to end: a repository, a branch that edits the model, what the check and the diff say."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from costmodel.guard.check import read_lock
from tests.cli_runner import run
from tests.guard.projects import GIT_ENVIRONMENT, UNJUDGED, commit, git

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "ci"
#: The pages that show the three commands of a new user.
PAGES = ("examples/ci/README.md", "README.md")


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example, copied, committed, and on a branch of its own."""
    place = tmp_path / "examples" / "ci"
    shutil.copytree(EXAMPLE, place, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache", "*.bak"))
    git(place, "init", "--quiet")
    commit(place)
    git(place, "checkout", "--quiet", "-b", "edit")
    return place


def shell(folder: Path, line: str) -> tuple[int, str]:
    """Exit status and output of ``line`` in a shell that has costmodel, in a folder where nobody configured git."""
    programs = folder / ".git" / "programs" if (folder / ".git").exists() else folder / "programs"
    programs.mkdir(exist_ok=True)
    place = programs / "costmodel"
    place.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m costmodel "$@"\n')
    place.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "PYTEST"))}
    environment |= {**GIT_ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1", "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    environment |= {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        ["bash", "-e", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stdout + ran.stderr


def edit(folder: Path, *pairs: tuple[str, str]) -> None:
    """Replaces texts in the model, each of which is there once."""
    place = folder / "student" / "models.py"
    text = place.read_text()
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    place.write_text(text)


MEANT = 'If this is meant: costmodel lock --update --reason "..." and commit costmodel.lock.\n'
BUDGETS = "The budgets are in pyproject.toml.\n"
BEFORE = 18_355_264

#: The edit; what became of the model; what is over budget; what is to blame; what ends the check.
CASES = {
    "a wider layer": (
        (("(240, 40, 1)", "(320, 40, 1)"),),
        "student: changed: 19,380,544 multiply-adds, +1.0 M (+5.6 %); 77,034 parameters, +7.4 k (+10.7 %)\n",
        "  over budget: multiply-adds: 19,380,544 are over the budget <= 19 M (19,000,000) by 380,544\n",
        "  body.3.expand.conv 240 -> 320 channels: +1.0 M (+5.6 %), +7.4 k parameters\n"
        "    body.3.expand.conv: +460.8 k (+2.5 %), +3.2 k parameters\n"
        "    body.3.project.conv: +460.8 k (+2.5 %), +3.2 k parameters\n"
        "    body.3.depthwise.conv: +103.7 k (+0.6 %), +720 parameters\n"
        "    2 other layers: +320 parameters\n",
        f"1 model: 1 not as locked, 1 over budget\n{MEANT}{BUDGETS}",
    ),
    "renamed layers": (
        (('f"body.{number}"', 'f"trunk.{number}"'), ('conv_bn(x, "head"', 'conv_bn(x, "neck"')),
        "student: changed: 18,355,264 multiply-adds, 0; 69,594 parameters, 0\n",
        "",
        "  body renamed to trunk (43 layers): no change in cost\n"
        "  head renamed to neck (3 layers): no change in cost\n",
        f"1 model: 1 not as locked\n{MEANT}",
    ),
    "a removed layer": (
        (('    x = conv_bn(x, "head", pointwise_conv(160), RELU6)\n', ""),),
        "student: changed: 17,432,464 multiply-adds, -922.8 k (-5.0 %); 61,674 parameters, -7.9 k (-11.4 %)\n",
        "",
        "  head.conv removed: -921.6 k (-5.0 %), -6.4 k parameters\n"
        "  head.activation removed: -1.2 k (-<0.1 %), -1.2 k parameters\n"
        "  head.norm removed: -320 (-0.5 %) parameters\n",
        f"1 model: 1 not as locked\n{MEANT}",
    ),
    "a removed block": (
        (("    (240, 40, 1),\n", ""),),
        "student: changed: 15,279,424 multiply-adds, -3.1 M (-16.8 %); 47,194 parameters, -22.4 k (-32.2 %)\n",
        "",
        "  body.3 removed (9 layers): -3.1 M (-16.8 %), -22.4 k parameters\n"
        "    body.3.expand.conv: -1.4 M (-7.5 %), -9.6 k parameters\n"
        "    body.3.project.conv: -1.4 M (-7.5 %), -9.6 k parameters\n"
        "    body.3.depthwise.conv: -311.0 k (-1.7 %), -2.2 k parameters\n"
        "    3 other layers: -1.0 k parameters\n"
        "  body.4 renamed to body.3 (9 layers): no change in cost\n",
        f"1 model: 1 not as locked\n{MEANT}",
    ),
    "a changed stride": (
        (("(144, 40, 2)", "(144, 40, 1)"),),
        "student: changed: 39,547,456 multiply-adds, +21.2 M (+115.5 %); 69,594 parameters, 0\n",
        "  over budget: multiply-adds: 39,547,456 are over the budget <= 19 M (19,000,000) by 20,547,456\n",
        "  body.2.depthwise.conv stride 2x2 -> 1x1: +21.2 M (+115.5 %)\n"
        "    body.3.expand.conv: +4.1 M (+22.6 %)\n"
        "    body.3.project.conv: +4.1 M (+22.6 %)\n"
        "    body.4.expand.conv: +2.8 M (+15.1 %)\n"
        "    body.4.project.conv: +2.8 M (+15.1 %)\n"
        "    head.conv: +2.8 M (+15.1 %)\n"
        "    4 other layers: +4.6 M\n",
        f"1 model: 1 not as locked, 1 over budget\n{MEANT}{BUDGETS}",
    ),
}


def test_the_figures_of_the_cases_are_right_by_hand() -> None:
    # Blocks 3 and 4 and the head work on 40 channels at 12x12 = 144 positions; a norm stores 2 numbers a channel.
    assert BEFORE + 144 * 80 * (40 + 9 + 40) == 19_380_544
    assert 69_594 + 80 * (40 + 9 + 40) + 2 * 2 * 80 == 77_034
    assert BEFORE - 144 * 40 * 160 - (160 - 40) * 10 == 17_432_464
    assert 69_594 - 40 * 160 - 2 * 160 - (160 - 40) * 10 == 61_674
    assert BEFORE - 144 * 240 * (40 + 9 + 40) == 15_279_424
    # Four times the positions from the depthwise convolution of block 2 on.
    assert BEFORE + 3 * 144 * (144 * 9 + 144 * 40 + (240 + 160) * (40 + 9 + 40) + 40 * 160) == 39_547_456


def test_as_it_was(example: Path) -> None:
    same = "student: {}: 18,355,264 multiply-adds, 69,594 parameters\n1 model: 1 {}\n"
    assert shell(example, "costmodel check") == (0, same.format("as locked", "in order") + UNJUDGED)
    head = git(example, "rev-parse", "HEAD")[:12]
    found = shell(example, "costmodel diff --base main")
    assert found == (0, f"From {head} (where HEAD and main parted) to now:\n{same.format('unchanged', 'unchanged')}")
    assert shell(example, "costmodel diff --base main --format markdown") == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_an_edit_on_a_branch(example: Path, case: str) -> None:
    edits, became, over, blamed, end = CASES[case]
    edit(example, *edits)
    parted = git(example, "rev-parse", "HEAD")[:12]
    commit(example)
    assert shell(example, "costmodel check") == (1, f"{became}{over}{blamed}{end}{UNJUDGED}")
    since = f"From {parted} (where HEAD and main parted) to now:\n{became}{blamed}1 model: 1 changed\n"
    assert shell(example, "costmodel diff --base main") == (0, since)


@pytest.mark.slow
def test_a_change_that_is_meant(example: Path) -> None:
    edit(example, ("(240, 40, 1)", "(256, 40, 1)"))
    assert shell(example, "costmodel check")[0] == 1
    status, output = shell(example, 'costmodel lock --update --reason "wider body"')
    assert (status, output.splitlines()[-1]) == (0, "costmodel.lock is written: 1 model")
    commit(example)
    assert shell(example, "costmodel check")[0] == 0
    # The branch still shows what it adds.
    assert " 240 -> 256 channels: " in shell(example, "costmodel diff --base main")[1]
    changed = git(example, "diff", "--unified=0", "main", "--", "costmodel.lock").splitlines()[5:]
    assert [line[1:].split()[0] for line in changed if line[0] == "+"] == [
        "reason",
        *(f"body.3.expand.{part}" for part in ("conv", "norm", "activation")),
        *(f"body.3.depthwise.{part}" for part in ("conv", "norm", "activation")),
        "body.3.project.conv",
    ]


@pytest.mark.slow
def test_the_tests_of_the_example_hold(example: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m pytest -q -p no:cacheprovider -p costmodel.pytest_plugin"
    installed = (
        "import importlib.metadata as m; print(any(e.name == 'costmodel' for e in m.entry_points(group='pytest11')))"
    )
    if shell(example, f"{shlex.quote(sys.executable)} -c {shlex.quote(installed)}")[1] == "True\n":
        command = command.rpartition(" -p ")[0]
    status, output = shell(example, command)
    assert status == 0, output
    assert output.splitlines()[-1].startswith("3 passed in ")
    edit(example, ("(240, 40, 1)", "(320, 40, 1)"))
    status, output = shell(example, command)
    assert status == 1
    assert (
        "AssertionError: student: multiply-adds: 19,380,544 are over the budget <= 19 M (19,000,000) by 380,544"
        in output
    )
    assert "body.3.expand.conv 240 -> 320 channels: +1.8 M (+5.6 %), +7.4 k parameters" in output


@pytest.mark.slow
def test_the_module_costs_what_the_architecture_does(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch import nn

    monkeypatch.chdir(example / "with_torch")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", [*sys.path])
    answer = run("check")
    same = "student: as locked: 18,355,264 multiply-adds, 69,594 parameters\n1 model: 1 in order\n"
    assert (answer.status, answer.out) == (0, same + UNJUDGED)
    (ours,) = read_lock(example / "costmodel.lock").values()
    (theirs,) = read_lock(example / "with_torch" / "costmodel.lock").values()
    assert [layer[-2:] for layer in ours.layers if layer.parameters] == [
        layer[-2:] for layer in theirs.layers if layer.parameters
    ]
    # By PyTorch, which has every parameter in hand.
    student = sys.modules.pop("student_module").Student()
    assert isinstance(student, nn.Module)
    assert sum(parameter.numel() for parameter in student.parameters()) == 69_594


# --- three commands -------------------------------------------------------------------------------------------------


def three_commands(page: str) -> tuple[str, str]:
    """The commands and the output that a page shows a new user."""
    part = page.partition("<!-- three commands -->")[2].partition("<!-- three commands end -->")[0]
    found = re.fullmatch(r"\n```bash\n(.*?)```\n.*```text\n(.*?)```\n", part, flags=re.DOTALL)
    assert found
    return found[1], found[2]


@pytest.mark.parametrize("page", PAGES)
def test_three_commands_from_nothing_to_a_failing_check(example: Path, page: str) -> None:
    shutil.rmtree(example / ".git")
    commands, output = three_commands((ROOT / page).read_text())
    assert len(commands.splitlines()) == 3
    # What the rest of these tests run is installed already; .ci/run installs it from nothing.
    install = "python -m pip install . && "
    assert commands.startswith(f"{install}cd examples/ci\n")
    assert shell(example.parent.parent, commands.removeprefix(install)) == (1, output)
