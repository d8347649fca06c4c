"""Llama in PyTorch (arXiv:2307.09288, 2407.21783): sizes from Meta's published parameter files."""

from __future__ import annotations

from torch import nn

from reference_models.transformer import llama


def llama2_7b(variant: str = "") -> nn.Module:
    """Table 1 of the first paper; sizes as in LLaMA (arXiv:2302.13971, Table 2)."""
    return llama(32, 4096, 32, 32, 11008, 32000)


def llama2_13b(variant: str = "") -> nn.Module:
    """Table 1 of the first paper; sizes as in LLaMA."""
    return llama(40, 5120, 40, 40, 13824, 32000)


def llama2_70b(variant: str = "") -> nn.Module:
    """The first with grouped heads."""
    return llama(80, 8192, 64, 8, 28672, 32000)


def llama3_8b(variant: str = "") -> nn.Module:
    """Table 3 of the second paper."""
    return llama(32, 4096, 32, 8, 14336, 128256)


def llama3_70b(variant: str = "") -> nn.Module:
    """Table 3 of the second paper."""
    return llama(80, 8192, 64, 8, 28672, 128256)


def llama3_405b(variant: str = "") -> nn.Module:
    """Table 3 of the second paper."""
    return llama(126, 16384, 128, 8, 53248, 128256)
