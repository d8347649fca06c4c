"""costmodel layer: what it prints and what it refuses."""

from __future__ import annotations

import json

import pytest

from tests.cli_runner import refusal, run


def counted(*arguments: str) -> dict[str, object]:
    answer = run("layer", *arguments, "--format", "json")
    assert answer.status == 0, answer
    found: dict[str, object] = json.loads(answer.out)
    return found


def test_separable_prints_its_parts_the_standard_convolution_and_the_ratio() -> None:
    lines = run("layer", "separable", "--input", "128x56x56", "--out", "256", "--kernel", "3").out.splitlines()
    assert lines[0].startswith("106,373,120 multiply-adds = 212.7 MFLOPs; 33,920 parameters")
    assert lines[2] == "Replaces a standard conv 3x3: 924,844,032 multiply-adds, 294,912 weights."
    assert lines[3] == ("106,373,120 / 924,844,032 = 1/256 + 1/9 = 0.11502: 8.69 times fewer (F4; documents 000, 004).")
    depthwise, pointwise = lines[7:9]
    assert depthwise.split()[:1] == ["separable.depthwise"]
    assert "3,612,672" in depthwise  # 3*3 * 128 * 56*56
    assert "102,760,448" in pointwise  # 128 * 256 * 56*56


def test_separable_json_has_the_exact_ratio() -> None:
    found = counted("separable", "--input", "128x56x56", "--out", "256", "--kernel", "3")
    assert found["ratio"] == {"numerator": 265, "denominator": 2304}
    assert found["standard"] == {"multiply_adds": 924_844_032, "parameters": 294_912, "weights": 294_912}
    assert (found["multiply_adds"], found["weights"]) == (106_373_120, 33_920)


def test_document_000s_wrong_figure_is_told() -> None:
    arguments = ("--input", "3x227x227", "--out", "6", "--kernel", "11", "--stride", "4", "--groups", "3")
    text = run("layer", "grouped", *arguments).out
    assert "3x227x227 to 6x55x55" in text
    assert "Weights: 11*11 * 3/3 * 6 = 726 (F5; document 000)." in text
    assert "FLOPs by document 000, which counts a bias for every output: 4,410,450 (F6)." in text
    assert (
        "Document 000 prints 2,205,225 FLOPs for this layer; its own formula gives 4,410,450: it dropped a factor of 2"
        " by summing half of the output channels." in text
    )
    # The same layer on another image is not the document's example.
    assert "2,205,225" not in run("layer", "grouped", "--input", "3x231x227", *arguments[2:]).out


def test_an_inverted_residual_adds_its_input_only_where_it_can() -> None:
    same = run("layer", "inverted-residual", "--input", "24x56x56", "--out", "24", "--kernel", "3").out
    wider = run("layer", "inverted-residual", "--input", "24x56x56", "--out", "32", "--kernel", "3").out
    plain = run("layer", "inverted-residual", "--input", "24x56x56", "--out", "24", "--kernel", "3", "--expansion", "1")
    assert "inverted-residual.add" in same
    assert "inverted-residual.add" not in wider
    assert "inverted-residual.expand" in same
    assert "inverted-residual.expand" not in plain.out


def test_the_window_that_was_asked_for_is_shown() -> None:
    arguments = ("--input", "8x9x9", "--out", "8", "--kernel", "1", "--stride", "2")
    subject = run("layer", "inverted-residual", *arguments).out.splitlines()[1]
    assert subject == "inverted-residual: 8x9x9 to 8x5x5; kernel 1x1, stride 2x2, padding same, groups 48, no bias"
    transposed = run("layer", "transposed", *arguments, "--output-padding", "1").out.splitlines()[1]
    assert transposed.endswith("stride 2x2, padding 0x0, no bias, output padding 1x1")
    assert run("layer", "linear", "--input", "8", "--out", "8", "--bias").out.splitlines()[1].endswith("with bias")


def test_a_separable_layer_that_costs_more_is_said_to() -> None:
    lines = run("layer", "separable", "--input", "8x9x9", "--out", "1", "--kernel", "1").out.splitlines()
    assert lines[3] == "1,296 / 648 = 1/1 + 1/1 = 2.00000: 2.00 times as many (F4; documents 000, 004)."


@pytest.mark.parametrize("style", ["text", "csv", "markdown", "latex"])
def test_every_format_has_the_parts(style: str) -> None:
    arguments = ("--input", "128x56x56", "--out", "256", "--kernel", "3", "--format", style)
    text = run("layer", "separable", *arguments).out
    assert ("3612672" if style == "csv" else "3,612,672") in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("conv", "--input", "3x5x5", "--out", "8", "--kernel", "7"),
            "conv: a 7x7 kernel does not fit on a 5x5 input with padding 0x0; use a larger input, a smaller kernel or"
            " more padding",
        ),
        (
            ("grouped", "--input", "64x9x9", "--out", "64", "--kernel", "3", "--groups", "5"),
            "grouped: groups=5 does not divide 64 output channels; groups=4 does",
        ),
        (
            ("conv", "--input", "12x9x9", "--out", "16", "--kernel", "3", "--groups", "8"),
            "conv: groups=8 does not divide 12 input channels; groups=4 does",
        ),
        (
            ("conv", "--input", "64", "--out", "8", "--kernel", "3"),
            "conv: --input=64 has channels but no size to convolve; write 64x56 or 64x56x56",
        ),
        (("conv", "--input", "3x9x9", "--out", "8"), "Missing option '--kernel'."),
        (
            ("conv", "--input", "3x9x9", "--out", "8", "--kernel", "3x3x3"),
            "conv: a 3x3x3 kernel needs an input with 3 spatial sizes, 3x9x9 has 2; give one size an axis: (3,) is 1-D",
        ),
        (
            ("conv", "--input", "3x9x9", "--out", "8", "--kernel", "3", "--padding", "1:"),
            "Invalid value for '--padding': '1:' is not a padding; write same, valid, 1, 1x2 (an axis each) or 0:1x0:1"
            " (before and after)",
        ),
        (
            ("conv", "--input", "3x9x9", "--out", "8", "--kernel", "3", "--padding", "0:1x1x2"),
            "conv: padding=0:1x1x2 has 3 axes, the kernel 3x3 has 2; give one number, or one an axis",
        ),
        (
            ("transposed", "--input", "3x9x9", "--out", "8", "--kernel", "3", "--output-padding", "1x1x1"),
            "transposed: output_padding=1x1x1 has 3 axes, the kernel 3x3 has 2; give one number, or one an axis",
        ),
        (
            ("linear", "--input", "3x9x9", "--out", "8"),
            "linear: a linear layer reads a vector or a sequence, 3x9x9 is a map; flatten it first, or use a pointwise"
            " convolution, which is a linear layer at each position",
        ),
        (
            ("transposed", "--input", "3x9x9", "--out", "8", "--kernel", "3", "--padding", "same"),
            "transposed: padding='same' means nothing for a transposed convolution; give a number, as in 1",
        ),
        (
            ("conv", "--input", "3x9x9", "--out", "8", "--kernel", "0"),
            "Invalid value for '--kernel': size=0 must be a whole number of at least 1",
        ),
        (
            ("inverted-residual", "--input", "8x9x9", "--out", "8", "--kernel", "3", "--padding", "0"),
            "inverted-residual.add: cannot add 8x9x9 and 8x7x7; the shapes must be equal: project one, or match the"
            " strides",
        ),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert refusal("layer", *arguments) == message
