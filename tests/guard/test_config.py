"""Where the models of a project are listed, and what may be said of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel import CostModelError, Shape
from costmodel.guard.config import find, load

STUDENT = """
[tool.costmodel.models.student]
build = "mypackage.models:student"
kwargs = { alpha = 0.75 }
input = "3x192x192"
budgets = { multiply_adds = "<= 250 M", growth = "<= 0 %" }
"""


def test_a_model_in_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(STUDENT)
    config = load(tmp_path / "pyproject.toml")
    assert config.lock == tmp_path / "costmodel.lock"
    (model,) = config.models
    assert (model.name, model.build, model.kwargs) == ("student", "mypackage.models:student", {"alpha": 0.75})
    assert [str(given) for given in model.inputs] == ["3x192x192"]
    assert model.inputs[0].shape == Shape(3, (192, 192))
    assert [(limit.quantity, limit.most) for limit in model.budgets.limits] == [("multiply_adds", 250_000_000)]
    assert model.budgets.growth is not None


def test_a_file_of_its_own_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(STUDENT)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "costmodel.toml").write_text(STUDENT.replace("tool.costmodel.", ""))
    assert load(tmp_path / "own" / "costmodel.toml").models == load(tmp_path / "pyproject.toml").models


def test_the_nearest_above_is_found_and_those_of_others_are_passed(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(STUDENT)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert find(inner) == tmp_path / "pyproject.toml"
    (inner / "costmodel.toml").write_text("[models.m]\nbuild = 'lenet'\n")
    assert find(inner) == inner / "costmodel.toml"


def test_two_in_one_folder_or_none_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CostModelError) as nothing:
        find(tmp_path)
    assert str(nothing.value) == (
        "no pyproject.toml or costmodel.toml in . or above it lists models; write [tool.costmodel.models.NAME] and"
        ' build = "mobilenet_v2" into pyproject.toml'
    )
    (tmp_path / "pyproject.toml").write_text(STUDENT)
    (tmp_path / "costmodel.toml").write_text("")
    with pytest.raises(CostModelError, match=r"^both costmodel.toml and pyproject.toml list models; keep one of them$"):
        find(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'lists no models; write [models.NAME] and build = "mobilenet_v2"'),
        ("model = 1", "the file has no key 'model'; did you mean models? it has models"),
        ("models = 3", "models = 3 must be a table, as in [models]"),
        ("[models]\nm = 'lenet'", "models.m = 'lenet' must be a table, as in [models.m]"),
        ("[models.m]", 'models.m must say what builds it, as in build = "mobilenet_v2" or build = "mypackage.models:'),
        ("[models.m]\nbuild = 3", "models.m must say what builds it"),
        (
            "[models.m]\nbuild = 'lenet'\nbudget = {}",
            "models.m has no key 'budget'; did you mean budgets? it has build, kwargs, input, budgets, dtype",
        ),
        ("[models.m]\nbuild = 'lenet'\nkwargs = 3", "models.m.kwargs = 3 must be a table, as in [models.m.kwargs]"),
        (
            "[models.m]\nbuild = 'lenet'\ninput = 3",
            'models.m.input = 3 must be a shape or several, as in input = "3x224x224"',
        ),
        ("[models.m]\nbuild = 'lenet'\ninput = ['3y']", "models.m.input: '3y' is not a shape"),
        (
            "[models.m]\nbuild = 'lenet'\nbudgets = { parameter = 1 }",
            "models.m.budgets: no budget is called 'parameter'; did you mean parameters?",
        ),
        ("[models.' ']\nbuild = 'lenet'", "a model has no name"),
        ("[models.m\n", "is no TOML: "),
        ("\udcff", "is no TOML: "),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "costmodel.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CostModelError) as error:
        load(find(tmp_path))
    found = str(error.value)
    assert found.startswith("costmodel.toml")
    assert message in found
