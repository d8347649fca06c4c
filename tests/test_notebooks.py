"""The notebooks run, from nothing and in order, and what they show is what they give today.

Cells tagged ``measured`` show times, which differ on every machine; cells tagged ``live`` need a notebook server, and
show nothing in the file.
"""

from __future__ import annotations

import ast
import base64
import json
import re
import sys
from fractions import Fraction
from importlib import import_module
from inspect import ismodule
from io import BytesIO
from pathlib import Path

import nbformat
import numpy
import pytest
import torch
from matplotlib.image import imread
from nbformat import NotebookNode
from nbmake.nb_run import NotebookRun

from notebooks import checks

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS = 300

REFERENCE = ROOT / "docs" / "reference" / "python.md"

#: What a notebook may import besides costmodel: a student has it after the one command of the README.
INSTALLED = {"checks", "ipywidgets", "matplotlib.pyplot", "numpy", "torch", "torch.utils.flop_counter"}


def defined(module: str) -> set[str]:
    """The full names that ``module`` offers: those that it lists, else those without an underscore at home in it."""
    loaded = import_module(module)
    listed = getattr(loaded, "__all__", None)
    if listed is None:
        listed = [
            name
            for name, value in vars(loaded).items()
            if not name.startswith("_") and getattr(value, "__module__", module) == module and not ismodule(value)
        ]
    return {f"{module}.{name}" for name in listed}


def public() -> set[str]:
    """What the package lists, its layers, and the modules that the reference describes as a whole."""
    described = re.findall(r"^\.\. automodule:: (\S+)$", REFERENCE.read_text(), re.MULTILINE)
    modules = {"costmodel", "costmodel.core.layers", *described}
    return {*INSTALLED, *modules}.union(*map(defined, modules))


