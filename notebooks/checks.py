"""The checks of the exercises. Spoilers: each answer is found here, by another route than its notebook teaches.

An exercise that is not answered yet, ``...``, says so and stops nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import count, pairwise, product
from numbers import Real
from operator import index
from typing import NamedTuple

import costmodel as cm
from costmodel.core.layers import Flatten, GlobalAveragePool, Linear, conv, depthwise_conv, pointwise_conv
from costmodel.published.tables import published


class Exercise(NamedTuple):
    """What finds the answer, and what helps whoever has another."""

    answer: Callable[[], object]
    hint: str


def check(number: str, answer: object) -> None:
    """Print whether ``answer`` is that of exercise ``number``, and a hint where it is not."""
    exercise = EXERCISES[number]
    if answer is ...:
        print(f"{number}: not answered yet")
    elif agrees(answer, exercise.answer()):
        print(f"{number}: right")
    else:
        print(f"{number}: not yet. {exercise.hint}")


def agrees(answer: object, expected: object) -> bool:
    """Whole numbers agree exactly, others to three digits, words in any case."""
    if isinstance(expected, str):
        return isinstance(answer, str) and answer.strip().casefold() == expected
    number = _number(answer)
    if number is None:
        return False
    if isinstance(expected, int):
        return bool(number == expected)
    assert isinstance(expected, Fraction)
    return math.isclose(number, expected, rel_tol=1e-3)


def _number(answer: object) -> Real | None:
    """``answer`` as a number, whichever library it is from; None for what is no number."""
    if isinstance(answer, bool):
        return None
    if isinstance(answer, Real):
        return answer
    try:
        return index(answer)  # type: ignore[arg-type]
    except TypeError:
        return None


# 1: places are found by sliding, multiplications by counting.


def _places(size: int, kernel: int, stride: int, padding: int) -> list[int]:
    return list(range(-padding, size + padding - kernel + 1, stride))


def _window_multiplications(size: int, kernel: int, stride: int, padding: int) -> int:
    """For one pair of channels: one a tap, at each place."""
    starts = _places(size, kernel, stride, padding)
    return sum(1 for _ in starts for _ in starts for _ in range(kernel) for _ in range(kernel))


def _two_small_kernels() -> Fraction:
    """On one channel and a large image: taps a place."""
    return Fraction(2 * _window_multiplications(64, 3, 1, 1), _window_multiplications(64, 5, 1, 2))


# 2: the documents' ratio is searched, not solved.


def _times_cheaper(outputs: int, kernel: int) -> Fraction:
    """Counted on one input channel and one position: kernel^2 * N against kernel^2 + N."""
    return Fraction(kernel**2 * outputs, kernel**2 + outputs)


def _first_to_reach(times: int, kernel: int) -> int:
    return next(outputs for outputs in count(1) if _times_cheaper(outputs, kernel) >= times)


def _grouped_pairs(channels: int, groups: int) -> int:
    """Pairs of an input and an output of one group."""
    width = channels // groups
    return sum(into // width == out // width for into in range(channels) for out in range(channels))


def _depthwise_share(in_channels: int) -> Fraction:
    x = cm.apply(cm.image(in_channels, 7), "depthwise", depthwise_conv(in_channels, 3, padding=1))
    depthwise, pointwise = cm.Network(cm.apply(x, "pointwise", pointwise_conv(512))).ledger
    return Fraction(depthwise.ops.mac, depthwise.ops.mac + pointwise.ops.mac)


# 3 and 4: asked of whole networks, where the notebooks derive; and searched, where they solve.


def _kept_at(resolution: int) -> Fraction:
    small, large = cm.mobilenet_v1(resolution=resolution), cm.mobilenet_v1()
    return Fraction(*(net.multiply_adds - net.ledger.by("type")["linear"].multiply_adds for net in (small, large)))


def _dense_features() -> int:
    blocks = cm.mobilenet_v1(variant="standard").ledger.by("block")
    return sum(part.multiply_adds for name, part in blocks.items() if name.startswith("features"))


def _alpha_of_half() -> Fraction:
    """In steps of 1/10,000, from the two terms of the notebook."""
    parts = cm.mobilenet_v1().ledger.by("type")
    pairs = parts["conv 1x1"].multiply_adds
    rest = sum(parts[kind].multiply_adds for kind in ("conv 3x3", "depthwise conv 3x3", "linear"))
    alphas = (Fraction(step, 10_000) for step in count(1))
    return next(alpha for alpha in alphas if 2 * (pairs * alpha**2 + rest * alpha) >= pairs + rest)


def _thin_block() -> int:
    x = cm.image(24, 56)
    for name, layer in (
        ("expand", pointwise_conv(72)),
        ("depthwise", depthwise_conv(72, 3, padding=1)),
        ("project", pointwise_conv(24)),
    ):
        x = cm.apply(x, name, layer)
    return cm.Network(x).multiply_adds


def _tail_share() -> Fraction:
    net = cm.mobilenet_v2()
    blocks = net.ledger.by("block")
    return Fraction(blocks["features.18"].weights + blocks["classifier"].weights, net.weights)


def _heads_apart() -> int:
    return cm.mobilenet_v2(0.5).parameters - cm.mobilenet_v2(0.5, variant="scaled-head").parameters


# 5: one token after the other, and one channel more until it is too much.


def _pairs_at_tokens() -> int:
    return sum(1 for _token in range(10) for _into in range(64) for _out in range(64))


def _widest_body() -> int:
    def cost(outputs: int) -> int:
        x = cm.apply(cm.image(3, 224), "stem", conv(128, 7, stride=4, padding=3))
        x = cm.apply(x, "depthwise", depthwise_conv(128, 3, padding=1))
        x = cm.apply(x, "pointwise", pointwise_conv(outputs))
        x = cm.apply(cm.apply(x, "pool", GlobalAveragePool()), "flatten", Flatten())
        return cm.Network(cm.apply(x, "head", Linear(10))).multiply_adds

    return next(outputs for outputs in count(1) if cost(outputs + 1) > 300 * 10**6)


# 6: the printed number is compared with each of the possibilities.


def _left_out_of_vgg() -> str:
    net = cm.vgg16()
    linear = net.ledger.by("type")["linear"].multiply_adds
    biases = sum(entry.ops.add for entry in net.ledger if entry.ops.mac)
    totals = {
        "linear layers": net.multiply_adds - linear,
        "biases": net.multiply_adds,
        "nothing": net.multiply_adds + biases,
    }
    (rule,) = (name for name, total in totals.items() if round(total, -8) == 15_300 * 10**6)
    return rule


def _last_digits() -> str:
    exact = cm.mobilenet_v1(resolution=160).multiply_adds
    (printed,) = (
        row.madds_millions for row in published() if row.source == "arXiv:1704.04861 Table 7" and row.resolution == 160
    )
    return {round(exact / 10**6): "rounded", exact // 10**6: "cut off"}[int(printed)]


# 7: places of a stage one after the other, and all cells of NAS-Bench-201.


def _stage_networks(blocks: int, depths: tuple[int, ...]) -> int:
    """Four places: a block, or nothing from here on."""
    going, ended = 1, 0
    for place in range(1, 5):
        going, ended = going * blocks, ended + (going if place - 1 in depths else 0)
    return ended + (going if 4 in depths else 0)


def _cells_within(most: int) -> int:
    """Each operation works in five cells of each of three stages; the rest is the same for all."""
    areas = ((16, 32), (32, 16), (64, 8))
    pairs = 5 * sum(width**2 * size**2 for width, size in areas)
    rest = 9 * 3 * 16 * 32**2 + 64 * 10
    for (width, _), (wider, size) in pairwise(areas):
        rest += (9 * width * wider + 9 * wider**2 + width * wider) * size**2
    return sum(rest + sum(edges) <= most for edges in product((0, 0, 0, pairs, 9 * pairs), repeat=6))


# 8: one product after the other, and one batch more until it is too much.


def _products_of_linear_backward() -> int:
    """For each sample, the gradient of each weight and what each output sends to each input."""
    return sum(2 for _sample in range(4) for _into in range(1000) for _out in range(10))


def _largest_batch() -> int:
    net = cm.mobilenet_v2()
    return next(batch for batch in count(1) if net.training(batch=batch + 1).peak_bytes >= 24 * 10**9)


EXERCISES = {
    "1.1": Exercise(
        lambda: len(_places(225, 3, 2, 1)),
        "Slide it: the first place starts at -1, the last must end at 225 or before.",
    ),
    "1.2": Exercise(
        lambda: 32 * 64 * _window_multiplications(28, 5, 2, 2),
        "First the size of the output: it is not 28. Then K*K*M*N*D*D.",
    ),
    "1.3": Exercise(_two_small_kernels, "The channels and the size cancel. Count taps: 3*3 twice, against 5*5."),
    "1.4": Exercise(
        lambda: 3 * 64 * _window_multiplications(224, 11, 4, 2),
        "The output is 55x55. Every output value looks at 11*11 places in 3 channels.",
    ),
    "2.1": Exercise(lambda: Fraction(25), "1/N goes to 0. What is left of 1/N + 1/K^2?"),
    "2.2": Exercise(lambda: _first_to_reach(8, kernel=3), "Solve 9N/(N + 9) = 8."),
    "2.3": Exercise(
        lambda: _grouped_pairs(240, groups=3) * 28 * 28,
        "A standard one has 240*240 connections; three groups have a third. Each is used at 28*28 places.",
    ),
    "2.4": Exercise(
        lambda: _depthwise_share(64),
        "K*K*M against K*K*M + M*512: divide both by M.",
    ),
    "3.1": Exercise(lambda: cm.mobilenet_v1(0.5, 160).multiply_adds, "Ask cm.mobilenet_v1(alpha, resolution)."),
    "3.2": Exercise(
        lambda: _kept_at(96), "Every map has (96/224)^2 of its places: 96 and 224 are both divisible by 32."
    ),
    "3.3": Exercise(_dense_features, 'The variant is called "standard". Its classifier has 1024*1000 multiply-adds.'),
    "3.4": Exercise(_alpha_of_half, "Solve A*alpha^2 + B*alpha = (A + B)/2, with A and B from above."),
    "4.1": Exercise(_thin_block, "(2c + 9)tc at each of 56*56 places."),
    "4.2": Exercise(
        lambda: sum(entry.kind == "add" for entry in cm.mobilenet_v2().ledger),
        "Stride 1 and as many channels out as in. Look at the ledger: entry.kind is 'add'.",
    ),
    "4.3": Exercise(_tail_share, "320*1280 and 1280*1000, over all weights."),
    "4.4": Exercise(_heads_apart, "Build both: document 003's is the variant 'scaled-head'."),
    "5.1": Exercise(_pairs_at_tokens, "A linear layer works at each token: 64*64 weights, 10 times."),
    "5.2": Exercise(lambda: 10 * 10**6 * 8 // 32, "Four bytes each."),
    "5.3": Exercise(_widest_body, "stem + 56*56*(9*128 + 128*N) + 10*N <= 300,000,000."),
    "6.1": Exercise(lambda: cm.mobilenet_v2(1.4).multiply_adds, "Ask cm.mobilenet_v2(alpha)."),
    "6.2": Exercise(_left_out_of_vgg, "Try each: with which of them left out is the total 15.3 thousand million?"),
    "6.3": Exercise(_last_digits, "Count it first. Is the next digit after 290 a 5 or more?"),
    "6.4": Exercise(lambda: round(cm.mobilenet_v1(0.5).multiply_adds / 10**6), "Count it, and look at the next digit."),
    "7.1": Exercise(lambda: _stage_networks(3, (2, 3, 4)) ** 5, "A block has three choices now. Then as above."),
    "7.2": Exercise(
        lambda: Fraction(_stage_networks(9, (4,)), _stage_networks(9, (2, 3, 4))) ** 5,
        "The share of one stage, five times over.",
    ),
    "7.3": Exercise(lambda: _cells_within(50 * 10**6), 'Ask cm.space("nas_bench_201").within.'),
    "8.1": Exercise(
        _products_of_linear_backward, "The gradient of its weights, and that of its input: each as much as forward."
    ),
    "8.2": Exercise(
        lambda: sum(2 * 4 * entry.params.parameters for entry in cm.resnet50().ledger),
        "Two numbers of four bytes for each parameter.",
    ),
    "8.3": Exercise(_largest_batch, "net.training(batch=...).peak_bytes grows by the same for each image: divide."),
}
