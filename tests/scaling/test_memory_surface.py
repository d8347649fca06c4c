"""Peak memory over grids: every design is that of its own network, whatever is multiplied at once."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costmodel as cm
from costmodel import CostModelError, Network
from costmodel.analyses.policies import POLICIES
from costmodel.core.layers import Add, conv
from costmodel.models.registry import architecture, names
from costmodel.report import plots
from costmodel.scaling.peaks import _never_less
from costmodel.scaling.surface import memory_surface

SCALED = [name for name in names() if "alpha" in architecture(name.partition(":")[0]).choices]
#: The widths of a table, and the sizes that a 7x7 window fits once.
TAKEN = {"shufflenet_v2": ([0.5, 1.0, 2.0], [64, 96, 224]), "mobilenet_v1:plain": ([0.25, 0.6, 1.0], [193, 224, 250])}


OTHER_POLICIES = [("mobilenet_v2", policy) for policy in ("separate", "in-place", "mcunet")]


@pytest.mark.parametrize(("name", "policy"), [*((name, "fused") for name in SCALED), *OTHER_POLICIES])
def test_a_grid_is_the_peaks_of_its_networks(name: str, policy: str) -> None:
    alphas, resolutions = TAKEN.get(name, ([0.3, 0.55, 1.0], [64, 97, 224]))
    found = memory_surface(name, alphas, resolutions, "int8", policy)
    for row, alpha in enumerate(alphas):
        for column, resolution in enumerate(resolutions):
            network = cm.load(name, alpha=alpha, resolution=resolution)
            assert found[row, column] == network.memory("int8", policy).peak_bytes, (alpha, resolution)


@settings(max_examples=10)
@given(
    st.lists(st.floats(0.05, 2.0), min_size=1, max_size=3),
    st.lists(st.integers(32, 300), min_size=1, max_size=3),
    st.sampled_from(["int8", "float32", "int4"]),
    st.sampled_from(list(POLICIES)),
)
def test_any_grid_at_any_type_under_any_policy(
    alphas: list[float], resolutions: list[int], dtype: str, policy: str
) -> None:
    found = cm.sweep("mobilenet_v2", alpha=alphas, resolution=resolutions, dtype=dtype, policy=policy)
    for row in found.itertuples():
        network = cm.mobilenet_v2(alpha=row.alpha, resolution=row.resolution)
        assert row.peak_memory == network.memory(dtype, policy).peak_bytes
        assert row.size == network.size(dtype)


def branching(alpha: float = 1.0, resolution: int = 32) -> Network:
    """A function of a user: whether the sum stays alive depends on the width."""
    x = cm.apply(cm.image(3, resolution), "first", conv(int(16 * alpha), kernel=3, padding=1))
    y = cm.apply(x, "second", conv(int(16 * alpha), kernel=3, padding=1))
    z = cm.apply((x, y), "sum", Add()) if int(16 * alpha) > 12 else y
    return Network(cm.apply(z, "last", conv(4, kernel=1)))


def test_a_function_of_a_user_is_swept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cm.core, "branching", branching, raising=False)
    found = cm.sweep("costmodel.core:branching", alpha=[0.5, 0.75, 1.0], resolution=[8, 16], dtype="fp16")
    for row in found.itertuples():
        assert row.peak_memory == branching(row.alpha, row.resolution).memory("fp16").peak_bytes


@pytest.mark.parametrize("name", ["mobilenet_v2", "costmodel.core:branching"])
def test_a_value_that_is_there_twice_is_counted_twice(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cm.core, "branching", branching, raising=False)
    alphas, resolutions = [0.5, 0.5, 1.0, 1.0], [64, 64, 96]
    for policy in POLICIES:
        found = cm.sweep(name, alpha=alphas, resolution=resolutions, dtype="int8", policy=policy)
        peaks = [
            cm.load(name, alpha=alpha, resolution=resolution).memory("int8", policy).peak_bytes
            for alpha in alphas
            for resolution in resolutions
        ]
        assert found.peak_memory.tolist() == peaks
    assert len(cm.sweep(name, alpha=alphas, resolution=resolutions)) == 12


numbers = st.integers(0, 9)


@given(st.data())
def test_what_is_left_out_is_never_the_largest(data: st.DataObject) -> None:
    steps, stages, rows, columns = (data.draw(st.integers(1, most)) for most in (6, 3, 3, 3))

    def drawn(*sizes: int) -> Any:
        count = int(numpy.prod(sizes))
        return numpy.array(data.draw(st.lists(numbers, min_size=count, max_size=count))).reshape(sizes)

    of_alpha, of_resolution = drawn(steps, stages, rows), drawn(stages, columns)
    kept, ordered = _never_less(of_alpha, of_resolution)
    every = numpy.einsum("tsr,sc->trc", of_alpha, of_resolution).max(0)
    assert (numpy.einsum("tsr,sc->trc", kept, ordered).max(0) == every).all()


def test_bytes_are_columns_only_where_a_type_is_given() -> None:
    assert {"peak_memory", "size"} & set(cm.sweep("mobilenet_v2").columns) == set()
    with pytest.raises(CostModelError, match="the sweep has no peak_memory; sweep at a type, as in dtype='int8'"):
        plots.of_sweep(cm.sweep("mobilenet_v2"), "peak_memory")


def test_accuracy_is_drawn_against_bytes() -> None:
    grid = cm.sweep("mobilenet_v2", alpha=[0.35, 0.5], resolution=[96, 128], dtype="int8")
    (axes,) = plots.of_sweep(grid, "peak_memory").axes
    assert axes.get_xlabel() == "bytes of peak memory (k)"
    drawn = {line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "None"}
    assert drawn == set(grid["peak_memory"] / 1000)
