"""Closed forms: equal to the integer count wherever they claim to hold, and silent elsewhere."""

from __future__ import annotations

import sys
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import costmodel as cm
from costmodel import CostModelError
from costmodel.scaling.closed_form.derive import closed_form
from costmodel.scaling.closed_form.form import ClosedForm
from costmodel.scaling.closed_form.polynomial import Polynomial
from costmodel.scaling.closed_form.separable import separable_steps
from costmodel.scaling.closed_form.symbol import common_multiple
from tests.zoo import CONVOLUTIONAL

NAMES = tuple(CONVOLUTIONAL)

form_of = cache(closed_form)
steps_of = cache(separable_steps)


@st.composite
def places(draw: st.DrawFn) -> tuple[str, int, int, int]:
    """A network, a piece of its closed form, and whole numbers of its steps in alpha and in the resolution."""
    name = draw(st.sampled_from(NAMES))
    form = form_of(name)
    piece = draw(st.integers(0, len(form.pieces) - 1))
    alphas = form.pieces[piece].alphas
    steps = 1
    if alphas is not None:
        assert alphas.step is not None
        high = 100 if alphas.high is None else alphas.high
        steps = draw(st.integers(max(1, -(-alphas.low // alphas.step)), max(1, high // alphas.step)))
    span = form.resolutions
    return name, piece, steps, draw(st.integers(span.first, span.last or 80))


@pytest.mark.slow
@given(places())
@example(("mobilenet_v1", 0, 3, 6))
def test_the_form_is_the_count_wherever_it_claims_to_hold(place: tuple[str, int, int, int]) -> None:
    name, piece, steps, rho = place
    form = form_of(name)
    alphas = form.pieces[piece].alphas
    resolution = form.resolutions.step * rho
    if alphas is None:
        network = cm.load(name, resolution=resolution)
        assert form.holds(resolution=resolution)
        assert form.multiply_adds(resolution=resolution) == network.multiply_adds
        assert form.parameters(resolution=resolution) == network.parameters
        return
    assert alphas.step is not None
    alpha = float(steps * alphas.step)
    if form.holds(alpha, resolution):
        network = cm.load(name, alpha=alpha, resolution=resolution)
        assert form.multiply_adds(alpha, resolution) == network.multiply_adds
        assert form.parameters(alpha, resolution) == network.parameters
    else:
        assert alpha not in alphas, "a multiple of the step inside the range must hold"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_layer_has_its_own_part(name: str) -> None:
    form = form_of(name)
    alphas = form.pieces[-1].alphas
    alpha = 1 if alphas is None else max(4, alphas.low) if alphas.high is None else Fraction(3, 2)
    span = form.resolutions
    network = form.build(None if alphas is None else float(alpha), span.step * span.first)
    counted = {
        entry.name: (entry.ops.mac, entry.params.parameters)
        for entry in network.ledger
        if entry.ops.mac or entry.params.parameters
    }
    layers = form.pieces[-1].layers
    claimed = {
        layer.name: (layer.multiply_adds.at(alpha, span.first), layer.parameters.at(alpha, span.first))
        for layer in layers
    }
    assert claimed == counted
    assert len(layers) == len(claimed)


def test_mobilenet_v1_by_the_table_of_its_paper() -> None:
    # Rows of Table 1 at alpha 1 and 32x32: (channels in, channels out, side of the output).
    rows = [(32, 64, 16), (64, 128, 8), (128, 128, 8), (128, 256, 4), (256, 256, 4), (256, 512, 2)]
    rows += [(512, 512, 2)] * 5 + [(512, 1024, 1), (1024, 1024, 1)]
    pointwise = sum(read * made * side**2 for read, made, side in rows)
    depthwise = sum(9 * read * side**2 for read, _, side in rows)
    form = form_of("mobilenet_v1")
    assert dict(form.pieces[0].multiply_adds.terms) == {
        (2, 2): pointwise,
        (1, 2): depthwise + 9 * 3 * 32 * 16**2,
        (1, 0): 1024 * 1000,
    }
    assert (pointwise, depthwise + 9 * 3 * 32 * 16**2) == (11_010_048, 576_000)
    # Two parameters of batch norm for every channel that a convolution makes.
    norms = 2 * (32 + sum(read + made for read, made, _ in rows))
    assert dict(form.pieces[0].parameters.terms) == {
        (2, 0): sum(read * made for read, made, _ in rows),
        (1, 0): 9 * 3 * 32 + 9 * sum(read for read, _, _ in rows) + norms + 1024 * 1000,
        (0, 0): 1000,
    }


@pytest.mark.parametrize("alpha", [Fraction(7, 20), Fraction(3, 4), Fraction(1), Fraction(7, 5)])
def test_mobilenet_v2_without_rounding_by_the_table_of_its_paper(alpha: Fraction) -> None:
    read, side, work = 32 * alpha, 112, 27 * 32 * alpha * 112**2
    for expansion, channels, repeats, stride in [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ]:  # fmt: skip
        for repeat in range(repeats):
            hidden = expansion * read
            work += read * hidden * side**2 if expansion > 1 else 0
            side //= stride if repeat == 0 else 1
            work += 9 * hidden * side**2 + hidden * channels * alpha * side**2
            read = channels * alpha
    head = 1280 * max(1, alpha)
    work += read * head * side**2 + head * 1000
    assert form_of("mobilenet_v2").multiply_adds(alpha, 224) == work


@pytest.mark.parametrize(
    ("name", "alpha", "resolution"),
    [("mobilenet_v1", 0.35, 224), ("mobilenet_v2", 0.75, 224), ("mobilenet_v3_large", 1, 224), ("mnasnet", 0.5, 224)],
)
def test_where_a_width_is_rounded_the_form_claims_nothing(name: str, alpha: float, resolution: int) -> None:
    form = form_of(name)
    assert not form.holds(alpha, resolution)
    assert form.multiply_adds(alpha, resolution) != cm.load(name, alpha=alpha, resolution=resolution).multiply_adds


def differences(values: list[int], order: int) -> list[int]:
    for _ in range(order):
        values = [after - before for before, after in pairwise(values)]
    return values


@pytest.mark.parametrize("name", ["mobilenet_v1", "alexnet", "googlenet", "squeezenet1_0", "densenet121", "resnet18"])
def test_the_step_is_the_smallest_with_one_polynomial(name: str) -> None:
    # The third differences of a square are 0, and of anything that floors they are not all.
    step = form_of(name).resolutions.step
    for finer in (1, 2):
        counts = [cm.load(name, resolution=step * rho // finer).multiply_adds for rho in range(8, 20)]
        assert any(differences(counts, 3)) is (finer > 1)


@pytest.mark.parametrize(
    "name", ["lenet", "alexnet:halved", "vgg11:plain", "googlenet:document-training", "mobilenet_v1:plain", "vgg11"]
)
def test_the_resolutions_are_those_that_the_network_takes(name: str) -> None:
    span = form_of(name).resolutions
    taken = []
    for resolution in range(span.step, 700, span.step):
        try:
            cm.load(name, resolution=resolution)
        except CostModelError:
            continue
        taken.append(resolution)
    assert taken == [resolution for resolution in range(700) if resolution in span]
    assert (span.last is None) is (name == "vgg11")


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("mobilenet_v2", {"features.18.conv", "features.18.norm", "classifier"}),
        ("mobilenet_v3_large:keras", {"head.linear", "classifier"}),
        ("mobilenet_v3_small:keras", {"head.linear", "classifier"}),
        ("shufflenet_v1", {"stem.conv1.conv", "stem.conv1.norm", "stage2.0.reduce.conv", "stage2.0.expand.conv",
            "stage2.0.expand.norm"}),
    ],
)  # fmt: skip
def test_only_what_stops_to_grow_differs_between_ranges_of_alpha(name: str, head: set[str]) -> None:
    low, high = (piece.layers for piece in form_of(name).pieces)
    assert {one.name for one, other in zip(low, high, strict=True) if one != other} == head
    assert all(one.multiply_adds.at(1, 7) == other.multiply_adds.at(1, 7) for one, other in zip(low, high, strict=True))


def test_shufflenet_v1_widens_its_first_convolution_in_whole_steps() -> None:
    form = form_of("shufflenet_v1")
    assert form.holds(1.5, 224)
    assert form.multiply_adds(1.5, 224) == cm.shufflenet_v1(alpha=1.5).multiply_adds
    assert not form.holds(2, 224)
    with pytest.raises(CostModelError, match=r"no closed form at alpha=2; use an alpha below 2"):
        form.multiply_adds(2, 224)
    with pytest.raises(CostModelError, match=r"no closed form at alpha=-1$"):
        form.multiply_adds(-1, 224)


@pytest.mark.slow
@settings(max_examples=25)
@given(st.floats(0.2, 3), st.integers(1, 20))
def test_a_fixed_alpha_keeps_its_rounding(alpha: float, rho: int) -> None:
    form = closed_form("mobilenet_v3_small", alpha=alpha)
    count = cm.mobilenet_v3_small(alpha=alpha, resolution=32 * rho).multiply_adds
    assert form.multiply_adds(resolution=32 * rho) == count


def test_widths_from_a_table_have_a_form_in_the_resolution_alone() -> None:
    form = form_of("shufflenet_v2")
    assert form.pieces[0].alphas is None
    assert "use 0.5, 1.0, 1.5, 2.0; this is alpha 1" in form.note
    assert closed_form("shufflenet_v2", alpha=2).multiply_adds() == cm.shufflenet_v2(alpha=2).multiply_adds


def test_the_resolution_cannot_be_given() -> None:
    with pytest.raises(CostModelError, match="resolution=224 is what a closed form of lenet varies; leave it out"):
        closed_form("lenet", resolution=224)


@pytest.mark.parametrize(
    ("name", "fixed", "other", "message"),
    [
        ("resnet18", {}, 0.5, r"^the closed form of resnet18 has no alpha; leave out alpha=0.5$"),
        ("mobilenet_v2", {"alpha": 0.35}, 1, r"^the closed form of mobilenet_v2 is of alpha 0.35; leave out alpha=1$"),
    ],
)
def test_a_form_in_the_resolution_alone_answers_for_no_other_alpha(
    name: str, fixed: dict[str, float], other: float, message: str
) -> None:
    form = closed_form(name, **fixed)
    network = cm.load(name, **fixed)
    for alpha in (None, *fixed.values()):
        assert form.holds(alpha)
        assert (form.multiply_adds(alpha), form.parameters(alpha)) == (network.multiply_adds, network.parameters)
    assert not form.holds(other)
    for count in (form.multiply_adds, form.parameters):
        with pytest.raises(CostModelError, match=message):
            count(other)


def test_choices_reach_the_network() -> None:
    form = closed_form("mobilenet_v1", num_classes=10)
    assert form.multiply_adds(0.5, 64) == cm.mobilenet_v1(alpha=0.5, resolution=64, num_classes=10).multiply_adds


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a module of somebody's own, and gives its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(body: str) -> str:
        name = f"own_{len(list(tmp_path.iterdir()))}_{tmp_path.name}".replace("-", "_")
        lines = [
            "from costmodel import Network, apply, image",
            "from costmodel.core.layers import *",
            *body.splitlines(),
        ]
        (tmp_path / f"{name}.py").write_text("\n".join(lines))
        return f"{name}:net"

    return write


def test_a_flatten_of_a_growing_map_grows_the_parameters(own: Any) -> None:
    name = own(
        "def net(resolution=30):\n"
        "    x = apply(image(3, resolution), 'conv', conv(8, 3, stride=3))\n"
        "    x = apply(apply(x, 'flatten', Flatten()), 'dropout', Dropout())\n"
        "    return Network(apply(x, 'linear', Linear(10)))\n"
    )
    form: ClosedForm = closed_form(name)
    assert form.resolutions.step == 3
    assert form.parameters(resolution=30) == 8 * 3 * 9 + 10 * 10 * 8 * 10 + 10
    assert form.parameters(resolution=60) == 8 * 3 * 9 + 20 * 20 * 8 * 10 + 10


def test_a_flatten_needs_to_know_the_size_of_what_it_reads(own: Any) -> None:
    name = own(
        "def net(resolution=30):\n"
        "    x = apply(apply(image(3, resolution), 'conv', conv(8, 3)), 'pool', max_pool(2))\n"
        "    return Network(apply(apply(x, 'flatten', Flatten()), 'linear', Linear(10)))\n"
    )
    form: ClosedForm = closed_form(name)
    assert form.resolutions.step == 2
    assert form.parameters(resolution=64) == 8 * 3 * 9 + 31 * 31 * 8 * 10 + 10


def test_transposed_padded_and_same_convolutions_have_sizes(own: Any) -> None:
    name = own(
        "def net(resolution=32):\n"
        "    x = apply(image(3, resolution), 'pad', ZeroPad(((1, 2), (0, 3))))\n"
        "    x = apply(x, 'down', conv(8, 3, stride=4, padding='same'))\n"
        "    x = apply(x, 'up', transposed_conv(4, 4, stride=2, padding=1, output_padding=1))\n"
        "    return Network(apply(apply(x, 'pool', average_pool(2, stride=1)), 'last', conv(2, 1)))\n"
    )
    form: ClosedForm = closed_form(name)
    module, _, function = name.partition(":")
    for resolution in (form.resolutions.step, 5 * form.resolutions.step):
        network = getattr(sys.modules[module], function)(resolution)
        assert form.multiply_adds(resolution=resolution) == network.multiply_adds


def test_a_transposed_convolution_costs_what_it_reads(own: Any) -> None:
    name = own(
        "def net(resolution=32):\n"
        "    x = apply(image(3, resolution), 'pool', max_pool(2))\n"
        "    return Network(apply(x, 'up', transposed_conv(4, 2, stride=2)))\n"
    )
    form: ClosedForm = closed_form(name)
    assert form.resolutions.step == 2
    assert form.multiply_adds(resolution=10) == 5 * 5 * 3 * 4 * 2 * 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def net(size=8):\n    return Network(image(3, size))", "takes no resolution"),
        (
            "def net(resolution=8):\n    width = 4 if isinstance(resolution, int) else 8\n"
            "    return Network(apply(image(3, resolution), 'c', conv(width, 3)))",
            "c is another at resolution",
        ),
        (
            "def net(resolution=8):\n    return Network(apply(image(3, resolution), 'tokens', Linear(5)))",
            "tokens: a linear layer reads a vector or a sequence, 3x8x8 is a map",
        ),
        (
            "def net(resolution=8):\n"
            "    x = image(3, resolution)\n"
            "    for index in range(resolution):\n        x = apply(x, f'c{index}', conv(8, 1))\n"
            "    return Network(x)",
            "its cost is no polynomial at multiples of 1",
        ),
        (
            "def net(resolution=8):\n    return Network(apply(image(3, (8, resolution + 1)), 'c', conv(2, 3)))",
            "closed forms are for square images",
        ),
        (
            "def net(resolution=8):\n"
            "    if resolution != 8:\n        raise ValueError('8 only')\n"
            "    return Network(apply(image(3, 8), 'c', conv(2, 3)))",
            "takes resolutions 8 to 8 only, and no two of them have one closed form",
        ),
    ],
)
def test_a_network_without_closed_form_says_why(own: Any, body: str, message: str) -> None:
    with pytest.raises(CostModelError, match=message):
        closed_form(own(body))


@pytest.mark.parametrize(
    ("body", "proven", "work", "stored"),
    [
        # Costs that grow with the sizes of a map, and a layer that no closed form was written for.
        ("apply(x, 'c', conv(resolution, 3, padding=1))", True, 20 * 20 * 3 * 9 * 20, 3 * 9 * 20),
        ("apply(x, 'norm', LayerNorm(1))", True, 0, 2 * 20),
        # What only numbers can do is read at several resolutions.
        ("apply(x, 'c', conv(int(resolution), 3, padding=1))", False, 20 * 20 * 3 * 9 * 20, 3 * 9 * 20),
    ],
)
def test_a_function_of_ones_own_may_do_what_it_likes(own: Any, body: str, proven: bool, work: int, stored: int) -> None:
    name = own(f"def net(resolution=8):\n    x = image(3, resolution)\n    return Network({body})")
    form = closed_form(name)
    assert form.proven is proven
    assert (form.multiply_adds(resolution=20), form.parameters(resolution=20)) == (work, stored)


def test_only_the_derivation_needs_sympy_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sympy", None)
    monkeypatch.delitem(sys.modules, "costmodel.scaling.closed_form.separable", raising=False)
    assert closed_form("lenet").proven
    with pytest.raises(CostModelError, match=r"pip install sympy"):
        separable_steps()


coefficients = st.fractions(min_value=-9, max_value=9, max_denominator=4).filter(bool)
powers = st.tuples(st.integers(0, 3), st.integers(0, 3))
polynomials = st.dictionaries(powers, coefficients, max_size=4).map(Polynomial)


small = st.fractions(-5, 5, max_denominator=6)


@given(polynomials, polynomials, small, st.integers(-5, 5), small)
def test_polynomials_add_up_and_change_units(
    one: Polynomial, other: Polynomial, a: Fraction, rho: int, unit: Fraction
) -> None:
    assert (one + other).at(a, rho) == one.at(a, rho) + other.at(a, rho)
    assert one.scaled(unit, 1).at(a, rho) == one.at(unit * a, rho)
    odd = Polynomial({(1, power): value for (_, power), value in one.coefficients.items()})
    assert (odd + odd.scaled(-1, 1)).terms == ()


@given(st.fractions(0, 3, max_denominator=8).filter(bool), st.fractions(0, 3, max_denominator=8).filter(bool))
def test_the_step_of_alpha_is_the_leastcommon_multiple(one: Fraction, other: Fraction) -> None:
    common = common_multiple(one, other)
    assert (common % one, common % other) == (0, 0)
    multiples = (one * times for times in range(1, 300_000))
    assert next(multiple for multiple in multiples if multiple % other == 0) == common


@given(st.integers(1, 512), st.integers(1, 512), st.integers(1, 11), st.integers(1, 400))
def test_the_derivation_is_right_in_numbers(m: int, n: int, k: int, p: int) -> None:
    # Multiplications of one position and one filter: K*K*M in a standard convolution, K*K in a depthwise one.
    standard, depthwise, pointwise = p * n * k * k * m, p * m * k * k, p * n * m
    expected = [standard, depthwise, pointwise, depthwise + pointwise]
    ratio = Fraction(depthwise + pointwise, standard)
    variables = {letter: Fraction(value) for letter, value in zip("MNKP", (m, n, k, p), strict=True)}
    for step, value in zip(steps_of(), [*expected, ratio, ratio], strict=True):
        assert eval(step.text.replace("^", "**"), {}, variables) == value, step
