"""What conventions count, by hand and by figures that are known elsewhere; and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import costmodel as cm
from costmodel import CostModelError, Network, Shape, apply, formulas, image, layers
from costmodel.conventions import CONVENTIONS, convention, figures
from costmodel.network import Node
from costmodel.values import NO_PARAMS, Params

#: MobileNetV2 1.0-224, from 299,494,272 multiply-adds of convolutions and 1,280,000 of the classifier.
CONV, LINEAR, BIAS, NORM, RELU6, POOL = 299_494_272, 1_280_000, 1_000, 6_678_112, 6_105_792, 62_720
MOBILENET_V2 = {
    "paper": CONV + LINEAR,
    "fvcore": CONV + LINEAR + 2 * NORM + POOL,
    "flop_counter_mode": 2 * (CONV + LINEAR),
    "ptflops": CONV + LINEAR + BIAS + 2 * NORM + RELU6 + 2 * POOL,
    "ptflops_aten": CONV + LINEAR + BIAS,
    "thop": CONV + LINEAR + 4 * NORM + POOL + 1280,
    "torchinfo": CONV + LINEAR + BIAS + 34_112,
    "torchprofile": CONV + LINEAR + NORM + 1280,
    "calflops": 2 * (CONV + LINEAR) + 2 * NORM + POOL,
    "calflops_macs": CONV + LINEAR,
    "deepspeed": 2 * (CONV + LINEAR) + 2 * NORM + POOL,
    "deepspeed_macs": CONV + LINEAR,
    "trainable": 3_504_872,
    "weights": 3_504_872 - 34_112 - 1_000,
    # keras.io/api/applications prints 3.5M; MobileNetV2().summary(): Total params: 3,538,984.
    "keras": 3_538_984,
    # beta, moving mean and moving variance of 17,056 channels
    "slim": 3_469_760 + 1_000 + 3 * 17_056,
}


@pytest.mark.parametrize("name", MOBILENET_V2)
def test_mobilenet_v2_under_each_convention(name: str) -> None:
    assert cm.mobilenet_v2().under(name) == MOBILENET_V2[name]


def small() -> Network:
    """A convolution with bias, a norm, an activation, a sum, a global pool and a classifier, on a 5x5 image."""
    x = apply(image(3, 5), "conv", layers.conv(4, kernel=3, padding=1, bias=True))
    y = apply(apply(x, "norm", layers.BatchNorm()), "relu", layers.RELU)
    y = apply(apply([x, y], "add", layers.Add()), "pool", layers.GlobalAveragePool())
    return Network(apply(apply(y, "flatten", layers.Flatten()), "classifier", layers.Linear(2)), "small")


def test_documents_is_f6_of_every_convolution_and_of_the_linear_layer_as_one() -> None:
    conv = formulas.conv_flops_with_bias(positions=25, in_channels=3, out_channels=4, kernel_area=9)
    linear = formulas.conv_flops_with_bias(positions=1, in_channels=4, out_channels=2, kernel_area=1)
    assert small().under("documents") == conv + linear


def test_the_document_s_grouped_convolution() -> None:
    """Document 000: 227x227x3, K=11, 6 outputs, 55x55, g=3; F6 gives 4,410,450, twice what it prints."""
    net = Network(apply(image(3, 227), "conv", layers.conv(6, kernel=11, stride=4, groups=3, bias=True)))
    assert net.under("documents") == 4_410_450


def test_flops_are_all_arithmetic_by_hand() -> None:
    multiply_adds = 25 * 4 * 27 + 4 * 2
    bias, norm, relu, add = 100 + 2, 2 * 100, 100, 100
    pool = 4 * 24 + 4  # sums of 25 values, and a division, for each of four channels
    assert small().under("flops") == 2 * multiply_adds + bias + norm + relu + add + pool


def test_items_and_base_add_up_for_a_batch_too() -> None:
    ledger = cm.resnet18().ledger
    for name, found in CONVENTIONS.items():
        one, eight = found.of(ledger), found.of(ledger.batched(8))
        assert one.total == sum(found.figure(entry) for entry in ledger)
        assert eight.total == (one.total if found.quantity == "parameters" else 8 * one.total), name
        assert one.difference == one.total - one.base


def test_a_layer_on_a_leading_axis_counts_once_for_each_of_its_places() -> None:
    """16 frames of a clip in one call: sixteen times the work, the same parameters."""
    clip, frame = Shape(16, (3, 32, 32)), Shape(3, (32, 32))
    inner = layers.transposed_conv(8, kernel=2, stride=2, bias=True)

    def network(layer: layers.Layer, shape: Shape) -> Network:
        start = Node("input", layers.Input(shape), (), (), shape)
        return Network(Node("up", layer, (start,), (shape,), layer.output((shape,))))

    once, often = network(inner, frame), network(layers.Captured(inner, times=16), clip)
    for name, found in CONVENTIONS.items():
        # A tool that hooks modules sees none here.
        if name not in ("ptflops", "thop", "torchinfo"):
            times = 1 if found.quantity == "parameters" else 16
            assert often.under(name) == times * once.under(name), name


def test_what_is_stored_elsewhere_is_not_counted_again_but_worked_with() -> None:
    norm = layers.Captured(layers.BatchNorm(), stored=NO_PARAMS, module="torch.nn.modules.batchnorm.BatchNorm2d")
    net = _one(norm, Shape(8, (4, 4)))
    assert net.under("keras") == net.under("trainable") == 0
    assert net.under("torchinfo") == 16


def _one(layer: layers.Layer, shape: Shape) -> Network:
    start = Node("input", layers.Input(shape), (), (), shape)
    return Network(Node("again", layer, (start,), (shape,), layer.output((shape,))))


@dataclass(frozen=True)
class Novel(layers.Layer):
    """A layer of somebody's own."""

    def output(self, inputs: layers.Shapes) -> Shape:
        return inputs[0]

    def kind(self, inputs: layers.Shapes) -> str:
        return "novel_thing"


