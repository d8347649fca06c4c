"""``costmodel formula``: the closed form in three formats, the derivation, every refusal."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import costmodel as cm
from costmodel.report.formula import FormulaReport
from costmodel.scaling.closed_form.over_resolutions import over_resolutions
from tests.cli_runner import refusal, run
from tests.zoo import CONVOLUTIONAL


def lines_of(*arguments: str) -> list[str]:
    answer = run("formula", *arguments)
    assert (answer.status, answer.err) == (0, "")
    return answer.out.splitlines()


def test_the_answer_comes_first_then_where_it_holds() -> None:
    lines = lines_of("mobilenet_v1")
    assert lines[:5] == [
        "multiply-adds = 11,010,048 a^2 rho^2 + 576,000 a rho^2 + 1,024,000 a",
        "parameters = 3,139,584 a^2 + 1,091,392 a + 1,000",
        "mobilenet_v1: alpha a, resolution 32 rho, 1000 classes",
        "Source: arXiv:1704.04861 Table 1",
        "Exact at alphas that are multiples of 1/4, which round no width, and resolutions 32 rho, from 32 on.",
    ]


def test_each_term_says_which_layers_it_is_from() -> None:
    rows = [re.split(r" {2,}", line) for line in lines_of("mobilenet_v1")]
    first, last = "features.1.depthwise.conv", "features.13.depthwise.conv"
    assert ["multiply-adds", "a rho^2", "354,816", "13", "depthwise conv 3x3", f"{first} to {last}"] in rows
    assert ["multiply-adds", "a rho^2", "221,184", "1", "conv 3x3", "features.0.conv"] in rows
    assert ["parameters", "1", "1,000", "1", "linear", "classifier"] in rows
    # 221,184 + 354,816 = 576,000: the parts of a term add up to it
    parts: dict[tuple[str, str], int] = {}
    for row in rows:
        if row[0] in ("multiply-adds", "parameters") and len(row) == 6 and row[3].isdigit():
            key = (row[0], row[1])
            parts[key] = parts.get(key, 0) + int(row[2].replace(",", ""))
    assert list(parts.values()) == [11_010_048, 576_000, 1_024_000, 3_139_584, 1_091_392, 1_000]


def test_rounding_is_shown_at_the_published_alphas() -> None:
    lines = lines_of("mobilenet_v2")
    rows = [line.split() for line in lines[-7:]]
    assert [row[0] for row in rows] == ["0.25", "0.35", "0.5", "0.75", "1", "1.3", "1.4"]
    for row in rows:
        network = cm.mobilenet_v2(alpha=float(row[0]))
        true, claimed = (int(cell.replace(",", "")) for cell in row[1:3])
        assert true == network.multiply_adds
        assert row[3] == f"{100 * (true - claimed) / claimed:.2f}"
        assert int(row[5].replace(",", "")) == network.parameters


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2:scaled-head", "mnasnet"])
def test_rounding_is_measured_in_steps_between_the_published_alphas(name: str) -> None:
    """By the sweep's integers, and a parabola through three alphas that round nothing: 1, 2 and 3."""
    counted = {
        row.alpha: row.multiply_adds
        for row in cm.sweep(
            name, alpha=[*(step / 200 for step in range(50, 281)), 2.0, 3.0], resolution=224
        ).itertuples()
    }
    one, two, three = counted[1.0], counted.pop(2.0), counted.pop(3.0)
    square, line = (three - 2 * two + one) / 2, (8 * two - 3 * three - 5 * one) / 2
    rest = one - square - line
    off = {alpha: true / (square * alpha**2 + line * alpha + rest) - 1 for alpha, true in counted.items()}
    least, most = min(off, key=off.__getitem__), max(off, key=off.__getitem__)
    assert (
        f"Rounding of the widths moves the multiply-adds by {100 * off[least]:.2f} % (alpha {least:g})"
        f" to {100 * off[most]:.2f} % (alpha {most:g}), of alphas from 0.25 to 1.4 in steps of 0.005 at resolution 224."
    ) in lines_of(name)
    assert {least, most}.isdisjoint({0.25, 0.35, 0.5, 0.75, 1.0, 1.3, 1.4}), "the table alone would not show it"


def test_two_ranges_of_alpha_are_two_lines_each() -> None:
    lines = lines_of("mobilenet_v2")
    assert lines[0].endswith(" + 1,280,000, for a up to 1")
    assert lines[1].endswith(" + 1,280,000 a, for a from 1 on")
    lines = lines_of("shufflenet_v1")
    assert lines[1].endswith("for a from 1 to below 2")
    assert "multiples of 1/4 for a up to 1 and alphas that are multiples of 1/20 for a from 1 to below 2" in lines[6]


