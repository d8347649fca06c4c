"""The site, as far as it can be seen without building it. ``.ci/run`` builds it, and its outputs are made then."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from costmodel import formulas

DOCS = Path(__file__).parent.parent / "docs"


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