PUBLIC = public()


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, nbformat.NO_CONVERT)


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def in_one_piece(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """``outputs`` with each stream in one piece; on a busy machine a kernel sends it in several."""
    pieces: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream" and pieces and pieces[-1].get("name") == output.name:
            pieces[-1].text += output.text
        else:
            pieces.append(output)
    return pieces


def executed(path: Path) -> NotebookNode:
    """The notebook with the outputs of today, and nothing in it that differs from run to run."""
    result = NotebookRun(path, SECONDS).execute()
    assert result.error is None, f"{path.name}, cell {result.error.failing_cell_index}:\n{result.error.trace}"
    notebook = result.nb
    notebook.metadata = {key: value for key, value in notebook.metadata.items() if key != "widgets"}
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in code(notebook):
        cell.metadata.pop("execution", None)
        cell.outputs = in_one_piece(cell.outputs)
        if "live" in tags(cell):
            cell.outputs, cell.execution_count = [], None
    return notebook


def shown(cell: NotebookNode) -> list[tuple[str, str]]:
    """(kind, content) of each output: the stream's name or the MIME type, and the text or the picture."""
    contents = []
    for output in cell.outputs:
        if output.output_type == "stream":
            contents.append((output.name, output.text))
        else:
            contents.extend(sorted(output.data.items()))
    return contents


def same(kind: str, one: str, other: str) -> bool:
    """Pictures may differ by a shade, as another build of the fonts draws them; all else is equal."""
    if kind != "image/png":
        return one == other
    a, b = (imread(BytesIO(base64.b64decode(picture))) for picture in (one, other))
    return a.shape == b.shape and float(numpy.abs(a - b).mean()) < 0.01


def stale(committed: NotebookNode, fresh: NotebookNode) -> list[str]:
    """The cells whose committed output is not that of today."""
    wrong = []
    for old, new in zip(code(committed), code(fresh), strict=True):
        was, now = shown(old), shown(new)
        kinds = [kind for kind, _ in was] == [kind for kind, _ in now]
        equal = kinds and (
            "measured" in tags(old) or all(same(k, a, b) for (k, a), (_, b) in zip(was, now, strict=True))
        )
        if not equal:
            wrong.append(old.id)
    return wrong


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_gives_today(path: Path) -> None:
    fresh = executed(path)
    assert stale(read(path), fresh) == [], "bring it up to date: python -m tests.test_notebooks"
    assert [kind for cell in code(fresh) for kind, _ in shown(cell) if kind == "stderr"] == []


def test_a_stale_output_is_seen() -> None:
    path = next(path for path in NOTEBOOKS if path.name.startswith("02"))
    changed, picture, timed = read(path), read(path), read(path)
    cells = {cell.id: cell for cell in changed.cells}
    cells["separable-count"].outputs[0].text = cells["separable-count"].outputs[0].text.replace("924", "925")
    assert stale(changed, read(path)) == ["separable-count"]
    cells = {cell.id: cell for cell in picture.cells}
    (changed,) = cells["flatter-small-picture"].outputs
    (other,) = cells["groups-picture"].outputs
    changed.data["image/png"] = other.data["image/png"]
    assert stale(picture, read(path)) == ["flatter-small-picture"]
    cells = {cell.id: cell for cell in timed.cells}
    cells["flatter-time"].outputs[0].text = "another machine"
    assert stale(timed, read(path)) == []
    cells["flatter-time"].outputs = []
    assert stale(timed, read(path)) == ["flatter-time"]


def test_a_stream_in_pieces_is_one() -> None:
    pieces = [
        nbformat.v4.new_output("stream", name=name, text=text) for name, text in (("a", "1"), ("a", "2"), ("b", "3"))
    ]
    assert [(piece.name, piece.text) for piece in in_one_piece(pieces)] == [("a", "12"), ("b", "3")]


def test_the_notebooks_are_numbered_and_lead_to_each_other() -> None:
    assert [path.name[:3] for path in NOTEBOOKS] == [f"{number:02}_" for number in range(1, len(NOTEBOOKS) + 1)]
    for number, path in enumerate(NOTEBOOKS):
        first, *_, last = read(path).cells
        assert first.source.startswith(f"# {number + 1}. ")
        assert "\n## Assumptions\n" in first.source
        if path != NOTEBOOKS[-1]:
            assert f"({NOTEBOOKS[number + 1].name})" in last.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_a_figure_against_a_printed_source(path: Path) -> None:
    source = re.compile(r"document 00\d|arXiv:\d{4}\.\d{5}|tensorflow/models@")
    assert any("assert " in cell.source and source.search(cell.source) for cell in code(read(path)))


def parsed(cell: NotebookNode) -> list[ast.AST]:
    return list(ast.walk(ast.parse(re.sub(r"^[!%].*", "", cell.source, flags=re.MULTILINE))))


def imported(cell: NotebookNode) -> set[str]:
    """The full name of each module that is imported, and of each name that is taken from one."""
    names = set()
    for node in parsed(cell):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            taken = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name.startswith("costmodel.") or name in PUBLIC else node.module for name in taken}
    return names


def used(cell: NotebookNode) -> set[str]:
    """The full names that a cell takes from costmodel, known as ``cm``."""
    return {
        f"costmodel.{node.attr}"
        for node in parsed(cell)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "cm"
    }


def private(cell: NotebookNode) -> set[str]:
    """What a cell uses that is no public interface."""
    names = {name for name in imported(cell) | used(cell) if name.split(".")[0] not in sys.stdlib_module_names}
    attributes = {node.attr for node in parsed(cell) if isinstance(node, ast.Attribute)}
    return (names - PUBLIC) | {name for name in attributes if re.match(r"_(?!_init__$)", name)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_uses_the_public_interface_alone(path: Path) -> None:
    assert {cell.id: private(cell) for cell in code(read(path)) if private(cell)} == {}


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("from costmodel.guard.budget import parse_budgets", {"costmodel.guard.budget.parse_budgets"}),
        ("import costmodel.guard.budget", {"costmodel.guard.budget"}),
        ("from costmodel.core.layers import elementwise", {"costmodel.core.layers.elementwise"}),
        ("from costmodel.published.tables import Decimal", {"costmodel.published.tables.Decimal"}),
        ("cm.guard", {"costmodel.guard"}),
        ("net._nodes", {"_nodes"}),
        ("import scipy", {"scipy"}),
        ("from costmodel.core.layers import RELU6, conv\nimport math\ncm.parse_budgets({})", set()),
    ],
)
def test_what_is_not_public_is_seen(source: str, seen: set[str]) -> None:
    assert private(nbformat.v4.new_code_cell(source)) == seen


