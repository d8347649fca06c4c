"""Every architecture against its PyTorch module, and against the numbers that are known exactly."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel import CostModelError, load
from costmodel.models.registry import architecture
from costmodel.reproduction.verification import compare
from reference_models import build as build_module
from reference_models.oracles import fvcore_multiply_adds, measure, numel
from reference_models.oracles import image as sample
from tests.zoo import RUN_IN_PYTORCH

#: How many draws each of the many networks gets of a profile's examples.
SHARE = max(2, settings.default.max_examples // 100)


def arguments_of(name: str) -> Mapping[str, inspect.Parameter]:
    return architecture(name.partition(":")[0]).choices


@st.composite
def choices_for(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Choices for every argument that ``name`` takes: sizes around the default, and odd and rectangular ones."""
    known = arguments_of(name)
    default = min(known["resolution"].default, 224)  # a forward pass at 600 px takes seconds
    side = st.integers(1, 96) | st.integers(max(1, default - 9), default + 40)
    drawn = {
        "resolution": st.integers(29, 128) | st.just(default) | st.tuples(side, side),
        "num_classes": st.integers(1, 1001),
        "in_channels": st.integers(1, 4),
        "alpha": st.sampled_from((0.25, 0.35, 0.5, 0.75, 1.0, 1.3, 1.4, 1.5, 2.0)),
        "groups": st.sampled_from((1, 2, 3, 4, 8)),
    }
    assert set(known) <= {*drawn, "variant"}, "a new argument needs a strategy here"
    return {argument: draw(drawn[argument]) for argument in known if argument != "variant"}


@pytest.mark.parametrize("name", RUN_IN_PYTORCH)
@settings(max_examples=SHARE)
@given(data=st.data())
def test_every_network_equals_pytorch_operation_by_operation(name: str, data: st.DataObject) -> None:
    choices = data.draw(choices_for(name))
    resolution = choices["resolution"]
    height, width = (resolution, resolution) if isinstance(resolution, int) else resolution
    x = sample((choices["in_channels"], height, width))
    stored = {argument: value for argument, value in choices.items() if argument != "resolution"}
    try:
        net = load(name, **choices)
    except CostModelError:
        # What costmodel refuses, PyTorch cannot build or cannot run.
        with pytest.raises((RuntimeError, ValueError, ZeroDivisionError, KeyError)), torch.no_grad():
            build_module(name, **stored)(x)
        return
    module = build_module(name, **stored)
    result = compare(net, measure(module, x))
    assert result.difference is None
    assert len(result.pairs) == len(net.ledger)
    assert net.parameters == numel(module)


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v1:biased", "mobilenet_v2", "mobilenet_v2:scaled-head"])
@pytest.mark.parametrize("alpha", [0.25, 0.35, 0.5, 0.75, 1.0, 1.3, 1.4])
@settings(max_examples=SHARE)
@given(size=st.tuples(st.integers(1, 256), st.integers(1, 256)))
def test_mobilenets_equal_fvcore_at_every_alpha(name: str, alpha: float, size: tuple[int, int]) -> None:
    net = load(name, alpha=alpha, resolution=size)
    module = build_module(name, alpha=alpha)
    assert (net.multiply_adds, net.parameters) == (fvcore_multiply_adds(module, sample((3, *size))), numel(module))
