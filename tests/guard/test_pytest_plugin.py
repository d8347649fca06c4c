"""The pytest plugin, in runs of pytest that load it as an installed costmodel does: by its entry point."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from itertools import groupby
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch
from torch import nn

import costmodel as cm
from costmodel.guard.budget import parse_limit
from costmodel.guard.lockfile import read
from costmodel.report.guard.assertion import over_budget
from tests.guard.nets import student

ROOT = Path(__file__).parent.parent.parent
PLUGIN = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project to run pytest in."""
    (tmp_path / "tests").mkdir()
    # Beside the installed one, if there is one: pytest takes an entry point of the same name once.
    installed = tmp_path / "site" / "installed-1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: installed\nVersion: 1\n")
    lines = "".join(f"{name} = {module}\n" for name, module in PLUGIN.items())
    (installed / "entry_points.txt").write_text(f"[pytest11]\n{lines}")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return tmp_path


def pytest_run(folder: Path, *arguments: str) -> tuple[int, str]:
    """The exit status and the output of pytest in ``folder``; nothing may go to the standard error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COLUMNS"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder / "site"), str(ROOT)])
    command = [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "-q", *arguments]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    return ran.returncode, ran.stdout


def said(output: str) -> str:
    """What failures say: the lines of pytest that begin with E, without their margin."""
    groups = groupby(output.splitlines(), key=lambda line: line.startswith("E  "))
    return "".join(
        dedent("".join(f"{line[1:]}\n" for line in group)) for is_error, group in groups if is_error
    ).rstrip()


def write(folder: Path, text: str, name: str = "test_cost.py") -> Path:
    place = folder / "tests" / name
    place.write_text(text)
    return place


# --- what a test can name -------------------------------------------------------------------------------------------


def test_every_way_to_name_a_model_is_the_same_network() -> None:
    built = cm.mobilenet_v2(resolution=96)
    for model, given in (
        (built, None),
        (built, (3, 96, 96)),
        (built, built.input),
        ("mobilenet_v2", "3x96x96"),
        ("mobilenet_v2", [3, 96, 96]),
        (cm.mobilenet_v2, (3, 96, 96)),
        (lambda: built, None),
        ("tests.guard.test_pytest_plugin:small_v2", None),
    ):
        assert cm.load(model, given).multiply_adds == built.multiply_adds


def small_v2() -> cm.Network:
    """A function that a test can name."""
    return cm.mobilenet_v2(resolution=96)


def test_a_module_is_counted_from_sizes_and_from_examples() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 36, 2))
    once = 3 * 8 * 9 * 36 + 8 * 36 * 2  # by hand: 6x6 positions
    stored = sum(parameter.numel() for parameter in module.parameters())
    for given in ((3, 8, 8), "3x8x8", torch.zeros(1, 3, 8, 8), [torch.zeros(1, 3, 8, 8)], ["3x8x8:float32"]):
        found = cm.load(module, given)
        assert (found.multiply_adds, found.parameters) == (once, stored)
    assert cm.load(module, torch.zeros(5, 3, 8, 8)).multiply_adds == 5 * once
    assert cm.load(lambda: module, "3x8x8").multiply_adds == once
    assert cm.load(module.half(), "3x8x8").multiply_adds == once
    assert cm.load(nn.Embedding(10, 4), "7:int64").parameters == 40


def test_nothing_is_remembered_of_a_model_that_changes() -> None:
    module = nn.Sequential(nn.Linear(4, 2))
    assert cm.load(module, (4,)).parameters == 10
    module.append(nn.Linear(2, 1))
    assert cm.load(module, (4,)).parameters == 13
    widths = iter([48, 64])
    assert [cm.load(lambda: student(hidden=next(widths))).parameters for _ in range(2)] == [3922, 4322]


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        (
            nn.Linear(2, 2),
            None,
            "Linear: this is a PyTorch module; say the shape of one sample: (3, 224, 224), --input 3x224x224, or in"
            ' a configuration input = "3x224x224"',
        ),
        (
            nn.Linear(2, 2),
            {},
            "Linear: the input {} is neither sizes of one sample, as in (3, 224, 224), nor example tensors",
        ),
        ("lent", None, "no model is called 'lent'; did you mean lenet? `costmodel models` lists them all"),
        (
            "lenet",
            torch.zeros(1),
            "the input of lenet is a Tensor; give the sizes of one sample, as in (3, 224, 224) or '3x224x224' (example"
            " tensors are for a torch.nn.Module that is built)",
        ),
        (cm.lenet(), (3, 9, 9), "lenet is built for 3x32x32, not for 3x9x9; build it for that, or leave it out"),
        (3, None, "int is an int; name a costmodel.Network, a torch.nn.Module, or a function of one"),
        ("lenet", (3, 0, 32), "an input size=0 must be a whole number of at least 1"),
    ],
)
def test_what_is_no_model_is_one_line(model: Any, given: Any, message: str) -> None:
    with pytest.raises(cm.CostModelError) as found:
        cm.load(model, given)
    assert str(found.value) == message


# --- the fixtures ---------------------------------------------------------------------------------------------------

BUDGETS = """
import costmodel as cm
import pytest
from tests_nets import module

