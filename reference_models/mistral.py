"""Mistral 7B in PyTorch (arXiv:2310.06825, Table 1)."""

from __future__ import annotations

from torch import nn

from reference_models.transformer import llama


def mistral_7b(variant: str = "") -> nn.Module:
    """Table 1."""
    return llama(32, 4096, 32, 8, 14336, 32000, window=4096)
