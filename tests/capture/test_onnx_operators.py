"""Operators of ONNX files: what each computes and stores, by arithmetic by hand; branches, loops and functions."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx")

from onnx import AttributeProto, GraphProto, TensorProto, helper, numpy_helper

import costmodel as cm
from costmodel import CostModelError, Ops, Params
from costmodel.capture.onnx import reader
from costmodel.core.layers import Embedding, Linear, Stored
from tests.capture.onnx_files import model, node, numbers, stored
from tests.loops import convolve, convolve_transposed

_MICROSOFT = {"domain": "com.microsoft"}


def only(net: cm.Network) -> cm.Entry:
    """The one operation of a network that stores or computes something."""
    (entry,) = [entry for entry in net.ledger if any(entry.ops) or any(entry.params)]
    return entry


def test_weights_made_of_a_constant_shape_are_weights_and_those_of_the_samples_shape_are_none() -> None:
    held = [numbers("sizes", 8, 3, 3, 3)]
    made = node("ConstantOfShape", "sizes", "w")
    net = cm.from_onnx(model([made, node("Conv", "x w", "y")], {"x": (1, 3, 5, 5)}, ["y"], held))
    assert (net.multiply_adds, net.parameters) == (9 * 8 * 27, 216)
    zeros = [node("Shape", "x", "s"), node("ConstantOfShape", "s", "z"), node("Add", "x z", "y")]
    assert cm.from_onnx(model(zeros, {"x": (1, 3, 5, 5)}, ["y"])).ledger.params == Params()


def test_a_tensor_that_two_operators_read_is_stored_once() -> None:
    both = [node("MatMul", "x w", "a"), node("MatMul", "a w", "y")]
    net = cm.from_onnx(model(both, {"x": (1, 8)}, ["y"], [stored("w", 8, 8)]))
    assert (net.multiply_adds, net.parameters) == (128, 64)


def test_shapes_that_the_file_computes_are_computed() -> None:
    chain = [
        node("Shape", "x", "s"),
        node("Gather", "s first", "n", axis=0),
        node("Unsqueeze", "n axes", "n1"),
        node("Concat", "n1 rest", "to", axis=0),
        node("Reshape", "x to", "flat"),
        node("MatMul", "flat w", "y"),
    ]
    first = numpy_helper.from_array(np.array(0), "first")
    held = [first, numbers("axes", 0), numbers("rest", -1), stored("w", 48, 5)]
    assert cm.from_onnx(model(chain, {"x": ("n", 3, 4, 4)}, ["y"], held), [(2, 3, 4, 4)]).multiply_adds == 2 * 48 * 5


def test_a_vector_added_to_a_product_is_its_bias_unless_the_product_is_read_elsewhere() -> None:
    pair = [node("MatMul", "x w", "a"), node("Add", "b a", "y")]
    held = [stored("w", 8, 4), stored("b", 4)]
    entry = only(cm.from_onnx(model(pair, {"x": (1, 6, 8)}, ["y"], held)))
    assert (entry.layer, entry.ops, entry.params) == (Linear(4, True), Ops(mac=192, add=24), Params(weight=32, bias=4))
    net = cm.from_onnx(model(pair, {"x": (1, 6, 8)}, ["y", "a"], held))
    assert [entry.layer for entry in net.ledger if entry.ops.mac] == [Linear(4, False)]
    assert net.ledger.params == Params(weight=32, affine=4)


def test_a_transposed_convolution_costs_what_nested_loops_count_however_its_padding_is_said() -> None:
    loops = convolve_transposed((5, 5), 6, 4, (3, 3), (2, 2), (1, 1), 1)
    for said in ({"pads": [1] * 4, "output_padding": [1, 1]}, {"auto_pad": "SAME_UPPER"}, {"output_shape": [10, 10]}):
        file = model([node("ConvTranspose", "x w", "y", strides=[2, 2], **said)], {"x": (1, 6, 5, 5)}, ["y"],
                     [stored("w", 6, 4, 3, 3)])  # fmt: skip
        entry = only(cm.from_onnx(file))
        assert (entry.ops.mac, str(entry.output)) == (loops.multiplications, "4x10x10"), said


def test_convolutions_of_whole_numbers_cost_what_those_with_a_fraction_do() -> None:
    loops = convolve((6, 6), 3, 8, (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1).multiplications
    whole = TensorProto.UINT8
    integer = model([node("ConvInteger", "x w", "y", pads=[1] * 4)], {"x": (1, 3, 6, 6)}, ["y"],
                    [stored("w", 8, 3, 3, 3, kind=whole)], whole)  # fmt: skip
    assert only(cm.from_onnx(integer)).ops == Ops(mac=loops)
    scale, zero = stored("s"), stored("z", kind=whole)
    bias = stored("b", 8, kind=TensorProto.INT32)
    linear = model([node("QLinearConv", "x s z w s z s z b", "y", pads=[1] * 4)], {"x": (1, 3, 6, 6)}, ["y"],
                   [scale, zero, stored("w", 8, 3, 3, 3, kind=whole), bias], whole)  # fmt: skip
    net = cm.from_onnx(linear)
    made = 8 * 36
    assert net.ledger.params == Params(weight=216, bias=8)
    assert [entry.ops for entry in net.ledger] == [Ops(mac=loops, add=made), Ops(mul=made, cmp=3 * made, add=made)]
    assert {node.dtype for node in net.nodes} == {"uint8"}


@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
@pytest.mark.parametrize("directions", [1, 2])
def test_a_recurrent_layer_multiplies_its_input_and_its_state_at_each_step(
    kind: str, gates: int, directions: int
) -> None:
    held = [stored("w", directions, gates * 6, 5), stored("r", directions, gates * 6, 6)]
    held += [stored("b", directions, 2 * gates * 6)]
    direction = "bidirectional" if directions == 2 else "forward"
    layer = node(kind, "x w r b", "y", hidden_size=6, direction=direction)
    net = cm.from_onnx(model([layer], {"x": (7, 2, 5)}, ["y"], held))
    assert net.multiply_adds == 7 * 2 * directions * gates * 6 * (5 + 6)
    assert net.ledger.params == Params(weight=directions * gates * 6 * 11, bias=directions * 2 * gates * 6)


@pytest.mark.parametrize(
    ("equation", "sizes", "work"),
    [
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)], Ops(mac=2 * 3 * 4 * 5)),
        ("bhid,bhjd->bhij", [(1, 2, 3, 4), (1, 2, 5, 4)], Ops(mac=2 * 3 * 4 * 5)),
        ("i,j->ij", [(3,), (4,)], Ops(mul=12)),
        ("...ij,...jk", [(2, 3, 4), (2, 4, 5)], Ops(mac=2 * 3 * 4 * 5)),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)], Ops(mac=2 * 3 * 4 + 2 * 4 * 5)),
        ("ij->i", [(3, 4)], Ops(add=12)),
        ("ij->ji", [(3, 4)], Ops()),
    ],
)
def test_an_einsum_multiplies_over_every_letter_of_a_pair(
    equation: str, sizes: list[tuple[int, ...]], work: Ops
) -> None:
    names = "xyz"[: len(sizes)]
    file = model(
        [node("Einsum", " ".join(names), "out", equation=equation)], dict(zip(names, sizes, strict=True)), ["out"]
    )
    assert cm.from_onnx(file).nodes[-1].ops == work


def test_rows_of_a_table_are_an_embedding() -> None:
    file = model([node("Gather", "t x", "y")], {"x": (1, 7)}, ["y"], [stored("t", 100, 16)], TensorProto.INT64)
    entry = only(cm.from_onnx(file))
    assert (entry.layer, entry.output.sizes, entry.params.weight) == (Embedding(100, 16), (7, 16), 1600)


def test_a_factor_of_one_number_is_no_parameter_and_one_for_each_channel_is() -> None:
    scaled = [node("Mul", "x half", "a"), node("Mul", "a gamma", "y")]
    net = cm.from_onnx(model(scaled, {"x": (1, 4, 8)}, ["y"], [stored("half"), stored("gamma", 8)]))
    assert net.ledger.params == Params(affine=8)
    assert [node.name for node in net.nodes if isinstance(node.layer, Stored)] == ["gamma"]


def test_a_view_takes_no_memory_and_is_no_node() -> None:
    views = [node("Reshape", "x to", "a"), node("Transpose", "a", "y", perm=[0, 2, 1])]
    net = cm.from_onnx(model(views, {"x": (1, 4, 6)}, ["y"], [numbers("to", 1, 8, 3)]))
    assert [(node.name, node.kind, node.alias) for node in net.nodes] == [
        ("x", "input", None),
        ("Transpose.y", "transpose", None),
    ]


def graph(nodes: list[object], gives: list[str], reads: list[str] = (), held: list[TensorProto] = ()) -> GraphProto:  # type: ignore[assignment]
    values = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names] for names in (reads, gives)
    ]
    return helper.make_graph(nodes, "inside", *values, list(held))


def branches(then: str, other: str, condition: str) -> object:
    parts = {
        f"{name}_branch": graph([node("MatMul", f"x {matrix}", "out", f"{name}_product")], ["out"])
        for name, matrix in (("then", then), ("else", other))
    }
    held = [stored("small", 8, 4), stored("large", 8, 40), stored("same", 8, 4)]
    known = numpy_helper.from_array(np.array(True), "known")
    file = model([node("If", condition, "y", "choice", **parts)], {"x": (1, 8)}, ["y"], [*held, known])
    file.graph.input.append(helper.make_tensor_value_info("asked", TensorProto.BOOL, ()))
    return file


def test_a_known_condition_takes_its_branch() -> None:
    net = cm.from_onnx(branches("small", "large", "known"))
    assert (net.multiply_adds, net.parameters, net.nodes[-1].name) == (32, 32, "choice.then_branch.then_product")


def test_of_branches_that_cost_the_same_either_counts_once_and_others_are_refused() -> None:
    net = cm.from_onnx(branches("small", "same", "asked"))
    assert (net.multiply_adds, net.parameters) == (32, 32)
    with pytest.raises(CostModelError, match=r"If choice: its branches differ in their multiply-adds \(32 and 320\)"):
        cm.from_onnx(branches("small", "large", "asked"))


def test_a_value_that_is_given_for_an_input_takes_its_branch() -> None:
    for value, cost in (("ones", 32), ("zeros", 320)):
        net = cm.from_onnx(branches("small", "large", "asked"), {"asked": f"1:bool:{value}"})
        assert (net.multiply_adds, [str(shape) for shape in net.inputs]) == (cost, ["8"])


def loop(trips: TensorProto | None) -> object:
    body = graph(
        [node("MatMul", "h w", "h2", "step"), node("Identity", "go", "on"), node("Identity", "h2", "each")],
        ["on", "h2", "each"],
        ["i", "go", "h"],
    )
    held = [stored("w", 8, 8), numpy_helper.from_array(np.array(True), "go"), *([trips] if trips else [])]
    repeat = node("Loop", "trips go x", "last all", "repeat", body=body)
    file = model([repeat], {"x": (1, 8)}, ["last", "all"], held)
    if trips is None:
        file.graph.input.append(helper.make_tensor_value_info("trips", TensorProto.INT64, ()))
    return file


def test_a_loop_runs_as_often_as_the_file_says_and_stores_its_weights_once() -> None:
    net = cm.from_onnx(loop(numpy_helper.from_array(np.array(5), "trips")))
    assert (net.multiply_adds, net.parameters) == (5 * 64, 64)
    assert [node.name for node in net.nodes if node.macs][:2] == ["repeat.body.0.step", "repeat.body.1.step"]
    assert net.nodes[-2].shape.sizes == (5, 1, 8)


def test_a_loop_whose_end_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CostModelError, match="Loop repeat: how often it runs depends on values that only a run knows"):
        cm.from_onnx(loop(None))
    monkeypatch.setattr(reader, "_MOST_LOOPED", 300)
    endless = loop(numpy_helper.from_array(np.array(2**62), "trips"))
    with pytest.raises(CostModelError, match="loops of the file run over 300 operators"):
        cm.from_onnx(endless)


def test_a_scan_runs_once_for_each_place_of_its_axis() -> None:
    body = graph(
        [node("MatMul", "h w", "p"), node("Add", "p part", "h2"), node("Identity", "h2", "o")],
        ["h2", "o"],
        ["h", "part"],
    )
    file = model([node("Scan", "x0 x", "last all", num_scan_inputs=1, body=body)], {"x0": (1, 8), "x": (6, 1, 8)},
                 ["last", "all"], [stored("w", 8, 8)])  # fmt: skip
    assert (cm.from_onnx(file).multiply_adds, cm.from_onnx(file).parameters) == (6 * 64, 64)


def test_a_function_of_the_file_is_the_operators_that_it_is_made_of() -> None:
    body = [helper.make_node("Conv", ["a", "k"], ["c"], "conv")]
    body[0].attribute.append(AttributeProto(name="strides", ref_attr_name="step", type=AttributeProto.INTS))
    function = helper.make_function("my", "Block", ["a", "k"], ["c"], body, [helper.make_opsetid("", 17)], ["step"])
    calls = [helper.make_node("Block", ["x", "w"], ["y"], "block", domain="my", step=[2, 2])]
    file = model(calls, {"x": (1, 3, 9, 9)}, ["y"], [stored("w", 8, 3, 3, 3)], functions=[function],
                 opsets=[helper.make_opsetid("my", 1)])  # fmt: skip
    entry = only(cm.from_onnx(file))
    assert (entry.name, str(entry.output), entry.ops.mac) == ("block.conv", "8x4x4", 8 * 27 * 16)


def test_an_operator_that_the_standard_makes_of_others_is_those() -> None:
    file = model([node("MeanVarianceNormalization", "x", "y")], {"x": (1, 3, 4, 4)}, ["y"])
    assert cm.from_onnx(file).ledger.entries[0].ops == Ops(add=4 * 48, mul=48, div=48)
    loss = model([node("SoftmaxCrossEntropyLoss", "x labels", "y", "loss")], {"x": (3, 5)}, ["y"])
    loss.graph.input.append(helper.make_tensor_value_info("labels", TensorProto.INT64, (3,)))
    work = {entry.kind: entry.ops for entry in cm.from_onnx(loss).ledger}
    assert work["log_softmax"] == Ops(cmp=15, add=45, exp=15)


def test_a_grid_is_the_product_of_places_and_a_matrix() -> None:
    file = model([node("AffineGrid", "x size", "y")], {"x": (2, 2, 3)}, ["y"], [numbers("size", 2, 3, 4, 5)], opset=20)
    assert cm.from_onnx(file).multiply_adds == 2 * (4 * 5) * 3 * 2


def test_lists_of_tensors_hold_what_was_put_into_them() -> None:
    listed = [
        node("SplitToSequence", "x parts", "list", axis=1),
        node("SequenceAt", "list last", "part"),
        node("MatMul", "part w", "y"),
    ]
    held = [numbers("parts", 2, 6), numpy_helper.from_array(np.array(-1), "last"), stored("w", 6, 5)]
    assert cm.from_onnx(model(listed, {"x": (1, 8)}, ["y"], held)).multiply_adds == 30


def test_fused_attention_is_two_products_and_a_softmax() -> None:
    file = model(
        [node("Attention", "q k v", "y")], {"q": (1, 4, 6, 8), "k": (1, 2, 9, 8), "v": (1, 2, 9, 10)}, ["y"], opset=23
    )
    scores = 4 * 6 * 9
    work = Ops(mac=scores * (8 + 10), mul=scores, cmp=scores, add=2 * scores, exp=scores, div=scores)
    assert only(cm.from_onnx(file)).ops == work


@pytest.mark.parametrize(
    ("operator", "inputs", "held", "macs", "parameters"),
    [
        (node("FusedConv", "x w b", "y", activation="Relu", **_MICROSOFT), {"x": (1, 3, 5, 5)},
         [stored("w", 8, 3, 3, 3), stored("b", 8)], 9 * 216, 224),
        (node("FusedMatMul", "a b", "y", transB=1, alpha=0.5, **_MICROSOFT), {"a": (2, 3, 4), "b": (2, 5, 4)}, [],
         120, 0),
        (node("FusedGemm", "x w b", "y", transB=1, activation="Tanh", **_MICROSOFT), {"x": (1, 8)},
         [stored("w", 4, 8), stored("b", 4)], 32, 36),
        (node("MatMulNBits", "x w s", "y", K=64, N=16, bits=4, block_size=32, **_MICROSOFT), {"x": (1, 3, 64)},
         [stored("w", 16, 2, 16, kind=TensorProto.UINT8), stored("s", 32)], 3 * 64 * 16, 64 * 16),
        (node("Attention", "x w b", "y", num_heads=2, **_MICROSOFT), {"x": (1, 5, 8)},
         [stored("w", 8, 24), stored("b", 24)], 5 * 8 * 24 + 2 * 2 * 5 * 5 * 4, 216),
        (node("MultiHeadAttention", "q k v", "y", num_heads=2, **_MICROSOFT),
         {"q": (1, 5, 8), "k": (1, 7, 8), "v": (1, 7, 8)}, [], 2 * 2 * 5 * 7 * 4, 0),
        (node("GroupQueryAttention", "q k v pk pv", "y", num_heads=4, kv_num_heads=2, **_MICROSOFT),
         {"q": (1, 1, 32), "k": (1, 1, 16), "v": (1, 1, 16), "pk": (1, 2, 9, 8), "pv": (1, 2, 9, 8)}, [],
         2 * 4 * 1 * 10 * 8, 0),
        (node("SkipLayerNormalization", "x s g b", "y", **_MICROSOFT), {"x": (1, 5, 8), "s": (1, 5, 8)},
         [stored("g", 8), stored("b", 8)], 0, 16),
        (node("EmbedLayerNormalization", "x - words places - g b", "y", **_MICROSOFT), {"x": (1, 5)},
         [stored("words", 30, 8), stored("places", 6, 8), stored("g", 8), stored("b", 8)], 0, 240 + 48 + 16),
        (node("BiasGelu", "x b", "y", **_MICROSOFT), {"x": (1, 5, 8)}, [stored("b", 8)], 0, 8),
    ],
)  # fmt: skip
def test_an_operator_of_the_runtime_costs_what_the_standards_own_do(
    operator: object, inputs: dict[str, tuple[int, ...]], held: list[TensorProto], macs: int, parameters: int
) -> None:
    file = model([operator], inputs, ["y"], held, opsets=[helper.make_opsetid("com.microsoft", 1)])
    net = cm.from_onnx(file)
    assert (net.multiply_adds, net.parameters) == (macs, parameters)


def test_sizes_that_depend_on_values_are_refused() -> None:
    file = model([node("NonZero", "x", "y")], {"x": (1, 8)}, ["y"])
    with pytest.raises(CostModelError, match="NonZero y: the sizes of what NonZero makes depend on values"):
        cm.from_onnx(file)


def test_conventions_that_ask_for_modules_refuse_a_file_and_the_others_count_it() -> None:
    file = model([node("Conv", "x w", "y")], {"x": (1, 3, 5, 5)}, ["y"], [stored("w", 8, 3, 3, 3)])
    net = cm.from_onnx(file)
    assert net.under("paper") == net.multiply_adds
    with pytest.raises(CostModelError, match="which is not known of this network"):
        net.under("thop")
