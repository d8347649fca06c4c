"""ONNX files as networks: small ones written here, and those that packages bring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("onnx")

from onnx import TensorProto, helper

import costmodel as cm
from costmodel import CostModelError
from tests.capture.onnx_files import model, node, stored
from tests.cli_runner import refusal, run
from tests.loops import convolve


def small(sizes: Sequence[int | str] = ("batch", 3, "height", "width")) -> object:
    """A convolution, ReLU, a pool, a classifier."""
    return model(
        [
            node("Conv", "x stem.w stem.b", "a", "/stem/conv/Conv", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4),
            node("Relu", "a", "b", "/stem/relu/Relu"),
            node("GlobalAveragePool", "b", "c", "/pool/GlobalAveragePool"),
            node("Flatten", "c", "d", "/Flatten"),
            node("Gemm", "d head.w head.b", "y", "/head/Gemm", transB=1),
        ],
        {"x": sizes},
        ["y"],
        [stored("stem.w", 8, 3, 3, 3), stored("stem.b", 8), stored("head.w", 10, 8), stored("head.b", 10)],
    )


def test_a_small_file_costs_what_nested_loops_count_in_it() -> None:
    net = cm.from_onnx(small(), [(1, 3, 9, 7)])
    stem = convolve((9, 7), 3, 8, (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1), 1)
    assert [(node.name, str(node.shape), node.macs) for node in net.nodes] == [
        ("x", "3x9x7", 0),
        ("stem.conv.Conv", "8x5x4", stem.multiplications),
        ("stem.relu.Relu", "8x5x4", 0),
        ("pool.GlobalAveragePool", "8x1x1", 0),
        ("head.Gemm", "10", 80),
    ]
    assert net.ledger.params == cm.Params(weight=8 * 27 + 80, bias=18)


def test_numbers_are_of_the_whole_sizes_with_their_batch() -> None:
    one, four = (cm.from_onnx(small(), [(batch, 3, 9, 7)]) for batch in (1, 4))
    assert four.multiply_adds == 4 * one.multiply_adds
    assert four.parameters == one.parameters


def test_a_size_that_nobody_gave_is_refused_with_its_name_and_how_to_give_it() -> None:
    with pytest.raises(CostModelError, match=r"size 1 of its input x .* open \(batch\); .* --input x=1x3x640x640"):
        cm.from_onnx(small(), [])


def test_a_size_that_the_file_fixes_cannot_be_another() -> None:
    with pytest.raises(CostModelError, match="1x4x9x7 is given for its input x"):
        cm.from_onnx(small(), {"x": (1, 4, 9, 7)})


def test_an_input_of_another_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(CostModelError, match="it reads no input 'y'; it reads x"):
        cm.from_onnx(small(), {"y": (1, 3, 9, 7)})


def test_an_operator_that_nobody_has_decided_on_is_refused_by_its_name() -> None:
    unknown = helper.make_node("Wave", ["x"], ["y"], "/w/Wave", domain="my.own")
    with pytest.raises(CostModelError, match=r"my\.own\.Wave"):
        cm.from_onnx(model([unknown], {"x": (1, 3, 9, 7)}, ["y"], []))


def test_a_file_is_counted_from_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "small.onnx"
    path.write_bytes(small().SerializeToString())
    assert "4,400 multiply-adds" in run("count", str(path), "--input", "x=1x3x9x7").out
    assert "small.onnx" in refusal("count", str(path))


def test_a_file_is_locked_checked_compared_and_told_apart_like_any_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "small.onnx").write_bytes(small().SerializeToString())
    config = '[models.small]\nbuild = "small.onnx"\ninput = "x=1x3x9x7"\n'
    (tmp_path / "costmodel.toml").write_text(config)
    monkeypatch.chdir(tmp_path / "below")
    assert run("lock").status == run("check").status == 0
    assert "stem.conv.Conv | conv" in (tmp_path / "costmodel.lock").read_text()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fixed.onnx").write_bytes(small((1, 3, 9, 7)).SerializeToString())
    (tmp_path / "larger.onnx").write_bytes(small((1, 3, 12, 7)).SerializeToString())
    assert "5,264" in run("diff", "fixed.onnx", "larger.onnx").out
    for command in (["compare", "fixed.onnx", "fixed.onnx"], ["explain", "fixed.onnx", "--claim", "8800"],
                    ["conventions", "fixed.onnx"], ["memory", "fixed.onnx"]):  # fmt: skip
        assert run(*command).status == 0, command


def test_a_file_that_is_cut_off_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes(small().SerializeToString()[:-20])
    assert "cut.onnx is no ONNX model" in refusal("count", str(path), "--input", "1x3x9x7")


def test_types_are_those_of_the_file() -> None:
    half = model([node("Relu", "x", "y")], {"x": (1, 3)}, ["y"], [], TensorProto.FLOAT16)
    assert {node.dtype for node in cm.from_onnx(half).nodes} == {"float16"}
