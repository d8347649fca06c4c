"""The documents' networks as PyTorch modules, written by hand: what costmodel is checked against.

Submodules are named as costmodel names its nodes, so the two can be compared node by node. Each module follows its
document or paper, not costmodel: nothing here imports costmodel.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import torch
from torch import nn

_FILES = [file.stem for file in Path(__file__).parent.glob("*.py")]


def build(name: str, **choices: object) -> nn.Module:
    """The PyTorch module that ``name`` (with its variant after a colon) makes of ``choices``, in evaluation mode.

    Sizes of the input are left out where the module takes any. What reads tokens stays on the meta device, which knows
    shapes alone: most machines cannot hold a language model, and a run takes minutes.
    """
    base, _, variant = name.partition(":")
    # A network is in the file that its name begins with.
    family = max((file for file in _FILES if base.startswith(file)), key=len)
    module = importlib.import_module(f"reference_models.{family}")
    make = getattr(module, base)
    sizes = {"resolution", "sequence"} - inspect.signature(make).parameters.keys()
    # Without initial weights: a count does not read them, and drawing VGG's 140 million takes seconds.
    with torch.device("meta"):
        stored = {choice: value for choice, value in choices.items() if choice not in sizes}
        built: nn.Module = make(variant=variant, **stored).eval()
    shapes_alone = any(hasattr(part, "shapes_alone") for part in built.modules())
    return built if shapes_alone else built.to_empty(device="cpu")
