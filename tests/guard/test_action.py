"""The action at the root and the hooks of pre-commit, run as GitHub's runner and pre-commit run them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import costmodel
from tests.guard.projects import GIT_ENVIRONMENT, UNJUDGED, commit, configure, git, student

ROOT = Path(__file__).parent.parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
WORKFLOW = yaml.safe_load((ROOT / "examples" / "ci" / ".github" / "workflows" / "cost.yml").read_text())
PAGES = (ROOT / "docs" / "how-to" / "guard.md", ROOT / "examples" / "ci" / "README.md")
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout on a runner, with the project in a folder of it; beside it, the runner's files and programs."""
    (tmp_path / "programs").mkdir()
    program(tmp_path, "costmodel", f'exec {shlex.quote(sys.executable)} -P -m costmodel "$@"')
    (tmp_path / "checkout" / "project").mkdir(parents=True)
    return tmp_path / "checkout"


def program(folder: Path, name: str, line: str) -> None:
    """An executable that the steps find before any other of its name."""
    place = folder / "programs" / name
    place.write_text(f"#!/bin/sh\n{line}\n")
    place.chmod(0o755)


def filled(text: str, inputs: dict[str, str]) -> str:
    """``text`` with the expressions of GitHub replaced; an unknown one is an error."""
    values = {f"inputs.{name}": inputs.get(name, given["default"]) for name, given in ACTION["inputs"].items()}
    assert set(inputs) <= set(ACTION["inputs"])
    values["github.action_path"] = "/actions/costmodel"
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: values[found[1]], text)


def run(step: dict[str, Any], workspace: Path, **inputs: str) -> tuple[int, str, str]:
    """Exit status, output and job summary of a step, run as ``shell: bash`` is."""
    assert step["shell"] == "bash"
    assert "${{" not in step["run"], "an input would be read as code"
    named = {name.replace("_", "-"): value for name, value in inputs.items()}
    parent = workspace.parent
    script, summary = parent / "step.sh", parent / "summary.md"
    script.write_text(step["run"])
    summary.write_text("")
    environment = {
        **GIT_ENVIRONMENT,
        "PATH": f"{parent / 'programs'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(workspace),
        "GITHUB_STEP_SUMMARY": str(summary),
        **{name: filled(value, named) for name, value in step.get("env", {}).items()},
    }
    folder = workspace / filled(step.get("working-directory", "."), named)
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
    ran = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return ran.returncode, ran.stdout, summary.read_text()


def check(workspace: Path, **inputs: str) -> tuple[int, str, str]:
    return run(STEPS["Check what the models cost"], workspace, working_directory="project", **inputs)


def lock(workspace: Path) -> None:
    """The project of ``workspace``, locked as it is."""
    subprocess.run(
        [sys.executable, "-m", "costmodel", "lock"],
        cwd=workspace / "project",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )


def test_the_action_is_one_that_github_takes() -> None:
    assert set(ACTION) == {"name", "description", "branding", "inputs", "runs"}
    assert ACTION["runs"]["using"] == "composite"
    for name, given in ACTION["inputs"].items():
        assert set(given) == {"description", "default"}, name
        assert isinstance(given["default"], str)
    for step in ACTION["runs"]["steps"]:
        assert ("uses" in step) is not ("run" in step)
        assert ("run" in step) is ("shell" in step)
    # What needs a token would not work for a fork.
    assert "token" not in re.sub("#.*", "", (ROOT / "action.yml").read_text())


def test_a_step_that_reads_what_is_no_input_is_seen() -> None:
    with pytest.raises(KeyError):
        filled("${{ inputs.pyton-version }}", {})


def test_in_order(workspace: Path) -> None:
    configure(workspace / "project", student())
    lock(workspace)
    status, output, summary = check(workspace)
    assert status == 0
    assert output == f"m0: as locked: 976,976 multiply-adds, 3,922 parameters\n1 model: 1 in order\n{UNJUDGED}"
    assert summary == f"costmodel: 1 model: 1 in order\n\n`{UNJUDGED.strip()}`\n"


def test_a_wider_layer_is_an_annotation_a_summary_and_a_failed_step(workspace: Path) -> None:
    configure(workspace / "project", student())
    lock(workspace)
    configure(workspace / "project", student(hidden=64))
    status, output, summary = check(workspace)
    assert status == 1
    first, *text = output.splitlines()
    assert first == (
        "::error file=project/costmodel.lock,line=5,title=costmodel%3A m0::changed: 1,079,376 multiply-adds,"
        " +102.4 k (+10.5 %25); 4,322 parameters, +400 (+10.2 %25)%0Abody.1.expand 48 -> 64 channels: +102.4 k"
        " (+10.5 %25), +400 parameters"
    )
    assert text[-2] == 'If this is meant: costmodel lock --update --reason "..." and commit project/costmodel.lock.'
    assert "- `body.1.expand` `48 -> 64 channels`: +102.4 k (+10.5 %), +400 parameters\n" in summary
    assert summary.startswith("### The cost check failed\n")


def test_what_is_misconfigured_is_an_annotation(workspace: Path) -> None:
    configure(workspace / "project", student("parametres = 1"))
    status, output, summary = check(workspace)
    assert status == 2
    assert summary.startswith("### The cost check could not run\n\n`costmodel.toml: models.m0.budgets: no budget is ")
    place = "file=project/costmodel.toml,title=costmodel"
    assert output.startswith(f"::error {place}::costmodel.toml: models.m0.budgets: no budget is called 'paramet")
    assert output.count("\n") == 1


