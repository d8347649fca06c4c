"""What training costs, against autograd on PyTorch, against torch.optim, and against what papers print."""

from __future__ import annotations

import json
from itertools import product
from math import prod

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

import costmodel as cm
from costmodel import CostModelError, Network, Shape, apply, image, load
from costmodel.analyses.kept import kept
from costmodel.core.counts import Ops
from costmodel.core.graph import Provenance
from costmodel.core.layers import Add, Dropout, Linear, Operation, conv
from costmodel.models.transformer import attention, layer_norm, mlp
from costmodel.published.tables import paper_table
from reference_models import build
from tests.analyses.autograd import Products, meta, saved_bytes, step
from tests.cli_runner import run
from tests.networks import Description, Step, descriptions, module_from, network_of
from tests.zoo import NIGHTLY, RUN_IN_PYTORCH

#: Its reference module pads in front of the first convolution, which keeps the padded image instead.
PADS_APART = {"mobilenet_v2:keras": 4 * 3 * (225 * 225 - 224 * 224)}


def on_meta(batch: int, network: Network, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(batch, *network.input.sizes, device="meta", dtype=dtype)


def test_a_step_of_mobilenet_v2_keeps_what_pytorch_keeps() -> None:
    row = next(row for row in paper_table("training") if row.network == "mobilenet_v2")
    found = cm.mobilenet_v2().training(batch=int(row.samples))
    assert f"{found.saved_bytes} bytes" == row.value
    assert saved_bytes(meta(build("mobilenet_v2")), on_meta(1, cm.mobilenet_v2())) == found.saved_bytes


@pytest.mark.slow
@pytest.mark.parametrize("name", [*RUN_IN_PYTORCH, "vit_ti_16", "vit_b_32"])
def test_a_step_of_every_network_keeps_and_multiplies_as_autograd_does(name: str) -> None:
    network, module = load(name), meta(build(name))
    for batch in (1, 3) if NIGHTLY or name.startswith("mobilenet") else (3,):
        found, x = network.training(batch=batch), on_meta(batch, network)
        assert saved_bytes(module, x) - batch * PADS_APART.get(name, 0) == found.saved_bytes
        assert step(module, x) == (found.forward, found.input_gradient + found.weight_gradient)


def test_a_step_of_a_language_model_keeps_and_multiplies_as_autograd_does() -> None:
    network, module = load("gpt2", sequence=48), meta(build("gpt2"))
    tokens = torch.empty(2, 48, device="meta", dtype=torch.int64)

    def is_constant(tensor: Tensor) -> bool:
        """The mask, and the numbers of the positions, which are the same for every sample."""
        return tensor.dtype == torch.bool or (tensor.dtype == torch.int64 and tensor.shape[0] == 1)

    found = network.training(batch=2)
    assert saved_bytes(module, tokens, constants=is_constant) == found.saved_bytes
    assert step(module, tokens) == (found.forward, found.input_gradient + found.weight_gradient)


def takes_another_way(step: Step) -> bool:
    """PyTorch pads an even window by "same" apart, and keeps the padded tensor; a shuffle of one group is a view."""
    return step.choices.get("padding") == "same" or (step.operation == "shuffle" and step.choices["groups"] == 1)


@settings(max_examples=max(20, settings.default.max_examples // 2))
@given(description=descriptions(), batch=st.integers(2, 3))
def test_a_random_network_keeps_and_multiplies_as_autograd_does(description: Description, batch: int) -> None:
    assume(not any(map(takes_another_way, description.steps)))
    network, module = network_of(description), meta(module_from(description))
    found, x = network.training(batch=batch), on_meta(batch, network)
    if not network.parameters:
        assert (found.saved_bytes, found.input_gradient, found.weight_gradient) == (0, 0, 0)
        return
    assert saved_bytes(module, x) == found.saved_bytes
    assert step(module, x) == (found.forward, found.input_gradient + found.weight_gradient)


@pytest.mark.parametrize("name", ["mobilenet_v2", "vit_ti_16", "densenet121"])
def test_in_bfloat16_statistics_stay_in_fp32_as_in_pytorch(name: str) -> None:
    network, module = load(name), meta(build(name), torch.bfloat16)
    assert saved_bytes(module, on_meta(2, network, torch.bfloat16)) == network.training(2, "bf16").saved_bytes


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_gradients_of_a_convolution_are_the_products_of_nested_loops(groups: int) -> None:
    """Each product of the forward pass is in both gradients once: by the input it needs the weight, and the reverse."""
    channels, out, size, kernel = 4, 8, 5, 3
    x = apply(image(channels, size), "first", conv(channels, 1))
    found = Network(apply(x, "second", conv(out, kernel, groups=groups))).training().rows[1]
    loops = map(range, (size - 2, size - 2, out, channels // groups, kernel, kernel))
    products = sum(1 for _ in product(*loops))
    assert (found.forward, found.input_gradient, found.weight_gradient) == (products,) * 3


def test_the_backward_pass_of_a_depthwise_convolution_costs_twice_its_forward_pass() -> None:
    """PyTorch's own counter says 65 times (torch 2.13, pytorch#183405)."""
    row = next(row for row in paper_table("training") if row.network.startswith("Conv2d(64"))
    before = apply(image(64, 14), "before", conv(64, 1))
    found = Network(apply(before, "depthwise", conv(64, 3, padding=1, groups=64))).training().rows[1]
    assert (found.input_gradient + found.weight_gradient) / found.forward == float(row.value)
    module, x = nn.Conv2d(64, 64, 3, padding=1, groups=64), torch.zeros(1, 64, 14, 14, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        module(x).sum().backward()
    assert counter.get_total_flops() == 2 * found.forward * (1 + 65), "PyTorch has fixed its counter: say so"


def test_there_is_no_gradient_for_the_image() -> None:
    row = next(row for row in paper_table("training") if row.network == "first convolution of a network")
    first = cm.mobilenet_v2().training(batch=2).rows[0]
    assert (first.input_gradient, first.weight_gradient / first.forward) == (0, float(row.value))


def test_a_layer_that_is_used_twice_has_two_weight_gradients_and_one_set_of_parameters() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(self.layer(x))

    found = cm.from_torch(Twice(), (8,)).training(batch=5)
    assert (found.weight_gradient, found.input_gradient) == (2 * 5 * 64, 5 * 64)
    assert found.gradient_bytes == 4 * (64 + 8)
    assert step(meta(Twice()), torch.empty(5, 8, device="meta")) == (2 * 5 * 64, 3 * 5 * 64)


FROZEN = {
    "all but the last": lambda module: module[:4].requires_grad_(False),
    "the first": lambda module: module[0].requires_grad_(False),
    "the one in the middle": lambda module: module[2].requires_grad_(False),
    "weights alone": lambda module: [
        parameter.requires_grad_(False) for name, parameter in module.named_parameters() if "weight" in name
    ],
    "all": lambda module: module.requires_grad_(False),
}


@pytest.mark.parametrize("what", FROZEN)
def test_what_is_frozen_costs_what_autograd_still_computes(what: str) -> None:
    def make() -> nn.Sequential:
        module = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.Conv2d(8, 8, 3, groups=8),
            nn.ReLU(),
            nn.Conv2d(8, 4, 1),
        )
        FROZEN[what](module)
        return module

    found = cm.from_torch(make(), (3, 8, 8)).training(batch=2)
    module, x = meta(make()), torch.empty(2, 3, 8, 8, device="meta")
    assert saved_bytes(module, x) == found.saved_bytes
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    assert found.gradient_bytes == sum(parameter.nbytes for parameter in trained)
    assert found.optimizer_bytes == 2 * found.gradient_bytes
    if not trained:
        assert found.multiply_adds == found.forward
        return
    assert step(module, x) == (found.forward, found.input_gradient + found.weight_gradient)


def test_frozen_layers_in_front_cost_nothing_on_the_way_back() -> None:
    """sovrasov/flops-counter.pytorch#103: only what stands behind something that trains has a gradient of its input."""
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 3))
    module[0].requires_grad_(False)
    rows = cm.from_torch(module, (3, 9, 9)).training().rows
    assert [(bool(row.input_gradient), bool(row.weight_gradient)) for row in rows] == [
        (False, False), (False, True), (True, True),
    ]  # fmt: skip


def test_a_frozen_layer_that_is_used_twice_stays_frozen() -> None:
    shared = nn.Linear(8, 8).requires_grad_(False)
    module = nn.Sequential(nn.Linear(8, 8), shared, nn.ReLU(), shared)
    found = cm.from_torch(module, (8,)).training(batch=3)
    x = torch.empty(3, 8, device="meta")
    assert step(meta(module), x) == (found.forward, found.input_gradient + found.weight_gradient)
    assert saved_bytes(meta(module), x) == found.saved_bytes


def paper_layer(length: int, width: int, heads: int) -> Network:
    """The layer of arXiv:2205.05198, figure 2: dropout after the softmax, after attention and after the MLP."""
    x = apply(cm.tokens(length, width), "before", Linear(width))
    body = Network(attention(x, "attention", heads, heads, layer_norm, bias=True))
    made: dict[str, cm.Node] = {}
    for node in body.nodes:
        again = node._replace(inputs=tuple([made[read.name] for read in node.inputs]))
        if node.name in ("attention.softmax", "attention.output"):
            again = apply(again, f"{node.name}.dropout", Dropout())
        made[node.name] = again
    y = made["attention.add"]
    branch = mlp(y, "mlp", 4 * width, layer_norm).inputs[1]
    return Network(apply((y, apply(branch, "mlp.dropout", Dropout())), "mlp.add", Add()))


@pytest.mark.parametrize(("length", "width", "heads", "batch"), [(128, 96, 8, 2), (64, 64, 4, 1), (12, 8, 2, 3)])
def test_a_transformer_layer_keeps_what_the_paper_says(length: int, width: int, heads: int, batch: int) -> None:
    (row,) = (row for row in paper_table("training") if "transformer layer" in row.network)
    s, b, h, a = length, batch, width, heads
    assert row.value == "34*s*b*h + 5*a*s^2*b bytes"
    printed = 34 * s * b * h + 5 * a * s**2 * b
    in_pytorch = a * s**2 * b + 2 * s * b * h + 16 * b * s
    network = paper_layer(length, width, heads)
    (image_,) = (row.saved_bytes for row in network.training(batch, "bf16").rows if row.name == "before")
    assert network.training(batch, "bf16").saved_bytes - image_ == printed + in_pytorch


class Checkpointed(nn.Module):
    """A sequence of blocks, each of which runs again in the backward pass."""

    def __init__(self, blocks: nn.Sequential) -> None:
        super().__init__()
        self.blocks = blocks

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False)
        return x


def test_under_checkpointing_blocks_keep_what_they_read_and_run_again() -> None:
    module = nn.Sequential(*[nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()) for _ in range(3)])
    network = cm.from_torch(module, (4, 8, 8))
    found = network.training(batch=2, checkpoint="block", depth=1)
    kept_by_pytorch = 3 * 2 * 4 * 8 * 8 * 4
    assert found.saved_bytes == kept_by_pytorch
    assert found.recomputed == found.forward == 2 * network.multiply_adds
    products = Products()
    with products:
        x = torch.zeros(2, 4, 8, 8)
        Checkpointed(module)(x).sum().backward()
    total = sum(products.forward.values()) + products.input_gradient + products.weight_gradient
    assert total == found.multiply_adds


def test_checkpointing_never_takes_more_memory_of_a_chain_of_blocks() -> None:
    for name in ("vgg16", "mobilenet_v2", "resnet18"):
        usual, again = load(name).training(8), load(name).training(8, checkpoint="block")
        assert again.activation_peak_bytes < usual.activation_peak_bytes
        assert again.saved_bytes < usual.saved_bytes


def test_the_peak_of_three_layers_is_what_is_counted_by_hand() -> None:
    """x (12 values) -> a (20) -> relu b (20) -> c (28): at c's way back, x, b, c's gradient and b's are alive."""
    x = apply(image(3, 2), "a", conv(5, 1))
    net = Network(apply(apply(x, "b", cm.layers.RELU), "c", conv(7, 1)))
    found = net.training()
    assert found.saved_bytes == 4 * (12 + 20)
    assert found.activation_peak_bytes == 4 * (12 + 20 + 28 + 20)
    assert found.peak_bytes == found.activation_peak_bytes + 4 * 4 * net.parameters


def test_the_largest_batch_fits_and_one_more_does_not() -> None:
    from costmodel.analyses.training import largest_batch

    found = largest_batch(cm.mobilenet_v2(), "peak_memory", "2 GB", "bf16")
    assert found.peak_bytes <= 2 * 10**9 < cm.mobilenet_v2().training(found.batch + 1, "bf16").peak_bytes


def test_an_operation_that_nobody_decided_on_is_an_error() -> None:
    x = apply(image(3, 4), "before", conv(3, 1))
    strange = apply(x, "strange", Operation("erfinv", x.shape, Ops(exp=48)))
    with pytest.raises(CostModelError, match="strange: no rule for what the backward pass of erfinv needs"):
        _ = Network(strange).training().saved_bytes
    with pytest.raises(CostModelError, match="no rule"):
        kept(strange, [True], trains=False)


def test_a_budget_that_names_a_type_is_at_that_type() -> None:
    from costmodel.analyses.training import largest_batch

    named = largest_batch(cm.mobilenet_v2(), "peak_memory", "1 GB at bf16")
    assert (named.dtype, named.batch) == (
        "bfloat16",
        largest_batch(cm.mobilenet_v2(), "peak_memory", "1 GB", "bf16").batch,
    )
    with pytest.raises(CostModelError, match="budgets at bfloat16 and float16 are of different networks"):
        largest_batch(cm.mobilenet_v2(), "peak_memory", "1 GB at bf16", "fp16")


def test_what_cannot_be_trained_is_an_error() -> None:
    layer = Linear(4)
    quantized = apply(image(3, 1), "flatten", cm.layers.Flatten())
    of_a_file = Provenance(stored=layer.params((quantized.shape,)), types=(("int8", 12), ("int32", 4)))
    node = apply(quantized, "linear", layer)._replace(provenance=of_a_file)
    with pytest.raises(CostModelError, match="linear: weights of int8 have no gradient"):
        _ = Network(node).training().forward

    class Unknown(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.linalg.matrix_exp(x)

    unknown = cm.from_torch(nn.Sequential(Unknown(), nn.Linear(4, 4)), (4, 4), allow_uncounted=True)
    with pytest.raises(CostModelError, match="has operations that nobody has decided on"):
        unknown.training()


def test_a_captured_transformer_is_trained_like_any_network() -> None:
    module = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, dropout=0.1)
    network = cm.from_torch(module, (6, 16))
    found = network.training(batch=2)
    matrices = 6 * 16 * (3 * 16 + 16 + 2 * 32)
    assert found.forward == 2 * (matrices + 2 * 6 * 6 * 16)
    # No gradient of the input: the projections to queries, keys and values have none of what they read.
    assert found.weight_gradient == 2 * matrices
    assert found.input_gradient == 2 * (matrices - 6 * 16 * 3 * 16 + 2 * 2 * 6 * 6 * 16)
    # A capture is of inference, where attention drops no scores: neither their mask nor what is left of them is in it.
    scores = 4 * 2 * 4 * 6 * 6
    assert saved_bytes(meta(module), torch.empty(2, 6, 16, device="meta")) == found.saved_bytes + 2 * scores


def test_a_reader_of_a_capture_is_told_what_is_not_in_it() -> None:
    from costmodel.report.training import TrainingReport

    captured = TrainingReport(cm.from_torch(nn.Linear(4, 4), (4,)).training())
    assert any("a dropout that is no module" in line for line in captured.notes())
    assert TrainingReport(cm.lenet().training()).notes() == []


def test_numbers_of_rows_add_up_to_the_totals() -> None:
    document = json.loads(run("training", "mobilenet_v2", "--batch", "4", "--format", "json").out)
    for key in ("forward", "input_gradient", "weight_gradient", "saved_bytes"):
        assert sum(row[key] for row in document["rows"]) == document[key]
    assert document["optimizer_bytes"] == 2 * document["gradient_bytes"] == 8 * 3_504_872


def test_a_step_in_seconds_is_a_share_of_a_devices_peak() -> None:
    arguments = ("--batch", "8", "--dtype", "bf16", "--step-time", "0.31s", "--device", "a100-sxm-80gb")
    found = json.loads(run("training", "gpt2", *arguments, "--format", "json").out)
    able = 312e12 * 0.31
    flops = 2 * (found["forward"] + found["input_gradient"] + found["weight_gradient"])
    assert found["utilization"]["share"] == pytest.approx(flops / able)
    assert found["utilization"]["share_by_6nd"] == pytest.approx(6 * 124_439_808 * 8 * 1024 / able)
    assert "by 6ND" in run("training", "gpt2", *arguments).out
    assert "6ND" not in run("training", "mobilenet_v2", *arguments).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--batch", "0"), "must be a whole number of at least 1"),
        (("--optimizer", "adamv"), "no optimizer is called 'adamv'; did you mean adam"),
        (("--dtype", "bf15"), "no type is called 'bf15'; did you mean bf16?"),
        (("--dtype", "int8"), "values of int8 have no gradient; train at fp32, bf16 or fp16"),
        (("--depth", "1"), "--depth=1 says what a block is, for --checkpoint block"),
        (("--step-time", "1s"), "--step-time and --device belong together"),
        (("--step-time", "0s", "--device", "t4"), "'0s' is no time; write it as 0.31s"),
        (("--max", "parameters=3M"), "a batch is looked for within peak_memory, not parameters"),
        (("--max", "peak_memory=1MB"), "one sample of mobilenet_v2 takes 134,915,456 bytes in training, more than"),
        (("--max", "peak_memory=1GB", "--batch", "3"), "--max looks for the largest batch, and --batch=3 gives one"),
    ],
)
def test_every_refusal_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    answer = run("training", "mobilenet_v2", *arguments)
    assert (answer.status, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1


def test_elements_of_a_shape_are_counted_once_for_each_sample() -> None:
    net = Network(apply(image(2, 3), "conv", conv(2, 1)))
    assert net.training(batch=7).saved_bytes == 7 * 4 * prod(Shape(2, (3, 3)).sizes)
