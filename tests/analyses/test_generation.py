"""What a language model costs that writes, against printed tables, against arithmetic and against PyTorch."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import torch
from torch import nn

import costmodel as cm
from costmodel import load
from costmodel.published.tables import paper_table
from reference_models.transformer import llama
from tests.analyses.autograd import Products
from tests.cli_runner import run

NAMES = {"Llama-3.1-8B": "llama3_8b", "Llama-3.1-70B": "llama3_70b"}
TOKENS = (1024, 16000, 128000)
#: 15.625 is printed as 15.62, and 0.3125 as 0.313.
ROUNDING = defaultdict(lambda: ROUND_HALF_UP, {Decimal("15.62"): ROUND_HALF_DOWN})


@pytest.mark.parametrize("row", paper_table("kv_cache"), ids=lambda row: row.model)
def test_keys_and_values_are_those_that_are_printed(row: Any) -> None:
    found = load(NAMES[row.model], sequence=1).generation(dtype="bf16")
    assert found.cache_bytes_per_token == row.bytes_per_token
    printed = row.printed_gib_at_1000_16000_128000.partition(" (")[0].split(" / ")
    for text, tokens in zip(map(Decimal, printed), TOKENS, strict=True):
        assert (Decimal(found.cache_bytes_per_token * tokens) / 2**30).quantize(text, ROUNDING[text]) == text


def test_a_token_costs_its_linear_layers_and_attention_to_all_before_it() -> None:
    """GPT-2: 12 layers of 12 d^2 multiply-adds and the head; 2 d for each token that one attends to."""
    found = cm.gpt2(sequence=100).generation(new=4, batch=3)
    width, depth = 768, 12
    linear = depth * 12 * width**2 + width * 50257
    each = [3 * (linear + depth * 2 * width * tokens) for tokens in (101, 102, 103)]
    assert [one.multiply_adds for one in found.decoded] == each
    assert found.prefill.multiply_adds == 3 * cm.gpt2(sequence=100).multiply_adds
    assert found.multiply_adds == found.prefill.multiply_adds + sum(each)
    assert found.cache_bytes == 3 * 103 * 2 * depth * width * 4


class CachedAttention(nn.Module):
    """The last token attends to kept keys and values, a layer of grouped heads."""

    def __init__(self, layer: nn.Module, heads: int, kv_heads: int, size: int) -> None:
        super().__init__()
        self.layer, self.heads, self.kv_heads, self.size = layer, heads, kv_heads, size

    def forward(self, x: torch.Tensor, before: int) -> torch.Tensor:
        attention = self.layer.attention
        query = attention.query(x).unflatten(-1, (self.heads, self.size)).transpose(1, 2)
        kept = []
        for linear in (attention.key, attention.value):
            new = linear(x).unflatten(-1, (self.kv_heads, self.size)).transpose(1, 2)
            old = torch.zeros(1, self.kv_heads, before, self.size)
            kept.append(torch.cat([old, new], 2).repeat_interleave(self.heads // self.kv_heads, 1))
        keys, values = kept
        y = (query @ keys.transpose(-1, -2)).softmax(-1) @ values
        mlp = self.layer.mlp
        x = attention.output(y)
        return mlp.down(mlp.gate(x) * mlp.up(x))


def test_a_decoded_token_multiplies_what_pytorch_multiplies_with_a_cache() -> None:
    from costmodel.analyses.generation import Generation
    from costmodel.core.graph import token_ids
    from costmodel.core.network import Network
    from costmodel.models.transformer import Decoder, decoder

    sizes = Decoder(2, 16, 4, 2, 24, 50)
    network = Network(decoder(sizes, token_ids(7)))
    module = llama(2, 16, 4, 2, 24, 50)
    products = Products()
    with products, torch.no_grad():
        x = torch.zeros(1, 1, 16)
        for number in range(2):
            x = CachedAttention(getattr(module, f"layer{number}"), 4, 2, 4)(x, before=7)
        module.head.linear(x)  # type: ignore[union-attr]
    found = Generation(network, sizes, 2, 1, "", None)
    assert sum(products.forward.values()) == found.decoded[0].multiply_adds
    assert found.cache_bytes_per_token == 2 * 2 * 2 * 4 * 4


def test_a_window_bounds_what_is_kept_and_what_a_token_attends_to() -> None:
    within, beyond = (cm.mistral_7b(sequence=length).generation(new=2) for length in (4094, 5000))
    assert within.cache_bytes == 4095 * within.cache_bytes_per_token
    assert beyond.cache_bytes == 4096 * beyond.cache_bytes_per_token
    more = cm.mistral_7b(sequence=6000).generation(new=2).decoded[0]
    assert more.multiply_adds == beyond.decoded[0].multiply_adds > within.decoded[0].multiply_adds


def test_memory_binds_a_token_and_its_time_is_bytes_over_bandwidth() -> None:
    found = cm.llama2_7b(sequence=1000).generation(new=2, dtype="bf16", device="a100-sxm-80gb")
    assert found.machine is not None
    read = 2 * (6_738_415_616 - 32000 * 4096) + 1001 * 2 * 32 * 4096 * 2
    assert found.decoded[0].seconds == read / found.machine.bandwidth
    assert found.seconds is not None
    assert found.seconds > found.decoded[0].seconds  # type: ignore[operator]


def test_the_answer_is_for_people_and_for_programs() -> None:
    arguments = ("generate", "llama3_8b", "--prompt", "1000", "--new", "200", "--batch", "8", "--dtype", "bf16")
    lines = run(*arguments, "--device", "h100-sxm").out.splitlines()
    assert "keys and values 1,257,242,624 bytes (1.3 GB)" in lines[0]
    assert lines[2].startswith("At least ")
    assert [line.split()[0] for line in lines[8:11]] == ["prompt", "token", "token"]
    document = json.loads(run(*arguments, "--format", "json").out)
    assert len(document["rows"]) == 200
    assert sum(row["multiply_adds"] for row in document["rows"]) == document["multiply_adds"]
    assert document["cache_bytes"] == 8 * 1199 * 131072


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gpt2", "--prompt", "1000", "--new", "200"), "1000 tokens and 200 new ones are more than the 1024 positions"),
        (("gpt2", "--prompt", "2000"), "sequence=2000 is longer than the 1024 positions"),
        (("mobilenet_v2",), "mobilenet_v2 reads no tokens; name a language model, such as llama3_8b"),
        (("gpt3",), "no model is called 'gpt3'; did you mean gpt2"),
        (("gpt2", "--new", "0"), "must be a whole number of at least 1"),
        (("gpt2", "--new", "2", "--device", "abacus"), "no device is called 'abacus'"),
        (("gpt2", "--new", "2", "--dtype", "bf15"), "no type is called 'bf15'"),
    ],
)
def test_every_refusal_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    answer = run("generate", *arguments)
    assert (answer.status, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1
