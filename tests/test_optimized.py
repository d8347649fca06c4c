"""Python without assertions and docstrings, and with warnings as errors, answers the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Two processes a command.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
COMMANDS = [
    "count mobilenet_v2 --by type",
    "models mobilenet_v2",
    "conventions lenet",
    "explain mobilenet_v1 --alpha 0.75 --resolution 192 --claim 233M",
    "solve mobilenet_v2 --max multiply_adds=100M --at resolution=96",
    "memory lenet --best-order",
    "receptive-field lenet",
    "training lenet",
    "formula lenet",
    "layer separable --input 128x56x56 --out 256 --kernel 3",
    "sweep lenet --num-classes 5,10",
    "audit --source 1801.04381",
    "space nas_bench_201",
    "compare lenet alexnet --resolution 224",
    "count nosuch",
]


def answered(command: str, *options: str) -> tuple[int, str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**{name: value for name, value in os.environ.items() if "WARNINGS" not in name}, "PYTHONPATH": path}
    ran = subprocess.run(
        [sys.executable, *options, "-m", "costmodel", *command.split()], capture_output=True, text=True, env=environment
    )
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_no_answer_depends_on_assertions_docstrings_or_warnings(command: str) -> None:
    assert answered(command, "-OO", "-W", "error") == answered(command)


def test_no_capture_does() -> None:
    command = "count reference_models.mobilenet_v2:mobilenet_v2 --input 3x64x64 --by stage"
    assert answered(command, "-OO") == answered(command)