@pytest.mark.parametrize("name", [name for name in CONVENTIONS if name not in ("paper", "flops")])
def test_a_layer_that_no_rule_knows_is_refused_with_its_place(name: str) -> None:
    net = Network(apply(image(3, 8), "features.0", Novel()))
    if CONVENTIONS[name].quantity == "parameters":
        assert net.under(name) == 0
        return
    with pytest.raises(CostModelError, match=rf"^features\.0: {name}: no rule for novel thing; a zero is decided"):
        net.under(name)


def test_an_operation_that_nobody_has_decided_on_has_no_figure_at_all() -> None:
    net = _one(layers.Uncounted("aten.fft", Shape(3)), Shape(3))
    for name in ("paper", "flops", "fvcore", "documents"):
        with pytest.raises(CostModelError, match=f"again: {name}: no rule for uncounted: aten.fft"):
            net.under(name)
    with pytest.raises(CostModelError, match="paper"):
        figures(net.ledger)


def test_one_convention_without_a_rule_leaves_the_others_their_figures() -> None:
    products = layers.Captured(layers.MatMul())
    x = Node("x", layers.Input(Shape(2, (4, 4))), (), (), Shape(2, (4, 4)))
    net = Network(Node("product", products, (x, x), (x.shape, x.shape), Shape(2, (4, 4))))
    said = figures(net.ledger)
    assert {name for name, figure in said.items() if isinstance(figure, CostModelError)} == {
        "ptflops", "calflops", "calflops_macs",
    }  # fmt: skip
    assert net.under("fvcore") == net.under("paper") == 2 * 4 * 4 * 4
    assert net.under("thop") == net.under("torchinfo") == 0


def test_an_unknown_convention_names_the_nearest() -> None:
    with pytest.raises(CostModelError, match=r"^no convention is called 'torch_info'; did you mean torchinfo\?"):
        convention("torch_info")


def test_every_convention_says_what_it_counts_and_where_that_is_written() -> None:
    for name, found in CONVENTIONS.items():
        assert found.name == name
        assert all([found.source, found.version, found.place, found.counts])
        assert not any("\n" in text for text in (found.counts, found.place, *found.bugs))


def test_the_frame_has_a_row_a_convention_in_integers() -> None:
    frame = cm.mobilenet_v2().conventions(batch=2).set_index("convention")
    assert list(frame.index) == list(CONVENTIONS)
    assert frame.figure["fvcore"] == 2 * MOBILENET_V2["fvcore"]
    assert frame.figure.dtype == frame.difference.dtype == "int64"
    assert frame.difference["torchinfo"] == 2 * 35_112


def test_the_frame_leaves_a_gap_where_there_is_no_figure() -> None:
    products = layers.Captured(layers.MatMul(), stored=Params())
    x = Node("x", layers.Input(Shape(2, (4, 4))), (), (), Shape(2, (4, 4)))
    net = Network(Node("product", products, (x, x), (x.shape, x.shape), Shape(2, (4, 4))))
    frame = net.conventions().set_index("convention")
    assert frame.figure["paper"] == 128
    assert frame.figure.isna().sum() == 3
    assert frame.itemised["ptflops"].startswith("no figure: product: ptflops: no rule for a matrix product")