def test_a_row_a_layer_is_its_own_formula() -> None:
    rows = [re.split(r" {2,}", line) for line in lines_of("resnet18", "--by", "layer")]
    assert ["stem.conv1.conv", "conv 7x7", "2,408,448 rho^2", "9,408"] in rows
    assert ["classifier", "linear", "512,000", "513,000"] in rows
    assert ["features.5.project.conv", "conv 1x1", "36,864 a^2 rho^2", "4,608 a^2"] not in rows
    scaled = [re.split(r" {2,}", line) for line in lines_of("mobilenet_v1", "--by", "layer")]
    assert ["features.1.pointwise.conv", "conv 1x1", "524,288 a^2 rho^2", "2,048 a^2"] in scaled


def test_without_alpha_nothing_is_rounded() -> None:
    lines = lines_of("resnet50")
    assert lines[0] == "multiply-adds = 83,410,944 rho^2 + 2,048,000"
    assert lines[4] == "Exact at resolutions 32 rho, from 32 on."
    assert "Rounding" not in "\n".join(lines)
    assert lines_of("lenet")[4] == "Exact at resolutions 32 to 34 that 2 divides."
    fixed = lines_of("mobilenet_v2", "--alpha", "0.35")
    assert fixed[5] == "Alpha is 0.35, its widths rounded."
    assert "Rounding" not in "\n".join(fixed)
    assert "use 0.5, 1.0, 1.5, 2.0; this is alpha 1." in lines_of("shufflenet_v2")[5]


def pasted(name: str, *options: str) -> Any:
    """The function that ``--format python`` prints, as somebody who pastes it has it."""
    return executed(name, run("formula", name, *options, "--format", "python").out)


def executed(name: str, code: str) -> Any:
    scope: dict[str, Any] = {}
    assert "costmodel" not in re.sub(r'"""[^"]*"""', "", code), "it must run without costmodel"
    exec(code, scope)
    return scope[re.sub(r"\W", "_", name)]


@pytest.mark.slow
@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_the_python_function_runs_and_is_right(name: str) -> None:
    form = cm.closed_form(name)
    function = executed(name, FormulaReport(form).python())
    resolution = form.resolutions.step * (form.resolutions.last or form.resolutions.first + 3)
    for piece in form.pieces:
        if piece.alphas is None:
            network = cm.load(name, resolution=resolution)
            assert function(resolution=resolution) == (network.multiply_adds, network.parameters)
            continue
        assert piece.alphas.step is not None
        steps = range(int(piece.alphas.low / piece.alphas.step), 100)
        for alpha in [step * piece.alphas.step for step in steps if step * piece.alphas.step in piece.alphas][:3]:
            network = cm.load(name, alpha=float(alpha), resolution=resolution)
            counts = function(float(alpha), resolution)
            assert counts == (network.multiply_adds, network.parameters)
            assert all(type(count) is int for count in counts)


def test_the_python_function_refuses_what_the_form_does_not_cover() -> None:
    function = pasted("mobilenet_v1")
    assert function() == (568_740_352, 4_231_976)
    with pytest.raises(ValueError, match=r"a width is rounded at alpha 0.35"):
        function(0.35)
    for resolution in (200, 0, -32):
        with pytest.raises(ValueError, match=f"no closed form at resolution {resolution}"):
            function(1, resolution)
    for alpha in (0, -1):
        with pytest.raises(ValueError, match=f"no closed form at alpha {alpha}"):
            function(alpha)
    with pytest.raises(ValueError, match="no closed form at resolution 448"):
        pasted("mobilenet_v1:plain")(1, 448)
    shufflenet = pasted("shufflenet_v1")
    for alpha in (2, 3):
        with pytest.raises(ValueError, match=f"no closed form at alpha {alpha}"):
            shufflenet(alpha)
    with pytest.raises(ValueError, match=r"a width is rounded at alpha 1.99"):
        shufflenet(1.99)
    network = cm.mobilenet_v2(alpha=0.35, resolution=96)
    assert pasted("mobilenet_v2", "--alpha", "0.35")(96) == (network.multiply_adds, network.parameters)


