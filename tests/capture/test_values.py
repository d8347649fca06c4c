"""The values on the edges: their type, whose memory they are in, and which of their axes has the features."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from costmodel import CostModelError, Network, Node, Shape, apply, image, tokens
from costmodel.capture.torch.api import from_torch
from costmodel.core.layers import RELU, Alias, Flatten, LayerNorm, Linear, conv
from tests.capture.modules import Calls

TOKENS, FEATURES, HEADS, WIDTH = 196, 64, 4, 256


def node(network: Network, name: str) -> Node:
    return next(node for node in network.nodes if node.name == name)


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(FEATURES, 3 * FEATURES)
        self.proj = nn.Linear(FEATURES, FEATURES)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, features = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, HEADS, features // HEADS).permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-2, -1)).softmax(-1)
        out: Tensor = self.proj((scores @ v).transpose(1, 2).reshape(batch, tokens, features))
        return out


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(FEATURES), nn.LayerNorm(FEATURES)
        self.attention = Attention()
        self.fc1, self.act, self.fc2 = nn.Linear(FEATURES, WIDTH), nn.GELU(), nn.Linear(WIDTH, FEATURES)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        out: Tensor = x + self.fc2(self.act(self.fc1(self.norm2(x))))
        return out


class Encoder(nn.Module):
    """A vision transformer: a convolution makes patches, which become a sequence of tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, FEATURES, 16, 16)
        self.position = nn.Parameter(torch.zeros(1, TOKENS, FEATURES))
        self.blocks = nn.Sequential(Block(), Block())
        self.norm = nn.LayerNorm(FEATURES)

    def forward(self, image: Tensor) -> Tensor:
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = self.norm(self.blocks(x + self.position))
        return x.mean(1)


@pytest.fixture(scope="module")
def encoder() -> Network:
    return from_torch(Encoder(), (3, 224, 224))


def test_tokens_are_positions_and_features_are_channels(encoder: Network) -> None:
    """196 tokens of 64 features, whatever stands first in memory."""
    assert node(encoder, "patches").shape == Shape(FEATURES, (14, 14))
    sequences = ("norm1", "attention.proj", "add", "norm2", "fc2", "add:2")
    for name in [*(f"blocks.{block}.{part}" for block in (0, 1) for part in sequences), "norm"]:
        shape = node(encoder, name).shape
        assert (shape.channels, shape.positions, shape.sizes) == (FEATURES, TOKENS, (TOKENS, FEATURES)), name
    for name in ("blocks.0.fc1", "blocks.0.act"):
        assert (node(encoder, name).shape.channels, node(encoder, name).shape.positions) == (WIDTH, TOKENS)
    assert encoder.output.shape == Shape(FEATURES)


def test_heads_have_their_own_features(encoder: Network) -> None:
    parts = [node for node in encoder.nodes if node.name.startswith("blocks.0.attention.") and node.shape.spatial]
    scores = [each for each in parts if each.shape.sizes == (HEADS, TOKENS, TOKENS)]
    assert [each.shape.channels for each in scores] == [TOKENS, TOKENS]  # the product, and its softmax
    values = next(each for each in parts if each.shape.sizes == (HEADS, TOKENS, FEATURES // HEADS))
    assert (values.shape.channels, values.shape.positions) == (FEATURES // HEADS, HEADS * TOKENS)


def test_a_stage_does_not_cut_a_block_by_the_width_of_its_mlp(encoder: Network) -> None:
    stages = encoder.ledger.by("stage")
    names = [{entry.name for entry in part} for part in stages.values()]
    for block in (0, 1):
        parts = {each.name for each in encoder.nodes if each.name.startswith(f"blocks.{block}.")}
        assert any(parts <= stage for stage in names)


def test_a_copy_into_new_memory_is_a_node_and_a_view_is_none() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        return module.last(module.first(x).transpose(2, 3).contiguous())  # type: ignore[no-any-return]

    module = Calls(forward, first=nn.Conv2d(3, 4, 1), last=nn.Conv2d(4, 2, 1))
    network = from_torch(module, (3, 8, 6))
    assert [each.name for each in network.nodes] == ["input", "first", "copy", "last"]
    copy = node(network, "copy")
    assert (copy.shape, copy.alias, copy.macs, copy.input_shapes) == (Shape(4, (6, 8)), None, 0, (Shape(4, (6, 8)),))


@pytest.mark.parametrize("inplace", [True, False])
def test_an_operation_in_place_writes_over_what_it_reads(inplace: bool) -> None:
    network = from_torch(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=inplace)), (3, 8, 8))
    assert node(network, "1").alias == (Alias(0, writes=True) if inplace else None)


def test_an_addition_in_place_writes_over_the_one_it_is_called_on() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        a, b = module.a(x), module.b(x)
        b += a
        return b  # type: ignore[no-any-return]

    network = from_torch(Calls(forward, a=nn.Conv2d(3, 4, 1), b=nn.Conv2d(3, 4, 1)), (3, 8, 8))
    added = node(network, "add")
    assert added.alias is not None
    assert added.alias.writes
    assert added.inputs[added.alias.input].name == "b"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_values_have_the_type_of_the_model(dtype: torch.dtype) -> None:
    network = from_torch(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()).to(dtype), (3, 8, 8))
    assert {each.dtype for each in network.nodes} == {str(dtype).removeprefix("torch.")}


