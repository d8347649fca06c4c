"""The site, as far as it can be seen without building it. ``.ci/run`` builds it, and its outputs are made then."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import costmodel as cm
from costmodel import formulas

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"

#: What names files of this repository, for people or for machines. The changelog names those of the past.
NAMING = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "cosmic-ray.toml", ".ci/mutants.py"))]
NAMING += [page for page in DOCS.glob("**/*.md") if not {"_build", "notebooks"} & set(page.relative_to(DOCS).parts)]


def missing_paths(text: str) -> list[str]:
    """The paths in ``text`` that lie in a folder of this repository and do not exist; NAME stands for any name."""
    folders = "costmodel|tests|docs|notebooks|reference_models|benchmarks|examples"
    paths = re.findall(rf"(?<![\w./-])((?:{folders}|\.ci)/[\w./-]*\w)", text)
    return [path for path in paths if "NAME" not in path and "_build" not in path and not (ROOT / path).exists()]


def test_every_formula_is_on_the_sheet_once() -> None:
    shown = re.findall(r"^```\{formula\} (\w+)$", (DOCS / "formulas.md").read_text(), re.MULTILINE)
    defined = {name for name, _ in inspect.getmembers(formulas, inspect.isfunction)}
    assert sorted(shown) == sorted(defined)


def test_every_formula_of_the_documents_is_on_the_sheet() -> None:
    headings = re.findall(r"^##+ (.*)$", (DOCS / "formulas.md").read_text(), re.MULTILINE)
    numbers = {number for heading in headings for number in re.findall(r"F\d", heading)}
    assert numbers == {f"F{number}" for number in range(1, 10)}


def test_no_output_is_typed_by_hand() -> None:
    """A console block shows what is typed; what comes back is the work of a directive."""
    for page in DOCS.glob("**/*.md"):
        if {"_build", "notebooks"} & set(page.relative_to(DOCS).parts):
            continue
        for block in re.findall(r"^```(?:console|pycon)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            assert all(line.startswith("$ ") for line in block.splitlines()), page


@pytest.mark.parametrize("page", NAMING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_that_is_named_exists(page: Path) -> None:
    assert missing_paths(page.read_text()) == []


def test_a_missing_path_is_seen() -> None:
    text = "See `costmodel/core/nothing.py`, [this](docs/index.md), costmodel/models/NAME.py and mypackage/tests/x.py."
    assert missing_paths(text) == ["costmodel/core/nothing.py"]


def without_example(names: dict[str, object]) -> list[str]:
    """Those of ``names`` that are functions or classes whose own docstring shows no use of them."""
    return [name for name, it in names.items() if callable(it) and ">>> " not in (it.__doc__ or "")]


@pytest.mark.slow  # from_torch imports torch
def test_every_public_name_has_an_example() -> None:
    public = {name: getattr(cm, name) for name in cm.__all__}
    assert public.keys() >= {"Node", "load", "sweep", "mobilenet_v2"}
    assert without_example(public) == []


def test_a_missing_example_is_seen() -> None:
    def silent() -> None: ...

    def described() -> None:
        """What it does."""

    def shown() -> None:
        """>>> shown()"""

    names = {"silent": silent, "described": described, "shown": shown, "n": 1}
    assert without_example(names) == ["silent", "described"]
