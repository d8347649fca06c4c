"""Results that are not asked of PyTorch are those that it would give: sizes, strides, type, and the same refusals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from costmodel import CostModelError
from costmodel.capture.operator_costs import ACTIVATIONS
from costmodel.capture.torch.api import from_torch
from costmodel.capture.torch.shortcuts import result_of
from tests.capture.modules import Calls

aten = torch.ops.aten


def blanks() -> list[Tensor]:
    """Dense, channels last, transposed, expanded, sliced, empty; three types."""
    x = torch.empty(2, 6, 5, 4, device="meta")
    views = [x, x.to(memory_format=torch.channels_last), x.transpose(1, 3), x[:1].expand(3, 6, 5, 4), x[:, ::2], x[:0]]
    return [view.to(kind) for view in views for kind in (torch.float32, torch.float16, torch.float64)]


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return (one.shape, one.stride(), one.dtype, one.device) == (other.shape, other.stride(), other.dtype, other.device)


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "log_sigmoid_forward"])
def test_an_activation_makes_what_pytorch_makes(name: str) -> None:
    function = getattr(aten, name).default
    for x in blanks():
        assert alike(result_of(function, (x,), {}), function(x)), x
    integers = torch.empty(3, dtype=torch.int64, device="meta")
    if name == "sigmoid":
        assert result_of(function, (integers,), {}).dtype == torch.float32


def test_an_activation_in_place_is_the_tensor_itself() -> None:
    x = torch.empty(3, 4, device="meta")
    assert result_of(aten.relu_.default, (x,), {}) is x


def test_a_batch_norm_makes_what_pytorch_makes() -> None:
    for x in blanks():
        held = [torch.empty(x.shape[1], dtype=x.dtype, device="meta") for _ in range(4)]
        for stored in (held, [None, None, *held[2:]]):
            arguments = (x, *stored, False, 0.1, 1e-5)
            found, true = (
                result_of(aten.native_batch_norm.default, arguments, {}),
                aten.native_batch_norm.default(*arguments),
            )
            assert alike(found[0], true[0]), x


def test_a_batch_norm_of_other_channels_is_refused_as_ever() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        return torch.nn.functional.batch_norm(x, module.mean, module.mean)

    module = Calls(forward)
    module.register_buffer("mean", torch.zeros(5))
    with pytest.raises(CostModelError):
        from_torch(module, (6, 4, 4))
