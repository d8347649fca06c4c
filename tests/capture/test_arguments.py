"""What is given as inputs becomes the arguments of ``forward``: sizes and example tensors are never confused."""

from __future__ import annotations

from collections import OrderedDict, UserDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from costmodel import CostModelError
from costmodel.capture.torch.api import from_torch
from tests.capture.modules import Calls

SIDES = (16, 8, 4)
#: One product of 3 * 3 * 3 * 8 a place, on maps of 16, 8 and 4 a side.
TRUTH = 216 * (16 * 16 + 8 * 8 + 4 * 4)


def maps(batch: int = 1) -> list[Tensor]:
    return [torch.zeros(batch, 3, side, side) for side in SIDES]


class Maps(NamedTuple):
    large: Any
    middle: Any
    small: Any


@dataclass
class Features:
    large: Any
    rest: Any


def leaves(nested: Any) -> list[Tensor]:
    if isinstance(nested, Features):
        return [*leaves(nested.large), *leaves(nested.rest)]
    if isinstance(nested, UserDict):
        return leaves(list(nested.values()))
    if isinstance(nested, (tuple, list, dict)):
        return [leaf for part in (nested.values() if isinstance(nested, dict) else nested) for leaf in leaves(part)]
    return [leaf for leaf in tree_leaves(nested) if isinstance(leaf, Tensor)]


