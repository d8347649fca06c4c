"""The house: what may import what, and what a light command does not load. The checks are checked too."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "costmodel"

#: Arrows point left only: a room imports rooms of a lower number, or its own.
ROOMS = {
    "errors": 0,
    "formulas": 0,
    "files": 1,
    "quantities": 1,
    "core": 2,
    "published": 3,
    "models": 4,
    "capture": 4,
    "loading": 5,
    "conventions": 6,
    "scaling": 7,
    "reproduction": 7,
    "guard": 7,
    "report": 8,
    "cli": 9,
    "__init__": 10,
    "__main__": 10,
}
#: A file that ranks with another room than the one it is in: the plugin answers people, as the command line does.
RANKS_WITH = {"guard/pytest_plugin.py": "cli"}
#: Loaded only in these rooms, when they are used.
HEAVY = {
    "pandas": {"report/frame.py", "scaling"},
    "click": {"cli"},
    "torch": {"capture/torch"},
    "numpy": {"scaling"},
    "pytest": {"guard/pytest_plugin.py"},
    "sympy": {"scaling/closed_form"},
    "matplotlib": {"report/plots"},
    "reference_models": set(),
    "tests": set(),
    "benchmarks": set(),
}


def imports(tree: ast.AST) -> list[tuple[str, bool]]:
    """(module, whether inside a function) of every import that runs; those for type checkers do not."""
    found = []

    def visit(node: ast.AST, inside: bool) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, ast.Import):
            found.extend((alias.name, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            # `from costmodel import x` may name a module or a name of the package
            names = [f"costmodel.{alias.name}" for alias in node.names] if node.module == "costmodel" else []
            rooms = [name for name in names if name.split(".")[1] in ROOMS]
            found.extend((name, inside) for name in (rooms or [node.module]))
        for child in ast.iter_child_nodes(node):
            visit(child, inside or isinstance(node, ast.FunctionDef))

    visit(tree, False)
    return found


def violations(source: str, place: str) -> list[str]:
    """What ``source``, standing at ``place`` inside the package, imports against the rules."""
    room = RANKS_WITH.get(place, place.split("/")[0].removesuffix(".py"))
    wrong = []
    for module, inside in imports(ast.parse(source)):
        parts = module.split(".")
        if parts[0] == "costmodel":
            target = parts[1] if len(parts) > 1 else "__init__"
            # Network is the one facade: its readings enter the rooms to the right when they are asked for.
            facade = place == "core/network.py" and inside
            # The command line may ask the package for its version and its error.
            package = target == "__init__" and room == "cli"
            if ROOMS[target] > ROOMS[room] and not facade and not package:
                wrong.append(f"{place}: {room} imports {target}, which is to its right")
        elif parts[0] in HEAVY:
            allowed = HEAVY[parts[0]]
            if not any(f"{place}/".startswith(f"{home}/") for home in allowed):
                wrong.append(f"{place}: {parts[0]} is not for this room")
            elif not inside and (parts[0] == "matplotlib" or (room == "scaling" and parts[0] != "sympy")):
                wrong.append(f"{place}: {parts[0]} must be imported where it is used")
        elif parts[0] not in sys.stdlib_module_names:
            wrong.append(f"{place}: {parts[0]} is in no list")
    return wrong


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
    facade = "class Network:\n    def under(self):\n        from costmodel.conventions import convention\n"
    assert (
        violations(right, "core/layers/base.py")
        == violations(guarded, "core/network.py")
        == violations(facade, "core/network.py")
        == []
    )


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
