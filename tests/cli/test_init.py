"""``costmodel init`` and ``doctor``: a project is put under the check, and nothing of it is replaced."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from costmodel.guard.project import candidates, pre_commit
from tests.cli_runner import refusal, run

MODELS = """
import costmodel as cm

def small(alpha: float = 0.25) -> cm.Network:
    return cm.mobilenet_v1(alpha=alpha)

def of_width(width) -> cm.Network:
    return cm.mobilenet_v1(alpha=width)

def helper() -> int:
    return 3
"""
#: Is imported by nobody: it would leave a file behind.
SCRIPT = "open('ran', 'w')\nimport costmodel as cm\ndef trained() -> cm.Network: ...\n"
CALLS = 'import costmodel as cm\nDATA = exec(\'open("ran", "w")\')\ndef made() -> cm.Network: ...\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "models.py").write_text(MODELS)
    (tmp_path / "nets" / "script.py").write_text(SCRIPT)
    (tmp_path / "nets" / "calls.py").write_text(CALLS)
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("nets", "nets.models"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_a_dry_run_writes_nothing(project: Path) -> None:
    before = files(project)
    answer = run("init", "--dry-run")
    assert answer.status == 0
    assert "small: nets.models:small: 41,030,272 multiply-adds\n" in answer.out  # as the paper's table says: 41 million
    assert "would be written: costmodel.lock\n" in answer.out
    assert files(project) == before


def test_a_project_is_put_under_the_check(project: Path) -> None:
    before = files(project)
    answer = run("init")
    assert answer.status == 0
    after = files(project)
    assert {name: after[name] for name in before} == before
    assert sorted(after.keys() - before.keys()) == [
        ".github/workflows/costmodel.yml",
        ".pre-commit-config.yaml",
        "costmodel.lock",
        "costmodel.toml",
    ]
    assert all(f"written: {name}\n" in answer.out for name in after.keys() - before.keys())
    assert "ran" not in after
    assert run("check").status == 0
    (project / "costmodel.toml").write_text((project / "costmodel.toml").read_text() + "kwargs = { alpha = 0.5 }\n")
    assert run("check").status == 1


def test_the_workflow_can_read_and_nothing_else(project: Path) -> None:
    run("init")
    text = (project / ".github" / "workflows" / "costmodel.yml").read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow[True] == ["push", "pull_request"]  # YAML reads the word "on" as true
    assert "pull_request_target" not in text
    assert "secrets." not in text
    used = [step["uses"] for step in workflow["jobs"]["cost"]["steps"] if "uses" in step]
    assert used
    assert all(len(name.partition("@")[2]) == 40 for name in used)
    hooks = yaml.safe_load((project / ".pre-commit-config.yaml").read_text())
    assert hooks["repos"][0]["hooks"][0]["entry"] == "costmodel check"


@pytest.mark.parametrize(
    "before",
    [
        "repos:\n- repo: https://example.org/a\n  rev: v1\n  hooks:\n  - id: a\n",
        "default_stages: [pre-commit]\nrepos:\n    - repo: https://example.org/a\n      rev: v1\n      hooks: []",
    ],
)
def test_hooks_that_are_there_stay(before: str) -> None:
    after = pre_commit(before)
    assert after is not None
    old, new = yaml.safe_load(before), yaml.safe_load(after)
    assert new["repos"][:-1] == old["repos"]
    assert new["repos"][-1]["hooks"][0]["id"] == "costmodel-check"
    assert {**new, "repos": 0} == {**old, "repos": 0}
    assert pre_commit(after) is None


@pytest.mark.parametrize("before", ["repos: []\n", "repos:\n- repo: a\n  hooks: []\nfail_fast: true\n"])
def test_hooks_that_are_hard_to_add_to_are_left(before: str) -> None:
    assert pre_commit(before) is None


def test_a_configured_project_is_refused(project: Path) -> None:
    run("init")
    after = files(project)
    assert refusal("init") == "costmodel.toml lists the models of this project; run `costmodel lock`"
    assert files(project) == after


def test_nothing_to_count_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal("init").startswith("no torch.nn.Module that needs no argument,")
    assert files(tmp_path) == {}


def test_candidates_are_whole_models_that_need_no_argument(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(
        "from torch import nn\nimport torch\n"
        "class Block(nn.Module):\n    pass\n"
        "class Net(nn.Module):\n    def __init__(self, n=3):\n        self.block = Block()\n"
        "class Sized(torch.nn.Module):\n    def __init__(self, n, *, m=1):\n        pass\n"
        "class Keyword(torch.nn.Module):\n    def __init__(self, *, m):\n        pass\n"
    )
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "nets.py").write_text("from torch import nn\nclass Fake(nn.Module): pass\n")
    (tmp_path / "broken.py").write_text("class (")
    (tmp_path / "a b.onnx").write_bytes(b"")
    assert [(one.name, one.build) for one in candidates(tmp_path)] == [("a-b", "a b.onnx"), ("net", "nets:Net")]


def test_the_doctor_says_what_is_here(project: Path) -> None:
    answer = json.loads(run("doctor", "--format", "json").out)
    assert answer["python"] == sys.version.split()[0]
    listed = subprocess.run([sys.executable, "-c", "import click.core, pandas; print(pandas.__version__)"],
                            capture_output=True, text=True, check=True)  # fmt: skip
    assert answer["packages"]["pandas"] == listed.stdout.strip()
    assert "no pyproject.toml or costmodel.toml" in answer["configuration"]
    run("init")
    assert "Configuration: costmodel.toml lists small; locked\n" in run("doctor").out


def test_the_doctor_says_how_to_get_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    def nothing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", nothing)
    (row,) = [line for line in run("doctor").out.splitlines() if line.startswith("pyarrow")]
    assert row.split() == [*["pyarrow", "not", "installed", "sweep", "-o", "grid.parquet", "pip", "install", "pyarrow"]]
