"""The documents' networks as PyTorch modules, written by hand: what costmodel is checked against.

Submodules are named as costmodel names its nodes, so the two can be compared node by node. Each module follows its
document or paper, not costmodel: nothing here imports costmodel.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import torch
from torch import nn

_FILES = [file.stem for file in Path(__file__).parent.glob("*.py")]


def build(name: str, **choices: object) -> nn.Module:
    """The PyTorch module that ``name`` (with its variant after a colon) makes of ``choices``, in evaluation mode."""
    base, _, variant = name.partition(":")
    # A network is in the file that its name begins with.
    family = max((file for file in _FILES if base.startswith(file)), key=len)
    module = importlib.import_module(f"reference_models.{family}")
    # Without initial weights: a count does not read them, and drawing VGG's 140 million takes seconds.
    with torch.device("meta"):
        built: nn.Module = getattr(module, base)(variant=variant, **choices)
    return built.to_empty(device="cpu").eval()
