"""Each formula against nested loops that count, and against the documents' worked figures."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import numpy
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from costmodel import formulas
from tests.loops import convolve, convolve_transposed, starts
from tests.strategies import Window, windows

small_windows = windows(largest=5, channels=2)


@given(
    st.integers(1, 60), st.integers(1, 9), st.integers(1, 5), st.integers(0, 4), st.integers(0, 4), st.integers(1, 4)
)
def test_output_size_is_the_number_of_places_a_kernel_fits(
    size: int, kernel: int, stride: int, before: int, after: int, dilation: int
) -> None:
    places = len(starts(size, kernel, stride, before, after, dilation))
    assert max(0, formulas.output_size(size, kernel, stride, before + after, dilation)) == places


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 5), st.integers(0, 3), st.integers(0, 3))
def test_ceil_mode_adds_windows_until_the_end_is_covered(
    size: int, kernel: int, stride: int, before: int, after: int
) -> None:
    if size + before + after < kernel:
        return  # no window fits at all; the layers refuse that
    windows, start = 0, -before
    # A window starts on the input or on the padding before it, and only while something is left to cover.
    while start < size and (windows == 0 or start + kernel - stride < size + after):
        windows += 1
        start += stride
    assert min(formulas.ceil_output_size(size, kernel, stride, before, after)) == windows


@given(st.integers(1, 60), st.integers(1, 60))
def test_adaptive_windows_read_from_floor_to_ceil(size: int, outputs: int) -> None:
    reads = 0
    for index in range(outputs):
        start, end = (index * size) // outputs, -(-((index + 1) * size) // outputs)
        reads += len(range(start, end))
    assert formulas.adaptive_pool_reads(size, outputs) == reads


@given(st.integers(1, 60), st.integers(1, 7))
def test_same_output_size_is_every_stride_th_position(size: int, stride: int) -> None:
    assert formulas.same_output_size(size, stride) == len(range(0, size, stride))


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 4), st.integers(0, 3), st.integers(0, 3))
def test_ceil_mode_slides_until_the_end_is_reached_and_starts_before_it(
    size: int, kernel: int, stride: int, before: int, after: int
) -> None:
    kernel = min(kernel, before + size + after)
    windows, start, reached = 0, -before, False
    while not reached and start < size:
        windows, reached, start = windows + 1, start + kernel >= size + after, start + stride
    assert min(formulas.ceil_output_size(size, kernel, stride, before, after)) == windows


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_window_with_no_further_choices_is_dense_and_unpadded(size: int, kernel: int) -> None:
    places = sum(1 for start in range(size) if start + kernel <= size)
    assert max(0, formulas.output_size(size, kernel)) == max(0, min(formulas.ceil_output_size(size, kernel))) == places
    assert formulas.same_output_size(size) == size
    spread = {place + tap for place in range(size) for tap in range(kernel)}
    assert formulas.transposed_output_size(size, kernel) == len(spread)


@given(small_windows)
def test_convolution_counts_every_multiplication_and_every_weight(window: Window) -> None:
    tally = convolve(
        window.spatial,
        window.in_channels,
        window.out_channels,
        window.kernel,
        window.stride,
        window.sides,
        window.dilation,
        window.groups,
    )
    area, channels = prod(window.kernel), (window.in_channels, window.out_channels)
    macs = formulas.conv_multiply_adds(len(tally.positions), *channels, area, window.groups)
    assert macs == tally.multiplications
    assert formulas.conv_weights(*channels, area, window.groups) == len(tally.weights)
    # F6 counts a multiplication and an addition for each of them, and a bias for each output.
    flops = formulas.conv_flops_with_bias(len(tally.positions), *channels, area, window.groups)
    assert flops == 2 * tally.multiplications + len(tally.positions) * window.out_channels


@given(small_windows)
def test_transposed_convolution_spreads_every_input_over_the_kernel(window: Window) -> None:
    tally = convolve_transposed(
        window.spatial,
        window.in_channels,
        window.out_channels,
        window.kernel,
        window.stride,
        window.dilation,
        window.groups,
    )
    channels = (window.in_channels, window.out_channels)
    macs = formulas.conv_multiply_adds(prod(window.spatial), *channels, prod(window.kernel), window.groups)
    assert macs == tally.multiplications
    assert formulas.conv_weights(*channels, prod(window.kernel), window.groups) == len(tally.weights)
    # The loop writes the whole, uncut output: no padding is taken off and no rim is added.
    axes = zip(window.spatial, window.kernel, window.stride, window.dilation, strict=True)
    sizes = tuple(formulas.transposed_output_size(size, k, s, dilation=d) for size, k, s, d in axes)
    assert sizes == tally.sizes()


@given(
    st.integers(1, 40), st.integers(1, 7), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3), st.integers(0, 3)
)
def test_a_transposed_convolution_undoes_the_output_size(
    size: int, kernel: int, stride: int, pad: int, dilation: int, extra: int
) -> None:
    grown = formulas.transposed_output_size(size, kernel, stride, 2 * pad, dilation, extra % stride)
    assert formulas.output_size(grown, kernel, stride, 2 * pad, dilation) == size


@given(st.integers(1, 6), st.integers(1, 12), st.integers(1, 12))
def test_linear_counts_every_multiplication(positions: int, features: int, outputs: int) -> None:
    multiplications = sum(1 for _ in range(positions) for _ in range(outputs) for _ in range(features))
    weights = {(i, o) for i in range(features) for o in range(outputs)}
    assert formulas.linear_multiply_adds(positions, features, outputs) == multiplications
    assert formulas.linear_weights(features, outputs) == len(weights)


@given(st.integers(1, 8), st.integers(1, 8), st.tuples(st.integers(1, 3), st.integers(1, 3)), st.integers(3, 6))
def test_separable_ratio_is_that_of_counted_multiplications(
    in_channels: int, out_channels: int, kernel: tuple[int, int], size: int
) -> None:
    grid = ((size, size), (1, 1), ((0, 0), (0, 0)), (1, 1))
    spatial, stride, sides, dilation = grid
    standard = convolve(spatial, in_channels, out_channels, kernel, stride, sides, dilation, 1)
    depthwise = convolve(spatial, in_channels, in_channels, kernel, stride, sides, dilation, in_channels)
    reduced = depthwise.sizes()
    pointwise = convolve(reduced, in_channels, out_channels, (1, 1), stride, sides, dilation, 1)
    counted = Fraction(depthwise.multiplications + pointwise.multiplications, standard.multiplications)
    stored = Fraction(len(depthwise.weights) + len(pointwise.weights), len(standard.weights))
    ratio = Fraction(*formulas.separable_ratio(out_channels, prod(kernel)))
    assert ratio == counted == stored == Fraction(1, out_channels) + Fraction(1, prod(kernel))


def test_norm_affine_is_a_gamma_and_a_beta_a_channel() -> None:
    assert formulas.norm_affine(7) == len([(name, c) for name in ("gamma", "beta") for c in range(7)])


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pad", "expected"),
    [
        (224, 3, 2, 1, 112),  # document 004
        (227, 11, 4, 0, 55),  # document 000
        (32, 5, 1, 0, 28), (28, 2, 2, 0, 14), (14, 5, 1, 0, 10), (10, 2, 2, 0, 5),  # document 003, LeNet
        (224, 11, 4, 2, 55), (55, 3, 2, 0, 27), (27, 5, 1, 2, 27), (27, 3, 2, 0, 13), (13, 3, 1, 1, 13),
        (13, 3, 2, 0, 6),  # document 003, AlexNet
    ],
)  # fmt: skip
def test_output_sizes_that_the_documents_print(size: int, kernel: int, stride: int, pad: int, expected: int) -> None:
    assert formulas.output_size(size, kernel, stride, 2 * pad) == expected


def test_document_000_grouped_example_and_its_error() -> None:
    assert formulas.conv_weights(3, 6, 11 * 11, groups=3) == 726
    exact = formulas.conv_flops_with_bias(55 * 55, 3, 6, 11 * 11, groups=3)
    assert exact == 4_410_450
    # The printed figure sums 3 of the 6 output channels.
    assert formulas.conv_flops_with_bias(55 * 55, 3, 3, 11 * 11, groups=3) == 2_205_225
    # Without groups, every output channel reads all 3 of the input, and not 1.
    ungrouped = formulas.conv_flops_with_bias(55 * 55, 3, 6, 11 * 11)
    assert ungrouped == 6 * 55 * 55 * (2 * 3 * 11 * 11 + 1)


def test_document_001_parameter_counts() -> None:
    assert formulas.conv_weights(3, 16, 3 * 3) == 3 * 3 * 3 * 16
    depthwise = formulas.conv_weights(3, 3, 3 * 3, groups=3)
    assert depthwise + formulas.conv_weights(3, 16, 1) == 3 * 3 * 3 * 1 + 1 * 1 * 3 * 16


def test_document_004_worked_figures() -> None:
    positions = 56 * 56
    standard = formulas.conv_multiply_adds(positions, 128, 256, 9)
    separable = formulas.conv_multiply_adds(positions, 128, 128, 9, groups=128) + formulas.conv_multiply_adds(
        positions, 128, 256, 1
    )
    assert (standard, separable) == (924_844_032, 106_373_120)
    assert round(separable / standard, 3) == 0.115
    assert round(standard / separable, 1) == 8.7


@given(st.integers(1, 10**6))
def test_separable_is_never_nine_times_cheaper_for_k_3(out_channels: int) -> None:
    ratio = Fraction(*formulas.separable_ratio(out_channels, 9))
    assert 1 / ratio == Fraction(9 * out_channels, out_channels + 9) < 9


def test_formulas_read_symbols() -> None:
    k, m, n, size = sympy.symbols("K M N D", positive=True, integer=True)
    assert formulas.conv_multiply_adds(size**2, m, n, k**2) == k**2 * m * n * size**2
    top, bottom = formulas.separable_ratio(n, k**2)
    assert sympy.simplify(top / bottom - 1 / n - 1 / k**2) == 0
    assert formulas.output_size(size, 3, 1, 2) == size


def test_formulas_read_arrays() -> None:
    sizes = numpy.arange(32, 321)
    expected = [len(starts(size, 3, 2, 1, 1, 1)) for size in sizes.tolist()]
    assert formulas.output_size(sizes, 3, 2, 2).tolist() == expected
