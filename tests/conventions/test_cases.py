"""Captured modules of any kind: each tool's number is equal exactly, or refused with a reason, never different."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import costmodel as cm
from costmodel import CostModelError
from costmodel.conventions import CONVENTIONS, convention
from reference_models.oracles import image
from tests.conventions.cases import CASES, KNOWN_DIFFERENT, REFUSED
from tests.conventions.peers import PEERS, measure


def attempt(name: str, module: nn.Module, sizes: tuple[int, ...] | torch.Tensor) -> int | None:
    """Our figure of the module's capture; None where it is refused, with the convention and a reason."""
    try:
        return convention(name).of(cm.from_torch(module, sizes).ledger).total
    except CostModelError as error:
        assert f"{name}: no rule for " in str(error)
        assert "\n" not in str(error)
        return None


@pytest.mark.parametrize("case", CASES)
def test_a_tool_s_figure_is_equal_or_refused(case: str) -> None:
    module, sizes = CASES[case]
    refused = set()
    for name in PEERS:
        ours = attempt(name, module, sizes)
        if ours is None:
            refused.add(name)
        else:
            equal = ours == measure(name, module, image(sizes)).total
            assert equal == ((case, name) not in KNOWN_DIFFERENT), name
    # Exactly these, so that a refusal that is no longer needed, and one that spreads, both show.
    assert refused == set(REFUSED.get(case, "").split())


#: Networks whose layers put the batch in different places.
BATCHED: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "linear": (nn.Sequential(nn.Linear(16, 8), nn.LayerNorm(8), nn.PReLU(), nn.Linear(8, 3, bias=False)), (16,)),
    "tokens": (nn.Sequential(nn.Linear(16, 8), nn.LayerNorm(8), nn.Linear(8, 3)), (10, 16)),
    "images": (
        nn.Sequential(
            nn.Conv2d(4, 6, 3, bias=True), nn.BatchNorm2d(6), nn.ReLU(), nn.GroupNorm(2, 6), nn.MaxPool2d(2),
            nn.ConvTranspose2d(6, 4, 2, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3),
        ),
        (4, 8, 8),
    ),
    "rows": (nn.Sequential(nn.Flatten(0, 1), nn.Linear(16, 8), nn.BatchNorm1d(8)), (10, 16)),
}  # fmt: skip


@pytest.mark.parametrize("case", BATCHED)
@settings(max_examples=5)
@given(batch=st.integers(1, 7))
def test_examples_in_a_batch_cost_what_the_tool_says_of_that_call(case: str, batch: int) -> None:
    """Of an example, a figure is of all its samples. ptflops runs one sample, whatever it is given."""
    module, sizes = BATCHED[case]
    module.eval()
    ledger = cm.from_torch(module, torch.zeros(batch, *sizes)).ledger
    for name in PEERS:
        alone = name.startswith("ptflops")
        tool = measure(name, module, torch.zeros(1 if alone else batch, *sizes)).total
        assert convention(name).of(ledger).total == (batch if alone else 1) * tool, name


def test_an_image_without_a_batch_axis_is_refused_where_the_first_axis_decides() -> None:
    ledger = cm.from_torch(nn.Conv2d(4, 6, 3), torch.zeros(4, 8, 8)).ledger
    assert attempt("torchinfo", nn.Conv2d(4, 6, 3), torch.zeros(4, 8, 8)) is None
    assert convention("flop_counter_mode").of(ledger).total == 2 * ledger.multiply_adds


@pytest.mark.parametrize("case", CASES)
def test_a_convention_that_is_held_against_no_tool_has_a_figure_or_a_reason(case: str) -> None:
    module, sizes = CASES[case]
    for name in CONVENTIONS:
        attempt(name, module, sizes)
