"""Plots in files, from Python and from the command line: whole or not at all, the same every time."""

from __future__ import annotations

import errno
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib.figure import Figure

from costmodel import CostModelError
from costmodel.report import plots
from tests.cli_runner import refusal, run

#: What a file of each kind begins with.
STARTS = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml", "pdf": b"%PDF-1."}
SEPARABLE = ("layer", "separable", "--input", "128x56x56", "--out", "256", "--kernel", "3")


@pytest.fixture(scope="module")
def figure() -> Figure:
    return plots.separable_ratio()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf", "PNG"])
def test_a_saved_picture_is_a_file_of_its_kind_and_always_the_same(suffix: str, figure: Figure, tmp_path: Path) -> None:
    path = tmp_path / f"ratio.{suffix}"
    plots.save(figure, path)
    first = path.read_bytes()
    assert first.startswith(STARTS[suffix.lower()])
    assert len(first) > 5000
    if suffix == "svg":
        root = ElementTree.fromstring(first)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.attrib["width"] == f"{6.8 * 72:g}pt"
    assert b"Date" not in first
    plots.save(plots.separable_ratio(), str(path))
    assert path.read_bytes() == first
    assert os.listdir(tmp_path) == [path.name]


def test_users_settings_change_no_picture_and_stay_theirs(figure: Figure, tmp_path: Path) -> None:
    plots.save(figure, tmp_path / "ours.png")
    theirs = {"font.size": 5, "axes.facecolor": "black", "font.family": "serif", "savefig.bbox": "tight"}
    with matplotlib.rc_context(theirs):
        plots.save(plots.separable_ratio(), tmp_path / "theirs.png")
        assert {key: matplotlib.rcParams[key] for key in theirs} == {**theirs, "font.family": ["serif"]}
    assert (tmp_path / "ours.png").read_bytes() == (tmp_path / "theirs.png").read_bytes()


def test_a_file_that_is_there_is_replaced_also_behind_a_link(figure: Figure, tmp_path: Path) -> None:
    path, link = tmp_path / "old.png", tmp_path / "link.png"
    path.write_bytes(b"old")
    link.symlink_to(path)
    plots.save(figure, link)
    assert link.is_symlink()
    assert path.read_bytes().startswith(STARTS["png"])


def failing(*arguments: Any, **_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), arguments)


def test_what_cannot_be_written_leaves_nothing(figure: Figure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(CostModelError) as error:
        plots.save(figure, path)
    assert str(error.value) == (
        f"cannot write {path}: no space left on device; name a file in a folder that you can write"
    )
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["old.png"]


def test_a_folder_that_takes_no_file_is_one_line(figure: Figure, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    places = {
        "none/a.png": "no such file or directory",
        "file/a.png": "not a directory",
        "folder.png": "is a directory",
    }
    for name, reason in places.items():
        with pytest.raises(CostModelError, match=f"{name}: {reason}; name a file in a folder that you can write$"):
            plots.save(figure, tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.png"]


@pytest.mark.parametrize("name", ["a.jpg", "a", "png", ".png", "", "a.png.gz"])
def test_another_suffix_is_refused(name: str, figure: Figure) -> None:
    with pytest.raises(CostModelError) as error:
        plots.save(figure, name)
    assert str(error.value) == f"{name!r} is no plot file; end its name in .png, .svg or .pdf"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("count", "mobilenet_v2"), ("multiply-adds (M)", "parameters (M)", "features.18")),
        (("count", "mobilenet_v2", "--by", "stage"), ("features.14 to features.18",)),
        (("count", "mobilenet_v2", "--by", "layer", "--batch", "7"), ("features.0.conv", "batch 7")),
        (("count", "mobilenet_v2", "--by", "type"), ("share (%)", "89.08 %")),
        (("count", "mobilenet_v2", "--plot-kind", "types"), ("share (%)", "89.08 %")),
        (("count", "mobilenet_v2", "--by", "type", "--plot-kind", "depth"), ("multiply-adds (M)", "features.18")),
        (SEPARABLE, ("kernel 3x3", "kernel 5x5", "kernel 7x7", "N = 256: 0.1150,", "8.69 times fewer")),
        ((*SEPARABLE[:-1], "3x1"), ("kernel 3x1", "kernel 3x3", "kernel 7x7")),
    ],
)  # fmt: skip
def test_plot_draws_into_a_file_and_answers_all_the_same(
    arguments: tuple[str, ...], words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    save = plots.save

    def spy(figure: Figure, path: Path) -> None:
        drawn.extend(
            text.get_text().replace("\n", " ") for text in figure.findobj(match=lambda a: hasattr(a, "get_text"))
        )
        save(figure, path)

    monkeypatch.setattr(plots, "save", spy)
    path = tmp_path / "drawn.svg"
    answer = run(*arguments, "--plot", str(path))
    assert answer == run(*(argument for argument in arguments if argument not in ("--plot-kind", "types", "depth")))
    assert ElementTree.parse(path).getroot().tag.endswith("svg")
    for word in words:
        assert any(word in text for text in drawn), (word, drawn)


def test_bad_input_leaves_no_picture(tmp_path: Path) -> None:
    path = str(tmp_path / "a.png")
    refusals = {
        ("count", "mobilenet_v1", "--plot", "a.gif"): "Invalid value for '--plot': 'a.gif' is no plot file;"
        " end its name in .png, .svg or .pdf",
        ("count", "mobilenet_v1", "--plot", f"{path}/b.png"): f"cannot write {path}/b.png: no such file or directory;"
        " name a file in a folder that you can write",
        ("count", "lenet", "--plot-kind", "types"): "--plot-kind=types says what --plot draws; add --plot FILE.png",
        ("count", "mobilenet_v1", "--plot", path, "--sort", "price"): "cannot sort by 'price'; the columns are name,"
        " input, output, parameters, multiply_adds, share",
        (*SEPARABLE, "--plot", "a"): "Invalid value for '--plot': 'a' is no plot file; end its name in .png, .svg"
        " or .pdf",
    }
    for arguments, message in refusals.items():
        assert refusal(*arguments) == message
    assert os.listdir(tmp_path) == []