@pytest.fixture(scope="module")
def counted(cost_of):
    return cost_of("lenet")

def test_count(counted):
    assert counted.parameters == 121182

def test_in_order(assert_cost):
    assert_cost("lenet", multiply_adds="<= 2,327,720", flops=4655440, parameters="0.5 MB", weights="<= 121 k")
    assert_cost(module(), (3, 4, 4), parameters=146)
    with pytest.raises(AssertionError, match="by 1"):
        assert_cost("lenet", parameters=121181)

def test_over(assert_cost):
    assert_cost("lenet", multiply_adds="<= 2 M", weights="<= 0.4 MB")

def test_misspelled(assert_cost):
    assert_cost("lent", parameters=1)

def test_no_amount(assert_cost):
    assert_cost("lenet", parameters="<= 3 MFLOPs")

def raising():
    raise RuntimeError("no weights here")

def test_raising(cost_of):
    cost_of(raising)
"""
OVER = """\
AssertionError: lenet: multiply-adds: 2,327,720 are over the budget <= 2 M (2,000,000) by 327,720
  the largest of 12 layers:
    features.conv2.conv    1,280,000  55.0 %  conv 5x5, 16x14x14 -> 32x10x10
    features.conv1.conv      940,800  40.4 %  conv 5x5, 3x32x32 -> 16x28x28
    classifier.fc1.linear     96,000   4.1 %  linear, 800 -> 120
    classifier.fc2.linear     10,080   0.4 %  linear, 120 -> 84
    classifier.fc3               840   0.0 %  linear, 84 -> 10
lenet: weights: 120,920 are over the budget <= 0.4 MB at fp32 (100,000) by 20,920
  the largest of 12 layers:
    classifier.fc1.linear  96,000  79.4 %  linear, 800 -> 120
    features.conv2.conv    12,800  10.6 %  conv 5x5, 16x14x14 -> 32x10x10
    classifier.fc2.linear  10,080   8.3 %  linear, 120 -> 84
    features.conv1.conv     1,200   1.0 %  conv 5x5, 3x32x32 -> 16x28x28
    classifier.fc3            840   0.7 %  linear, 84 -> 10