def test_types_change_where_the_model_changes_them() -> None:
    def forward(module: Any, tokens: Tensor) -> Tensor:
        found = module.table(tokens)
        return module.head(found.half().float()).argmax(-1)  # type: ignore[no-any-return]

    module = Calls(forward, table=nn.Embedding(10, 4), head=nn.Linear(4, 3))
    network = from_torch(module, ["7:int64"])
    types = {each.name: each.dtype for each in network.nodes}
    assert types == {
        "input": "int64", "table": "float32", "copy": "float16", "copy:2": "float32", "head": "float32",
        "argmax": "int64",
    }  # fmt: skip


def test_several_values_of_one_node_each_have_a_type() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        values, places = module.conv(x).max(1)
        return values * places  # type: ignore[no-any-return]

    network = from_torch(Calls(forward, conv=nn.Conv2d(3, 4, 1)), (3, 8, 8))
    maximum = next(each for each in network.nodes if len(each.values) == 2)
    assert [value.dtype for value in maximum.values] == ["float32", "int64"]
    assert [value.shape.sizes for value in maximum.values] == [(8, 8), (8, 8)]
    product = node(network, "mul")
    assert product.inputs == (maximum, maximum)
    assert product.slots == (0, 1)


def test_what_is_built_says_the_same() -> None:
    x = apply(image(3, 8), "conv", conv(4, kernel=1))
    assert [(value.dtype, value.alias) for value in x.values] == [("float32", None)]
    assert apply(x, "relu", RELU).alias is None
    assert apply(x, "flatten", Flatten()).alias == Alias(0, writes=False)


def test_a_network_of_tokens_that_is_built_is_the_one_that_is_captured() -> None:
    x = tokens(TOKENS, FEATURES)
    for name, layer in (("norm", LayerNorm(1)), ("fc1", Linear(WIDTH)), ("act", RELU), ("fc2", Linear(FEATURES))):
        x = apply(x, name, layer)
    parts = {"norm": nn.LayerNorm(FEATURES), "fc1": nn.Linear(FEATURES, WIDTH), "act": nn.ReLU()}
    captured = from_torch(
        Calls(lambda m, x: m.fc2(m.act(m.fc1(m.norm(x)))), **parts, fc2=nn.Linear(WIDTH, FEATURES)), (TOKENS, FEATURES)
    )
    assert [(each.name, each.kind, each.shape, each.macs, each.params) for each in Network(x).nodes] == [
        (each.name, each.kind, each.shape, each.macs, each.params) for each in captured.nodes
    ]


@pytest.mark.parametrize("sizes", [(0, 64), (196, 0), (196, 1.5)])
def test_tokens_are_counted_in_whole_numbers(sizes: tuple[int, int]) -> None:
    with pytest.raises(CostModelError, match=r"^input: (length|features)"):
        tokens(*sizes)
