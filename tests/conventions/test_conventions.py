"""What conventions count, by hand and by figures that are known elsewhere; and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import costmodel as cm
from costmodel import CostModelError, Network, Shape, apply, formulas, image
from costmodel.conventions import CONVENTIONS, convention, counts_of
from costmodel.core import layers
from costmodel.core.counts import NO_PARAMS
from costmodel.core.graph import BUILT, Node, Provenance

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
    "mmcv": CONV + LINEAR + 2 * NORM + RELU6 + POOL,
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


#: What tools that run on no model of ours printed, each on a network of its own collection.
PRINTED = [
    # osmr/imgclsmob@c1a844d gluon/README.md, column FLOPs/2: the unit is 10,000 multiply-adds.
    ("osmr", "resnet50", 411_048, 20_000), ("osmr", "resnet152", 1_155_438, 20_000),
    ("osmr", "vgg16", 1_548_010, 20_000),
    ("osmr", "densenet121", 287_213, 20_000), ("osmr", "squeezenet1_0", 82_367, 20_000),
    ("osmr", "mobilenet_v1", 57_980, 20_000), ("osmr", "shufflenet_v2", 14_972, 20_000),
    ("osmr", "mnasnet:a1", 32_577, 20_000), ("osmr", "efficientnet_b7", 3_894_907, 20_000),
    # Lyken17/pytorch-OpCounter@43c064a README.md, in GMACs.
    ("thop_2019", "alexnet", 77, 10**7), ("thop_2019", "vgg11", 774, 10**7), ("thop_2019", "resnet152", 1161, 10**7),
    ("thop_2019", "densenet201", 439, 10**7), ("thop_2019", "mobilenet_v2", 33, 10**7),
    # nmhkahn/torchsummaryX@7480ad0 README.md, exactly.
    ("torchsummaryx", "resnet18", 1_814_078_144, 1),
    # hey-yahei/OpSummary.MXNet@85efd32 README.md, in GMuls.
    ("mxop", "resnet18", 182, 10**7), ("mxop", "vgg11:bn", 762, 10**7), ("mxop", "densenet121", 285, 10**7),
    # albanie/convnet-burden@9c7f31b README.md, in MFLOPs.
    ("convnet_burden", "squeezenet1_0", 837, 10**6), ("convnet_burden", "squeezenet1_1", 360, 10**6),
    ("convnet_burden", "mobilenet_v1", 579, 10**6),
]  # fmt: skip


@pytest.mark.parametrize(("name", "network", "printed", "unit"), PRINTED)
def test_what_a_tool_printed_is_our_number_rounded(name: str, network: str, printed: int, unit: int) -> None:
    assert (2 * cm.load(network).under(name) + unit) // (2 * unit) == printed


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
    assert small().under("all_arithmetic") == 2 * multiply_adds + bias + norm + relu + add + pool


def test_items_and_base_add_up_for_a_batch_too() -> None:
    ledger = cm.resnet18().ledger
    for name, found in CONVENTIONS.items():
        one, eight = found.of(ledger), found.of(ledger.batched(8))
        assert one.total == sum(found.count(entry) for entry in ledger)
        assert eight.total == (one.total if found.quantity == "parameters" else 8 * one.total), name
        assert one.difference == one.total - one.base


def test_a_layer_on_a_leading_axis_counts_once_for_each_of_its_places() -> None:
    """16 frames of a clip in one call: sixteen times the work, the same parameters."""
    frame = Shape(3, (32, 32))
    inner = layers.transposed_conv(8, kernel=2, stride=2, bias=True)
    functional = Provenance(module="", function="", leading=0, times=16)
    once = _one(inner, frame)
    start = Node("input", layers.Input(frame.stacked(16)), (), (), frame.stacked(16))
    made = inner.output((frame,)).stacked(16)
    often = Network(Node("up", inner, (start,), (start.shape,), made, provenance=functional))
    for name, found in CONVENTIONS.items():
        # A tool that hooks modules sees none here; three that read no PyTorch have no rule for the layer.
        hooks, refuse = (
            ("ptflops", "thop", "thop_2019", "torchinfo", "torchsummaryx"),
            ("osmr", "mxop", "convnet_burden"),
        )
        if name not in (*hooks, *refuse):
            times = 1 if found.quantity == "parameters" else 16
            assert often.under(name) == times * once.under(name), name


def test_what_is_stored_elsewhere_is_not_counted_again_but_worked_with() -> None:
    again = Provenance("torch.nn.modules.batchnorm.BatchNorm2d", "", leading=0, stored=NO_PARAMS)
    net = _one(layers.BatchNorm(), Shape(8, (4, 4)), again)
    assert net.under("keras") == net.under("trainable") == 0
    assert net.under("torchinfo") == 16


def _one(layer: layers.Layer, shape: Shape, provenance: Provenance = BUILT) -> Network:
    start = Node("input", layers.Input(shape), (), (), shape)
    return Network(Node("again", layer, (start,), (shape,), layer.output((shape,)), provenance=provenance))


#: calflops and DeepSpeed do not install beside what the tests need, so their formulas are followed by hand: a layer,
#: what it reads, FLOPs and MACs.
FOLLOWED = {
    "batch norm": (layers.BatchNorm(), Shape(6, (5, 4)), 2 * 120, 0),
    "batch norm without gamma": (layers.BatchNorm(affine=False), Shape(6, (5, 4)), 120, 0),
    "layer norm": (layers.LayerNorm(1), Shape(6, (5, 4)), 5 * 120, 0),
    "layer norm without gamma": (layers.LayerNorm(1, gamma=False, beta=False), Shape(6, (5, 4)), 4 * 120, 0),
    "group norm": (layers.GroupNorm(3), Shape(6, (5, 4)), 5 * 120, 0),
    "group norm without gamma": (layers.GroupNorm(3, affine=False), Shape(6, (5, 4)), 4 * 120, 0),
    "relu": (layers.RELU, Shape(6, (5, 4)), 120, 0),
    "swish": (layers.SWISH, Shape(6, (5, 4)), 120, 0),
    "relu6, whose module calls hardtanh": (layers.RELU6, Shape(6, (5, 4)), 0, 0),
    "hard swish": (layers.HARD_SWISH, Shape(6, (5, 4)), 0, 0),
    "max pool": (layers.max_pool(2), Shape(6, (5, 4)), 120, 0),
    "adaptive pool": (layers.AdaptiveAveragePool((2, 2)), Shape(6, (5, 4)), 120, 0),
    "linear, whose bias does not count": (layers.Linear(7), Shape(6), 2 * 42, 42),
    "convolution": (layers.conv(7, kernel=3, bias=True), Shape(6, (5, 4)), 2 * 6 * 378 + 6 * 7, 6 * 378),
    # An even kernel: 4x3 positions where there are 5x4.
    "padding same": (layers.conv(7, 2, padding="same", bias=True), Shape(6, (5, 4)), 12 * (2 * 168 + 7), 12 * 168),
    # 6 -> 8 in two groups: a weight of 6x4x2x2, of which 4 // 2 outputs are left; a convolution would make 2x2 places.
    "transposed convolution": (
        layers.transposed_conv(8, kernel=2, stride=2, groups=2, bias=True),
        Shape(6, (5, 4)),
        2 * 20 * 4 * 6 * 2 + 4 * 2 * 2,
        20 * 4 * 6 * 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FOLLOWED)
def test_calflops_and_deepspeed_as_their_formulas_say(case: str) -> None:
    layer, shape, flops, macs = FOLLOWED[case]
    net = _one(layer, shape)
    assert net.under("calflops") == net.under("deepspeed") == flops
    assert net.under("calflops_macs") == net.under("deepspeed_macs") == macs


def attention(called: str) -> Network:
    """One head over 197 positions, as a capture takes it apart: a product, a softmax, a product."""
    tokens, transposed = Shape.of((197, 64), axis=-1), Shape.of((64, 197), axis=-1)
    x = Node("x", layers.Input(tokens), (), (), tokens)
    turned = Node("turned", layers.Input(transposed), (), (), transposed)
    scores = _step("scores", layers.MatMul(), (x, turned), called)
    soft = _step("softmax", layers.Operation("_safe_softmax", Shape(197, (197,), axis=1)), (scores,), called)
    return Network(_step("values", layers.MatMul(), (soft, x), called))


def _step(name: str, layer: layers.Layer, reads: tuple[Node, ...], called: str) -> Node:
    shapes = tuple(read.shape for read in reads)
    return Node(name, layer, reads, shapes, layer.output(shapes), provenance=Provenance("", called, call=1, leading=0))


def test_fused_attention_counts_its_products_or_nothing() -> None:
    """Two products of 197 x 197 x 64. calflops and DeepSpeed as their tables say; the others are held elsewhere too."""
    products = 2 * 197 * 197 * 64
    net = attention("torch.nn.functional.scaled_dot_product_attention")
    seen = {"paper": products, "flop_counter_mode": 2 * products, "torchprofile": products, "ptflops_aten": products}
    seen |= {"deepspeed": 2 * products, "deepspeed_macs": products}
    blind = ("fvcore", "ptflops", "thop", "torchinfo", "calflops", "calflops_macs")
    assert {name: net.under(name) for name in (*seen, *blind)} == {**seen, **dict.fromkeys(blind, 0)}


def test_attention_that_is_written_out_is_seen_by_the_names_it_calls() -> None:
    products = 2 * 197 * 197 * 64
    assert attention("torch.matmul").under("calflops_macs") == attention("torch.matmul").under("ptflops") == products
    assert attention("torch.Tensor.matmul").under("calflops_macs") == 0
    assert attention("torch.Tensor.matmul").under("deepspeed_macs") == products


@dataclass(frozen=True)
class Novel(layers.Layer):
    """A layer of somebody's own."""

    def output(self, inputs: layers.Shapes) -> Shape:
        return inputs[0]

    def kind(self, inputs: layers.Shapes) -> str:
        return "novel_thing"