def test_the_files_hold_nothing_of_the_machine_that_ran_them() -> None:
    for path in NOTEBOOKS:
        notebook = json.loads(path.read_text())
        assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
        assert {key for cell in notebook["cells"] for key in cell["metadata"]} <= {"tags"}
        assert re.findall(r"/(?:home|tmp|work|root|Users)/|0x[0-9a-f]{6}", path.read_text()) == []


def asked(notebook: NotebookNode) -> list[tuple[str, str]]:
    """(exercise, answer) of every check."""
    return [
        question for cell in code(notebook) for question in re.findall(r'^check\("(.+?)", (.*)\)$', cell.source, re.M)
    ]


def test_every_exercise_is_asked_once_and_left_to_the_reader() -> None:
    questions = [question for path in NOTEBOOKS for question in asked(read(path))]
    assert [number for number, _ in questions] == list(checks.EXERCISES)
    assert {answer for _, answer in questions} == {"..."}


#: By hand, from the formulas that the notebooks teach.
ANSWERS: dict[str, object] = {
    "1.1": 113,
    "1.2": 5 * 5 * 32 * 64 * 14 * 14,
    "1.3": 18 / 25,
    "1.4": 70_276_800,
    "2.1": 25,
    "2.2": 72,
    "2.3": 240 * 240 // 3 * 784,
    "2.4": 9 / 521,
    "3.1": 76_524_800,
    "3.2": 9 / 49,
    "3.3": 4_867_293_184 - 1_024_000,
    "3.4": 0.6994,
    "4.1": (24 * 72 + 9 * 72 + 72 * 24) * 56 * 56,
    "4.2": 1 + 2 + 3 + 2 + 2,
    "4.3": (320 * 1280 + 1280 * 1000) / 3_469_760,
    "4.4": 640 * (160 + 2 + 1000),
    "5.1": 10 * 64 * 64,
    "5.2": 2_500_000,
    "5.3": (300_000_000 - 56 * 56 * (3 * 49 * 128 + 9 * 128)) // (56 * 56 * 128 + 10),
    "6.1": 582_195_824,
    "6.2": "linear layers",
    "6.3": "cut off",
    "6.4": 149,
    "7.1": 117**5,
    "7.2": (6561 / 7371) ** 5,
    "7.3": 7984,
    "8.1": 2 * 4 * 1000 * 10,
    "8.2": 8 * 25_557_032,
    "8.3": 304,
}


@pytest.mark.parametrize("number", list(checks.EXERCISES))
def test_an_exercise_takes_the_answer_and_no_other(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    right = ANSWERS[number]
    wrong = f"not {right}" if isinstance(right, str) else right * 1.01  # type: ignore[operator]
    of_numpy = numpy.array(right)[()]
    for answer in (..., right, of_numpy, wrong, None, "x", True, numpy.True_):
        checks.check(number, answer)
    waiting, first, second, *refused = capsys.readouterr().out.splitlines()
    assert waiting == f"{number}: not answered yet"
    assert [first, second] == [f"{number}: right"] * 2
    assert refused == [f"{number}: not yet. {checks.EXERCISES[number].hint}"] * 5


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (numpy.int64(76_524_800), True),
        (numpy.float64(76_524_800), True),
        (torch.tensor(76_524_800), True),
        (Fraction(76_524_800), True),
        (numpy.int64(76_524_801), False),
        (numpy.array([76_524_800, 76_524_800]), False),
        (float("nan"), False),
        ([76_524_800], False),
    ],
)
def test_a_number_may_be_of_any_library(answer: object, right: bool) -> None:
    assert checks.agrees(answer, 76_524_800) is right
    assert checks.agrees(numpy.float64(0.5), Fraction(1, 2))
    assert not any(checks.agrees(true, 1) for true in (True, numpy.True_))


if __name__ == "__main__":  # python -m tests.test_notebooks [FILE ...]: bring the outputs up to date
    for path in [Path(name).resolve() for name in sys.argv[1:]] or NOTEBOOKS:
        nbformat.write(executed(path), path)
