"""The documents' networks as PyTorch modules, written by hand: what costmodel is checked against.

Submodules are named as costmodel names its nodes, so the two can be compared node by node. Each module follows its
document or paper, not costmodel: nothing here imports costmodel.
"""

from __future__ import annotations

import importlib

import torch
from torch import nn

#: Name of each network -> the module of its family.
FAMILIES = {
    "lenet": "lenet",
    "lenet5": "lenet",
    "alexnet": "alexnet",
    "vgg11": "vgg",
    "vgg13": "vgg",
    "vgg16": "vgg",
    "vgg19": "vgg",
    "googlenet": "googlenet",
    "resnet18": "resnet",
    "resnet34": "resnet",
    "resnet50": "resnet",
    "resnet101": "resnet",
    "resnet152": "resnet",
    "resnext50_32x4d": "resnet",
    "resnext101_32x4d": "resnet",
    "resnext101_32x8d": "resnet",
    "resnext101_64x4d": "resnet",
    "squeezenet1_0": "squeezenet",
    "squeezenet1_1": "squeezenet",
    "densenet121": "densenet",
    "densenet161": "densenet",
    "densenet169": "densenet",
    "densenet201": "densenet",
    "mobilenet_v1": "mobilenet_v1",
    "mobilenet_v2": "mobilenet_v2",
    "mobilenet_v3_large": "mobilenet_v3",
    "mobilenet_v3_small": "mobilenet_v3",
    "shufflenet_v1": "shufflenet_v1",
    "shufflenet_v2": "shufflenet_v2",
    "mnasnet": "mnasnet",
    "efficientnet_b0": "efficientnet",
    "efficientnet_b1": "efficientnet",
    "efficientnet_b2": "efficientnet",
    "efficientnet_b3": "efficientnet",
    "efficientnet_b4": "efficientnet",
    "efficientnet_b5": "efficientnet",
    "efficientnet_b6": "efficientnet",
    "efficientnet_b7": "efficientnet",
}


def build(name: str, **choices: object) -> nn.Module:
    """The PyTorch module that ``name`` (with its variant after a colon) makes of ``choices``, in evaluation mode."""
    base, _, variant = name.partition(":")
    module = importlib.import_module(f"reference_models.{FAMILIES[base]}")
    # Without initial weights: a count does not read them, and drawing VGG's 140 million takes seconds.
    with torch.device("meta"):
        built: nn.Module = getattr(module, base)(variant=variant, **choices)
    return built.to_empty(device="cpu").eval()