@pytest.mark.parametrize("name", [name for name in CONVENTIONS if name not in ("paper", "all_arithmetic")])
def test_a_layer_that_no_rule_knows_is_refused_with_its_place(name: str) -> None:
    net = Network(apply(image(3, 8), "features.0", Novel()))
    if CONVENTIONS[name].quantity == "parameters":
        assert net.under(name) == 0
        return
    with pytest.raises(CostModelError, match=rf"^features\.0: {name}: no rule for novel thing; a zero is decided"):
        net.under(name)


def test_an_operation_that_nobody_has_decided_on_has_no_figure_at_all() -> None:
    net = _one(layers.Uncounted("aten.fft", Shape(3)), Shape(3))
    for name in ("paper", "all_arithmetic", "fvcore", "documents"):
        with pytest.raises(CostModelError, match=f"again: {name}: no rule for uncounted: aten.fft"):
            net.under(name)
    said = counts_of(net.ledger)
    assert all(isinstance(said[name], CostModelError) for name in ("paper", "all_arithmetic", "fvcore", "documents"))


def product_of_nobody_knows_which_call() -> Network:
    """A product that a functional call computes; the capture did not see which."""
    matrices = Shape.of((2, 4, 4), axis=-1)
    x = Node("x", layers.Input(matrices), (), (), matrices)
    called = Provenance(module="", function="", leading=0)
    return Network(Node("product", layers.MatMul(), (x, x), (x.shape, x.shape), matrices, provenance=called))


