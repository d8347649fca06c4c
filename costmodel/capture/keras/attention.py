"""Attention layers of Keras, step by step: projections, scores, softmax, what the scores weigh."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.capture.keras.call import Handlers, LayerCall, Made, UndecidedError
from costmodel.capture.operator_costs import REDUCTIONS
from costmodel.capture.recurrent_costs import TANH
from costmodel.core.counts import Ops
from costmodel.core.layers import MatMul, Move
from costmodel.core.shape import Shape


def _multi_head(call: LayerCall) -> Made:
    layer = call.keras
    if call.kwargs.get("return_attention_scores") or getattr(layer, "use_gate", False):
        raise UndecidedError("attention that returns its scores, or with a gate")
    query = call.argument(0, "query")
    value = call.argument(1, "value")
    key = call.argument(2, "key")
    key = value if not isinstance(key, Made) else key
    if not (isinstance(query, Made) and isinstance(value, Made)) or any(
        len(one.sizes) != 2 for one in (query, key, value)
    ):
        raise UndecidedError("attention over more than one axis")
    heads = getattr(layer, "num_query_heads", None) or layer.num_heads
    own = getattr(layer, "num_key_value_heads", heads)
    (tokens, _), (others, _) = query.sizes, value.sizes
    wide = getattr(layer, "key_dim", None) or layer.head_dim
    deep = getattr(layer, "value_dim", None) or wide
    q = call.layer(layer._query_dense, [query], (tokens, heads, wide))
    k = call.layer(layer._key_dense, [key], (others, own, wide))
    v = call.layer(layer._value_dense, [value], (others, own, deep))
    if own != heads:
        k, v = (_repeated(call, made, heads, part) for made, part in ((k, "repeat_key"), (v, "repeat_value")))
    # The queries are divided by the root of their width.
    q = call.operation("mul", Ops(mul=1) * q.elements, [q], sizes=q.sizes, part="scale")
    masked = call.kwargs.get("attention_mask") is not None or bool(call.kwargs.get("use_causal_mask"))
    weighed = _weighed(call, (heads, tokens, wide), (heads, others, deep), [q, k, v], masked)
    mixed = call.seen_as(weighed, (tokens, heads, deep))
    return call.layer(layer._output_dense, [mixed], call.sizes)


def _repeated(call: LayerCall, made: Made, heads: int, part: str) -> Made:
    tokens, _, wide = made.sizes
    return call.add(Move("repeat_interleave", Shape.of((tokens, heads, wide), -1)), [made], part=part)


def _attention(call: LayerCall) -> Made:
    """``Attention``: products of queries and keys as they are."""
    layer, query, value, *key = call.keras, *call.reads
    plain = layer.score_mode == "dot" and len(key) < 2 and not call.kwargs.get("return_attention_scores")
    if not plain or any(len(read.sizes) != 2 for read in call.reads):
        raise UndecidedError("an Attention layer with other scores than products, or with masks")
    (tokens, wide), (others, deep) = query.sizes, value.sizes
    if layer.use_scale:
        work = Ops(mul=1) * query.elements
        query = call.operation("mul", work, [query], call.claim(), sizes=query.sizes, part="scale")
    reads = [query, key[0] if key else value, value]
    masked = bool(call.kwargs.get("use_causal_mask"))
    made = _weighed(call, (tokens, wide), (others, deep), reads, masked)
    return call.seen_as(made, call.sizes)


def _weighed(call: LayerCall, query: Sequence[int], value: Sequence[int], reads: Sequence[Made], masked: bool) -> Made:
    """``softmax(q k^T) v``, for each head of ``query`` (heads, tokens, width) and ``value`` (heads, tokens, width)."""
    *heads, tokens, wide = query
    others, deep = value[-2:]
    q, k, v = reads
    shapes = Shape.of((*heads, tokens, wide), -1), Shape.of((*heads, wide, others), -1)
    scores = call.add(MatMul(), [q, k], shapes, part="scores")
    return _mixed(call, scores, v, (*heads, others, deep), masked)


def _mixed(call: LayerCall, scores: Made, value: Made, sizes: Sequence[int], masked: bool) -> Made:
    """``softmax(scores) v``, where ``v`` has these ``sizes``."""
    if masked:
        scores = call.operation("add", Ops(add=1) * scores.elements, [scores], sizes=scores.sizes, part="mask")
    work = REDUCTIONS["_softmax"] * scores.elements
    shares = call.operation("softmax", work, [scores], sizes=scores.sizes, part="softmax")
    shapes = Shape.of(shares.sizes, -1), Shape.of(tuple(sizes), -1)
    return call.add(MatMul(), [shares, value], shapes, part="weighted")


def _additive_attention(call: LayerCall) -> Made:
    """``AdditiveAttention``: for each query and key, the hyperbolic tangents of their sums, scaled and added up."""
    layer, query, value, *key = call.keras, *call.reads
    if len(key) > 1 or call.kwargs.get("return_attention_scores"):
        raise UndecidedError("an AdditiveAttention with masks, or that returns its scores")
    (tokens, wide), others = query.sizes, value.sizes[0]
    each = Ops(add=2, mul=1 if layer.use_scale else 0) + TANH
    reads = [query, key[0] if key else value]
    work = each * (tokens * others * wide)
    scores = call.operation("additive_scores", work, reads, call.claim(), sizes=(tokens, others), part="scores")
    return _mixed(call, scores, value, value.sizes, bool(call.kwargs.get("use_causal_mask")))


ATTENTION: Handlers = {
    "MultiHeadAttention": _multi_head,
    "GroupedQueryAttention": _multi_head,
    "Attention": _attention,
    "AdditiveAttention": _additive_attention,
}
