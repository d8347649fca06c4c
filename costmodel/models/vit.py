"""Vision Transformers (arXiv:2010.11929, Table 1; Ti and S: arXiv:2012.12877, Table 1)."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from costmodel.core.counts import Params
from costmodel.core.graph import Node, apply
from costmodel.core.layers import Add, Alias, Linear, Move, conv
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError
from costmodel.models.registry import register
from costmodel.models.transformer import attention, layer_norm, mlp, stored


class Encoder(NamedTuple):
    """Layers, width, heads and the side of a patch; the MLP has four times the width."""

    layers: int
    width: int
    heads: int
    patch: int


ROWS = {
    "vit_ti_16": (Encoder(12, 192, 3, 16), (1_253_683_200, 5_717_416)),
    "vit_s_16": (Encoder(12, 384, 6, 16), (4_598_882_304, 22_050_664)),
    "vit_b_16": (Encoder(12, 768, 12, 16), (17_563_828_224, 86_567_656)),
    "vit_b_32": (Encoder(12, 768, 12, 32), (4_409_186_304, 88_224_232)),
    "vit_l_16": (Encoder(24, 1024, 16, 16), (61_554_712_576, 304_326_632)),
    "vit_l_32": (Encoder(24, 1024, 16, 32), (15_377_539_072, 306_535_400)),
    "vit_h_14": (Encoder(32, 1280, 16, 14), (167_295_109_120, 632_045_800)),
}

VARIANTS = {"": "a class token, learned positions, a linear head, no dropout, as in torchvision and timm"}


def _vit(sizes: Encoder, x: Node, num_classes: int, variant: str) -> Node:
    if any(side % sizes.patch for side in x.shape.spatial):
        raise CostModelError(
            f"embedding.patches: patches of {sizes.patch} do not divide an image of {x.shape}; use a multiple, such as"
            f" {sizes.patch * max(1, x.shape.spatial[0] // sizes.patch)}"
        )
    patches = apply(x, "embedding.patches", conv(sizes.width, sizes.patch, sizes.patch, bias=True))
    x = _embedded(patches)
    for number in range(sizes.layers):
        x = attention(x, f"layer{number}.attention", sizes.heads, sizes.heads, layer_norm, bias=True)
        x = mlp(x, f"layer{number}.mlp", 4 * sizes.width, layer_norm)
    x = layer_norm(x, "head.norm")
    token = Shape(sizes.width)
    x = Node("head.token", Move("select", token), (x,), (x.shape,), token, x.dtype, Alias())
    return apply(x, "head.linear", Linear(num_classes))


def _embedded(patches: Node) -> Node:
    """The patches as tokens, after one that the network holds, each with its position added."""
    width, count = patches.shape.channels, patches.shape.positions
    tokens = Shape(width, (count + 1,), 1)
    views = Shape(width, (1,), 1), Shape(width, (count,), 1)
    token = stored("embedding.token", views[0], Params(weight=width))
    x = Node("embedding.concat", Move("concat", tokens), (token, patches), views, tokens, patches.dtype)
    positions = stored("embedding.positions", tokens, Params(weight=tokens.elements))
    return apply((x, positions), "embedding.add", Add())


for _name, (_sizes, _costs) in ROWS.items():
    _title = "-".join(_name.split("_")[1:]).capitalize().replace("-", "/")
    _text = f"""ViT-{_title}: {_sizes.layers} layers of width {_sizes.width}, {_sizes.heads} heads, on patches of
    {_sizes.patch} x {_sizes.patch}.

    Images are square, or (height, width). Raises :class:`~costmodel.errors.CostModelError` where the patches do not
    divide an image."""
    register(
        _name,
        f"ViT-{_title}, arXiv:2010.11929",
        2020,
        "arXiv:2010.11929 Table 1" if _sizes.width >= 768 else "arXiv:2012.12877 Table 1",
        VARIANTS,
        _costs,
        text=_text,
    )(partial(_vit, _sizes))