def test_what_a_file_does_not_tell_is_refused_and_never_zero() -> None:
    """A convolution of which no module is known: 6,912 multiply-adds, and nothing that tools would print by hooks."""
    net = _one(layers.conv(8, kernel=3, padding=1), Shape(3, (8, 4)), Provenance())
    assert net.under("paper") == 8 * 4 * 8 * 3 * 9 == 6_912
    assert net.under("flop_counter_mode") == 2 * 6_912
    for name in ("thop", "torchinfo", "ptflops"):
        with pytest.raises(CostModelError, match=rf"^again: {name}: it depends on the module that computes an"):
            net.under(name)
    for name in ("fvcore", "torchprofile", "calflops"):
        with pytest.raises(CostModelError, match=rf"^again: {name}: it depends on the (module|function) that "):
            net.under(name)


def test_one_convention_without_a_rule_leaves_the_others_their_figures() -> None:
    net = product_of_nobody_knows_which_call()
    said = counts_of(net.ledger)
    assert {name for name, figure in said.items() if isinstance(figure, CostModelError)} == {
        "ptflops", "calflops", "calflops_macs", "mmcv", "torchsummaryx", "osmr", "mxop", "convnet_burden",
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
    frame = cm.resnet18().conventions(batch=2).set_index("convention")
    assert list(frame.index) == list(CONVENTIONS)
    assert frame.figure["fvcore"] == 2 * cm.resnet18().under("fvcore")
    assert frame.figure.dtype == frame.difference.dtype == "int64"
    # The biases of the classifier, and gamma and beta of 4,800 channels.
    assert frame.difference["torchinfo"] == 2 * (1_000 + 9_600)


def test_the_frame_leaves_a_gap_where_there_is_no_figure() -> None:
    net = product_of_nobody_knows_which_call()
    frame = net.conventions().set_index("convention")
    assert frame.figure["paper"] == 128
    assert frame.figure.isna().sum() == 8
    assert frame.itemized["ptflops"].startswith("no number: product: ptflops: no rule for a matrix product")
