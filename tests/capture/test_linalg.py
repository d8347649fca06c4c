"""Factorizations, systems and Fourier transforms: their arithmetic, by doing it in loops and counting."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from costmodel import CostModelError, Ops
from costmodel.capture.torch.api import from_torch
from tests.capture.modules import Calls


def eliminated(size: int) -> Ops:
    """Gauss's elimination, by loops."""
    done = Ops()
    for step in range(size):
        for _row in range(step + 1, size):
            done += Ops(cmp=1, div=1)
            for _column in range(step + 1, size):
                done += Ops(mul=1, add=1)
    return done


def substituted(size: int, columns: int, unit: bool = False) -> Ops:
    """A triangular system, row by row."""
    done = Ops()
    for _column in range(columns):
        for row in range(size):
            for _known in range(row):
                done += Ops(mul=1, add=1)
            done += Ops() if unit else Ops(div=1)
    return done


def rooted(size: int) -> Ops:
    """Cholesky's factor, value by value."""
    done = Ops()
    for row in range(size):
        for column in range(row + 1):
            for _known in range(column):
                done += Ops(mul=1, add=1)
            done += Ops(exp=1) if row == column else Ops(div=1)
    return done


def work(function: Any, *inputs: Tensor) -> Ops:
    network = from_torch(Calls(lambda _, *given: function(*given)), inputs)
    assert network.multiply_adds == 0
    return sum((entry.ops for entry in network.ledger), Ops())


SQUARE, RIGHT = torch.empty(3, 5, 5), torch.empty(3, 5, 2)


def test_factors() -> None:
    assert work(torch.linalg.lu_factor, SQUARE) == 3 * eliminated(5)
    assert work(torch.linalg.cholesky, SQUARE) == 3 * rooted(5)
    assert work(torch.linalg.det, SQUARE) == 3 * (eliminated(5) + Ops(mul=5))


def test_systems() -> None:
    both = substituted(5, 2, unit=True) + substituted(5, 2)
    assert work(torch.linalg.solve, SQUARE, RIGHT) == 3 * (eliminated(5) + both)
    assert work(torch.linalg.solve, SQUARE[0], RIGHT[0, :, 0]) == eliminated(5) + substituted(
        5, 1, unit=True
    ) + substituted(5, 1)
    assert work(torch.cholesky_solve, RIGHT, SQUARE) == 3 * 2 * substituted(5, 2)
    lower = Calls(lambda _, a, b: torch.linalg.solve_triangular(a, b, upper=False))
    assert from_torch(lower, (SQUARE, RIGHT)).ledger.entries[0].ops == 3 * substituted(5, 2)


def test_a_fourier_transform_is_five_n_log_n() -> None:
    signal = torch.empty(2, 64)
    assert sum(work(torch.fft.fft, torch.empty(2, 64, dtype=torch.complex64))) == 2 * 5 * 64 * math.log2(64)
    assert sum(work(torch.fft.rfft, signal)) == 2 * 5 * 64 * math.log2(64) / 2
    back = work(torch.fft.irfft, torch.empty(2, 33, dtype=torch.complex64))
    assert sum(back) == 2 * 5 * 64 * math.log2(64) / 2 + signal.numel()  # divided by n at the end


def test_products_of_eight_bits_multiply_as_others_do() -> None:
    left, right = torch.empty(32, 16, dtype=torch.int8), torch.empty(16, 24, dtype=torch.int8)
    assert from_torch(Calls(lambda _, a, b: torch._int_mm(a, b)), (left, right)).multiply_adds == 32 * 16 * 24
    a, b = torch.empty(16, 32).to(torch.float8_e4m3fn), torch.empty(48, 32).to(torch.float8_e4m3fn)
    scale = torch.empty(1)
    scaled = Calls(lambda _, a, b, s, t: torch._scaled_mm(a, b.t(), s, t, out_dtype=torch.bfloat16))
    network = from_torch(scaled, (a, b, scale, scale.clone()))
    assert network.multiply_adds == 16 * 32 * 48
    assert sum(entry.ops.mul for entry in network.ledger) == 2 * 16 * 48


def test_steps_that_depend_on_the_values_have_no_rule_yet() -> None:
    with pytest.raises(CostModelError, match=r"nobody has decided what aten\._linalg_svd costs"):
        work(torch.linalg.svd, SQUARE)
