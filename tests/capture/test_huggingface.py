"""A configuration of Hugging Face's transformers is a network: without weights, without network, by one command."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

transformers = pytest.importorskip("transformers")

import costmodel as cm  # noqa: E402
from costmodel import CostModelError  # noqa: E402
from tests.cli_runner import run  # noqa: E402

#: A layer of BERT at 128 tokens: 4 projections, 2 products of attention, 2 matrices of the feed-forward part.
LAYER = 4 * 128 * 768 * 768 + 2 * 128 * 128 * 768 + 2 * 128 * 768 * 3072
POOLER = 768 * 768


@pytest.fixture(autouse=True)
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "bert", "num_hidden_layers": 2, "architectures": ["BertModel"]}))
    return path


def test_a_configuration_is_a_class_an_object_a_mapping_a_file_or_its_folder(file: Path) -> None:
    config = transformers.BertConfig
    given = [config(num_hidden_layers=2), config(num_hidden_layers=2).to_dict(), file, str(file), file.parent]
    assert [cm.from_huggingface(each).multiply_adds for each in given] == [2 * LAYER + POOLER] * 5
    assert cm.from_huggingface(config, num_hidden_layers=2).multiply_adds == 2 * LAYER + POOLER
    assert cm.from_huggingface(config).multiply_adds == 12 * LAYER + POOLER
    assert cm.load(f"hf:{file}", num_hidden_layers=3).multiply_adds == 3 * LAYER + POOLER


def test_overrides_leave_the_given_configuration_alone() -> None:
    config = transformers.BertConfig(num_hidden_layers=2)
    cm.from_huggingface(config, num_hidden_layers=1)
    assert config.num_hidden_layers == 2


def test_a_task_is_a_head() -> None:
    """The masked-language head: a dense layer, and the table of 30,522 tokens; there is no pooler."""
    head = 128 * 768 * 768 + 128 * 768 * 30522
    for task in ("MaskedLM", "masked-lm", "masked_lm"):
        network = cm.from_huggingface(transformers.BertConfig(num_hidden_layers=1), task=task)
        assert network.multiply_adds == LAYER + head
    with pytest.raises(CostModelError, match="did you mean maskedlm"):
        cm.from_huggingface(transformers.BertConfig, task="masked-lmm")


def test_a_file_says_of_which_architecture_it_is(tmp_path: Path) -> None:
    small = transformers.LlamaConfig(num_hidden_layers=1, architectures=["LlamaForCausalLM"])
    small.to_json_file(tmp_path / "config.json")
    without = cm.from_huggingface(transformers.LlamaConfig(num_hidden_layers=1)).multiply_adds
    assert cm.from_huggingface(tmp_path).multiply_adds == without + 128 * 4096 * 32000


def test_a_trillion_weights_take_no_memory() -> None:
    network = cm.from_huggingface(transformers.LlamaConfig(hidden_size=65536, intermediate_size=2**18), sequence=4)
    assert network.parameters > 10**12


def test_the_command_takes_the_file_its_entries_and_inputs_by_name(file: Path) -> None:
    shown = run("count", f"hf:{file}", "--kwargs", "num_hidden_layers=1", "--sequence", "16", "--format", "json")
    layer = 4 * 16 * 768 * 768 + 2 * 16 * 16 * 768 + 2 * 16 * 768 * 3072
    assert json.loads(shown.out)["multiply_adds"] == layer + POOLER
    inputs = ["--input", "input_ids=1x16:int64", "--input", "attention_mask=1x16:int64:ones"]
    shown = run("count", f"hf:{file}", "--kwargs", "num_hidden_layers=1", "--format", "json", *inputs)
    assert json.loads(shown.out)["multiply_adds"] == layer + POOLER


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"model_type": "bertt"}, "did you mean bert"),
        ({}, "knows no model_type None"),
        ([], "holds a list and no configuration"),
        ({"model_type": "bert", "hidden_size": 7}, "transformers"),
    ],
)
def test_what_is_no_configuration_is_refused_in_a_line(entries: Any, told: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(entries))
    shown = run("count", f"hf:{path}")
    assert shown.status == 2
    assert told in shown.err
    assert shown.err.count("\n") == 1
    with pytest.raises(CostModelError, match="has no 'layers'"):
        cm.from_huggingface(transformers.BertConfig, layers=2)


def test_inputs_that_do_not_follow_from_the_configuration_are_asked_for() -> None:
    with pytest.raises(CostModelError, match=r"reads states, .*say them, as in --input states=1x128"):
        cm.from_huggingface(transformers.DecisionTransformerConfig)
