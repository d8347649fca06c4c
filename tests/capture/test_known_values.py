"""Values that are few and known are there in a capture: masks, ids, lengths, buffers, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import costmodel as cm
from costmodel import CostModelError
from costmodel.capture.torch.api import from_torch
from costmodel.capture.torch.known_values import LARGEST
from tests.capture.modules import Calls

#: 8 values, 5 of them true.
MASK = torch.tensor([[1, 1, 0, 1, 0, 1, 1, 0]], dtype=torch.bool)
IDS = torch.tensor([3, 0, 2, 5])


class Repeated(nn.Module):
    def __init__(self, times: Callable[[Any, Tensor, Tensor], int]) -> None:
        super().__init__()
        self.layer, self.times = nn.Linear(4, 4, bias=False), times

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        for _ in range(self.times(self, x, known)):
            x = self.layer(x)
        return x


def repeated(times: Callable[[Any, Tensor, Tensor], int]) -> nn.Module:
    """A linear layer of 4 to 4 features, as often as ``times`` says."""

    return Repeated(times)


@pytest.mark.parametrize(
    ("times", "truth"),
    [
        (lambda m, x, e: int(e.max()), 5),
        (lambda m, x, e: e.tolist()[2], 2),
        (lambda m, x, e: int(e.cpu().numpy().sum()), 10),
        (lambda m, x, e: int(np.asarray(e)[0]), 3),
        (lambda m, x, e: 3 if (e >= 0).all() else 7, 3),
        (lambda m, x, e: len(e.unique()), 4),
        (lambda m, x, e: len((e > 2).nonzero()), 2),
        (lambda m, x, e: e[e > 2].numel(), 2),
        (lambda m, x, e: torch.where(e > 2)[0].shape[0], 2),
        (lambda m, x, e: int(torch.arange(9, device=x.device)[e].sum()), 10),
        (lambda m, x, e: int(torch.tensor([4, 6], device=x.device).min()), 4),
        (lambda m, x, e: int(x.new_tensor([2.0, 3.0]).sum()), 5),
        (lambda m, x, e: int(torch.tensor([e[0], e[2]]).sum()), 5),
        (lambda m, x, e: int(torch.zeros_like(x).sum()) + 2, 2),
        (lambda m, x, e: int(e.to(torch.float32).mean() * 2), 5),
        (lambda m, x, e: e.bincount().numel(), 6),
        (lambda m, x, e: torch.arange(3).repeat_interleave(e[:3]).numel(), 5),
        (lambda m, x, e: 4 if torch.equal(e, e.clone()) else 1, 4),
        (lambda m, x, e: int(e.view(2, 2).t()[1, 0]), 0),
        (lambda m, x, e: nn.functional.one_hot(e).shape[-1], 6),
    ],
)
def test_what_runs_may_depend_on_a_known_input(times: Any, truth: int) -> None:
    network = from_torch(repeated(times), (torch.zeros(1, 4), IDS))
    assert network.multiply_adds == truth * 16


def test_a_write_in_place_is_seen_by_all_views_and_what_is_unknown_is_forgotten() -> None:
    def times(module: Any, x: Tensor, known: Tensor) -> int:
        made = torch.zeros(6, dtype=torch.long, device=x.device)
        made[1:4] = 2
        made.add_(1)
        filled = torch.empty(3, device=x.device).fill_(2.0)
        assert made.tolist() == [1, 3, 3, 3, 1, 1]
        return int(made[1] + filled[2])

    assert from_torch(repeated(times), (torch.zeros(1, 4), IDS)).multiply_adds == 5 * 16

    def lost(module: Any, x: Tensor, known: Tensor) -> int:
        made = torch.zeros(1, 4)
        made[:, 1:] = x[:, 1:]
        return int(made[0, 0])

    with pytest.raises(CostModelError, match="come of x"):
        from_torch(repeated(lost), (torch.zeros(1, 4), IDS))


def test_the_example_itself_stays_as_it_was() -> None:
    def times(module: Any, x: Tensor, known: Tensor) -> int:
        known += 1
        module.steps += 1
        return int(known[0]) + int(module.steps)

    module = repeated(times)
    module.register_buffer("steps", torch.tensor(2))
    ids = IDS.clone()
    for _ in range(2):
        assert from_torch(module, (torch.zeros(1, 4), ids)).multiply_adds == (4 + 3) * 16
    assert torch.equal(ids, IDS)
    assert int(module.steps) == 2


@pytest.mark.parametrize("where", ["buffer", "attribute", "meta"])
def test_buffers_and_attributes_are_known_unless_the_module_was_built_on_meta(where: str) -> None:
    module = repeated(lambda m, x, e: int(m.strides[1]))
    strides = torch.tensor([8.0, 3.0], device="meta" if where == "meta" else "cpu")
    if where == "attribute":
        module.strides = strides
    else:
        module.register_buffer("strides", strides)
    if where == "meta":
        with pytest.raises(CostModelError, match="weights or random numbers"):
            from_torch(module, (torch.zeros(1, 4), IDS))
    else:
        assert from_torch(module, (torch.zeros(1, 4), IDS)).multiply_adds == 3 * 16


def test_what_a_mask_selects_has_its_size() -> None:
    module = Calls(lambda m, x, mask: m.layer(x[mask]), layer=nn.Linear(4, 3))
    assert from_torch(module, (torch.zeros(1, 8, 4), MASK)).multiply_adds == 5 * 12
    chosen = Calls(lambda m, x, mask: m.layer(x.masked_select(mask[..., None]).view(-1, 4)), layer=nn.Linear(4, 3))
    assert from_torch(chosen, (torch.zeros(1, 8, 4), MASK)).multiply_adds == 5 * 12


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_recurrent_layer_runs_as_long_as_the_lengths_say(kind: type[nn.Module]) -> None:
    """A step of an LSTM is 4 * (5 * 8 + 8 * 8) multiply-adds, of a GRU 3, of a plain one 1; there are 7 + 3 steps."""

    def forward(module: Any, x: Tensor, lengths: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths.cpu(), batch_first=True)
        padded, _ = nn.utils.rnn.pad_packed_sequence(module.rnn(packed)[0], batch_first=True)
        assert padded.shape == (2, 7, 8)
        return padded

    gates = {nn.LSTM: 4, nn.GRU: 3, nn.RNN: 1}[kind]  # type: ignore[index]
    module = Calls(forward, rnn=kind(5, 8, batch_first=True))
    network = from_torch(module, (torch.zeros(2, 9, 5), torch.tensor([7, 3])))
    assert network.multiply_adds == 10 * gates * (5 * 8 + 8 * 8)


def test_a_random_number_is_not_known() -> None:
    for draw in (lambda x: torch.rand(1), lambda x: torch.zeros(1).uniform_(), lambda x: torch.randint(3, (1,))):
        with pytest.raises(CostModelError, match="weights or random numbers"):
            from_torch(repeated(lambda m, x, e, draw=draw: int(draw(x))), (torch.zeros(1, 4), IDS))


def test_a_parameter_is_not_known() -> None:
    module = repeated(lambda m, x, e: int(m.count))
    module.count = nn.Parameter(torch.tensor(2.0))
    with pytest.raises(CostModelError, match="weights or random numbers"):
        from_torch(module, (torch.zeros(1, 4), IDS))


def test_the_line_is_a_size() -> None:
    module = repeated(lambda m, x, e: int(e.sum()))
    small = torch.zeros(LARGEST, dtype=torch.int8)
    small[0] = 3
    assert from_torch(module, (torch.zeros(1, 4), small)).multiply_adds == 3 * 16
    with pytest.raises(CostModelError, match="say them"):
        from_torch(module, (torch.zeros(1, 4), torch.zeros(LARGEST + 1, dtype=torch.int8)))


def test_a_refusal_names_the_input_whose_values_are_missing() -> None:
    module = repeated(lambda m, x, known: int(known.sum()))
    with pytest.raises(CostModelError, match=r"values of known; say them, as in --input known=1x128:int64:ones"):
        from_torch(module, [(4,), "4:int64"])
    assert from_torch(module, [(4,), "4:int64:ones"]).multiply_adds == 4 * 16
    assert from_torch(module, {"x": "1x4", "known": "3:int64:2"}).multiply_adds == 6 * 16


class Windows(nn.Module):
    """Reads numbers while it is built, and others while it runs."""

    def __init__(self, depth: int = 3) -> None:
        super().__init__()
        rates = [rate.item() for rate in torch.linspace(0, 0.2, depth)]
        sizes = torch.arange(depth).tolist()
        assert (rates[0], sizes) == (0, [0, 1, 2])
        self.register_buffer("strides", torch.tensor([8.0, 4.0, 2.0]))
        self.table = torch.zeros(2, 2, dtype=torch.long).fill_(3)
        self.table[0, 1] += 1
        self.layers = nn.ModuleList([nn.Linear(4, 4, bias=False) for _ in sizes])
        self.large = nn.Linear(10**6, 10**6, bias=False)  # 4 terabytes, if it were there

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(int(self.strides.sum()) + int(self.table.max())):
            x = self.layers[0](x)
        return x


def test_a_module_that_a_function_makes_has_its_buffers_and_no_weights() -> None:
    network = cm.load(Windows, (4,))
    assert network.multiply_adds == (8 + 4 + 2 + 4) * 16
    assert network.parameters == 3 * 16 + 10**12


def test_what_reads_a_weight_while_it_is_built_is_built_with_its_numbers() -> None:
    def make() -> nn.Module:
        layer = nn.Linear(4, 4, bias=False)
        nn.init.constant_(layer.weight, 2.0)
        assert float(layer.weight.sum()) == 32
        return layer

    assert cm.load(make, (4,)).multiply_adds == 16
