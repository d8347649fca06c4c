"""The house: what may import what, and what a light command does not load. The checks are checked too."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.imports import ROOT, circle, graph, imports, modules, needs_torch

PACKAGE = ROOT / "costmodel"


def ranks(text: str) -> dict[str, int]:
    """Room -> its place in the picture of CONTRIBUTING, ``a <- b, c <- d``, from the left."""
    (picture,) = re.findall(r"^`(.* <- .*)`$", text, flags=re.MULTILINE)
    return {room: rank for rank, rooms in enumerate(picture.split(" <- ")) for room in rooms.split(", ")}


#: A room imports rooms of a lower rank, or its own. The package itself offers what all of them hold.
ROOMS = {**ranks((ROOT / "CONTRIBUTING.md").read_text()), "__init__": 98, "__main__": 99}
#: Loaded only in these rooms, when they are used.
HEAVY = {
    "pandas": {"report/frame.py", "scaling"},
    "click": {"cli"},
    "torch": {"capture/torch", "analyses/measure.py"},
    "onnx": {"capture/onnx"},
    "transformers": {"capture/torch"},
    "tflite": {"capture/tflite"},
    "keras": {"capture/keras"},
    "numpy": {"capture/onnx", "scaling"},
    "distributed": {"scaling/summary"},
    "pytest": {"pytest_plugin.py"},
    "sympy": {"scaling/closed_form"},
    "matplotlib": {"report/plots"},
    "reference_models": set(),
    "tests": set(),
    "benchmarks": set(),
}


FILES = modules(ROOT, "costmodel")


def violations(source: str, place: str) -> list[str]:
    """What ``source``, standing at ``place`` inside the package, imports against the rules.

    What is imported for type checkers alone must point left as well, but may be heavy: it loads nothing.
    """
    room = place.split("/")[0].removesuffix(".py")
    wrong = set()
    for one in imports(ast.parse(source)):
        full = f"{one.module}.{one.name}"
        module = full if full in FILES else one.module
        top, _, rest = module.partition(".")
        if module in FILES:
            target = rest.partition(".")[0] or "__init__"
            if target != room and ROOMS[target] >= ROOMS[room]:
                wrong.add(f"{place}: {room} imports {target}, which is not to its left")
        elif top == "costmodel" or one.typing or one.string:
            continue  # a file that is no module, as costmodel.lock
        elif top in HEAVY:
            if not any(f"{place}/".startswith(f"{home}/") for home in HEAVY[top]):
                wrong.add(f"{place}: {top} is not for this room")
            elif not one.inside and (top == "matplotlib" or (room == "scaling" and top != "sympy")):
                wrong.add(f"{place}: {top} must be imported where it is used")
        elif top not in sys.stdlib_module_names:
            wrong.add(f"{place}: {top} is in no list")
    return sorted(wrong)


def test_every_import_points_left() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 20
    wrong = [line for file in files for line in violations(file.read_text(), file.relative_to(PACKAGE).as_posix())]
    assert wrong == []


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("from costmodel.models.blocks import conv_bn", "core/layers/base.py"),
        ("import costmodel.report.count", "models/lenet.py"),
        ("def f():\n    from costmodel.report import count", "core/ledger.py"),
        ("from costmodel.conventions import convention", "core/network.py"),
        ("from costmodel import core", "formulas.py"),
        ("from costmodel.guard import diff", "scaling/sweep.py"),
        ("import costmodel.scaling.sweep", "reproduction/explain.py"),
        ("from costmodel import CostModelError", "cli/count.py"),
        ("READINGS = {'table': 'costmodel.report.frame:table'}", "core/network.py"),
        ("if TYPE_CHECKING:\n    from costmodel.report.table import Table", "core/network.py"),
        ("import torch", "core/layers/base.py"),
        ("def f():\n    import numpy", "formulas.py"),
        ("import pandas", "report/text.py"),
        ("import rich", "report/answer.py"),
        ("import numpy", "scaling/surface.py"),
        ("import costmodel.report.units", "scaling/sweep.py"),
        ("import matplotlib.ticker", "report/plots/canvas.py"),
        ("def f():\n    import matplotlib", "report/text.py"),
        ("import reference_models", "models/lenet.py"),
        ("import requests", "cli/count.py"),
    ],
)
def test_the_import_check_sees_a_wrong_import(source: str, place: str) -> None:
    assert len(violations(source, place)) == 1


def test_the_import_check_leaves_right_imports_alone() -> None:
    right = "import math\nfrom costmodel import formulas\nfrom costmodel.core.shape import Shape\n"
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas\n"
    string = "NAME = 'costmodel.lock'\n"
    assert violations(right, "core/layers/base.py") == []
    assert violations(guarded + string, "core/network.py") == []


def test_the_picture_of_the_rooms_has_every_room_and_no_other() -> None:
    rooms = {file.relative_to(PACKAGE).parts[0].removesuffix(".py") for file in PACKAGE.rglob("*.py")}
    assert set(ROOMS) == rooms
    assert ranks("A line.\n\n`a <- b, c <- d`\n") == {"a": 0, "b": 1, "c": 1, "d": 2}


def test_no_files_import_each_other_in_a_circle() -> None:
    links = graph(ROOT, "costmodel")
    assert len(links) > 100
    assert circle(links) == []


@pytest.mark.parametrize(
    ("files", "members"),
    [
        ({"a": "import p.b", "b": "from p import a"}, {"p.a", "p.b"}),
        ({"a": "from p.b import x", "b": "def f():\n    from p.c import y", "c": "import p.a"}, {"p.a", "p.b", "p.c"}),
        ({"a": "if TYPE_CHECKING:\n    from p.b import x", "b": "from p.a import y"}, {"p.a", "p.b"}),
        ({"__init__": "from p.a import x", "a": "from p import x"}, {"p", "p.a"}),
        ({"q/__init__": "from p.q.a import x", "q/a": "import p.b", "b": "import p.q"}, {"p.q", "p.q.a", "p.b"}),
        ({"a": "import_module('p.b')", "b": "import p.a"}, {"p.a", "p.b"}),
        ({"a": "class A:\n    def f(self):\n        return lambda: load('p.b')", "b": "import p.a"}, {"p.a", "p.b"}),
        # No circles: a line, a diamond, a package that offers its files' names, a word that is no module.
        ({"a": "import p.b", "b": "import p.c", "c": ""}, set()),
        ({"a": "from p import b, c", "b": "import p.d", "c": "import p.d", "d": ""}, set()),
        ({"__init__": "from p.a import x\nfrom p.b import y", "a": "import p.b", "b": ""}, set()),
        ({"a": "x = 'p.lock'\nimport p.b", "b": "'p a'"}, set()),
    ],
)
def test_the_search_for_circles_finds_those_that_are_planted(
    files: dict[str, str], members: set[str], tmp_path: Path
) -> None:
    for name, text in files.items():
        file = tmp_path / "p" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    found = circle(graph(tmp_path, "p"))
    assert set(found) == members
    assert found[:1] == found[len(found) - 1 :]


def test_what_needs_torch_is_seen_through_other_files() -> None:
    assert needs_torch(ROOT / "tests/test_random_networks.py")
    assert needs_torch(ROOT / "costmodel/capture/torch/api.py")
    assert not needs_torch(ROOT / "tests/test_structure.py")
    assert not needs_torch(ROOT / "costmodel/loading.py")  # in a function, and for type checkers


def loaded(code: str) -> set[str]:
    """Top-level packages that running ``code`` in a fresh interpreter adds, without the standard library's."""
    script = (
        "import sys\nbefore = set(sys.modules)\n"
        f"try:\n    exec({code!r})\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "tops = {name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)\n"
        "print('LOADED', *sorted(tops))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(ran.stdout.splitlines()[-1].split()[1:])


def test_importing_costmodel_needs_the_standard_library_alone() -> None:
    assert loaded("import costmodel") == {"costmodel"}
    assert loaded("import costmodel as cm; cm.mobilenet_v2().multiply_adds") == {"costmodel"}


def test_counting_from_the_command_line_loads_no_framework() -> None:
    names = loaded("from costmodel.cli import main; main(['count', 'mobilenet_v1'])")
    assert names == {"costmodel", "click"}


def test_the_loading_check_sees_what_is_loaded() -> None:
    assert "pandas" in loaded("import costmodel as cm; cm.mobilenet_v1().table()")
    assert "click" in loaded("import click")


def test_a_count_loads_little_even_of_the_standard_library() -> None:
    script = (
        "import sys; from costmodel.cli import main\ntry: main(['count', 'mobilenet_v2'])\nfinally: print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    modules = set(ran.stdout.splitlines()[-1].split())
    assert "costmodel.report.count" in modules
    # Each takes from one to thirty milliseconds, of fifty that a whole count may take.
    assert modules.isdisjoint({"pathlib", "decimal", "fractions", "json", "csv", "html", "textwrap", "tempfile"})
    assert modules.isdisjoint({"asyncio", "subprocess", "importlib.metadata", "importlib.resources", "click.testing"})
    assert {name for name in modules if name.startswith("costmodel.conventions")} == set()
    families = {name for name in modules if name.startswith("costmodel.models.")}
    assert families == {"costmodel.models.blocks", "costmodel.models.mobilenet_v2", "costmodel.models.registry"}
