"""What PyTorch's operators compute: the decisions, one line an operator, by the name it has in ``torch.ops.aten``.

An operator that stands in no table here, and has no handler in ``operators``, stops a capture. Whether an operator is
free is decided here and nowhere else. Counts are scalar operations of the textbook algorithm; transcendental functions
count as one ``exp`` each.
"""

from __future__ import annotations

from costmodel.core.counts import Ops

#: Make a tensor out of nothing: constants of the network, which are there before a sample comes.
CREATIONS = frozenset(
    "arange empty empty_like empty_permuted empty_strided eye full full_like linspace logspace new_empty"
    " new_empty_strided new_full new_ones new_zeros ones ones_like rand rand_like randint randint_like randn randn_like"
    " randperm scalar_tensor tril_indices triu_indices zeros zeros_like hann_window hamming_window".split()
)

#: Hand a value that is known to the code of the model, and compute nothing.
READS = frozenset("_local_scalar_dense equal _is_all_true _is_any_true".split())

#: Move, copy, select or convert values and compute nothing.
MOVES = frozenset(
    "as_strided squeeze unsqueeze transpose t swapaxes swapdims"
    " _conj _neg_view _pin_memory _reshape_alias _reshape_copy _to_copy _unsafe_view alias_copy as_strided_copy"
    " broadcast_tensors clone contiguous detach diag_embed"
    " diagonal_copy dropout expand_copy fill flatten flip gather im2col index index_copy index_fill"
    " index_select lift lift_fresh lift_fresh_copy masked_fill masked_scatter native_dropout max_unpool2d max_unpool3d"
    " permute_copy pixel_shuffle pixel_unshuffle reflection_pad1d reflection_pad2d reflection_pad3d repeat"
    " repeat_interleave replication_pad1d replication_pad2d replication_pad3d reshape resize roll rot90 scatter"
    " select_copy select_scatter slice_copy slice_scatter split_copy split_with_sizes_copy squeeze_copy stack t_copy"
    " take tile transpose_copy tril triu unfold_copy unsafe_split unsafe_split_with_sizes unsqueeze_copy"
    " view_as_complex view_as_real view_copy where zero set complex normal"
    " uniform random exponential real imag view_as_complex_copy view_as_real_copy conj_physical unbind_copy"
    " _assert_async _assert_tensor_metadata _linalg_check_errors masked_select _pack_padded_sequence"
    " sym_size sym_numel sym_stride is_same_size".split()
)

#: Of MOVES, those that people call a copy.
COPIES = frozenset(
    "_to_copy clone contiguous lift lift_fresh lift_fresh_copy alias_copy expand_copy _unsafe_view".split()
)

#: Repeat values and compute nothing, but stand in the network as nodes, because some counters count them.
REPEATS = frozenset(
    "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d"
    " _upsample_nearest_exact3d".split()
)

_ONE_ADD, _ONE_MUL, _ONE_DIV, _ONE_CMP, _ONE_EXP = Ops(add=1), Ops(mul=1), Ops(div=1), Ops(cmp=1), Ops(exp=1)


def in_real_numbers(work: Ops) -> Ops:
    """The arithmetic of complex numbers as arithmetic of real ones: the one rule for both.

    A multiply-add is 4 of them (4 multiplications, 4 additions), a multiplication 4 and 2 additions, an addition 2. A
    division is a product with the conjugate, a squared absolute value and 2 divisions; an ``exp`` is one of the real
    part, a sine, a cosine and 2 multiplications; a comparison compares both parts.

    >>> in_real_numbers(Ops(mac=10, add=1)), in_real_numbers(Ops(mul=1))
    (Ops(mac=40, add=2, mul=0, div=0, cmp=0, exp=0), Ops(mac=0, add=2, mul=4, div=0, cmp=0, exp=0))
    """
    return Ops(
        mac=4 * work.mac,
        add=2 * work.add + 2 * work.mul + 3 * work.div,
        mul=4 * work.mul + 6 * work.div + 2 * work.exp,
        div=2 * work.div,
        cmp=2 * work.cmp,
        exp=3 * work.exp,
    )


#: For each value of the result, in real arithmetic: from complex numbers to real ones, and back.
COMPLEX: dict[str, Ops] = {
    "abs": Ops(mul=2, add=1, exp=1),
    "angle": _ONE_EXP,
    "polar": Ops(mul=2, exp=2),
}