def test_the_name_of_a_model_is_no_annotation(workspace: Path) -> None:
    configure(workspace / "project", f'[models."costmodel: error: x"]\n{student()}')
    status, output, _ = check(workspace)
    assert status == 1
    annotations = [line for line in output.splitlines() if line.startswith("::")]
    assert [line.partition("::not in the lock")[1] for line in annotations] == ["::not in the lock"]


@pytest.mark.slow
def test_arguments_reach_the_check_and_never_the_shell(workspace: Path) -> None:
    configure(workspace / "project", student('growth = "<= 5 %"'))
    lock(workspace)
    git(workspace, "init", "--quiet")
    commit(workspace)
    git(workspace, "checkout", "--quiet", "-b", "wider")
    configure(workspace / "project", student('growth = "<= 5 %"', hidden=64))
    lock_again = workspace / "project" / "costmodel.lock"
    lock_again.unlink()
    lock(workspace)
    assert check(workspace)[0] == 0
    for arguments in ("--base main", "--base\n  main\n"):
        status, output, _ = check(workspace, arguments=arguments)
        assert status == 1
        assert "grew by 102,400 to 1,079,376; growth is <= 5 %" in output
    status, output, _ = check(workspace, arguments="$(touch made) `touch made`; touch made #")
    assert status == 2
    assert "unexpected extra argument" in output
    assert not (workspace / "project" / "made").exists()


@pytest.mark.parametrize(
    ("version", "wanted"), [("", "/actions/costmodel"), ("0.2.0; touch made", "nn-costmodel==0.2.0; touch made")]
)
def test_what_is_installed(workspace: Path, version: str, wanted: str) -> None:
    program(workspace.parent, "python", 'printf "%s\\n" "$@"')
    status, output, _ = run(STEPS["Install costmodel"], workspace, version=version)
    assert (status, output.splitlines()) == (0, ["-m", "pip", "install", "--quiet", wanted])
    program(workspace.parent, "python", "exit 1")
    assert run(STEPS["Install costmodel"], workspace)[0] == 1


def test_pins_are_for_pip(workspace: Path) -> None:
    program(workspace.parent, "python", 'printf "%s\\n" "$@"')
    _, output, _ = run(STEPS["Install costmodel"], workspace, version="0.2.0", constraints="my pins.txt")
    assert output.splitlines() == [
        "-m", "pip", "install", "--quiet", "--constraint", "my pins.txt", "nn-costmodel==0.2.0",
    ]  # fmt: skip


def test_every_action_that_is_called_is_pinned_to_a_commit() -> None:
    texts = [place.read_text() for place in (ROOT / "action.yml", *(ROOT / "examples").rglob("*.yml"), *PAGES)]
    used = [name for text in texts for name in re.findall(r"uses: (\S+)", text)]
    foreign = [name for name in used if not name.startswith("OWNER/costmodel@")]
    assert len(foreign) >= 4
    for name in foreign:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", name), name
    assert not [text for text in texts if re.search(r"^\s*(on:.*)?pull_request_target", text, re.MULTILINE)]


def test_the_workflow_of_the_example_calls_this_action() -> None:
    (job,) = WORKFLOW["jobs"].values()
    step = job["steps"][-1]
    assert step["uses"] == f"OWNER/costmodel@v{costmodel.__version__}"
    assert set(step.get("with", {})) <= set(ACTION["inputs"])
    assert WORKFLOW["permissions"] == {"contents": "read"}


# --- pre-commit -----------------------------------------------------------------------------------------------------


def test_the_hooks_have_the_keys_that_pre_commit_knows() -> None:
    assert list(HOOKS) == ["costmodel-check", "costmodel-lock"]
    for hook in HOOKS.values():
        assert {key: type(value) for key, value in hook.items()} == {
            "id": str, "name": str, "description": str, "entry": str, "language": str, "files": str,
            "pass_filenames": bool,
        }  # fmt: skip
        assert hook["language"] == "python"
        assert hook["pass_filenames"] is False


@pytest.mark.parametrize("name", ["costmodel-check", "costmodel-lock"])
def test_a_hook_runs_for_what_can_change_a_cost(name: str) -> None:
    runs = re.compile(HOOKS[name]["files"]).search  # as pre-commit reads it
    for path in ("student/models.py", "pyproject.toml", "sub/pyproject.toml", "costmodel.toml", "costmodel.lock"):
        assert runs(path), path
    for path in ("README.md", "student/models.pyc", "poetry.lock", "my-pyproject.toml", "notcostmodel.lock", "a.toml"):
        assert not runs(path), path


def hook(name: str, workspace: Path) -> int:
    """The exit status of a hook, run as pre-commit does: its entry, split as in a shell, at the repository's root."""
    program_name, *arguments = shlex.split(HOOKS[name]["entry"])
    place = shutil.which(program_name, path=str(workspace.parent / "programs"))
    assert place
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run([place, *arguments], cwd=workspace, env=environment, capture_output=True, check=False)
    return ran.returncode


@pytest.mark.slow
def test_the_hooks_check_and_lock(workspace: Path) -> None:
    configure(workspace, student())
    assert hook("costmodel-check", workspace) == 1
    assert hook("costmodel-lock", workspace) == 0
    assert hook("costmodel-check", workspace) == 0
    configure(workspace, student(hidden=64))
    assert hook("costmodel-check", workspace) == 1
    before = (workspace / "costmodel.lock").read_bytes()
    assert hook("costmodel-lock", workspace) == 0
    assert (workspace / "costmodel.lock").read_bytes() != before  # which is how pre-commit sees that it wrote
    assert hook("costmodel-check", workspace) == 0
