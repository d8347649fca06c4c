"""Closed forms read from builds: the same as the proven ones, and honest where there is none."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor, nn

import costmodel as cm
import reference_models
from costmodel import CostModelError, Network
from costmodel.capture.input_spec import InputSpec, parse_input
from costmodel.scaling.closed_form.derive import closed_form, closed_form_of
from costmodel.scaling.closed_form.fitted import _through, fitted
from costmodel.scaling.closed_form.form import ClosedForm
from costmodel.scaling.closed_form.over_resolutions import over_resolutions

#: Of every kind: padded and not, ceil mode, dense, squeezed, with a map pooled to a fixed size.
ZOO = ("alexnet", "vgg11", "googlenet", "squeezenet1_1", "resnet18", "densenet121", "mobilenet_v2", "mnasnet:a1")


def captured(module: nn.Module, usual: int = 224) -> ClosedForm:
    return closed_form_of(lambda size: cm.from_torch(module, (3, size, size)), usual)


def builder(name: str) -> Callable[[int], Network]:
    return lambda resolution: cm.load(name, resolution=resolution)


@pytest.mark.parametrize("name", ZOO)
def test_what_is_read_is_what_is_proven(name: str) -> None:
    proven, read = closed_form_of(builder(name), 224), fitted(builder(name), 224)
    assert (proven.proven, read.proven) == (True, False)
    assert read.resolutions == proven.resolutions
    assert read.pieces == proven.pieces


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "vgg11"])
def test_a_captured_network_has_the_form_of_the_hand_written_one(name: str) -> None:
    form = captured(reference_models.build(name))
    proven = closed_form_of(builder(name), 224)
    assert form.resolutions == proven.resolutions
    assert form.pieces[0].multiply_adds == proven.pieces[0].multiply_adds
    assert form.pieces[0].parameters == proven.pieces[0].parameters


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=7), st.integers(1, 40))
@example([0, 0, 0, 0, 0, 1], 1)
def test_seven_places_tell_a_polynomial_of_degree_four(coefficients: list[int], first: int) -> None:
    rhos = range(first, first + 7)
    found = _through(rhos, [sum(value * rho**power for power, value in enumerate(coefficients)) for rho in rhos])
    if any(coefficients[5:]):
        assert found is None
    else:
        assert found is not None
        assert found.coefficients == {(0, power): value for power, value in enumerate(coefficients) if value}


@given(st.integers(1, 40), st.integers(0, 6), st.integers(1, 1000))
def test_one_figure_off_is_no_polynomial(first: int, place: int, off: int) -> None:
    values = [3 * rho * rho + 1 for rho in range(first, first + 7)]
    values[place] += off
    assert _through(range(first, first + 7), values) is None


class Patches(nn.Module):
    """Attention over patches of 14x14: each of rho^2 patches looks at each."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 8, 14, stride=14)
        self.project = nn.Linear(8, 24)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.project(self.embed(x).flatten(2).transpose(1, 2)).chunk(3, -1)
        return torch.softmax(query @ key.transpose(1, 2), -1) @ value


def test_attention_grows_with_the_fourth_power() -> None:
    form = captured(Patches())
    assert form.resolutions.step == 14
    assert dict(form.pieces[0].multiply_adds.terms) == {
        (0, 4): 2 * 8,  # rho^2 queries by rho^2 keys of 8 values, and the same again for the values
        (0, 2): 8 * 3 * 14 * 14 + 8 * 24,
    }


class Windows(nn.Module):
    """Attention in windows of 7x7 positions of a map with a quarter of the size, padded where they do not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 8, 4, stride=4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        x = nn.functional.pad(x, (0, -x.shape[3] % 7, 0, -x.shape[2] % 7))
        x = x.unfold(2, 7, 7).unfold(3, 7, 7).reshape(8, -1, 49).permute(1, 2, 0)
        return x @ x.transpose(1, 2)


def test_windows_that_must_fit_make_the_step_longer() -> None:
    form = captured(Windows())
    assert form.resolutions.step == 4 * 7
    assert form.pieces[0].multiply_adds.at(1, 8) == 56 * 56 * 8 * 3 * 16 + 64 * 49 * 49 * 8


class Picky(nn.Module):
    """Takes multiples of 12 only, though its stride is 4."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 4, stride=4)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2] % 12:
            raise ValueError("give me a multiple of 12")
        return self.conv(x)


def test_a_model_that_chooses_its_sizes_is_followed() -> None:
    form = captured(Picky(), 24)
    assert (form.resolutions.step, form.resolutions.first) == (12, 1)
    assert form.multiply_adds(resolution=36) == 9 * 9 * 16 * 3 * 8


class Flattened(nn.Module):
    """Made for one size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.linear = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4 * 32 * 32, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.conv(x).flatten(1))


class Another(nn.Module):
    """Another convolution for large images."""

    def __init__(self) -> None:
        super().__init__()
        self.small, self.large = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.large(x) if x.shape[2] > 40 else self.small(x)


class Growing(nn.Module):
    """A product more for large images, which stores nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x @ x.transpose(2, 3) if x.shape[2] > 40 else x


class Uneven(nn.Module):
    """One, two or three rounds, in an order that no step of 16 or less evens out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(1 + x.shape[2] ** 2 // 7 % 3):
            x = self.conv(x)
        return x


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (Flattened(), "has no closed form in the resolution: not every size is taken: .*Linear"),
        (Another(), "has no closed form: small is another at resolution 45"),
        (Growing(), "has no closed form: matmul is another at resolution 45"),
        (Uneven(), r"its cost is no polynomial at multiples of 1, 2\*1 ... 16\*1"),
    ],
)
def test_a_model_without_closed_form_says_why(module: nn.Module, reason: str) -> None:
    with pytest.raises(CostModelError, match=reason) as refused:
        captured(module, 32)
    assert "\n" not in str(refused.value)


def test_the_least_resolution_is_where_it_begins_to_hold() -> None:
    # Unpadded 5x5 convolutions: the second one needs 9 positions.
    form = captured(nn.Sequential(nn.Conv2d(3, 4, 5), nn.Conv2d(4, 4, 5)), 32)
    assert (form.resolutions.step, form.resolutions.first) == (1, 9)
    assert form.multiply_adds(resolution=9) == 25 * 3 * 4 * 25 + 25 * 4 * 4


def test_only_square_images_vary() -> None:
    for text in ("3x224x160", "16x64", "128"):
        with pytest.raises(CostModelError, match=f"is of a square image, as in 3x224x224; .* is {text}$"):
            over_resolutions("mobilenet_v2", [parse_input(text)])


def test_the_channels_of_the_input_stay() -> None:
    form = over_resolutions("mobilenet_v2", [InputSpec(parse_input("1x64x64").shape)], {"alpha": 0.5})
    network = cm.mobilenet_v2(alpha=0.5, resolution=160, in_channels=1)
    assert form.multiply_adds(resolution=160) == network.multiply_adds
    assert form.pieces[0].parameters.terms == (((0, 0), Fraction(network.parameters)),)
    assert closed_form("mobilenet_v2", alpha=0.5).pieces != form.pieces
