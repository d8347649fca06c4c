"""Every closed-form formula, once, with its document.

Plain arithmetic: only ``+ - * //``, no comparison, no branch (one greatest common divisor, for adaptive pools). So the
same function reads integers (a count), polynomials (a closed form) and columns of a grid (a sweep).

``F1`` to ``F9`` number the formulas of the founding documents; ``000`` to ``004`` are those documents:

* 000: MobileNetV1, grouped and depthwise convolution (F3 to F6)
* 001: MobileNetV1, standard against depthwise separable (F7)
* 002: MobileNetV2 (F8, F9)
* 003: from LeNet to MobileNetV2 (F1, F8, F9)
* 004: MobileNetV1 and V2, with worked examples (F1 to F4, F8, F9)

A *position* is one place of the output grid; *kernel area* is the product of the kernel's sizes.
"""

from __future__ import annotations

import math


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Size of one axis after a convolution or a pooling window (F1; documents 003, 004).

    ``floor((size + padding - dilation*(kernel - 1) - 1) / stride) + 1``, where ``padding`` is what is
    added to *both ends together*: ``2*pad`` in the documents. With dilation 1 this is
    ``floor((size + 2*pad - kernel) / stride) + 1``. Below 1 means that the kernel does not fit.

    >>> output_size(224, kernel=3, stride=2, padding=1 + 1)
    112
    >>> output_size(227, kernel=11, stride=4)
    55
    """
    return (size + padding - dilation * (kernel - 1) - 1) // stride + 1


def same_output_size(size: int, stride: int = 1) -> int:
    """Size of one axis under padding "same": ``ceil(size / stride)``.

    TensorFlow's definition for every stride; at stride 1 it is also PyTorch's. The kernel has no say.

    >>> same_output_size(225, stride=2)
    113
    """
    return -(-size // stride)


def ceil_output_size(size: int, kernel: int, stride: int = 1, before: int = 0, after: int = 0) -> tuple[int, int]:
    """Size of one axis after a pooling window in ceil mode: the smaller of the two numbers (document 003, GoogLeNet).

    F1 with ``ceil`` for ``floor``, so that a last window may hang over the end; and the number of windows that start
    on the input or on the padding ``before`` it, for PyTorch drops a window that would start on the padding ``after``.

    >>> min(ceil_output_size(112, kernel=3, stride=2))
    56
    """
    return -(-(size + before + after - kernel) // stride) + 1, -(-(size + before) // stride)


def adaptive_pool_reads(size: int, outputs: int) -> int:
    """Values that the windows of an adaptive pool read along one axis: ``size + outputs - gcd(size, outputs)``.

    Window ``i`` runs from ``floor(i*size/outputs)`` to ``ceil((i + 1)*size/outputs)`` (PyTorch). Neighbors share a
    value wherever a bound between them is not whole, and of the ``outputs`` bounds ``gcd`` are whole.

    >>> adaptive_pool_reads(10, 7), adaptive_pool_reads(14, 7)
    (16, 14)
    """
    return size + outputs - math.gcd(size, outputs)


def transposed_output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, output_padding: int = 0
) -> int:
    """Size of one axis after a transposed convolution: F1 solved for its input.

    ``(size - 1)*stride - padding + dilation*(kernel - 1) + 1 + output_padding``; ``padding`` is both ends
    together. F1 floors, so ``output_padding`` chooses among the ``stride`` sizes that F1 maps to one.

    >>> transposed_output_size(112, kernel=3, stride=2, padding=1 + 1, output_padding=1)
    224
    """
    return (size - 1) * stride - padding + dilation * (kernel - 1) + 1 + output_padding


def conv_weights(in_channels: int, out_channels: int, kernel_area: int, groups: int = 1) -> int:
    """Weights of a convolution, without bias: ``K*K * C0/g * C1/g * g`` (F5; document 000).

    Standard at ``groups=1``, depthwise at ``groups=in_channels``, pointwise at ``kernel_area=1`` (F3, F7).
    ``groups`` must divide both channel counts.

    >>> conv_weights(3, 6, kernel_area=11 * 11, groups=3)
    726
    """
    return kernel_area * in_channels // groups * out_channels


def conv_multiply_adds(positions: int, in_channels: int, out_channels: int, kernel_area: int, groups: int = 1) -> int:
    """Multiply-adds of a convolution: ``K*K*M*N*DF*DF`` divided by the groups (F2, F3; documents 000, 004).

    Every weight is used once at every position, so this is ``positions`` times the weights. ``positions``
    counts the output grid; for a transposed convolution it counts the *input* grid, because there each
    input position is spread over the kernel. Padding is multiplied like any other value.

    >>> conv_multiply_adds(56 * 56, 128, 256, kernel_area=3 * 3)
    924844032
    """
    return positions * kernel_area * in_channels // groups * out_channels


def conv_flops_with_bias(positions: int, in_channels: int, out_channels: int, kernel_area: int, groups: int = 1) -> int:
    """FLOPs of a convolution with bias: ``[(2*K*K*C0/g + 1) * H*W * C1/g] * g`` (F6; document 000).

    A multiplication and an addition count 1 each, and so does the bias of every output.

    >>> conv_flops_with_bias(55 * 55, 3, 6, kernel_area=11 * 11, groups=3)
    4410450

    Document 000 prints 2,205,225 for this very example: half, for it summed half of the output channels.
    """
    return (2 * kernel_area * in_channels // groups + 1) * positions * out_channels


def linear_weights(in_features: int, out_features: int) -> int:
    """Weights of a linear layer, without bias.

    >>> linear_weights(1024, 1000)
    1024000
    """
    return in_features * out_features


def linear_multiply_adds(positions: int, in_features: int, out_features: int) -> int:
    """Multiply-adds of a linear layer applied at each of ``positions`` (1 for a vector).

    >>> linear_multiply_adds(1, 1024, 1000)
    1024000
    """
    return positions * in_features * out_features


def separable_ratio(out_channels: int, kernel_area: int) -> tuple[int, int]:
    """Depthwise separable over standard convolution: ``1/N + 1/K^2``, as (numerator, denominator) (F4; 000, 004).

    ``(N + K^2) / (N * K^2)``, the same for multiply-adds and for weights, whatever the size and the stride.
    The documents' "8 to 9 times" for K=3 is ``9N/(N + 9)``: 8.69 at N=256, and never 9.

    >>> separable_ratio(256, 3 * 3)
    (265, 2304)
    """
    return out_channels + kernel_area, out_channels * kernel_area


def norm_affine(channels: int) -> int:
    """Trainable parameters of a normalization layer: a scale (gamma) and a shift (beta) a channel.

    >>> norm_affine(32)
    64
    """
    return 2 * channels


def training_flops(parameters: int, tokens: int) -> int:
    """6 N D: two FLOPs forward and four backward for each parameter and token (arXiv:2001.08361, section 2.1).

    >>> training_flops(6_738_415_616, 4096)
    165603302178816
    """
    return 6 * parameters * tokens
