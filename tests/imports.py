"""What imports what, read from the syntax tree: for the tests of the house, and to know what needs torch."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent


class Import(NamedTuple):
    """``from module import name``, or ``import module`` with an empty name."""

    module: str
    name: str
    #: It runs when a function does.
    inside: bool
    #: It stands under ``if TYPE_CHECKING``.
    typing: bool
    #: It is a string, which ``import_module`` may be given.
    string: bool = False


def imports(tree: ast.AST, inside: bool = False, typing: bool = False) -> Iterator[Import]:
    """Every import, those in functions too; and what a string names for ``import_module``, where it may be one."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, "", inside, typing) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield from (Import(node.module, alias.name, inside, typing) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            module = node.value.partition(":")[0]
            if "." in module and module.replace(".", "").isidentifier():
                yield Import(module, "", True, typing, string=True)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from imports(ast.Module(node.body, []), inside, True)
            yield from imports(ast.Module(node.orelse, []), inside, typing)
        else:
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports(node, inside or function, typing)


def modules(root: Path, package: str) -> dict[str, Path]:
    """Dotted name -> file, of every module of ``package`` in ``root``."""
    files = sorted((root / package).rglob("*.py"))
    return {".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def graph(root: Path, package: str) -> dict[str, set[str]]:
    """What each module of ``package`` imports of it.

    Imports in functions count: they hide a circle and do not open it. Imports for type checkers count too: who names a
    type knows its file. That ``import a.b`` also runs ``a/__init__.py`` does not count; a name taken from ``a`` does.
    """
    files = modules(root, package)
    links = {}
    for module, file in files.items():
        read = [(one.module, f"{one.module}.{one.name}") for one in imports(ast.parse(file.read_text()))]
        links[module] = {full if full in files else short for short, full in read} & (files.keys() - {module})
    return links


def circle(links: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, the first again at the end; empty where there is none."""
    try:
        TopologicalSorter(links).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


#: What a test that needs them cannot do without torch. The references are made of it.
_TORCH = {"torch", "torchvision", "fvcore", "reference_models", "thop", "ptflops", "torchinfo", "torchprofile"}


@cache
def needs_torch(file: Path) -> bool:
    """Whether importing ``file`` imports torch, itself or through a file of ours that it names."""
    for one in imports(ast.parse(file.read_text())):
        if one.inside or one.typing:
            continue
        if one.module.partition(".")[0] in _TORCH:
            return True
        for name in (one.module, f"{one.module}.{one.name}"):
            path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
            if path != file and path.is_file() and needs_torch(path):
                return True
    return False
