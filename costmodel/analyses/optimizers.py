"""What optimizers keep for each parameter: exact numbers, in bytes.

Where weights have fewer than 32 bits, as in mixed precision (arXiv:1710.03740), the optimizer also keeps them in fp32,
and its own numbers too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from costmodel.core.graph import Node
from costmodel.core.layers import Conv, Embedding, Layer, LayerNorm, Linear, Stored, TransposedConv
from costmodel.errors import CostModelError, nearest
from costmodel.quantities import bytes_of_all

Sizes = tuple[int, ...]


class Optimizer(NamedTuple):
    """An optimizer: the bytes that it keeps for a tensor of these sizes and type, and whose it is.

    ``by_tensor``: they depend on the sizes, and not on how many numbers these hold alone.
    """

    name: str
    state: Callable[[Sizes, str], int]
    source: str
    by_tensor: bool = False


def _copies(count: int) -> Callable[[Sizes, str], int]:
    """So many numbers for each parameter."""
    return lambda sizes, dtype: count * bytes_of_all(math.prod(sizes), dtype)


def _adafactor(sizes: Sizes, dtype: str) -> int:
    """A mean of squares for each row and each column of a matrix; for each value of a vector."""
    if len(sizes) < 2:
        return bytes_of_all(math.prod(sizes), dtype)
    *leading, rows, columns = sizes
    return bytes_of_all(math.prod(leading) * (rows + columns), dtype)


def _eight_bits(sizes: Sizes, dtype: str) -> int:
    """Two moments of a byte each, and a factor in fp32 for each 256 of them; small tensors stay in fp32."""
    count = math.prod(sizes)
    if count < 4096:
        return 8 * count
    return 2 * (count + 4 * -(-count // 256))


OPTIMIZERS = {
    choice.name: choice
    for choice in (
        Optimizer("sgd", _copies(0), "torch.optim.SGD"),
        Optimizer("momentum", _copies(1), "torch.optim.SGD(momentum=0.9)"),
        Optimizer("adam", _copies(2), "torch.optim.Adam"),
        Optimizer("adamw", _copies(2), "torch.optim.AdamW"),
        Optimizer("adafactor", _adafactor, "torch.optim.Adafactor, arXiv:1804.04235", by_tensor=True),
        Optimizer("adam8bit", _eight_bits, "bitsandbytes, arXiv:2110.02861", by_tensor=True),
    )
}


def optimizer_named(name: str) -> Optimizer:
    """The optimizer called ``name``. Raises :class:`~costmodel.errors.CostModelError` where there is none.

    >>> optimizer_named("adamw").source
    'torch.optim.AdamW'
    """
    if name not in OPTIMIZERS:
        known = ", ".join(OPTIMIZERS)
        raise CostModelError(f"no optimizer is called {name!r}; {nearest(name, OPTIMIZERS)}there are {known}")
    return OPTIMIZERS[name]


def optimizer_bytes(optimizer: Optimizer, trained: Iterable[tuple[Node, str, int]], dtype: Callable[[str], str]) -> int:
    """What ``optimizer`` keeps for the ``trained`` parameters: of which node, of which type, and how many.

    ``dtype`` says at which type those of one are stored.
    """
    counts: dict[str, int] = {}
    tensors: dict[str, list[Sizes]] = {}
    for node, own, count in trained:
        counts[own] = counts.get(own, 0) + count
        if optimizer.by_tensor:
            tensors.setdefault(own, []).extend(_tensors(node, count))
    total = 0
    for own, count in counts.items():
        stored = dtype(own)
        small = bytes_of_all(2, stored) < 8
        kind = "float32" if small else stored
        total += bytes_of_all(count, kind) if small else 0
        total += sum([optimizer.state(sizes, kind) for sizes in tensors.get(own, [(count,)])])
    return total


def _tensors(node: Node, count: int) -> list[Sizes]:
    """The sizes of its ``count`` trainable parameters, tensor by tensor, as PyTorch stores them."""
    inputs, layer = node.sample[0], node.layer
    stored = layer.params(inputs)
    if not count:
        return []
    if isinstance(layer, Stored):
        return [layer.shape.sizes]
    if stored.parameters != count:
        raise CostModelError(f"{node.name}: not known which tensors hold its {count} parameters; take adamw")
    pairs = 1 if isinstance(layer, LayerNorm) and layer.gamma != layer.beta else 2
    vectors = [(stored.bias,), *[(stored.affine // pairs,)] * pairs]
    weight = [_weight(layer, inputs[0].channels)] if stored.weight else []
    return [*weight, *[vector for vector in vectors if vector[0]]]


def _weight(layer: Layer, channels: int) -> Sizes:
    match layer:
        case Linear(out_features=features):
            return (features, channels)
        case Conv(out_channels=out, kernel=kernel, groups=groups):
            return (out, channels // groups, *kernel)
        case TransposedConv(out_channels=out, kernel=kernel, groups=groups):
            return (channels, out // groups, *kernel)
        case Embedding(count=rows, features=features):
            return (rows, features)
    raise CostModelError(f"no rule for the sizes of the weights of {layer!r}; take adamw")
