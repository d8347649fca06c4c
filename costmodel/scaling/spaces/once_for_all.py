"""The spaces of once-for-all networks (arXiv:1908.09791), as mit-han-lab/once-for-all builds their subnetworks."""

from __future__ import annotations

from costmodel.core.graph import Node, apply
from costmodel.core.layers import HARD_SWISH, RELU, Add, Flatten, GlobalAveragePool, Linear, conv, pointwise_conv
from costmodel.core.rounding import make_divisible
from costmodel.models.blocks import conv_bn
from costmodel.scaling.spaces.blocks import bottleneck, inverted_residual
from costmodel.scaling.spaces.rows import Rows, rows_of

#: Of each stage: its width, the stride of its first block, squeeze-excite, activation (ofa_mbv3.py).
MOBILE_STAGES = (
    (24, 2, False, "relu"),
    (40, 2, True, "relu"),
    (80, 2, False, "hard_swish"),
    (112, 1, True, "hard_swish"),
    (160, 2, True, "hard_swish"),
)

#: Width multipliers, and of each stage its width and how many blocks it has at least (ofa_resnets.py, resnets.py).
WIDTH_MULTIPLIERS = (0.65, 0.8, 1.0)
RESNET_STAGES = ((256, 2), (512, 2), (1024, 4), (2048, 2))


def once_for_all_mobilenet_v3() -> Rows:
    """Five stages of two to four blocks, each with kernel 3, 5 or 7 and expansion 3, 4 or 6: (9^2 + 9^3 + 9^4)^5.

    The resolution is 224: the paper varies it too, apart from the network.
    """
    searched = [
        {
            "block": inverted_residual,
            "out": out,
            "stride": stride,
            "squeeze_excite": squeeze_excite,
            "activation": activation,
            "kernel": [3, 5, 7],
            "expansion": [3, 4, 6],
            "repeat": [2, 4],
        }
        for out, stride, squeeze_excite, activation in MOBILE_STAGES
    ]
    stem = [
        {"block": "conv", "out": 16, "stride": 2, "activation": "hard_swish"},
        {"block": "inverted_residual", "expansion": 1},
    ]
    head = [{"block": "conv", "out": 960, "kernel": 1, "activation": "hard_swish"}, {"block": _mobile_head}]
    return rows_of({"name": "once_for_all_mobilenet_v3", "input": "3x224x224", "stage": [*stem, *searched, *head]})


def _mobile_head(x: Node, name: str) -> Node:
    """A 1x1 convolution of one position without bias or norm, and the classifier."""
    x = apply(x, "pool", GlobalAveragePool())
    x = apply(x, "feature_mix.conv", pointwise_conv(1280))
    x = apply(apply(x, "feature_mix.activation", HARD_SWISH), "flatten", Flatten())
    return apply(x, "classifier", Linear(1000))


def once_for_all_resnet50() -> Rows:
    """Two widths of the stem, one a stage, up to two blocks more a stage, and the ratio of every bottleneck.

    A residual block in the stem is there or not. Its first width has two values: two multipliers round to 24.
    """
    widths = [_width(64, one) for one in WIDTH_MULTIPLIERS]
    first = sorted({make_divisible(width // 2) for width in widths})
    stem = [
        {"block": "conv", "out": first, "stride": 2, "name": "stem.1"},
        {"block": _residual, "name": "stem.2", "skip": True},
        {"block": "conv", "out": widths, "name": "stem.3"},
        {"block": "max_pool", "name": "stem.pool"},
    ]
    searched = [
        {
            "block": bottleneck,
            "out": [_width(out, one) for one in WIDTH_MULTIPLIERS],
            "stride": 1 if out == 256 else 2,
            "ratio": [0.2, 0.25, 0.35],
            "repeat": [least, least + 2],
            "name": f"layer{number}",
        }
        for number, (out, least) in enumerate(RESNET_STAGES, start=1)
    ]
    head = [{"block": "classifier"}]
    return rows_of({"name": "once_for_all_resnet50", "input": "3x224x224", "stage": [*stem, *searched, *head]})


def _width(full: int, multiplier: float) -> int:
    return make_divisible(full * multiplier)


def _residual(x: Node, name: str) -> Node:
    y = conv_bn(x, name, conv(x.shape.channels, 3, 1, 1), RELU)
    return apply((y, x), f"{name}.add", Add())
