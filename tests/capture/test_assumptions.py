"""Where what runs depends on values that nobody knows: refused, or an upper bound that is told as one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import costmodel as cm
from costmodel import CostModelError
from costmodel.capture.torch.api import from_torch
from tests.capture.modules import Calls
from tests.cli_runner import run

#: A product of 4 by 4 a row.
ROW = 16


def selecting(select: Any) -> nn.Module:
    return Calls(lambda m, x: m.layer(select(x)), layer=nn.Linear(4, 4, bias=False))


SELECTIONS = {
    "a mask of rows": (lambda x: x[x.sum(1) > 0], 10),
    "a mask of values": (lambda x: x[x > 0].view(-1, 4), 10),
    "masked_select": (lambda x: x.masked_select(x > 0).view(-1, 4), 10),
    "nonzero": (lambda x: x[(x.sum(1) > 0).nonzero()[:, 0]], 10),
    "where": (lambda x: x[torch.where(x.sum(1) > 0)[0]], 10),
    "a loop over places": (lambda x: torch.stack([x[int(place)] for place in (x.sum(1) > 0).nonzero()]), 10),
    "unique": (lambda x: x.unique().view(-1, 4), 10),
}


@pytest.mark.parametrize("kind", SELECTIONS)
def test_a_mask_of_unknown_values_is_refused_or_selects_all(kind: str) -> None:
    select, rows = SELECTIONS[kind]
    module = selecting(select)
    with pytest.raises(CostModelError, match="--assume all-nonzero"):
        from_torch(module, torch.zeros(10, 4))
    network = from_torch(module, torch.zeros(10, 4), assume="all-nonzero")
    assert network.multiply_adds == rows * ROW
    assert "at most" in repr(network)
    assert len(network.ledger.assumptions) == 1


def test_a_mask_that_is_known_selects_what_it_does_and_nothing_is_assumed() -> None:
    mask = torch.tensor([True, False, True])
    module = Calls(lambda m, x, mask: m.layer(x[mask]), layer=nn.Linear(4, 4, bias=False))
    network = from_torch(module, (torch.zeros(3, 4), mask), assume="all-nonzero")
    assert network.multiply_adds == 2 * ROW
    assert network.ledger.assumptions == {}
    assert "at most" not in repr(network)


class Experts(nn.Module):
    """Every token goes to 2 of 6 experts, by a loop over those that are hit."""

    def __init__(self, top: int = 2) -> None:
        super().__init__()
        self.gate = nn.Linear(4, 6, bias=False)
        self.experts = nn.ModuleList(nn.Linear(4, 4, bias=False) for _ in range(6))
        self.top = top

    def forward(self, x: Tensor) -> Tensor:
        weights, chosen = self.gate(x).softmax(-1).topk(self.top, dim=-1)
        if self.top == 1:
            chosen = self.gate(x).argmax(-1, keepdim=True)
        out = torch.zeros_like(x)
        mask = nn.functional.one_hot(chosen, 6).permute(2, 1, 0)
        for hit in (mask.sum((-1, -2)) > 0).nonzero():
            slot, token = torch.where(mask[hit[0]])
            made = self.experts[int(hit[0])](x[token]) * weights[token, slot, None]
            out.index_add_(0, token, made)
        return out


@pytest.mark.parametrize(("tokens", "top"), [(9, 2), (12, 2), (2, 2), (7, 1)])
def test_experts_take_their_tokens_evenly(tokens: int, top: int) -> None:
    gates = (2 if top == 1 else 1) * tokens * 24
    with pytest.raises(CostModelError, match="--assume all-nonzero"):
        from_torch(Experts(top), torch.zeros(tokens, 4))
    network = from_torch(Experts(top), torch.zeros(tokens, 4), assume="all-nonzero")
    assert network.multiply_adds == gates + tokens * top * ROW
    assert any("evenly" in what for what in network.ledger.assumptions)
    loads = [node.macs for node in network.nodes if node.name.startswith("experts.")]
    assert max(loads) - min(loads) <= ROW


def test_a_real_run_agrees_where_each_expert_is_hit() -> None:
    """The number of products does not depend on which experts take them."""
    rows = []
    module = Experts()
    for expert in module.experts:
        expert.register_forward_hook(lambda _m, args, _out: rows.append(args[0].shape[0]))
    module(torch.randn(64, 4))
    network = from_torch(Experts(), torch.zeros(64, 4), assume="all-nonzero")
    assert network.multiply_adds == 64 * 24 + sum(rows) * ROW


def test_what_is_assumed_stands_in_every_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "assumed_here.py").write_text(
        "from torch import nn\n"
        "class Selecting(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layer = nn.Linear(4, 4, bias=False)\n"
        "    def forward(self, x):\n"
        "        return self.layer(x[x.sum(-1) > 0])\n"
    )
    monkeypatch.chdir(tmp_path)
    command = ["count", "assumed_here:Selecting", "--input", "10x4"]
    refused = run(*command)
    assert refused.status == 2
    assert "--assume all-nonzero" in refused.err
    shown = run(*command, "--assume", "all-nonzero")
    assert shown.out.startswith("at most 160 multiply-adds")
    assert "ASSUMED: all that a mask can select is selected, so this is an upper bound, at nonzero." in shown.out
    assert "total, at most" in shown.out
    document = json.loads(run(*command, "--assume", "all-nonzero", "--format", "json").out)
    assert document["assumptions"][0]["layers"] == ["nonzero"]
    assert run(*command, "--assume", "nothing").status == 2


def test_an_assumption_and_its_opposite_are_refused() -> None:
    with pytest.raises(CostModelError, match="ask for one of them"):
        from_torch(nn.Linear(4, 4), (4,), assume="all-nonzero", allow_uncounted=True)
    with pytest.raises(CostModelError, match="did you mean all-nonzero"):
        cm.load(nn.Linear(4, 4), (4,), assume="all-nonzeros")
