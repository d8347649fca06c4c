"""Bytes moved, checked against the sizes of PyTorch's own tensors while a network runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import costmodel as cm
from costmodel import CostModelError, Node, Params, apply, image, load, tokens
from costmodel.analyses.traffic import Traffic, intensity, traffic
from costmodel.core.layers import Add, Embedding, Flatten, Move, Stored, conv
from costmodel.core.shape import Shape
from reference_models import build as build_module

TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16, "float64": torch.float64}


def tensor_bytes(tensors: Any) -> int:
    return sum(tensor.nbytes for tensor in tensors if isinstance(tensor, Tensor) and tensor.is_floating_point())


def run(module: nn.Module, sample: Tensor) -> dict[str, tuple[int, int, int]]:
    """Bytes of what each submodule without children reads, makes and stores, while ``module`` runs."""
    moved = {}

    def record(name: str) -> Any:
        def hook(part: nn.Module, read: tuple[Tensor, ...], made: Tensor) -> None:
            stored = [*part.parameters(), *part.buffers()]
            moved[name] = (tensor_bytes(read), tensor_bytes([made]), tensor_bytes(stored))

        return hook

    for name, part in module.named_modules():
        if not list(part.children()):
            part.register_forward_hook(record(name))
    module.eval()(sample)
    return moved


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2", "resnet18", "shufflenet_v2", "densenet121"])
@torch.no_grad()
def test_an_operation_moves_the_bytes_of_the_tensors_that_pytorch_gives_it(name: str, dtype: str) -> None:
    module = build_module(name).to(TYPES[dtype])
    moved = run(module, torch.rand(2, 3, 64, 64, dtype=TYPES[dtype]))
    operations = [node for node in load(name, resolution=64).ledger.operations if node.alias is None]
    assert len(operations) > 20
    for node in operations:
        assert traffic(node, dtype, batch=2) == moved[node.name], node


def test_a_view_moves_nothing_and_what_the_network_holds_is_read_by_its_reader_alone() -> None:
    x = image(8, 4)
    held = Node("position", Stored(x.shape, Params(128)), (), (), x.shape)
    total = apply([x, held], "add", Add())
    assert traffic(x) == traffic(held) == traffic(apply(x, "flatten", Flatten())) == Traffic()
    assert traffic(total) == Traffic(read=2 * 8 * 16 * 4, written=8 * 16 * 4)


def test_a_tensor_that_is_read_twice_goes_through_memory_once() -> None:
    x = image(8, 4)
    assert traffic(apply([x, x], "add", Add())) == Traffic(read=512, written=512)


def test_of_an_expanded_tensor_only_what_is_stored_is_read() -> None:
    x = tokens(1, 64)
    wide = Shape(64, (196,), axis=1)
    assert traffic(Node("repeat", Move("repeat", wide), (x,), (wide,), wide)) == Traffic(64 * 4, 196 * 64 * 4)


def test_an_embedding_reads_a_row_for_each_index() -> None:
    indices = image(1, (10,))._replace(dtype="int64", shape=Shape(10))
    row = apply(indices, "embed", Embedding(50257, 768))
    assert traffic(row) == Traffic(10 * 8, 10 * 768 * 4, 10 * 768 * 4)
    # Indices stay indices at every precision.
    assert traffic(row, "fp16") == Traffic(10 * 8, 10 * 768 * 2, 10 * 768 * 2)


def test_weights_that_two_modules_share_are_read_by_both() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 1, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            twice: Tensor = self.conv(self.conv(x))
            return twice

    net = load(Tied(), (4, 2, 2))
    assert net.parameters == 16
    assert [traffic(node).weights for node in net.ledger.operations] == [64, 64]


def test_four_bits_take_half_a_byte_and_a_tensor_whole_ones() -> None:
    node = apply(image(1, 3), "conv", conv(1, kernel=3))
    assert traffic(node, "int4") == Traffic(read=5, written=1, weights=5)


def test_intensity_is_flops_a_byte_and_a_batch_shares_the_weights() -> None:
    linear = cm.mobilenet_v1().nodes[-1]
    assert linear.kind == "linear"
    # 1024 x 1000 multiply-adds; 1024 read, 1000 made, 1025 x 1000 stored.
    for batch in (1, 64):
        moved = batch * (1024 + 1000) + 1_025_000
        assert intensity(linear, "int8", batch) * moved == batch * 2 * 1_024_000


def test_an_unknown_type_is_refused_with_the_nearest() -> None:
    node = cm.mobilenet_v1().nodes[1]
    with pytest.raises(CostModelError, match=r"no type is called 'flaot32'; did you mean float32\? "):
        traffic(node, "flaot32")
