"""``costmodel count model.onnx`` with a letter as size: the closed form of a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("onnx")

import costmodel as cm
from costmodel.capture.input_spec import parse_open_input
from tests.capture.onnx_files import model, node, stored
from tests.capture.test_onnx import small
from tests.cli_runner import refusal, run


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "small.onnx").write_bytes(small().SerializeToString())
    return str(tmp_path / "small.onnx")


def test_a_letter_in_the_place_of_a_size_gives_a_polynomial_of_it(file: str) -> None:
    lines = run("count", file, "--input", "x=1x3xRxR").out.splitlines()
    # At R = 2 rho: rho x rho positions of 27 * 8, and 8 * 10 once.
    assert lines[0] == f"multiply-adds = {27 * 8} rho^2 + 80"
    assert lines[2] == "small: R = 2 rho"
    assert lines[4] == "Seen to be exact at R = 2 rho, from 2 on."
    assert lines[5].startswith("Read from the file at 7 values of R, 224 to 236, and checked against ")


def test_the_batch_is_a_factor_and_parameters_are_not_of_it(file: str) -> None:
    each = 20 * 27 * 8 + 80
    for asked in (["--input", "x=1x3x9x7", "--symbolic", "batch"], ["--input", "x=batchx3x9x7"]):
        lines = run("count", file, *asked).out.splitlines()
        assert lines[:2] == [f"multiply-adds = {each:,} batch", f"parameters = {27 * 8 + 8 + 90}"], asked
    found = json.loads(run("count", file, "--input", "x=Nx3x9x7", "--format", "json").out)
    assert (found["N"], found["proven"]) == ({"step": 1, "first_N": 1, "last_N": None}, False)
    assert found["pieces"][0]["multiply_adds"] == [{"coefficient": each, "alpha": 0, "N": 1}]
    scope: dict[str, object] = {}
    exec(run("formula", file, "--input", "x=Nx3x9x7", "--format", "python").out, scope)
    assert scope["small"](4) == (cm.from_onnx(file, [(4, 3, 9, 7)]).multiply_adds, 314)


def test_the_batch_that_a_file_leaves_open_needs_no_input(tmp_path: Path) -> None:
    path = tmp_path / "head.onnx"
    for first, fixed in (("n", False), (4, True)):
        product = model([node("MatMul", "x w", "y")], {"x": (first, 8)}, ["y"], [stored("w", 8, 5)])
        path.write_bytes(product.SerializeToString())
        if fixed:
            assert "it fixes the first size of what it reads: x (4x8)" in refusal(
                "count", str(path), "--symbolic", "batch"
            )
        else:
            assert run("count", str(path), "--symbolic", "batch").out.startswith("multiply-adds = 40 batch\n")


def test_two_letters_letters_where_numbers_are_needed_and_a_batch_of_no_file_are_refused(file: str) -> None:
    assert "N and R are open; give one of them a number" in refusal("count", file, "--input", "x=Nx3xRxR")
    assert "the input x=Nx3x9x7 leaves a size open" in refusal("memory", file, "--input", "x=Nx3x9x7")
    assert "n of them cost n times that" in refusal("count", "mobilenet_v2", "--symbolic", "batch")
    assert "the file leaves size 3 of its input x" in refusal("count", file, "--symbolic", "batch")
    assert "a letter as size prints a formula, to which --by" in refusal(
        "count", file, "--by", "layer", "--input", "x=1x3xRxR"
    )
    with pytest.raises(cm.CostModelError, match="leaves a size open"):
        cm.load(file, parse_open_input("x=Nx3x9x7"))


def test_an_input_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "named.onnx"
    path.write_bytes(model([node("Relu", "input.1", "y")], {"input.1": ("n", 4)}, ["y"]).SerializeToString())
    assert "0 multiply-adds" in run("count", str(path), "--input", "input.1=1x4").out