costmodel.errors.CostModelError: no model is called 'lent'; did you mean lenet? `costmodel models` lists them all
costmodel.errors.CostModelError: parameters: '3 MFLOPs' is a number of FLOPs, and parameters is no number of FLOPs; \
write parameters as in 2.6 M or 10 MB at fp32
RuntimeError: no weights here
costmodel.errors.CostModelError: raising raised RuntimeError: no weights here"""


def test_a_failure_says_the_figure_the_budget_and_the_layers(folder: Path) -> None:
    (folder / "site" / "tests_nets.py").write_text((ROOT / "tests" / "guard" / "nets.py").read_text())
    write(folder, BUDGETS)
    status, output = pytest_run(folder)
    assert status == 1
    assert output.splitlines()[-1].startswith("4 failed, 2 passed in ")
    assert said(output) == OVER
    # The line of the test is shown, and no line of costmodel.
    assert '>       assert_cost("lenet", multiply_adds="<= 2 M", weights="<= 0.4 MB")' in output
    assert "pytest_plugin.py" not in re.sub(r"<.*?>", "", output)
    assert sorted(os.listdir(folder / "tests")) == ["test_cost.py"]


def test_the_layers_to_blame_are_measured_as_the_budget_is() -> None:
    # By hand: 32 filters of 16x5x5 at 10x10 positions, two FLOPs each.
    said = over_budget(cm.lenet(), [parse_limit("flops", "4 MFLOPs")]).splitlines()
    assert said[2].split()[:2] == ["features.conv2.conv", f"{32 * 16 * 25 * 100 * 2:,}"]


# --- snapshots ------------------------------------------------------------------------------------------------------

SNAPSHOTS = """
import pytest
from nets import student

def test_one(assert_cost):
    assert_cost(student())
    assert_cost(student(hidden=HIDDEN))

class TestMany:
    @pytest.mark.parametrize("blocks", [1, 2])
    def test_blocks(self, blocks, assert_cost):
        assert_cost(student(blocks=blocks))
"""
NAMES = ["TestMany::test_blocks[1]", "TestMany::test_blocks[2]", "test_one", "test_one (2)"]
WIDER = """\
AssertionError: test_one (2): changed: 1,079,376 multiply-adds, +102.4 k (+10.5 %); 4,322 parameters, +400 (+10.2 %)
  body.1.expand 48 -> 64 channels: +102.4 k (+10.5 %), +400 parameters
    body.1.depthwise: +36.9 k (+3.8 %), +144 parameters
    body.1.expand: +32.8 k (+3.4 %), +128 parameters
    body.1.project: +32.8 k (+3.4 %), +128 parameters
