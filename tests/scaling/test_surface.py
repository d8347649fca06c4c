"""The surface equals the scalar count at every point; where it cannot, it says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel import CostModelError, load
from costmodel.models import googlenet
from costmodel.models.mobilenet_v2 import ARCHITECTURES, widths
from costmodel.models.registry import architectures
from costmodel.scaling.surface import separates, surface, surface_and_parameters

NAMES = [f"{found.name}:{variant}".rstrip(":") for found in architectures() for variant in found.variants]
SEPARATING = [name for name in NAMES if separates(name)]
SHARE = max(8, settings.default.max_examples // 20)


def test_the_mobilenets_separate_but_for_the_one_that_pads_by_its_size() -> None:
    assert {"mobilenet_v1", "mobilenet_v1:standard", "mobilenet_v2", "mobilenet_v2:scaled-head"} <= set(SEPARATING)
    assert "mobilenet_v2:keras" not in SEPARATING
    assert "resnet50" not in SEPARATING


def test_a_pool_that_rounds_up_does_not_separate(monkeypatch: pytest.MonkeyPatch) -> None:
    with_widths = replace(googlenet.ARCHITECTURES["googlenet"], widths=lambda alpha, variant: ())
    monkeypatch.setitem(googlenet.ARCHITECTURES, "googlenet", with_widths)
    assert not separates("googlenet")


@pytest.mark.parametrize("name", SEPARATING)
@settings(max_examples=SHARE)
@given(
    alphas=st.lists(st.floats(0.01, 4) | st.sampled_from((0.25, 0.35, 0.5, 0.75, 1, 1.4)), min_size=1, max_size=4),
    resolutions=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    classes=st.integers(1, 2000),
    channels=st.integers(1, 5),
)
def test_every_point_is_the_scalar_count(
    name: str, alphas: list[float], resolutions: list[int], classes: int, channels: int
) -> None:
    if name == "mobilenet_v1:plain":
        resolutions = [193 + size % 223 for size in resolutions]  # its 7x7 window fits once
    choices = {"num_classes": classes, "in_channels": channels}
    networks = [[load(name, alpha=a, resolution=r, **choices) for r in resolutions] for a in alphas]
    counts, parameters = surface_and_parameters(name, alphas, resolutions, **choices)
    assert counts.dtype == "int64"
    assert counts.tolist() == [[network.multiply_adds for network in row] for row in networks]
    assert parameters == [row[0].parameters for row in networks]


def test_beyond_the_whole_numbers_of_a_float_it_is_still_exact() -> None:
    largest = 1_000_001
    counted = load("mobilenet_v2", alpha=3.0, resolution=largest).multiply_adds
    assert counted > 2**53
    assert surface("mobilenet_v2", [3.0, 0.5], [32, largest])[0, 1] == counted


@pytest.mark.parametrize(
    "promise",
    [
        lambda alpha, variant: tuple(width * width for width in widths(alpha, variant)),  # nothing is a multiple
        lambda alpha, variant: (round(8 * alpha),),  # in the two networks that are asked, all is a multiple
    ],
)
def test_widths_that_break_their_promise_cost_time_and_no_figure(
    promise: Callable[[float, str], tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ARCHITECTURES, "mobilenet_v2", replace(ARCHITECTURES["mobilenet_v2"], widths=promise))
    alphas = [1.0, 2.0, 0.35, 0.6, 1.4]
    assert surface("mobilenet_v2", alphas, [96, 225]).tolist() == [
        [load("mobilenet_v2", alpha=alpha, resolution=resolution).multiply_adds for resolution in (96, 225)]
        for alpha in alphas
    ]


@pytest.mark.parametrize(
    ("name", "alphas", "resolutions", "message"),
    [
        ("mobilenet_v2", [1.0], [4 * 10**8], "would overflow 64-bit integers; use smaller sizes"),
        (
            "mobilenet_v2",
            [1.0],
            [2**31],
            "resolution=2147483648 would overflow 64-bit integers; use at most 2147483647",
        ),
        ("mobilenet_v2", [1.0], [0], "resolution=0 must be a whole number of at least 1"),
        ("mobilenet_v2", [1.0], [224.5], "resolution=224.5 must be a whole number"),
        ("mobilenet_v2", [1.0, 0.0], [224], "alpha=0.0 must be above 0"),
        ("mobilenet_v2:keras", [1.0], [224], "is no product of widths and sizes; count it point by point"),
        ("mobilenet_v1:plain", [1.0], [96, 224], "pool: a 7x7 kernel does not fit on a 3x3 input"),
        ("mobilenet_v1:plain", [1.0], [224, 500], "pool: a 7x7 average pool leaves 1024x2x2"),
    ],
)
def test_what_cannot_be_counted_is_refused(
    name: str, alphas: list[float], resolutions: list[int], message: str
) -> None:
    with pytest.raises(CostModelError) as error:
        surface(name, alphas, resolutions)
    assert message in str(error.value)


def test_the_largest_count_that_fits_does() -> None:
    largest = next(size for size in range(390_000_000, 1, -1_000_000) if _count(size) < 2**63)
    assert surface("mobilenet_v2", [1.0], [largest])[0, 0] == _count(largest)
    assert _count(largest) > 2**62


def _count(resolution: int) -> int:
    return load("mobilenet_v2", resolution=resolution).multiply_adds
