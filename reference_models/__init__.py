"""The documents' networks as PyTorch modules, written by hand: what costmodel is held against.

Submodules are named as costmodel names its nodes, so the two can be compared node by node. Each module follows its
document or paper, not costmodel: nothing here imports costmodel.
"""

from __future__ import annotations

import importlib

import torch
from torch import nn

#: Name of each network -> the module of its family.
FAMILIES = {
    "mobilenet_v1": "mobilenet_v1",
    "mobilenet_v2": "mobilenet_v2",
}


def build(name: str, **choices: object) -> nn.Module:
    """The PyTorch module that ``name`` (with its variant after a colon) makes of ``choices``, in evaluation mode."""
    base, _, variant = name.partition(":")
    module = importlib.import_module(f"reference_models.{FAMILIES[base]}")
    # Without initial weights: a count does not read them, and drawing VGG's 140 million takes seconds.
    with torch.device("meta"):
        built: nn.Module = getattr(module, base)(variant=variant, **choices)
    return built.to_empty(device="cpu").eval()
