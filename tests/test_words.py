"""Plain words: nothing that a reader outside this project would have to ask about. The checks are checked too."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = sorted(ROOT.glob("costmodel/**/*.py"))
GLOBS = ("*.md", "docs/**/*.md", "notebooks/*.*", "examples/**/*.*")
FILES = sorted(
    {path for room in ("costmodel", "tests", "benchmarks", "reference_models") for path in ROOT.glob(f"{room}/**/*.py")}
    | {path for pages in GLOBS for path in ROOT.glob(pages) if path.suffix in {".md", ".ipynb", ".py"}}
)
#: These list the words themselves.
EXEMPT = {"tests/test_words.py", "CHANGELOG.md"}

#: Private vocabulary, as a pattern -> what to write instead. A space matches the end of a line too.
WORDS = {
    r"held against": "checked against",
    r"to the unit": "exactly",
    r"dearer|dearest": "more expensive, most expensive",
    r"oblongs?": "rectangular",
    r"excused there|excused by name": "listed as not reproduced",
    r"drawn networks?": "random networks",
    r"mend|mends|mended|mending": "fix, hint",
    r"\w*(?:neighbour|normalis[ae]|colour|labelled|(?:recogn|maxim|minim|optim|item|summar)is)\w*": "American spelling",
    r"departures?(?!\"[:\]])": "variation",  # "departures" is a key of the answer in JSON
}
PATTERNS = {re.compile(rf"\b(?:{word})\b".replace(" ", r"[\s#>*]+"), re.IGNORECASE): WORDS[word] for word in WORDS}

#: Names that say nothing of what they hold.
NAMES = {"beside", "sees", "stretch", "found", "held", "told", "said"}


def private_words(text: str) -> list[str]:
    """Each private word in ``text``, with its line and what to write instead."""
    return [
        f"line {text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}; write {instead}"
        for pattern, instead in PATTERNS.items()
        for match in pattern.finditer(text)
    ]


def bound_names(source: str) -> set[str]:
    """The names of variables, arguments, fields, functions and classes that ``source`` binds."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                names.add(name)
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
    return names


def classes_with_one_name(sources: dict[str, str]) -> list[str]:
    """The names that two files give to classes of their own."""
    places: dict[str, list[str]] = {}
    for place, source in sources.items():
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(place)
    return [f"{name} in {' and '.join(where)}" for name, where in places.items() if len(where) > 1]


def test_no_page_and_no_file_has_private_words() -> None:
    texts = {path.relative_to(ROOT).as_posix(): path.read_text() for path in FILES}
    assert len(texts) > 250
    assert texts.keys() >= {"README.md", "docs/how-to/guard.md", "notebooks/06_errata.ipynb", "costmodel/errors.py"}
    assert [f"{name}, {word}" for name in texts.keys() - EXEMPT for word in private_words(texts[name])] == []


def test_names_say_what_they_hold() -> None:
    for path in PACKAGE:
        place = path.relative_to(ROOT).as_posix()
        assert (place, bound_names(path.read_text()) & NAMES) == (place, set())


@pytest.mark.parametrize(
    "planted",
    [
        "Each is held against PyTorch.",
        "# A network is held\n# against the tool.",
        "equal to the\nunit",
        "the dearest first",
        "an oblong image",
        "or excused there by name and reason",
        "run on drawn networks",
        "the rule and the mend.",
        "mended = 3",
        "with two departures",
        "its neighbours",
        "def _summarise",
    ],
)
def test_a_planted_word_is_found(planted: str) -> None:
    (word,) = private_words(f"First line.\n{planted}\n")
    assert word.startswith("line 2: ")


def test_other_words_and_the_keys_of_answers_pass() -> None:
    assert private_words('We recommend to amend it: {"departures": []} is withheld; against the unit tests.') == []


@pytest.mark.parametrize(
    "planted",
    [
        "stretch = 1",
        "for beside in (): pass",
        "def f(sees): pass",
        "def beside(): pass",
        "x.sees = 2",
        "[0 for sees in ()]",
    ],
)
def test_a_planted_name_is_found(planted: str) -> None:
    assert len(bound_names(planted) & NAMES) == 1


def test_a_name_that_is_only_read_passes() -> None:
    assert bound_names("print(found, x.held)\ny = 1") == {"y"}


def test_a_class_name_has_one_meaning() -> None:
    assert classes_with_one_name({str(path): path.read_text() for path in PACKAGE}) == []
    planted = {"a.py": "class Row: ...", "b.py": "class Table: ...\nclass Row: ...", "c.py": "def Row(): ..."}
    assert classes_with_one_name(planted) == ["Row in a.py and b.py"]