If this is meant: `pytest --costmodel-update tests/test_cost.py` and commit tests/test_cost.costmodel.lock."""


def test_a_snapshot_is_written_kept_and_compared(folder: Path) -> None:
    (folder / "site" / "nets.py").write_text((ROOT / "tests" / "guard" / "nets.py").read_text())
    place = write(folder, SNAPSHOTS.replace("HIDDEN", "48"))
    lock = place.with_name("test_cost.costmodel.lock")

    status, output = pytest_run(folder)
    assert status == 1
    assert said(output).count("Run `pytest --costmodel-update tests/test_cost.py` and commit") == 3
    assert "test_one: not in tests/test_cost.costmodel.lock; new: 976,976 multiply-adds, 3,922 parameters" in output
    assert not lock.exists()

    status, output = pytest_run(folder, "--costmodel-update")
    assert status == 0
    assert "\ncostmodel: tests/test_cost.costmodel.lock is written: 4 of 4 changed\n" in output
    first = lock.read_bytes()
    found = read(first)
    assert list(found) == NAMES
    # By hand: a block has 8*48 + 9*48 + 48*8 parameters.
    assert [cost.parameters for cost in found.values()] == [3922 - 2 * 1200, 3922 - 1200, 3922, 3922]
    assert pytest_run(folder)[0] == 0
    assert "is up to date" in pytest_run(folder, "--costmodel-update")[1]

    write(folder, SNAPSHOTS.replace("HIDDEN", "64"))
    status, output = pytest_run(folder)
    assert (status, said(output)) == (1, WIDER)
    assert lock.read_bytes() == first

    # Only what ran is written; the other tests keep what they have.
    status, output = pytest_run(folder, "--costmodel-update", "-k", "test_one")
    assert status == 0
    assert "is written: 1 of 4 changed" in output
    assert {name: cost.parameters for name, cost in read(lock.read_bytes()).items()} == {
        **{name: cost.parameters for name, cost in found.items()},
        "test_one (2)": 4322,
    }
    assert pytest_run(folder)[0] == 0
    assert sorted(os.listdir(folder / "tests")) == ["test_cost.costmodel.lock", "test_cost.py"]


def test_processes_that_run_tests_side_by_side_write_one_lock(folder: Path) -> None:
    (folder / "site" / "nets.py").write_text((ROOT / "tests" / "guard" / "nets.py").read_text())
    place = write(folder, SNAPSHOTS.replace("HIDDEN", "48"))
    status, output = pytest_run(folder, "-n", "2", "--costmodel-update")
    assert status == 0
    assert "\ncostmodel: tests/test_cost.costmodel.lock is written: 4 of 4 changed\n" in output
    assert list(read(place.with_name("test_cost.costmodel.lock").read_bytes())) == NAMES
    write(folder, SNAPSHOTS.replace("HIDDEN", "64"))
    status, output = pytest_run(folder, "-n", "2")
    assert (status, said(output)) == (1, WIDER)


def test_a_lock_that_cannot_be_read_or_written_is_said(folder: Path) -> None:
    place = write(folder, "def test_it(assert_cost):\n    assert_cost('lenet')\n")
    lock = place.with_name("test_cost.costmodel.lock")
    update = "`pytest --costmodel-update tests/test_cost.py`"
    assert pytest_run(folder, "--costmodel-update")[0] == 0
    whole = lock.read_text()
    lock.write_text(whole.replace("940800", "940801"))
    status, output = pytest_run(folder)
    assert status == 1
    assert said(output) == (
        "costmodel.errors.CostModelError: tests/test_cost.costmodel.lock:7: this line, or one just before it, was"
        f" edited, moved or removed by hand, or is damaged; run {update} to count anew"
    )
    assert pytest_run(folder, "--costmodel-update")[0] == 0
    assert lock.read_text() == whole
    newer = whole.replace("format 1", "format 2")
    lock.write_text(newer)
    status, output = pytest_run(folder, "--costmodel-update")
    assert status == 1
    assert "\ncostmodel: error: tests/test_cost.costmodel.lock:1: format 2 is newer than format 1" in output
    assert lock.read_text() == newer
    lock.unlink()
    lock.mkdir()
    status, output = pytest_run(folder, "--costmodel-update")
    assert status == 1
    assert "costmodel: error: cannot read " in output
    assert os.listdir(lock) == []


# --- everybody else's runs ------------------------------------------------------------------------------------------


def test_a_run_that_counts_nothing_loads_nothing(folder: Path) -> None:
    write(
        folder,
        """
import sys

def test_light():
    assert "costmodel.pytest_plugin" in sys.modules
    heavy = {"torch", "numpy", "pandas", "matplotlib", "click", "sympy"}
    assert heavy & set(sys.modules) == set()
    rooms = {name.split(".")[1] for name in sys.modules if name.startswith("costmodel.")}
    assert rooms <= {"errors", "formulas", "core", "version", "pytest_plugin"}

def test_snapshots_take_no_hook(pytestconfig):
    plugin = pytestconfig.pluginmanager.get_plugin("costmodel")
    names = {caller.name for caller in pytestconfig.pluginmanager.get_hookcallers(plugin)}
    assert names == {"pytest_addoption", "pytest_configure"}
""",
    )
    assert pytest_run(folder)[0] == 0
    # Not even to be asked what there is: the fixtures and the option are described without a model.
    status, output = pytest_run(folder, "--fixtures")
    assert status == 0
    assert "cost_of [session scope]" in output
    assert "--costmodel-update" in pytest_run(folder, "--help")[1]
