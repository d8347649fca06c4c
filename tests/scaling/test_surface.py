"""A grid that is built at once equals networks that are built one by one, their errors too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costmodel as cm
from costmodel import CostModelError
from costmodel.loading import load_with
from costmodel.models.registry import architecture
from costmodel.scaling.surface import surface, surface_and_parameters
from tests.zoo import CONVOLUTIONAL

NAMES = CONVOLUTIONAL
SHARE = max(5, settings.default.max_examples // 30)

ALPHAS = st.floats(0.004, 4) | st.sampled_from((0.25, 0.35, 0.5, 0.75, 1, 1.0, 1.4, 1.5, 2.0, 100))


def one_by_one(name: str, alphas: list[Any], resolutions: list[Any], choices: dict[str, Any]) -> Any:
    """The counts of every design, built on its own, by rows; or the first error."""
    counts = []
    try:
        for alpha in alphas:
            for resolution in resolutions:
                given = {} if alpha is None else {"alpha": alpha}
                network = cm.load(name, resolution=resolution, **given, **choices)
                counts.append((network.multiply_adds, network.parameters))
    except CostModelError as error:
        return str(error)
    return counts


def at_once(name: str, alphas: list[Any], resolutions: list[Any], choices: dict[str, Any]) -> Any:
    given = [] if alphas == [None] else alphas
    try:
        counts, stored, missing = surface_and_parameters(name, given, resolutions, choices)
    except CostModelError as error:
        return str(error)
    assert missing is None
    assert counts.dtype == stored.dtype == "int64"
    assert counts.shape == stored.shape == (len(alphas), len(resolutions))
    return list(zip(counts.ravel().tolist(), stored.ravel().tolist(), strict=True))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=SHARE)
@given(data=st.data())
def test_every_grid_is_its_networks_or_their_first_error(name: str, data: st.DataObject) -> None:
    known = architecture(name.partition(":")[0]).choices
    sizes = st.integers(200, 415) if data.draw(st.booleans()) else st.integers(1, 300)
    if name.startswith("lenet"):
        sizes = st.integers(31, 36)
    resolutions = data.draw(st.lists(sizes, min_size=1, max_size=4))
    alphas = data.draw(st.lists(ALPHAS, min_size=1, max_size=5)) if "alpha" in known else [None]
    if name == "shufflenet_v2":
        alphas = data.draw(st.lists(st.sampled_from((0.5, 1, 1.0, 1.5, 2.0)), min_size=1, max_size=4))
    choices = {"num_classes": data.draw(st.integers(1, 2000)), "in_channels": data.draw(st.integers(1, 5))}
    if "groups" in known:
        choices["groups"] = data.draw(st.sampled_from((1, 2, 3, 4, 8)))
    assert at_once(name, alphas, resolutions, choices) == one_by_one(name, alphas, resolutions, choices)


@pytest.mark.parametrize(
    ("alphas", "resolutions"),
    [
        ([0.5, 0.0, 0.25], [224]),
        ([0.5, float("nan")], [224, 0]),
        ([1.0], [224.5, 96]),
        ([1.0, 0.5], [(96, 160), 128, True]),
        ([1, "wide"], [32, 33]),
        ([1.0, 1e30, 10**400], [32, 33]),
    ],
)
def test_what_is_no_plain_number_is_as_it_is_for_a_single_network(alphas: list[Any], resolutions: list[Any]) -> None:
    assert at_once("mobilenet_v1", alphas, resolutions, {}) == one_by_one("mobilenet_v1", alphas, resolutions, {})


def test_numbers_of_numpy_are_a_grid_of_few_builds_as_plain_ones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    alphas, resolutions = numpy.linspace(0.25, 1.4, 40), numpy.arange(32, 72)
    builds: list[object] = []

    def counted(*arguments: Any, **named: Any) -> cm.Network:
        builds.append(arguments)
        return load_with(*arguments, **named)

    monkeypatch.setattr("costmodel.scaling.surface.load_with", counted)
    grid = surface("mobilenet_v1", alphas, resolutions)
    assert len(builds) < 20
    assert grid.tolist() == surface("mobilenet_v1", alphas.tolist(), resolutions.tolist()).tolist()


def test_the_first_error_by_rows_is_the_one_that_is_raised() -> None:
    for resolutions in ([224, 500, 96], [224, 96, 500]):
        found = at_once("mobilenet_v1:plain", [0.25, 1.0], resolutions, {})
        assert found == one_by_one("mobilenet_v1:plain", [0.25, 1.0], resolutions, {})
        assert found.startswith("pool: a 7x7")


def test_beyond_the_whole_numbers_of_a_float_it_is_still_exact() -> None:
    largest = 1_000_001
    counted = cm.load("mobilenet_v2", alpha=3.0, resolution=largest).multiply_adds
    assert counted > 2**53
    assert surface("mobilenet_v2", [3.0, 0.5], [32, largest])[0, 1] == counted


def test_the_largest_count_that_fits_does_and_the_next_is_refused() -> None:
    sizes = range(390_000_000, 1, -1_000_000)
    largest = next(size for size in sizes if _count(size) < 2**63)
    assert _count(largest) > 2**62
    assert surface("mobilenet_v2", [1.0, 0.5], [32, largest])[0, 1] == _count(largest)
    with pytest.raises(CostModelError) as error:
        surface("mobilenet_v2", [0.5, 1.0], [*range(32, 332), largest, largest + 1_000_000, 2**62])
    assert str(error.value).startswith(f"mobilenet_v2 at alpha=0.5, resolution={2**62}: ")
    assert "would overflow 64-bit integers; use smaller sizes" in str(error.value)


def _count(resolution: int) -> int:
    return cm.load("mobilenet_v2", resolution=resolution).multiply_adds


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Writes a function of somebody's own, and gives its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(body: str) -> str:
        name = f"grid_{tmp_path.name}".replace("-", "_").replace("[", "_").replace("]", "_")
        lines = ["import math", "from costmodel import Network, apply, image", "from costmodel.core.layers import *"]
        (tmp_path / f"{name}.py").write_text("\n".join([*lines, body]))
        return f"{name}:net"

    return write


@pytest.mark.parametrize(
    "body",
    [
        # what columns can do: a loop, a decision, a product of both axes
        "def net(alpha=1.0, resolution=32):\n"
        "    x = image(3, resolution)\n"
        "    for _ in range(math.floor(3 * alpha) + 1):\n"
        "        x = apply(x, 'c', conv(8 if resolution > 40 else math.floor(4 * alpha) + 1, 3, padding=1))\n"
        "    return Network(apply(apply(x, 'f', Flatten()), 'l', Linear(10)))",
        # what they cannot: a table, a mathematical function, a number that decides on its type
        "TABLE = {32: 8}\n"
        "def net(alpha=1.0, resolution=32):\n"
        "    return Network(apply(image(3, resolution), 'c', conv(TABLE.get(resolution, 16), 3, padding=1)))",
        "def net(alpha=1.0, resolution=32):\n"
        "    return Network(apply(image(3, resolution), 'c', conv(round(8 * math.sqrt(alpha)), 3, padding=1)))",
        "def net(alpha=1.0, resolution=32):\n"
        "    width = math.floor(8 * alpha) if isinstance(alpha, float) else 1\n"
        "    return Network(apply(image(3, resolution), 'c', conv(width, 3, padding=1)))",
        "def net(alpha=1.0, resolution=32):\n"
        "    try:\n        width = math.ceil(8 * alpha)\n    except Exception:\n        width = 3\n"
        "    return Network(apply(image(3, resolution), 'c', conv(width, 3, padding=1)))",
        # a size that is no product of the two axes
        "def net(alpha=1.0, resolution=32):\n"
        "    x = apply(image(math.floor(3 + alpha), resolution), 'f', Flatten())\n"
        "    return Network(apply(x, 'l', Linear(x.shape.channels // 7)))",
    ],
)
def test_a_function_of_ones_own_is_counted_whatever_it_does(own: Callable[[str], str], body: str) -> None:
    name, alphas, resolutions = own(body), [0.25, 0.5, 1.0, 1.7, 2], [16, 32, 41, 64]
    counted = one_by_one(name, alphas, resolutions, {})
    assert isinstance(counted, list)
    assert at_once(name, alphas, resolutions, {}) == counted


def test_an_error_of_ones_own_function_is_its_own(own: Callable[[str], str]) -> None:
    name = own(
        "def net(alpha=1.0, resolution=32):\n"
        "    if alpha == 0.5:\n        raise KeyError('half')\n"
        "    return Network(apply(image(3, resolution), 'c', conv(8, 3)))"
    )
    assert at_once(name, [1.0, 0.5], [32, 64], {}).endswith("raised KeyError: 'half'")
    assert at_once(name, [1.0, 0.5], [2, 64], {}) == one_by_one(name, [1.0, 0.5], [2, 64], {})
