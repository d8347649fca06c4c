"""What optimizers keep, against torch.optim after a step, and against what their papers say."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

import costmodel as cm
from costmodel import Network, apply, image, load
from costmodel.core.layers import conv
from reference_models import build

OPTIMIZERS: dict[str, Any] = {
    "sgd": partial(torch.optim.SGD, lr=0.1),
    "momentum": partial(torch.optim.SGD, lr=0.1, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adafactor": torch.optim.Adafactor,
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["mobilenet_v2", "lenet", "vit_ti_16"])
def test_an_optimizer_keeps_what_torch_optim_keeps(optimizer: str, name: str) -> None:
    module = build(name).train()
    stepper = OPTIMIZERS[optimizer](module.parameters())
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    stepper.step()
    tensors = [value for state in stepper.state.values() for value in state.values() if isinstance(value, Tensor)]
    counters = 4 * sum(tensor.dim() == 0 for tensor in tensors)
    assert (
        sum(tensor.nbytes for tensor in tensors) - counters == load(name).training(optimizer=optimizer).optimizer_bytes
    )


def test_adam_in_8_bits_keeps_two_bytes_a_parameter_and_a_factor_for_256() -> None:
    large = Network(apply(image(64, 8), "conv", conv(64, 1)))
    assert large.training(optimizer="adam8bit").optimizer_bytes == 2 * 4096 + 2 * 4 * 16
    small = Network(apply(image(3, 8), "conv", conv(4, 1)))
    assert small.training(optimizer="adam8bit").optimizer_bytes == 8 * 12


def test_mixed_precision_takes_16_bytes_a_parameter() -> None:
    """arXiv:1910.02054, section 3.1: 2 + 2 bytes of weights and gradients, K = 12 of Adam."""
    found = cm.mobilenet_v2().training(dtype="bf16", optimizer="adam")
    assert found.parameter_bytes + found.gradient_bytes + found.optimizer_bytes == 16 * 3_504_872
