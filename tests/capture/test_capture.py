"""Everything that multiplies is counted, however it was written; and everything stored, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import parametrizations, prune, weight_norm

import costmodel as cm
from costmodel import CostModelError, Network, Shape
from costmodel.capture.torch.api import from_torch
from tests.capture.modules import Calls, counted, stored
from tests.loops import convolve

ones = torch.ones
IMAGE = (4, 9, 8)
TOKENS = (10, 16)


def same_as_counter(make: Callable[[], nn.Module], *inputs: Tensor) -> Network:
    """The captured network, after it is found equal to FlopCounterMode and ``numel``."""
    module = make()
    network = from_torch(module, inputs)
    assert network.multiply_adds == counted(make, inputs) > 0
    assert network.parameters == stored(module)
    return network


def conv(rank: int, transposed: bool = False) -> Any:
    return getattr(nn, f"Conv{'Transpose' if transposed else ''}{rank}d")


# Convolutions.


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(
    ("choices", "sides"),
    [
        ({"kernel_size": 3, "padding": "same"}, (1, 1)),
        ({"kernel_size": 2, "padding": "same"}, (0, 1)),
        ({"kernel_size": 4, "padding": "same", "dilation": 2, "groups": 2}, (3, 3)),
        ({"kernel_size": 3, "padding": "valid"}, (0, 0)),
        ({"kernel_size": 3, "padding": 1, "padding_mode": "circular"}, (1, 1)),
        ({"kernel_size": 2, "padding": "same", "padding_mode": "circular"}, (0, 1)),
        ({"kernel_size": 3, "padding": 1, "padding_mode": "reflect", "bias": False}, (1, 1)),
        ({"kernel_size": 3, "stride": 2, "dilation": 2, "padding": 2, "groups": 4}, (2, 2)),
    ],
)
def test_a_convolution_multiplies_as_often_as_nested_loops_do(
    rank: int, choices: dict[str, Any], sides: tuple[int, int]
) -> None:
    spatial = (5, 4, 6)[:rank]
    each = {"stride": 1, "dilation": 1, **choices}
    tally = convolve(
        spatial,
        4,
        8,
        (choices["kernel_size"],) * rank,
        (each["stride"],) * rank,
        (sides,) * rank,
        (each["dilation"],) * rank,
        choices.get("groups", 1),
    )
    module = conv(rank)(4, 8, **choices)
    for inputs, times in ((ones(1, 4, *spatial), 1), (ones(4, *spatial), 1), (ones(3, 4, *spatial), 3)):
        network = from_torch(module, inputs)
        assert network.multiply_adds == times * tally.multiplications
        assert network.parameters == stored(module)
        assert network.output.shape.sizes[-rank:] == tally.sizes()


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("choices", [{"stride": 2, "output_padding": 1, "groups": 2}, {"dilation": 2, "bias": False}])
def test_a_transposed_convolution_multiplies_each_value_by_its_kernels(rank: int, choices: dict[str, Any]) -> None:
    module = conv(rank, transposed=True)(4, 8, 3, **choices)
    spatial = (5, 4, 6)[:rank]
    values = 4 * torch.Size(spatial).numel()
    kernels = 3**rank * 8 // choices.get("groups", 1)
    for inputs, times in ((ones(1, 4, *spatial), 1), (ones(4, *spatial), 1), (ones(3, 4, *spatial), 3)):
        network = from_torch(module, inputs)
        assert (network.multiply_adds, network.parameters) == (times * values * kernels, stored(module))


def test_a_padding_of_its_own_belongs_to_the_convolution() -> None:
    network = from_torch(nn.Conv2d(4, 8, 2, padding="same"), IMAGE)
    assert [node.kind for node in network.nodes] == ["input", "conv"]
    assert network.nodes[-1].shape == Shape(8, (9, 8))


class _Same(nn.Conv2d):
    """Pads its input itself, and then does something ``between``."""

    def __init__(self, between: Callable[[_Same, Tensor], Tensor]) -> None:
        super().__init__(4, 8, 3)
        self.between = between

    def forward(self, x: Tensor) -> Tensor:
        return self.between(self, F.pad(x, (1, 1, 1, 1)))


def _standardised(conv: _Same, x: Tensor) -> Tensor:
    weight = F.batch_norm(conv.weight.reshape(1, 8, -1), None, None, training=True).reshape_as(conv.weight)
    return F.conv2d(x, weight, conv.bias)


@pytest.mark.parametrize(
    ("between", "times"),
    [
        (lambda conv, x: F.conv2d(x, conv.weight, conv.bias), 1),
        (_standardised, 1),
        (lambda conv, x: F.conv2d(x, conv.weight) + F.conv2d(x, conv.weight, conv.bias), 2),
        (lambda conv, x: F.conv2d(x, conv.weight, conv.bias) + x.sum(), 1),
        (lambda conv, x: x.relu().sum() + F.conv2d(x, conv.weight, conv.bias), 1),
        (lambda conv, x: F.conv2d(x.relu(), conv.weight, conv.bias), 1),
        (lambda conv, x: (F.conv2d(x, conv.weight, conv.bias), x), 1),
    ],
    ids=["plain", "standardised weight", "twice", "and a sum", "a relu before", "after relu", "returned"],
)
def test_a_convolution_that_pads_its_input_itself(between: Callable[[_Same, Tensor], Tensor], times: int) -> None:
    network = from_torch(_Same(between), IMAGE)
    assert network.multiply_adds == times * 9 * 8 * 8 * 4 * 9
    assert network.parameters == 8 * 4 * 9 + 8


# Weights that are made, and tensors that only look like weights.


@pytest.mark.parametrize(
    "make",
    [
        lambda: parametrizations.weight_norm(nn.Conv2d(4, 8, 3)),
        lambda: parametrizations.weight_norm(nn.Conv2d(4, 8, 2, padding="same")),
        lambda: parametrizations.weight_norm(nn.Linear(8, 5)),
    ],
)
def test_parametrised_weights(make: Callable[[], nn.Module]) -> None:
    same_as_counter(make, ones(2, *IMAGE))


def test_a_spectral_norm_costs_its_own_two_products() -> None:
    module = parametrizations.spectral_norm(nn.Conv2d(4, 8, 3))
    # The weight as a matrix of 8 x 36 by one vector, and the result by the other.
    assert from_torch(module, ones(1, *IMAGE)).multiply_adds == 7 * 6 * 8 * 4 * 9 + 8 * 36 + 8


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm`:FutureWarning")
def test_weights_that_hooks_make() -> None:
    pruned = nn.Conv2d(4, 8, 3)
    prune.l1_unstructured(pruned, "weight", amount=0.3)  # type: ignore[no-untyped-call]
    for module in (weight_norm(nn.Conv2d(4, 8, 3)), pruned):
        network = from_torch(module, IMAGE)
        assert (network.multiply_adds, network.parameters) == (7 * 6 * 8 * 4 * 9, stored(module))


@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        (Calls(lambda m, x: F.conv2d(x, m.blur, groups=4), blur=ones(4, 1, 3, 3)), ones(1, *IMAGE)),
        (Calls(lambda m, x: x @ m.basis, basis=ones(8, 6)), ones(1, *IMAGE)),
        (Calls(lambda m, x: F.linear(x, m.w, m.b), w=ones(6, 8), b=ones(6)), ones(1, *IMAGE)),
        (Calls(lambda m, x: F.batch_norm(x, m.m, m.v, m.w, m.b), m=ones(4), v=ones(4), w=ones(4), b=ones(4)),
         ones(1, *IMAGE)),
        (Calls(lambda m, x: F.layer_norm(x, (8,), m.w, m.b), w=ones(8), b=ones(8)), ones(1, *IMAGE)),
        (Calls(lambda m, x: F.group_norm(x, 2, m.w, m.b), w=ones(4), b=ones(4)), ones(1, *IMAGE)),
        (Calls(lambda m, x: F.rms_norm(x, (8,), m.w), w=ones(8)), ones(1, *IMAGE)),
        (Calls(lambda m, x: F.embedding(x, m.table), table=ones(40, 8)), ones(1, 5, dtype=torch.int64)),
        (Calls(lambda m, x: F.bilinear(x, x, m.w), w=ones(3, 8, 8)), ones(2, 8)),
        (Calls(lambda m, x: x + m.table, table=ones(8)), ones(2, 8)),
    ],
    ids=["conv", "matmul", "linear", "batch_norm", "layer_norm", "group_norm", "rms_norm", "embedding", "bilinear",
         "add"],
)  # fmt: skip
def test_a_buffer_is_no_parameter_however_it_is_used(module: nn.Module, inputs: Tensor) -> None:
    params = from_torch(module, inputs).ledger.params
    assert params.parameters == 0
    assert params.buffer == sum(buffer.numel() for buffer in module.buffers())


def test_statistics_that_are_trained_are_parameters() -> None:
    trained = {name: nn.Parameter(ones(4)) for name in "mv"}
    module = Calls(lambda m, x: F.batch_norm(x, m.m, m.v), **trained)
    assert from_torch(module, IMAGE).parameters == 8


# Products of tensors.

A, B, C = ones(2, 5, 6), ones(2, 6, 7), ones(5, 7)
HEADS = ones(2, 8, 10, 16)
FEW = ones(2, 2, 12, 16)


@pytest.mark.parametrize(
    ("function", "inputs", "multiply_adds"),
    [
        (lambda m, a, b: a @ b, (A, B), 2 * 5 * 6 * 7),
        (lambda m, a, b: a @ b, (A, ones(6)), 2 * 5 * 6),
        (lambda m, a, b: a @ b, (ones(6), ones(6, 4)), 6 * 4),
        (lambda m, a, b: a @ b, (ones(2, 1, 5, 6), ones(3, 6, 4)), 2 * 3 * 5 * 6 * 4),
        (torch.einsum, ("bij,bjk->bik", A, B), 2 * 5 * 6 * 7),
        (torch.einsum, ("ij,jk,kl->il", ones(5, 6), ones(6, 7), ones(7, 8)), 5 * 6 * 7 + 5 * 7 * 8),
        (lambda m, a, b: torch.tensordot(a, b, dims=([1, 2], [0, 1])), (ones(5, 6, 7), ones(6, 7, 8)), 5 * 42 * 8),
        (lambda m, a, b: torch.mv(a, b), (ones(5, 6), ones(6)), 30),
        (lambda m, a, b: torch.dot(a, b), (ones(6), ones(6)), 6),
        (lambda m, a, b: torch.inner(a, b), (ones(5, 6), ones(3, 6)), 5 * 3 * 6),
        (lambda m, a, b: torch.mm(a, b, out=a.new_empty(5, 4)), (ones(5, 6), ones(6, 4)), 5 * 6 * 4),
        (lambda m, a, b: torch.addmv(a[:, 0], a, b), (ones(5, 6), ones(6)), 30),
        (lambda m, c, a, b: torch.addmm(c, a, b), (C, ones(5, 6), ones(6, 7)), 5 * 6 * 7),
        (lambda m, c, a, b: torch.baddbmm(c, a, b), (C, A, B), 2 * 5 * 6 * 7),
        (lambda m, c, a, b: torch.addbmm(c, a, b), (C, A, B), 2 * 5 * 6 * 7),
        (lambda m, a, b: torch.cdist(a, b), (ones(30, 6), ones(40, 6)), 30 * 40 * 6),
        (lambda m, a: torch.linalg.matrix_power(a, 4), (ones(5, 5),), 2 * 5**3),
        (lambda m, a, b: torch.vmap(torch.mm)(a, b), (A, B), 2 * 5 * 6 * 7),
        (torch.inference_mode()(lambda m, a, b: F.linear(a, b)), (ones(5, 6), ones(7, 6)), 5 * 6 * 7),
        (lambda m, q: F.scaled_dot_product_attention(q, q, q), (HEADS,), 2 * 16 * 10 * 10 * 16),
        (lambda m, q: F.scaled_dot_product_attention(q, q, q, is_causal=True), (HEADS,), 2 * 16 * 10 * 10 * 16),
        (lambda m, q, mask: F.scaled_dot_product_attention(q, q, q, attn_mask=mask), (HEADS, ones(10, 10)),
         2 * 16 * 10 * 10 * 16),
        (lambda m, q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True), (HEADS, FEW), 2 * 16 * 10 * 12 * 16),
    ],
)  # fmt: skip
def test_a_product_of_tensors(function: Any, inputs: tuple[Any, ...], multiply_adds: int) -> None:
    if isinstance(inputs[0], str):
        equation, *rest = inputs
        network = from_torch(Calls(lambda m, *x: torch.einsum(equation, *x)), tuple(rest))
    else:
        network = from_torch(Calls(function), inputs)
    assert (network.multiply_adds, network.parameters) == (multiply_adds, 0)


def test_a_bilinear_layer_multiplies_each_pair_by_each_weight() -> None:
    module = nn.Bilinear(16, 12, 7)
    network = from_torch(module, (ones(2, 16), ones(2, 12)))
    # The first features by every weight, and each of those sums by a second feature.
    assert (network.multiply_adds, network.parameters) == (2 * 7 * (16 * 12 + 12), 7 * 16 * 12 + 7)


# Attention and recurrence.


@pytest.mark.parametrize("choices", [{}, {"batch_first": True, "bias": False}, {"add_bias_kv": True}])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_multi_head_attention(choices: dict[str, Any], batch: tuple[int, ...]) -> None:
    x = ones(*batch, *TOKENS)
    same_as_counter(lambda: nn.MultiheadAttention(16, 4, **choices), x, x, x)


def test_multi_head_attention_by_hand() -> None:
    attention = nn.MultiheadAttention(16, 4, batch_first=True)
    network = from_torch(Calls(lambda m, x: m.a(x, x, x, need_weights=False)[0], a=attention), ones(2, *TOKENS))
    assert network.multiply_adds == 2 * (4 * 10 * 16 * 16 + 2 * 10 * 10 * 16)
    assert network.parameters == 4 * 16 * 16 + 4 * 16


@pytest.mark.parametrize("make", [nn.TransformerEncoderLayer, nn.TransformerDecoderLayer])
def test_transformer_layers_in_evaluation(make: Any) -> None:
    inputs = [ones(2, *TOKENS)] * (1 if make is nn.TransformerEncoderLayer else 2)
    same_as_counter(lambda: make(16, 4, 32, batch_first=True), *inputs)


def test_a_padding_mask_changes_no_count() -> None:
    layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2)
    x, mask = ones(3, *TOKENS), torch.zeros(3, 10, dtype=torch.bool)
    network = from_torch(layers, (x,), {"src_key_padding_mask": mask})
    # Four projections, the two products of attention, two layers of the perceptron; twice.
    assert network.multiply_adds == 2 * 3 * (4 * 10 * 16 * 16 + 2 * 10 * 10 * 16 + 2 * 10 * 16 * 32)
    assert network.parameters == stored(layers)


@pytest.mark.parametrize(("make", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("batch", [1, 2])
def test_recurrent_layers(make: Any, gates: int, layers: int, directions: int, batch: int) -> None:
    module = make(16, 12, num_layers=layers, bidirectional=directions == 2, batch_first=True)
    network = from_torch(module, ones(batch, *TOKENS))
    a_step = [gates * 12 * ((16 if layer == 0 else 12 * directions) + 12) for layer in range(layers)]
    assert network.multiply_adds == batch * 10 * directions * sum(a_step)
    assert network.parameters == stored(module)


def test_recurrence_with_a_projection_and_cells() -> None:
    same_as_counter(lambda: nn.LSTM(16, 12, num_layers=2, proj_size=5, bidirectional=True), ones(2, *TOKENS))
    for make, gates in ((nn.LSTMCell, 4), (nn.GRUCell, 3), (nn.RNNCell, 1)):
        for batch in ((), (3,)):
            module = make(16, 12)
            network = from_torch(module, ones(*batch, 16))
            assert network.multiply_adds == (batch or (1,))[0] * gates * 12 * (16 + 12)
            assert network.parameters == stored(module)


# Modules that are met more than once.


def test_parameters_once_and_work_each_time() -> None:
    shared = nn.Linear(8, 8)
    twice = Calls(lambda m, x: m.layer(m.layer(x)), layer=shared)
    parents = nn.Sequential(nn.Sequential(shared, nn.ReLU()), nn.Sequential(nn.ReLU(), shared))
    for module in (twice, parents):
        network = from_torch(module, (8,))
        assert (network.multiply_adds, network.parameters) == (2 * 64, 72)
        assert len({node.name for node in network.nodes}) == len(network.nodes)


def test_tied_weights() -> None:
    embedding, head = nn.Embedding(50, 8), nn.Linear(8, 50, bias=False)
    head.weight = embedding.weight
    network = from_torch(nn.Sequential(embedding, head), ones(2, 5, dtype=torch.int64))
    assert (network.multiply_adds, network.parameters) == (2 * 5 * 8 * 50, 400)


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_a_batch_costs_its_number_of_samples(batch: int) -> None:
    module = nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    module.append(nn.Linear(8 * 3 * 3, 5))
    one = from_torch(module, IMAGE)
    many = from_torch(module, ones(batch, *IMAGE))
    assert many.multiply_adds == batch * one.multiply_adds == batch * (7 * 6 * 8 * 36 + 72 * 5)
    assert many.parameters == one.parameters == stored(module)
    total = [sum(part) for part in zip(*(entry.ops for entry in many.ledger), strict=True)]
    assert total == [batch * sum(part) for part in zip(*(entry.ops for entry in one.ledger), strict=True)]


def test_branches_that_threads_compute_are_refused() -> None:
    from concurrent.futures import ThreadPoolExecutor

    def forward(module: Any, x: Tensor) -> Tensor:
        with ThreadPoolExecutor(2) as pool:
            left, right = pool.map(lambda part: part(x), [module.a, module.b])
        return left + right  # type: ignore[no-any-return]

    module = Calls(forward, a=nn.Linear(8, 8), b=nn.Linear(8, 8))
    with pytest.raises(CostModelError, match="runs in a thread of its own"):
        from_torch(module, (8,))


def test_a_module_that_runs_beside_a_capture_is_left_alone() -> None:
    from threading import Event, Thread

    stop, errors, runs = Event(), [], []
    busy = nn.Sequential(nn.Linear(4, 4), nn.ReLU())

    def work() -> None:
        while not stop.is_set():
            try:
                runs.append(busy(torch.ones(1, 4)).shape)
            except BaseException as error:
                errors.append(error)

    thread = Thread(target=work)
    thread.start()
    while not runs:
        pass
    try:
        names = [
            [node.name for node in from_torch(nn.Sequential(nn.Linear(8, 8), nn.ReLU()), (8,)).nodes] for _ in range(20)
        ]
    finally:
        stop.set()
        thread.join()
    assert errors == []
    assert names == [["input", "0", "1"]] * 20


def test_several_inputs_are_a_list_of_sizes() -> None:
    module = Calls(lambda parts, x, y: parts.a(x) + parts.b(y), a=nn.Linear(8, 3), b=nn.Linear(5, 3))
    network = from_torch(module, [(8,), (5,)])
    assert network.multiply_adds == 8 * 3 + 5 * 3
    assert network.inputs == (cm.Shape(8), cm.Shape(5))
