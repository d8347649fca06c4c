"""What language models are counted by, against the tables and formulas of the papers and code that they are from."""

from __future__ import annotations

from decimal import Decimal

import pytest

import costmodel as cm
from costmodel import CostModelError, load
from costmodel.conventions import CONVENTIONS, LANGUAGE_MODELS, convention, counts_of
from costmodel.published.tables import paper_table
from tests.cli_runner import run
from tests.zoo import TRANSFORMERS, reads_tokens

DECODERS = [name for name in TRANSFORMERS if reads_tokens(name)]


def printed(quantity: str) -> Decimal:
    (row,) = (row for row in paper_table("llm_conventions") if row.quantity == quantity)
    assert (row.batch, row.sequence) == (4, 8192)
    return Decimal(row.printed_tflop)


def tera(flops: int) -> Decimal:
    return (Decimal(flops) / 10**12).quantize(Decimal("0.01"))


def test_every_digit_of_what_maxtext_prints_for_llama2_7b() -> None:
    ledger = cm.llama2_7b(sequence=8192).ledger.batched(4)
    whole, causal = convention("maxtext").of(ledger), convention("maxtext_causal").of(ledger)
    linear = 6 * sum(part.multiply_adds for name, part in ledger.by("type").items() if name == "linear")
    assert tera(linear) == printed("weights, forward and backward")
    assert tera(whole.total - linear) == printed("attention, forward and backward")
    assert tera(causal.total - linear) == printed("attention, causal")
    assert tera(whole.total) == printed("total")
    assert tera(causal.total) == printed("total, causal")


@pytest.mark.parametrize("name", DECODERS)
def test_6nd_is_six_times_all_parameters_and_tokens(name: str) -> None:
    network = load(name, sequence=64)
    assert network.under("6nd") == 6 * network.parameters * 64


def test_6nd_without_embeddings_leaves_out_the_tables() -> None:
    net = cm.gpt2(sequence=100)
    assert net.under("6nd_no_embedding") == 6 * 100 * (124_439_808 - 50257 * 768 - 1024 * 768)
    llama = cm.llama2_7b(sequence=10)
    assert llama.under("6nd_no_embedding") == 6 * 10 * (6_738_415_616 - 32000 * 4096)


@pytest.mark.parametrize(
    ("name", "layers", "heads", "size"), [("gpt2", 12, 12, 64), ("llama2_7b", 32, 32, 128), ("llama3_8b", 32, 32, 128)]
)
def test_palm_is_6n_and_12lhqt_a_token(name: str, layers: int, heads: int, size: int) -> None:
    """arXiv:2204.02311, appendix B; N is of all parameters."""
    tokens = 48
    network = load(name, sequence=tokens)
    assert network.under("palm") == tokens * (6 * network.parameters + 12 * layers * heads * size * tokens)


@pytest.mark.parametrize(("name", "depth", "h"), [("gpt2", 12, 768), ("gpt2_xl", 48, 1600)])
def test_megatron_is_equation_7_of_the_paper(name: str, depth: int, h: int) -> None:
    """arXiv:2205.05198: 72 B L s h^2 (1 + s / 6h + v / 12hL), for an MLP of four times the width."""
    s, v, batch = 256, 50257, 3
    expected = 72 * batch * depth * s * h * h + 12 * batch * depth * s * s * h + 6 * batch * s * h * v
    assert convention("megatron").of(load(name, sequence=s).ledger.batched(batch)).total == expected


def test_a_network_without_tokens_is_not_asked_for_them() -> None:
    assert set(counts_of(cm.mobilenet_v2().ledger)) == set(CONVENTIONS)
    assert set(counts_of(cm.gpt2().ledger)) == {*CONVENTIONS, *LANGUAGE_MODELS}
    with pytest.raises(CostModelError, match="6nd: no rule for conv 3x3"):
        cm.mobilenet_v2().under("6nd")


def test_a_reader_is_told_what_a_training_step_costs() -> None:
    answer = run("conventions", "llama2_7b", "--sequence", "8192", "--batch", "4").out
    assert "maxtext_causal" in answer
    assert "scores behind the mask" in answer
    assert "1,510,110," in answer
    assert "6nd" in run("conventions").out


def test_a_claim_of_training_flops_is_explained() -> None:
    """A quarter of the 1510.11 TFLOP that MaxText prints for a batch of four."""
    answer = run("explain", "llama2_7b", "--sequence", "8192", "--claim", "377.53 TFLOPs").out
    assert "as maxtext_causal counts, rounded" in answer
    assert "6 FLOPs a multiply-add, forward and backward" in answer
