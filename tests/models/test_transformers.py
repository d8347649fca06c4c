"""Transformers of our own against PyTorch, and against the numbers that their papers and makers print."""

from __future__ import annotations

import json

import pytest

import costmodel as cm
from costmodel import CostModelError, load
from costmodel.reproduction.verification import compare
from reference_models import build
from reference_models.oracles import measure, numel, sample
from tests.cli_runner import run
from tests.zoo import TRANSFORMERS, reads_tokens


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_every_transformer_has_the_parameters_of_its_pytorch_module(name: str) -> None:
    assert load(name).parameters == numel(build(name))


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("gpt2", {"sequence": 5}),
        ("llama2_7b", {"sequence": 3}),
        ("llama3_8b", {"sequence": 2}),
        ("mistral_7b", {"sequence": 2}),
        ("vit_ti_16", {"resolution": 32, "num_classes": 7, "in_channels": 2}),
        ("vit_ti_16", {"resolution": (48, 16)}),
        ("vit_s_16", {"resolution": 32}),
        ("vit_b_32", {"resolution": 64}),
    ],
)
def test_a_transformer_equals_pytorch_operation_by_operation(name: str, choices: dict[str, object]) -> None:
    network, module = load(name, **choices), build(name, **choices)
    result = compare(network, measure(module, sample(network.input.sizes, network.nodes[0].dtype, module)))
    assert result.difference is None
    assert len(result.pairs) == len(network.ledger)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TRANSFORMERS if not name.startswith(("vit_l", "vit_h"))])
def test_a_captured_transformer_multiplies_as_the_built_one(name: str) -> None:
    small = {"sequence": 4} if reads_tokens(name) else {"resolution": 64}
    network = load(name, **small)
    captured = cm.from_torch(build(name, **small), "4:int64" if reads_tokens(name) else (3, 64, 64))
    assert (captured.multiply_adds, captured.parameters) == (network.multiply_adds, network.parameters)


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        # What the model cards and the weights files of their makers hold.
        ("llama2_7b", 6_738_415_616),
        ("llama2_13b", 13_015_864_320),
        ("llama2_70b", 68_976_648_192),
        ("llama3_8b", 8_030_261_248),
        ("llama3_70b", 70_553_706_496),
        ("llama3_405b", 405_853_388_800),
        ("mistral_7b", 7_241_732_096),
        ("gpt2", 124_439_808),
        ("gpt2_medium", 354_823_168),
        ("gpt2_large", 774_030_080),
        ("gpt2_xl", 1_557_611_200),
        ("vit_b_16", 86_567_656),
        ("vit_b_32", 88_224_232),
        ("vit_l_16", 304_326_632),
        ("vit_l_32", 306_535_400),
    ],
)
def test_parameters_are_those_that_are_published(name: str, printed: int) -> None:
    assert load(name).parameters == printed


def test_blocks_are_embedding_attention_mlp_and_head() -> None:
    answer = json.loads(run("count", "gpt2", "--by", "block", "--format", "json").out)
    rows = [row["name"] for row in answer["rows"]]
    assert rows[:5] == [
        "embedding.tokens", "embedding.positions", "embedding.add", "layer0.attention", "layer0.mlp",
    ]  # fmt: skip
    assert rows[-3:] == ["layer11.mlp", "head.norm", "head.linear"]


def test_a_tied_head_works_with_the_table_of_the_tokens() -> None:
    head = cm.gpt2().output
    assert (head.name, head.params.trainable, head.macs) == ("head.linear", 0, 1024 * 768 * 50257)


def test_grouped_heads_share_keys_and_values_and_multiply_the_same() -> None:
    parts = cm.llama3_8b(sequence=16).ledger.by("layer")
    assert parts["layer0.attention.key"].parameters * 4 == parts["layer0.attention.query"].parameters
    assert parts["layer0.attention.scores"].multiply_adds == 32 * 16 * 16 * 128


@pytest.mark.parametrize(
    ("name", "inputs", "choices", "message"),
    [
        ("gpt2", (), {"sequence": 1025}, "sequence=1025 is longer than the 1024 positions; take at most 1024"),
        ("gpt2", (), {"sequence": 0}, "sequence=0 must be a whole number of at least 1"),
        ("gpt2", "3x224x224", {}, "gpt2 reads the numbers of tokens, not 3x224x224; write how many there are: 1024"),
        ("gpt2", "128", {}, "gpt2 reads the numbers of tokens, not 128"),
        ("gpt2", "8:int64", {"sequence": 8}, "sequence=8 and the input 8:int64 both say how many; give one"),
        ("gpt2", ["8:int64", "8:int64"], {}, "2 inputs are given; gpt2 reads one sequence of tokens"),
        ("gpt2", (), {"resolution": 224}, "gpt2 takes no resolution (resolution=224 given); it takes sequence"),
        ("vit_b_16", (), {"resolution": 225}, "patches of 16 do not divide an image of 3x225x225; use a multiple"),
    ],
)
def test_bad_sizes_are_refused_in_one_line(name: str, inputs: object, choices: dict[str, object], message: str) -> None:
    with pytest.raises(CostModelError) as raised:
        load(name, inputs, **choices)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_name_of_ones_own_changes_no_input() -> None:
    assert load("gpt2", "8:int64", name="mine").input.sizes == (8,)