#: For each value of the result.
ELEMENTWISE: dict[str, Ops] = {
    **dict.fromkeys("add sub rsub neg".split(), _ONE_ADD),
    **dict.fromkeys("mul square".split(), _ONE_MUL),
    **dict.fromkeys("div reciprocal remainder fmod floor_divide".split(), _ONE_DIV),
    **dict.fromkeys(
        "abs sign sgn floor ceil round trunc frac eq ne lt le gt ge minimum maximum fmin fmax clamp_min clamp_max relu"
        " threshold isnan isinf isfinite bernoulli bitwise_and bitwise_or bitwise_not bitwise_xor bitwise_left_shift"
        " bitwise_right_shift logical_and logical_or logical_not logical_xor heaviside signbit nan_to_num bucketize"
        " searchsorted".split(),
        _ONE_CMP,
    ),
    **dict.fromkeys(
        "exp expm1 exp2 log log2 log10 log1p sqrt rsqrt sin cos tan asin acos atan atan2 sinh cosh erf erfc erfinv pow"
        " special_entr xlogy lgamma digamma i0 polar angle hypot".split(),
        _ONE_EXP,
    ),
    "clamp": Ops(cmp=2),
    "_prelu_kernel": Ops(cmp=1, mul=1),
    "addcmul": Ops(add=1, mul=2),
    "addcdiv": Ops(add=1, mul=1, div=1),
    "lerp": Ops(add=2, mul=1),
    "logit": Ops(exp=1, add=1, div=1),
    "celu": Ops(exp=1, add=1, cmp=1, mul=2),
    "selu": Ops(exp=1, add=1, cmp=1, mul=2),
    "glu": Ops(exp=1, add=1, div=1, mul=1),
    "rrelu_with_noise": Ops(cmp=1, mul=1),
    "addr": Ops(add=1, mul=1),
    "linalg_cross": Ops(add=1, mul=2),
    "isin": Ops(cmp=1),
    "softshrink": Ops(add=1, cmp=2),
    "hardshrink": Ops(cmp=2),
    "logaddexp": Ops(exp=3, add=3, cmp=1),
    "_weight_norm_interface": Ops(mul=2, add=1, div=1),
    # Between the 2, 4, 8 neighbors of each value: a product and a sum each.
    "upsample_linear1d": Ops(mul=2, add=1),
    "upsample_bilinear2d": Ops(mul=4, add=3),
    "_upsample_bilinear2d_aa": Ops(mul=4, add=3),
    "upsample_trilinear3d": Ops(mul=8, add=7),
    "upsample_bicubic2d": Ops(mul=16, add=15),
    "_upsample_bicubic2d_aa": Ops(mul=16, add=15),
    "grid_sampler_2d": Ops(mul=4, add=3),
    "grid_sampler_3d": Ops(mul=8, add=7),
}

#: For each value that is read.
REDUCTIONS: dict[str, Ops] = {
    **dict.fromkeys("sum nansum cumsum trace col2im index_add scatter_add".split(), _ONE_ADD),
    **dict.fromkeys("prod cumprod".split(), _ONE_MUL),
    **dict.fromkeys(
        "amax amin max min argmax argmin any all sort topk argsort median kthvalue cummax cummin aminmax"
        " adaptive_max_pool2d adaptive_max_pool3d max_pool2d_with_indices max_pool3d_with_indices unique_dim"
        " scatter_reduce count_nonzero histc bincount nonzero _unique2 unique_consecutive"
        " fractional_max_pool2d fractional_max_pool3d".split(),
        _ONE_CMP,
    ),
    **dict.fromkeys("var std".split(), Ops(add=3, mul=1)),
    **dict.fromkeys("var_mean std_mean".split(), Ops(add=3, mul=1)),
    "linalg_vector_norm": Ops(add=1, mul=1),
    "norm": Ops(add=1, mul=1),
    "logsumexp": Ops(exp=1, add=2, cmp=1),
    "logcumsumexp": Ops(exp=1, add=2, cmp=1),
    # The largest value is taken off first.
    "_softmax": Ops(cmp=1, add=2, exp=1, div=1),
    "_safe_softmax": Ops(cmp=1, add=2, exp=1, div=1),
    "_log_softmax": Ops(cmp=1, add=3, exp=1),
    "_fused_rms_norm": Ops(add=1, mul=3),
    "rms_norm": Ops(add=1, mul=3),
    "mse_loss": Ops(add=2, mul=1),
    **dict.fromkeys(("smooth_l1_loss", "huber_loss"), Ops(add=2, mul=1, cmp=1)),
    "binary_cross_entropy": Ops(add=2, mul=2, exp=2),
    **dict.fromkeys(("nll_loss_forward", "nll_loss2d_forward"), _ONE_ADD),
}

#: Activations that have a name in the field, by the operator that computes them.
ACTIVATIONS: dict[str, str] = {
    "relu": "relu",
    "sigmoid": "sigmoid",
    "hardsigmoid": "hard_sigmoid",
    "silu": "swish",
    "hardswish": "hard_swish",
    "tanh": "tanh",
    "hardtanh": "hard_tanh",
    "gelu": "gelu",
    "leaky_relu": "leaky_relu",
    "elu": "elu",
    "softplus": "softplus",
    "log_sigmoid_forward": "log_sigmoid",
    "mish": "mish",
}
