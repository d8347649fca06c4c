"""The standard's own test cases: every operator makes the sizes that the standard says, or is refused by name."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from onnx import ModelProto, numpy_helper

import costmodel as cm
from costmodel import CostModelError
from costmodel.capture.onnx import infer
from costmodel.capture.onnx.book import Book
from costmodel.capture.onnx.model import tensors_of
from tests.capture.onnx_files import bundled
from tests.capture.test_onnx import small
from tests.cli_runner import refusal
from tests.zoo import NIGHTLY

pytestmark = pytest.mark.slow

#: So many of the standard's cases are refused, most because sizes are inputs; whether further inputs are stored.
_MOST_REFUSED = {False: 545, True: 320}


@cache
def cases() -> list[object]:
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(collect_testcases(None))


def told(case: object, stored: bool) -> tuple[ModelProto, dict[str, tuple[int, ...]]]:
    """The model of a case and the sizes of its inputs; all but the first are ``stored`` in it, or inputs."""
    file = ModelProto()
    file.CopyFrom(case.model)
    given = case.data_sets[0][0]
    sizes: dict[str, tuple[int, ...]] = {}
    for place, (value, array) in enumerate(zip(file.graph.input, given, strict=False)):
        if not isinstance(array, np.ndarray) or array.dtype.kind in "OSU":
            continue
        if stored and place:
            file.graph.initializer.append(numpy_helper.from_array(array, value.name))
        elif array.shape and all(array.shape):
            sizes[value.name] = array.shape
    return file, sizes


@pytest.mark.parametrize("stored", [False, True])
def test_every_case_of_the_standard_has_its_sizes_or_is_refused_in_one_line(stored: bool) -> None:
    right, refused, wrong = 0, Counter(), []
    for case in cases():
        file, sizes = told(case, stored)
        try:
            made = tensors_of(file, sizes, Book(case.name, file.ir_version), "", False)
        except CostModelError as error:
            assert "\n" not in str(error), case.name
            assert "breaks the standard" not in str(error), (case.name, str(error))
            refused[str(error).partition(" ")[0]] += 1
            continue
        right += 1
        wanted = case.data_sets[0][1]
        wrong += [
            (case.name, tensor.sizes, array.shape)
            for tensor, array in zip(made, wanted, strict=False)
            if isinstance(array, np.ndarray) and tensor.parts is None and tensor.sizes != array.shape
        ]
    assert wrong == []
    assert sum(refused.values()) <= _MOST_REFUSED[stored], refused
    assert right > 1300


def test_values_that_shapes_are_made_of_are_those_of_the_standard() -> None:
    seen = set()
    for case in cases():
        nodes, (given, wanted) = case.model.graph.node, case.data_sets[0]
        if len(nodes) != 1 or nodes[0].op_type not in infer._DIRECT or nodes[0].op_type == "Cast":
            continue
        file = ModelProto()
        file.CopyFrom(case.model)
        if not all(isinstance(array, np.ndarray) for array in given):  # a list of tensors
            continue
        for value, array in zip(file.graph.input, given, strict=True):
            file.graph.initializer.append(numpy_helper.from_array(array, value.name))
        (made,) = tensors_of(file, {}, Book(case.name, file.ir_version), "", False)
        if made.values is not None:
            seen.add(nodes[0].op_type)
            assert (made.values.dtype, made.values.tolist()) == (wanted[0].dtype, wanted[0].tolist()), case.name
    assert seen == infer._DIRECT.keys() - {"Cast"}


def mutated(data: bytes, chance: random.Random) -> bytes:
    """``data`` with a byte or a few of them changed, cut out, put in; or cut off."""
    bytes_ = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        place, kind = chance.randrange(len(bytes_)), chance.randrange(8)
        if kind < 5:
            bytes_[place] = chance.randrange(256)
        elif kind == 5:
            del bytes_[place + 1 :]
        elif kind == 6 and len(bytes_) > 9:
            del bytes_[place : place + chance.randrange(1, 9)]
        else:
            bytes_[place:place] = chance.randbytes(chance.randrange(1, 9))
    return bytes(bytes_)


def samples() -> Iterator[tuple[bytes, object]]:
    yield small().SerializeToString(), [(1, 3, 9, 7)]
    yield bundled("onnx/backend/test/data/light/light_squeezenet.onnx").read_bytes(), ()
    for case in cases():
        if case.name in ("test_loop13_seq", "test_if", "test_scan9_sum", "test_qlinearconv", "test_gru_defaults"):
            yield case.model.SerializeToString(), ()


def test_a_damaged_file_is_counted_or_refused_in_one_line(tmp_path: Path) -> None:
    chance, whole = random.Random(15), list(samples())
    for number in range(2000 if NIGHTLY else 200):
        data, inputs = whole[number % len(whole)]
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(mutated(data, chance))
        try:
            net = cm.from_onnx(path, inputs)
            assert net.multiply_adds >= 0
        except CostModelError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 1000
        if number % 50 == 0:
            path.write_bytes(data[: len(data) // 2])
            assert "is no ONNX model" in refusal("count", str(path))