def test_latex_is_the_same_polynomial() -> None:
    lines = lines_of("mobilenet_v1", "--format", "latex")
    assert lines[0] == "% mobilenet_v1: alpha a, resolution 32 rho, 1000 classes"
    assert lines[2:] == [
        r"\begin{align*}",
        r"\text{multiply-adds} &= 11{,}010{,}048 \alpha^{2} \rho^{2} + 576{,}000 \alpha \rho^{2}"
        r" + 1{,}024{,}000 \alpha \\",
        r"\text{parameters} &= 3{,}139{,}584 \alpha^{2} + 1{,}091{,}392 \alpha + 1{,}000",
        r"\end{align*}",
    ]
    cases = "\n".join(lines_of("shufflenet_v1", "--format", "latex"))
    assert r"& \alpha \le 1 \\ " in cases
    assert r"& 1 \le \alpha < 2 \end{cases}" in cases
    assert r"& 1 \le \alpha \end{cases}" in "\n".join(lines_of("mobilenet_v2", "--format", "latex"))


def test_separable_is_derived_and_worked() -> None:
    lines = lines_of("separable")
    assert lines[0] == "separable / standard = (K^2 + N)/(K^2*N) = 1/N + 1/K^2"
    rows = [re.split(r" {2,}", line.strip()) for line in lines]
    assert ["what", "formula", "comes to"] in rows
    assert ["depthwise convolution", "conv_multiply_adds(P, M, M, K^2, groups=M)", "K^2*M*P"] in rows
    # Documents 000 and 004: 265/2304 at N = 256, 8.69 times.
    assert ["3", "256", "265/2304", "11.50 %", "8.69 times"] in rows
    assert r"\frac{1}{N} + \frac{1}{K^{2}}" in "\n".join(lines_of("separable", "--format", "latex"))
    scope: dict[str, Any] = {}
    exec(run("formula", "separable", "--format", "python").out, scope)
    assert scope["separable_ratio"](256, 3) == (265, 2304)


def test_every_refusal_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal("formula", "mobilnet_v1") == (
        "no model is called 'mobilnet_v1'; did you mean mobilenet_v1? `costmodel models` lists them all"
    )
    assert "did you mean separable?" in refusal("formula", "seperable")
    assert "mobilenet_v2 has no variant 'kera'; did you mean keras?" in refusal("formula", "mobilenet_v2:kera")
    assert "resnet50 takes no alpha (alpha=0.5 given)" in refusal("formula", "resnet50", "--alpha", "0.5")
    assert "alpha=-1.0 must be above 0" in refusal("formula", "mobilenet_v1", "--alpha", "-1")
    assert "--by=layer says what a row of the text is" in refusal("formula", "separable", "--by", "layer")
    assert "leave it out" in refusal("formula", "lenet", "--by", "term", "--format", "latex")
    assert "separable is one layer of any size; leave out" in refusal("formula", "separable", "--alpha", "1")
    (tmp_path / "sizeless.py").write_text(
        "from costmodel import Network, image\ndef net():\n    return Network(image(3, 8))\n"
    )
    monkeypatch.chdir(tmp_path)
    assert "sizeless:net takes no resolution" in refusal("formula", "sizeless:net")


def test_a_language_model_is_a_quadratic_in_its_tokens() -> None:
    lines = lines_of("llama2_7b")
    # Two products a layer of T x T scores by 4096 features; the weights without the table of tokens and the norms.
    assert lines[0] == f"multiply-adds = {2 * 32 * 4096:,} T^2 + {6_607_077_376:,} T"
    assert lines[1] == "parameters = 6,738,415,616"
    assert "Exact at any number T of tokens." in lines
    assert "Exact at 1 to 1024 tokens." in lines_of("gpt2")


@pytest.mark.parametrize("name", ["gpt2", "llama3_8b"])
def test_the_quadratic_is_the_count_at_any_number_of_tokens(name: str) -> None:
    function = executed(name, FormulaReport(over_resolutions(name)).python())
    for tokens in (1, 2, 17, 500, 1024):
        network = cm.load(name, sequence=tokens)
        assert function(sequence=tokens) == (network.multiply_adds, network.parameters)
    document = json.loads(FormulaReport(over_resolutions(name)).json())
    assert document["sequence"]["first_T"] == 1
    assert document["pieces"][0]["multiply_adds"][0]["T"] == 2


def test_a_vision_transformer_is_a_polynomial_in_its_resolution() -> None:
    form = over_resolutions("vit_s_16")
    for resolution in (16, 224, 384):
        network = cm.load("vit_s_16", resolution=resolution)
        assert form.multiply_adds(resolution=resolution) == network.multiply_adds
        assert form.parameters(resolution=resolution) == network.parameters
    assert not form.holds(resolution=225)
