"""What transformers are made of: norms, attention, and MLPs. Functions from node to node, the name second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, TypeAlias

from costmodel.core.counts import NO_PARAMS, Ops, Params
from costmodel.core.graph import BUILT, Node, apply
from costmodel.core.layers import (
    SWISH,
    Activation,
    Add,
    Embedding,
    LayerNorm,
    Linear,
    MatMul,
    Move,
    Operation,
    Shapes,
    Stored,
)
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError
from costmodel.models.registry import register

#: What comes before attention, before an MLP and before the head: tensor, name.
Norm: TypeAlias = Callable[[Node, str], Node]

_ADD, _MATMUL, _GELU = Add(), MatMul(), Activation("gelu")
#: Of each value: the largest is taken off first.
_SOFTMAX = Ops(cmp=1, add=2, exp=1, div=1)
_RMS_NORM = Ops(add=1, mul=3)


class Decoder(NamedTuple):
    """The sizes of a language model: it reads tokens and says of each the next one.

    ``heads`` ask and ``kv_heads`` answer; a token sees itself and the ``window`` - 1 tokens before it, all where that
    is 0. With a table of ``positions``, norms are layer norms, the MLP is GELU and linear layers have biases, as in
    GPT-2; where there is none, positions are turned into queries and keys, norms are RMS norms, the MLP is gated and
    nothing has a bias, as in Llama. ``tied``: the head works with the table of the tokens.
    """

    layers: int
    width: int
    heads: int
    kv_heads: int
    mlp: int
    vocabulary: int
    positions: int = 0
    tied: bool = False
    window: int = 0


def layer_norm(x: Node, name: str) -> Node:
    """Layer norm over the features."""
    return apply(x, name, _LAYER_NORM)


_LAYER_NORM = LayerNorm(1)


def rms_norm(x: Node, name: str) -> Node:
    """Each value over the root of the mean square of its token, times a gamma (arXiv:1910.07467)."""
    width = x.shape.channels
    gamma = stored(f"{name}.weight", Shape(width), Params(affine=width))
    return apply((x, gamma), f"{name}.rms", _operation("rms_norm", x, _RMS_NORM))


def stored(name: str, shape: Shape, holds: Params) -> Node:
    """A tensor that the network holds."""
    return Node(name, Stored(shape, holds), (), (), shape)


def _operation(name: str, x: Node, each: Ops) -> Operation:
    return Operation(name, x.shape, each * x.shape.elements)


def attention(
    x: Node, name: str, heads: int, kv_heads: int, norm: Norm, bias: bool, rotary: bool = False, causal: bool = False
) -> Node:
    """A norm, attention of ``heads`` that share the keys and values of ``kv_heads``, and the sum with ``x``.

    Every score is computed, also those that a ``causal`` mask hides. ``rotary`` turns queries and keys by their
    positions (arXiv:2104.09864).

    >>> from costmodel.core.graph import tokens
    >>> from costmodel.core.network import Network
    >>> Network(attention(tokens(197, 768), "attention", 12, 12, layer_norm, bias=True)).multiply_adds
    524391936
    """
    (length,), width = x.shape.spatial, x.shape.channels
    size = width // heads
    y = norm(x, f"{name}.norm")
    query = apply(y, f"{name}.query", Linear(width, bias))
    key = apply(y, f"{name}.key", Linear(kv_heads * size, bias))
    if rotary:
        query, key = _rotated(query, f"{name}.query"), _rotated(key, f"{name}.key")
    rows, columns = Shape(size, (heads, length), 2), Shape(length, (heads, size), 2)
    scores = _product(query, key, f"{name}.scores", (rows, columns))
    scores = apply(scores, f"{name}.scale", _operation("mul", scores, Ops(mul=1)))
    if causal:
        scores = apply(scores, f"{name}.mask", Move("masked_fill", scores.shape))
    scores = apply(scores, f"{name}.softmax", _operation("softmax", scores, _SOFTMAX))
    value = apply(y, f"{name}.value", Linear(kv_heads * size, bias))
    mixed = _product(scores, value, f"{name}.context", (scores.shape, rows))
    mixed = Node(f"{name}.output", Linear(width, bias), (mixed,), (y.shape,), y.shape, y.dtype)
    return apply((x, mixed), f"{name}.add", _ADD)


def _product(left: Node, right: Node, name: str, shapes: Shapes) -> Node:
    """The product of two nodes as the tensors of matrices that ``shapes`` views them as: one a head."""
    return Node(name, _MATMUL, (left, right), shapes, _MATMUL.output(shapes), left.dtype)


def _rotated(x: Node, name: str) -> Node:
    """Each value times a cosine, and plus the other half's times a sine."""
    times = _operation("mul", x, Ops(mul=1))
    cosine = apply(x, f"{name}_cosine", times)
    rolled = apply(x, f"{name}_roll", Move("roll", x.shape))
    return apply((cosine, apply(rolled, f"{name}_sine", times)), f"{name}_add", _ADD)


