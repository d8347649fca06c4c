"""Factorizations, systems of equations and Fourier transforms: textbook algorithms, none of it multiply-adds.

A convention of multiply-adds means products of matrices, so what these multiply and add is apart: ``mul`` and ``add``.
Sources: Golub and Van Loan, Matrix Computations, algorithms 3.1.1 (triangular systems), 3.4.1 (LU with partial
pivoting) and 4.2.1 (Cholesky); for Fourier transforms the FFTW page "FFT Benchmark Methodology": 5 N log2(N) of a
complex transform and half of that for a real one, with log2 rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from costmodel.capture.torch.ops.handler_utils import Arguments, Handler, known_among, rest
from costmodel.capture.torch.tensors import tensors
from costmodel.core.counts import Ops
from costmodel.core.layers import Operation

if TYPE_CHECKING:
    from costmodel.capture.torch.tape import Tape


def lu(rows: int, columns: int) -> Ops:
    """LU with partial pivoting of ``rows`` x ``columns`` numbers, and the comparisons that find the pivots.

    >>> lu(3, 3)
    Ops(mac=0, add=5, mul=5, div=3, cmp=3, exp=0)
    """
    steps = range(1, min(rows, columns) + 1)
    products = sum((rows - step) * (columns - step) for step in steps)
    below = sum(rows - step for step in steps)
    return Ops(mul=products, add=products, div=below, cmp=below)


def cholesky(size: int) -> Ops:
    """A = L L^T of ``size`` rows, with as many roots."""
    products = (size**3 - size) // 6
    return Ops(mul=products, add=products, div=size * (size - 1) // 2, exp=size)


def triangular(size: int, columns: int, unit: bool = False) -> Ops:
    """One triangular system of ``size`` rows for so many ``columns``; a ``unit`` one has ones on its diagonal."""
    products = columns * size * (size - 1) // 2
    return Ops(mul=products, add=products, div=0 if unit else columns * size)


def fourier(sizes: list[int], numbers: int, real: bool) -> Ops:
    """Transforms along axes of these ``sizes``, of so many ``numbers`` in all; of ``real`` ones, or back to them.

    >>> sum(fourier([8], 8, real=False))  # 5 * 8 * 3
    120
    """
    flops = 5 * numbers * sum((size - 1).bit_length() for size in sizes) // (2 if real else 1)
    return Ops(mul=2 * flops // 5, add=flops - 2 * flops // 5)


def _both(size: int, columns: int) -> Ops:
    """The two triangular systems of an LU, whose L has ones on its diagonal."""
    return triangular(size, columns, unit=True) + triangular(size, columns)


def _fourier(tape: Tape, name: str, args: Arguments, output: Tensor) -> None:
    x = args["self"]
    whole = output if name == "_fft_c2r" else x  # where all numbers of a real transform are
    real = not (x.is_complex() and output.is_complex())
    work = fourier([whole.shape[axis] for axis in args["dim"]], whole.numel(), real)
    if args["normalization"]:
        work += Ops(mul=output.numel() * (2 if output.is_complex() else 1))
    _written(tape, name, args, output, work, real=True)


def _factored(work: Callable[[int, int], Ops]) -> Handler:
    """Of one matrix, by its rows and columns; a batch does it for each."""

    def handle(tape: Tape, name: str, args: Arguments, output: Any) -> None:
        *many, rows, columns = next(value for value in args.values() if isinstance(value, Tensor)).shape
        _written(tape, name, args, output, math.prod(many) * work(rows, columns))

    return handle


def _solved(matrix: str, right: str, work: Callable[[Arguments, int, int], Ops]) -> Handler:
    """Systems of one ``matrix`` for each column of the ``right`` sides."""

    def handle(tape: Tape, name: str, args: Arguments, output: Any) -> None:
        size = args[matrix].shape[-1]
        vector = args[right].dim() == 1 or (name == "_linalg_solve_ex" and args[right].shape == args[matrix].shape[:-1])
        columns = 1 if vector else args[right].shape[-1]
        many = tensors(output)[0].numel() // max(size * columns, 1)
        _written(tape, name, args, output, many * work(args, size, columns))

    return handle


def _written(tape: Tape, name: str, args: Arguments, output: Any, work: Ops, real: bool = False) -> None:
    made, kind = tensors(output)[0], name.strip("_").removesuffix("_ex")
    if reads := known_among(tape, args):
        layer = Operation(kind, tape.output_shape(made, reads), work)
        tape.add(kind, layer, reads, made, others=rest(output, made), real=real)


LINALG: dict[str, Handler] = {
    **dict.fromkeys(("_fft_r2c", "_fft_c2c", "_fft_c2r"), _fourier),
    **dict.fromkeys(("linalg_lu", "linalg_lu_factor_ex"), _factored(lu)),
    "_linalg_det": _factored(lambda size, _: lu(size, size) + Ops(mul=size)),
    "_linalg_slogdet": _factored(lambda size, _: lu(size, size) + Ops(exp=size, add=size)),
    "linalg_cholesky_ex": _factored(lambda size, _: cholesky(size)),
    "_linalg_solve_ex": _solved("A", "B", lambda _, size, columns: lu(size, size) + _both(size, columns)),
    "linalg_lu_solve": _solved("LU", "B", lambda _, size, columns: _both(size, columns)),
    "cholesky_solve": _solved("input2", "self", lambda _, size, columns: 2 * triangular(size, columns)),
    "linalg_solve_triangular": _solved(
        "self", "B", lambda args, size, columns: triangular(size, columns, args["unitriangular"])
    ),
}
