"""What a project holds that can be counted, and the files that a check of it needs: ``costmodel init``."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from costmodel.errors import CostModelError
from costmodel.files import read_regular
from costmodel.loading import is_network_file

#: Folders that hold nothing of the project's own.
_NOT_OURS = {"build", "dist", "node_modules", "site-packages", "test", "tests", "venv", "env", "__pycache__"}
#: The most files that are looked at, and the most bytes of one.
_MOST_FILES, _LARGEST = 2000, 2**20
#: What may stand at the top of a file that is imported to be looked at: nothing that runs a program.
_HARMLESS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_HARMLESS_CALLS = ("getLogger", "TypeVar", "namedtuple", "Path", "partial", "dict", "tuple")

#: Inputs that are tried for a module whose author has not said one, in this order.
INPUTS = ("3x224x224", "3x32x32", "1x28x28", "128:int64")


class Candidate(NamedTuple):
    """What may be a model: its name, what builds it, and the inputs to try; none where it brings its own."""

    name: str
    build: str
    inputs: tuple[str, ...] = ("",)


def candidates(folder: Path) -> list[Candidate]:
    """The classes of modules, functions of networks and files in ``folder`` that may be models, each once.

    Nothing runs: the Python files are read as text. A class counts that is a ``Module``, needs no argument and is no
    part of another class beside it; a function, where it needs none and says that it returns a ``Network``. Files that
    do more than import and define when they are imported are left out.
    """
    listed: list[Candidate] = []
    for path in _files(folder):
        if is_network_file(path.name):
            listed.append(Candidate(_name(path.stem), path.relative_to(folder).as_posix()))
        else:
            module = ".".join(path.relative_to(folder).with_suffix("").parts)
            listed += [Candidate(_name(name), f"{module}:{name}", inputs) for name, inputs in _defined(path)]
    named: dict[str, Candidate] = {}
    for one in listed:
        name = one.name if one.name not in named else _name(one.build)
        named.setdefault(name, one._replace(name=name))
    return list(named.values())


def _name(text: str) -> str:
    return re.sub(r"\W+", "-", text).strip("-").lower()


def _files(folder: Path) -> Iterator[Path]:
    looked = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NOT_OURS and name[0] != "." and not (Path(place) / name / "pyvenv.cfg").exists()
        )
        for name in sorted(files):
            path = Path(place) / name
            modular = all(part.isidentifier() for part in path.relative_to(folder).with_suffix("").parts)
            if is_network_file(path.name) or (path.suffix == ".py" and modular):
                looked += 1
                if looked > _MOST_FILES:
                    return
                yield path


def _defined(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    """What ``path`` defines that may be a model, and the inputs to try."""
    try:
        tree = ast.parse(read_regular(path, _LARGEST))
    except (CostModelError, SyntaxError, ValueError, RecursionError, OSError):
        return []
    if not all(map(_harmless, tree.body)):
        return []
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    used = {(user.name, name) for user in classes for name in _names(user)}
    parts = {name for user, name in used if user != name}
    models: list[tuple[str, tuple[str, ...]]] = [
        (node.name, INPUTS) for node in classes if _is_module(node) and node.name not in parts and _needs_nothing(node)
    ]
    makers = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    models += [
        (node.name, ("",))
        for node in makers
        if node.returns is not None and ast.unparse(node.returns).endswith("Network") and _all_default(node.args, 0)
    ]
    return models


def _harmless(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)  # a docstring
    is_main = isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
    is_typing = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        calls = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
        return all(ast.unparse(call).rpartition(".")[2] in _HARMLESS_CALLS for call in calls)
    return is_main or is_typing or isinstance(node, _HARMLESS)


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _is_module(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).rpartition(".")[2] == "Module" for base in node.bases)


def _needs_nothing(node: ast.ClassDef) -> bool:
    inits = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
    return all(_all_default(part.args, 1) for part in inits)


def _all_default(arguments: ast.arguments, first: int) -> bool:
    given = len(arguments.posonlyargs) + len(arguments.args) - first
    return len(arguments.defaults) >= given and None not in arguments.kw_defaults


def configuration(models: Sequence[Candidate]) -> str:
    """The text of a ``costmodel.toml`` that lists ``models``, each with its first input.

    >>> print(configuration([Candidate("net", "mypackage:Net", ("3x32x32",))]))
    # What `costmodel check` counts.
    <BLANKLINE>
    [models.net]
    build = "mypackage:Net"
    input = "3x32x32"
    <BLANKLINE>
    """
    lines = ["# What `costmodel check` counts."]
    for one in models:
        lines += ["", f"[models.{one.name}]", f'build = "{one.build}"']
        lines += [f'input = "{one.inputs[0]}"'] if one.inputs[0] else []
    return "\n".join([*lines, ""])


_WORKFLOW = """\
name: cost
# Counting a model runs the code that builds it, which a pull request may have changed. So: never on the event that runs
# with the rights of the target, no secrets, and a token that can read and nothing else.
on: [push, pull_request]
permissions:
  contents: read
jobs:
  cost:
    runs-on: ubuntu-latest
    steps:
      # Pinned to a commit: a tag can be moved.
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
      - uses: actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065 # v5.6.0
        with:
          python-version: "3.12"
      - run: python -m pip install {install}
      - run: costmodel check --format github
"""


def workflow(folder: Path, models: Sequence[Candidate]) -> str:
    """A GitHub workflow that installs what the project in ``folder`` and its ``models`` need, and checks them."""
    needs = ["-r requirements.txt"] if (folder / "requirements.txt").is_file() else []
    needs += ["."] if not needs and (folder / "pyproject.toml").is_file() else []
    needs += sorted({package for one in models for package in _packages(one)})
    return _WORKFLOW.format(install=" ".join([*needs, "nn-costmodel"]))


def _packages(model: Candidate) -> list[str]:
    if model.inputs[0]:
        return ["torch"]
    return [suffix for suffix in ("onnx", "tflite", "keras") if model.build.endswith(f".{suffix}")]


_HOOK = """\
- repo: local
  hooks:
    - id: costmodel-check
      name: costmodel check
      entry: costmodel check
      language: system
      pass_filenames: false
      files: (\\.py|(^|/)pyproject\\.toml|(^|/)costmodel\\.(toml|lock))$
"""


def pre_commit(before: str) -> str | None:
    """A pre-commit configuration with the check in it, ``before`` being the one that is there; None where it is not
    plain how to add it, or it is there already.

    >>> print(pre_commit("repos:\\n  - repo: https://example.org/a\\n")[:54])
    repos:
      - repo: https://example.org/a
      - repo: local
    """
    if not before.strip():
        return "repos:\n" + "".join(f"  {line}\n" for line in _HOOK.splitlines())
    keys = re.findall(r"^([\w-]+):", before, re.MULTILINE)
    items = re.findall(r"^( *)- repo:", before, re.MULTILINE)
    if "costmodel" in before or not items or keys[-1] != "repos":
        return None
    return before.rstrip("\n") + "\n" + "".join(f"{items[0]}{line}\n" for line in _HOOK.splitlines())
