"""Complex numbers count as the real arithmetic that they are: checked by doing it and counting."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from costmodel import CostModelError, Ops
from costmodel.capture.torch.api import from_torch
from tests.capture.modules import Calls

C = torch.complex64


class Counted:
    """A complex number whose arithmetic is done on its parts, and counted."""

    done: Ops = Ops()

    def __init__(self, re: float = 0.0, im: float = 0.0) -> None:
        self.re, self.im = re, im

    def __add__(self, other: Counted) -> Counted:
        Counted.done += Ops(add=2)
        return Counted(self.re + other.re, self.im + other.im)

    def __mul__(self, other: Counted) -> Counted:
        Counted.done += Ops(mul=4, add=2)
        return Counted(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)

    def __truediv__(self, other: Counted) -> Counted:
        over = self * Counted(other.re, -other.im)
        Counted.done += Ops(mul=2, add=1, div=2)
        size = other.re * other.re + other.im * other.im
        return Counted(over.re / size, over.im / size)


def products(count: int) -> Ops:
    """So many products, each added to a sum."""
    Counted.done, total = Ops(), Counted()
    for _ in range(count):
        total = total + Counted(1.5, 2.0) * Counted(-1.0, 0.5)
    return Counted.done


def test_the_counted_arithmetic_is_complex_arithmetic() -> None:
    for a, b in product((1.5 + 2j, -3j, 2 + 0j), repeat=2):
        x, y = Counted(a.real, a.imag), Counted(b.real, b.imag)
        for mine, theirs in ((x * y, a * b), (x / y, a / b), (x + y, a + b)):
            assert (mine.re, mine.im) == (theirs.real, theirs.imag)


CASES: dict[str, tuple[Any, tuple[Tensor, ...], int]] = {
    "linear": (lambda: nn.Linear(8, 4, dtype=C), (torch.empty(2, 8, dtype=C),), 2 * 8 * 4),
    "mm": (lambda: Calls(lambda _, a, b: a @ b), (torch.empty(2, 3, dtype=C), torch.empty(3, 4, dtype=C)), 24),
    "dot": (lambda: Calls(lambda _, a: torch.dot(a, a)), (torch.empty(5, dtype=C),), 5),
    "addmm": (lambda: Calls(lambda _, a: torch.addmm(a, a, a)), (torch.empty(3, 3, dtype=C),), 27),
    "einsum": (
        lambda: Calls(lambda _, a, b: torch.einsum("bix,iox->box", a, b)),
        (torch.empty(2, 3, 5, dtype=C), torch.empty(3, 4, 5, dtype=C)),
        2 * 3 * 5 * 4,
    ),
    "conv2d": (lambda: nn.Conv2d(3, 5, 3, padding=1, dtype=C), (torch.empty(2, 3, 8, 6, dtype=C),), 2 * 5 * 48 * 27),
    "same": (lambda: nn.Conv1d(3, 5, 4, padding="same", dtype=C), (torch.empty(1, 3, 8, dtype=C),), 5 * 8 * 12),
    "valid": (lambda: nn.Conv1d(3, 5, 4, padding="valid", dtype=C), (torch.empty(3, 8, dtype=C),), 5 * 5 * 12),
    "depthwise": (lambda: nn.Conv1d(4, 4, 3, groups=4, dtype=C), (torch.empty(1, 4, 8, dtype=C),), 4 * 6 * 3),
    "dilated": (lambda: nn.Conv1d(4, 2, 3, dilation=2, dtype=C), (torch.empty(1, 4, 8, dtype=C),), 2 * 4 * 12),
    "transposed": (lambda: nn.ConvTranspose1d(3, 5, 4, stride=2, dtype=C), (torch.empty(1, 3, 8, dtype=C),), 8 * 60),
}


@pytest.mark.parametrize("case", CASES)
def test_a_complex_product_is_four_real_ones(case: str) -> None:
    make, inputs, count = CASES[case]
    module = make()
    network = from_torch(module, inputs)
    done = products(count)
    assert done == Ops(mul=4 * count, add=4 * count)
    assert network.multiply_adds == 4 * count == done.mul
    assert network.parameters == sum(parameter.numel() for parameter in module.parameters())
    # The same shape as PyTorch's own three convolutions make. It warns of a copy where it pads by name.
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):
        made = module(*inputs)
    assert network.output.shape.elements == made.numel()


def test_a_bias_is_two_additions_a_value() -> None:
    assert [e.ops.add for e in from_torch(nn.Linear(8, 4, dtype=C), torch.empty(3, 8, dtype=C)).ledger] == [3 * 4 * 2]


def test_arithmetic_on_each_value() -> None:
    x, y = torch.empty(2, 3, dtype=C), torch.empty(2, 3, dtype=C)
    for function in (lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a / b):
        Counted.done = Ops()
        function(Counted(1, 2), Counted(3, 4))
        (entry,) = from_torch(Calls(lambda _, a, b, f=function: f(a, b)), (x, y)).ledger
        assert entry.ops == 6 * Counted.done
    absolute = from_torch(Calls(lambda _, a: a.abs()), (x,)).ledger.entries[0]
    assert absolute.ops == 6 * Ops(mul=2, add=1, exp=1)


def test_a_tool_that_counts_them_otherwise_has_no_rule() -> None:
    with pytest.raises(CostModelError, match="no rule for complex linear"):
        from_torch(nn.Linear(8, 4, dtype=C), torch.empty(3, 8, dtype=C)).under("flop_counter_mode")


def test_bilinear_contracts_twice() -> None:
    """Each of the first features by its weights, and each sum by one of the second: by hand 2 * (60 + 20)."""
    done = 0
    for _sample, _out in product(range(2), range(5)):
        for _second in range(4):
            done += 3  # the weights of this output and second feature, by the first features
            done += 1  # that sum by the second feature
    inputs = torch.empty(2, 3), torch.empty(2, 4)
    assert from_torch(nn.Bilinear(3, 4, 5), inputs).multiply_adds == done == 160
    weight = torch.empty(5, 3, 4)
    for function in (nn.functional.bilinear, torch.bilinear):
        module = Calls(lambda _, a, b, w, f=function: f(a, b, w))
        assert from_torch(module, (*inputs, weight)).multiply_adds == done
    with pytest.raises(CostModelError, match="other axes than bilinear's"):
        from_torch(Calls(lambda _, a: torch._trilinear(a, a, a, [], [], [], [0])), (torch.empty(4, 4),))
