"""The architectures by what they are made of."""

from __future__ import annotations

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


def next_larger(name: str, alpha: float, **choices: object) -> Network:
    """The network of the next larger alpha, in steps of 1/10,000, that has other layers."""
    layers = [(node.layer, node.shape) for node in load(name, alpha=alpha, **choices).nodes]
    networks = (load(name, alpha=alpha + step / 10_000, **choices) for step in count(1))
    return next(network for network in networks if [(node.layer, node.shape) for node in network.nodes] != layers)
