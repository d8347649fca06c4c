"""The architectures by what they are made of."""

from __future__ import annotations

import os
from itertools import count

from costmodel import Network, load
from costmodel.models.registry import architecture, names


def reads_tokens(name: str) -> bool:
    """Whether it reads the tokens of a sequence, and no image."""
    return "sequence" in architecture(name.partition(":")[0]).choices


#: Those with attention: their cost is no polynomial in the width of an image alone, and their maps have no channels.
TRANSFORMERS = [name for name in names() if reads_tokens(name) or name.startswith("vit")]

#: The others, which read images of nearly any size.
CONVOLUTIONAL = [name for name in names() if name not in TRANSFORMERS]


#: Whether this is the round that may take hours.
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"

#: The same layers as a smaller network of their family, more often or wider; PyTorch takes long for them.
DEEPER = {
    *("resnet101", "resnet101:paper-stride", "resnet101:slim-stride"),
    *("resnet152", "resnet152:paper-stride", "resnet152:slim-stride"),
    *("resnext101_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
    *("densenet161", "densenet169", "densenet201"),
    *("efficientnet_b2", "efficientnet_b3", "efficientnet_b4", "efficientnet_b5", "efficientnet_b6", "efficientnet_b7"),
    *("vgg16", "vgg16:bn", "vgg16:plain", "vgg19", "vgg19:bn", "vgg19:plain"),
}

#: What a test runs that takes PyTorch seconds a network: every network at night, else the smallest of each family.
RUN_IN_PYTORCH = [name for name in CONVOLUTIONAL if NIGHTLY or name not in DEEPER]


def next_larger(name: str, alpha: float, **choices: object) -> Network:
    """The network of the next larger alpha, in steps of 1/10,000, that has other layers."""
    layers = [(node.layer, node.shape) for node in load(name, alpha=alpha, **choices).nodes]
    networks = (load(name, alpha=alpha + step / 10_000, **choices) for step in count(1))
    return next(network for network in networks if [(node.layer, node.shape) for node in network.nodes] != layers)