def mlp(x: Node, name: str, hidden: int, norm: Norm) -> Node:
    """A norm, a linear layer, GELU, a linear layer back, and the sum with ``x``."""
    y = apply(norm(x, f"{name}.norm"), f"{name}.up", Linear(hidden))
    y = apply(apply(y, f"{name}.gelu", _GELU), f"{name}.down", Linear(x.shape.channels))
    return apply((x, y), f"{name}.add", _ADD)


def gated_mlp(x: Node, name: str, hidden: int, norm: Norm) -> Node:
    """A norm, two linear layers of which one gates the other by swish, one back, and the sum (arXiv:2002.05202)."""
    linear, y = Linear(hidden, bias=False), norm(x, f"{name}.norm")
    gate = apply(apply(y, f"{name}.gate", linear), f"{name}.swish", SWISH)
    up = apply(y, f"{name}.up", linear)
    y = apply((gate, up), f"{name}.product", _operation("mul", gate, Ops(mul=1)))
    return apply((x, apply(y, f"{name}.down", Linear(x.shape.channels, bias=False))), f"{name}.add", _ADD)


def decoder(sizes: Decoder, tokens: Node) -> Node:
    """The language model of these ``sizes``, from the tokens that it reads to a value for each word of its vocabulary.

    Raises :class:`~costmodel.errors.CostModelError` for more tokens than its table has positions.
    """
    rotary, length = not sizes.positions, tokens.shape.elements
    norm = rms_norm if rotary else layer_norm
    x = apply(tokens, "embedding.tokens", Embedding(sizes.vocabulary, sizes.width))
    if not rotary:
        if length > sizes.positions:
            raise CostModelError(
                f"sequence={length} is longer than the {sizes.positions} positions; take at most {sizes.positions}"
            )
        table = apply(tokens, "embedding.positions", Embedding(sizes.positions, sizes.width))
        x = apply((x, table), "embedding.add", _ADD)
    for number in range(sizes.layers):
        name, heads = f"layer{number}", (sizes.heads, sizes.kv_heads)
        x = attention(x, f"{name}.attention", *heads, norm, not rotary, rotary, causal=True)
        x = (gated_mlp if rotary else mlp)(x, f"{name}.mlp", sizes.mlp, norm)
    head = apply(norm(x, "head.norm"), "head.linear", Linear(sizes.vocabulary, bias=False))
    return head._replace(provenance=_TIED) if sizes.tied else head


#: Of a layer whose parameters are those of another.
_TIED = BUILT._replace(stored=NO_PARAMS)


class DecoderRow(NamedTuple):
    """A language model: its name for people, its paper, its sizes, the tokens of its sequence, and what it then costs.

    ``counted`` has the multiply-adds and the parameters.
    """

    title: str
    paper: str
    year: int
    sizes: Decoder
    sequence: int
    counted: tuple[int, int]


#: The sizes of every language model that is registered, by name.
DECODERS: dict[str, Decoder] = {}


def decoders(rows: Mapping[str, DecoderRow], variant: str) -> None:
    """Registers the language models of ``rows``; ``variant`` says what they are."""
    for name, row in rows.items():
        sizes = DECODERS[name] = row.sizes
        heads = f"{sizes.heads} heads" + f" on {sizes.kv_heads} keys and values" * (sizes.heads != sizes.kv_heads)
        limit = f", or above {sizes.positions}" * bool(sizes.positions)
        text = f"""{row.title}: {sizes.layers} layers of width {sizes.width}, {heads}, on a sequence of tokens.

    Raises :class:`~costmodel.errors.CostModelError` for a sequence below 1{limit}."""
        register(
            name,
            f"{row.title}, {row.paper}",
            row.year,
            row.paper,
            {"": variant},
            row.counted,
            text=text,
            sequence=row.sequence,
        )(partial(decoder, sizes))