class One(nn.Module):
    """One convolution over every tensor in its one argument, however nested."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)

    def forward(self, maps: Any) -> list[Tensor]:
        return [self.conv(each) for each in leaves(maps)]


NESTINGS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "tuple": lambda a, b, c: (a, b, c),
    "list": lambda a, b, c: [a, b, c],
    "tuple of tuples": lambda a, b, c: ((a, b), (c,)),
    "list of tuples": lambda a, b, c: [(a, b), (c,)],
    "tuple of lists": lambda a, b, c: ([a], [b, c]),
    "namedtuple": Maps,
    "namedtuple of tuples": lambda a, b, c: Maps((a,), [b], c),
    "dict": lambda a, b, c: {"a": a, "b": b, "c": c},
    "ordered dict": lambda a, b, c: OrderedDict(a=a, b=b, c=c),
    "mapping of its own": lambda a, b, c: UserDict(a=a, b=b, c=c),
    "tuple of dicts": lambda a, b, c: ({"a": a}, {"b": b, "c": c}),
    "dict of tuples": lambda a, b, c: {"a": (a, b), "b": [c]},
    "dataclass": lambda a, b, c: Features(a, (b, c)),
    "list of dataclasses": lambda a, b, c: [Features(a, b), c],
    "deep": lambda a, b, c: ({"a": [(a, Features(b, None))]}, Maps(c, None, 3)),
}


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("nesting", NESTINGS)
def test_one_argument_may_hold_tensors_in_any_nesting(nesting: str, batch: int) -> None:
    given = NESTINGS[nesting](*maps(batch))
    for inputs, kwargs in (((given,), None), ([given], None), ((), {"maps": given}), ({"maps": given}, None)):
        assert from_torch(One(), inputs, kwargs).multiply_adds == batch * TRUTH, (inputs, kwargs)


@pytest.mark.parametrize("nesting", NESTINGS)
def test_what_forward_takes_as_one_argument_needs_no_brackets_around_it(nesting: str) -> None:
    assert from_torch(One(), NESTINGS[nesting](*maps())).multiply_adds == TRUTH


@pytest.mark.parametrize("nesting", [name for name in NESTINGS if name != "deep" and "dict" not in name])
def test_sizes_may_be_nested_as_tensors_are(nesting: str) -> None:
    sizes = [(3, side, side) for side in SIDES]
    given = NESTINGS[nesting](*sizes)
    if "dataclass" in nesting or "mapping" in nesting:
        return  # only tuples and lists of sizes are sizes
    assert from_torch(One(), (given,)).multiply_adds == TRUTH
    assert from_torch(One(), (NESTINGS[nesting](*[f"3x{side}x{side}" for side in SIDES]),)).multiply_adds == TRUTH


def test_a_tuple_of_numbers_is_sizes_and_a_tuple_of_tensors_is_none() -> None:
    conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
    assert from_torch(conv, (3, 16, 16)).multiply_adds == 216 * 256
    assert from_torch(conv, torch.zeros(1, 3, 16, 16)).multiply_adds == 216 * 256
    assert from_torch(conv, (torch.zeros(1, 3, 16, 16),)).multiply_adds == 216 * 256
    # Three tensors of no axis are no sizes either.
    scalars = Calls(lambda m, a, b, c: m.layer((a + b + c).expand(1, 4)), layer=nn.Linear(4, 2))
    assert from_torch(scalars, (torch.tensor(1.0), torch.tensor(2.0), torch.tensor(3.0))).multiply_adds == 8


def test_numbers_beside_tensors_are_themselves_and_no_sizes() -> None:
    def forward(module: Any, x: Tensor, size: tuple[int, int], times: int) -> Tensor:
        for _ in range(times):
            x = module.conv(nn.functional.interpolate(x, size))
        return x

    module = Calls(forward, conv=nn.Conv2d(3, 3, 1, bias=False))
    assert from_torch(module, (torch.zeros(1, 3, 4, 4), (8, 6), 2)).multiply_adds == 2 * 9 * 48
    assert from_torch(module, torch.zeros(1, 3, 4, 4), {"size": (8, 6), "times": 2}).multiply_adds == 2 * 9 * 48


def test_the_state_of_an_lstm_is_a_pair_beside_its_input() -> None:
    """A step is 4 gates of 5 * 8 + 8 * 8 multiply-adds; 7 steps, 2 samples."""
    state = torch.zeros(1, 2, 8), torch.zeros(1, 2, 8)
    network = from_torch(nn.LSTM(5, 8, bias=False), (torch.zeros(7, 2, 5), state))
    assert network.multiply_adds == 7 * 2 * 4 * 104
    cell = from_torch(nn.LSTMCell(5, 8, bias=False), (torch.zeros(2, 5), (torch.zeros(2, 8), torch.zeros(2, 8))))
    assert cell.multiply_adds == 2 * 4 * 104


class Optional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4, bias=False)

    def forward(self, x: Tensor, other: Tensor | None = None, *, twice: bool = False) -> Tensor:
        out: Tensor = self.layer(x) if other is None else self.layer(x) + self.layer(other)
        return self.layer(out) if twice else out


@pytest.mark.parametrize(
    ("inputs", "kwargs", "products"),
    [
        ((4,), None, 1),
        ([(4,), None], None, 1),
        ([(4,), (4,)], None, 2),
        ({"x": (1, 4)}, None, 1),
        ({"x": "1x4", "other": None}, None, 1),
        ({"x": torch.zeros(1, 4), "other": torch.zeros(1, 4)}, None, 2),
        (UserDict(x=torch.zeros(1, 4), other=torch.zeros(1, 4), twice=True), None, 3),
        ("x=1x4", None, 1),
        (["x=1x4", "other=1x4"], None, 2),
        (["4", "other=1x4"], {"twice": True}, 3),
        (None, {"x": torch.zeros(1, 4)}, 1),
        ((), {"x": torch.zeros(3, 4)}, 3),
    ],
)
def test_arguments_go_by_the_names_of_forward(inputs: Any, kwargs: Any, products: int) -> None:
    assert from_torch(Optional(), inputs, kwargs).multiply_adds == 16 * products


@pytest.mark.parametrize(
    ("inputs", "kwargs", "told"),
    [
        (["x=1x4", "x=1x4"], None, "argument x is given twice"),
        ({"y": (1, 4)}, None, "forward takes x, other, twice"),
        ([(4,), (4,), (4,)], None, "forward takes x, other, twice"),
        (["no-name=1x4"], None, "names no argument of forward"),
        (["4:int64:twos"], None, "zeros, ones or a whole number"),
        (["4:int46"], None, "int64"),
        (None, None, "say the shape of one sample"),
    ],
)
def test_what_is_no_argument_is_refused_with_what_to_write(inputs: Any, kwargs: Any, told: str) -> None:
    with pytest.raises(CostModelError, match=told):
        from_torch(Optional(), inputs, kwargs)


def test_tensors_that_a_forward_would_leave_unread_are_refused() -> None:
    """``forward(x, skip=None)`` would take the second of two maps as something else than it is."""

    class Only(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: Any, unused: Any = None) -> Any:
            return self.layer(x)

    with pytest.raises(CostModelError, match="read only the first of 2 tensors"):
        from_torch(Only(), (torch.zeros(1, 4), torch.zeros(1, 4)))


def test_an_embedding_suggests_whole_numbers() -> None:
    with pytest.raises(CostModelError, match="--input 12:int64"):
        from_torch(nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 2)), (12,))
