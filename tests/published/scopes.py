"""What a printed figure may count: functions of a network, and networks that the package does not build."""

from __future__ import annotations

from collections.abc import Iterable

from costmodel import Entry, Network, apply, image
from costmodel.core.layers import (
    RELU,
    Activation,
    BatchNorm,
    Flatten,
    GlobalAveragePool,
    Linear,
    Pool,
    conv,
    max_pool,
    pointwise_conv,
)
from costmodel.models.blocks import conv_activation, conv_bn, linear_activation, pooled_classifier, squeeze_excite


def multipliers(net: Network) -> list[Entry]:
    """Convolutions and linear layers, in order: the stem is the first, the classifier the last."""
    return [entry for entry in net.ledger if entry.ops.mac]


def macs(entries: Iterable[Entry]) -> int:
    return sum(entry.ops.mac for entry in entries)


# Parameters


def parameters(net: Network) -> int:
    return net.parameters


def weights(net: Network) -> int:
    return net.weights


def weights_without_classifier(net: Network) -> int:
    return sum(entry.params.weight for entry in multipliers(net)[:-1])


def stored(net: Network) -> int:
    """Running statistics of batch norm too, which are stored but not trained."""
    return sum(net.ledger.params)


def stored_without_gamma(net: Network) -> int:
    """Three numbers a normalized channel: a batch norm that shifts but does not scale, and its two statistics."""
    params = net.ledger.params
    return params.weight + params.bias + params.affine // 2 + params.buffer


# Multiply-adds


def multiply_adds(net: Network) -> int:
    return net.multiply_adds


def two_flops(net: Network) -> int:
    """Two operations a multiply-add, printed as if they were multiply-adds."""
    return net.flops


def without_classifier(net: Network) -> int:
    return macs(multipliers(net)[:-1])


def without_stem(net: Network) -> int:
    return macs(multipliers(net)[1:])


def convolutions(net: Network) -> int:
    return macs(entry for entry in net.ledger if not isinstance(entry.layer, Linear))


def without_projections(net: Network) -> int:
    """Shortcuts of padded identities, the paper's option A, which has no 1x1 convolutions."""
    return macs(entry for entry in net.ledger if ".downsample." not in entry.name)


def with_norms_activations_pools(net: Network) -> int:
    """As mmcv's counter: two a normalized element, one an activated one, one an element that a pool reads."""
    total = net.multiply_adds
    for entry in net.ledger:
        if isinstance(entry.layer, BatchNorm):
            total += 2 * entry.output.elements
        elif isinstance(entry.layer, Activation):
            total += entry.output.elements
        elif isinstance(entry.layer, Pool | GlobalAveragePool):
            total += entry.inputs[0].elements
    return total


def with_squeeze_excite(net: Network) -> int:
    """A ResNet with squeeze-excite to a 16th in each block; the scaling counts too, an operation an element."""
    blocks = [entry for entry in net.ledger if entry.name.endswith(".conv3.norm")]
    assert blocks
    total = net.multiply_adds
    for block in blocks:
        channels, (size, _) = block.output.channels, block.output.spatial
        attention = Network(squeeze_excite(image(channels, size), "se", channels // 16)).ledger
        total += sum(entry.ops.mac + entry.ops.mul for entry in attention)
    return total


def with_padded_classifier(net: Network) -> int:
    """SqueezeNet's last 1x1 convolution on a map padded by one, as in its authors' first release."""
    classifier = multipliers(net)[-1]
    shape = classifier.inputs[0]
    padded = apply(image(*shape.sizes[:2]), "classifier", conv(classifier.output.channels, 1, padding=1))
    return without_classifier(net) + Network(padded).multiply_adds


def with_separable_stem(net: Network) -> int:
    """GoogLeNet with the stem that its Table 1 counts: depthwise of multiplier 8, then 1x1."""
    return without_stem(net) + separable_stem().multiply_adds


# Networks


def separable_stem() -> Network:
    x = apply(image(3, 224), "depthwise", conv(3 * 8, 7, stride=2, padding=3, groups=3))
    return Network(apply(x, "pointwise", pointwise_conv(64)))


def vgg_c() -> Network:
    """VGG's configuration C: 16 layers, of which the last convolution of blocks 3, 4 and 5 is 1x1."""
    x = image(3, 224)
    for block, (width, repeats) in enumerate(((64, 2), (128, 2), (256, 2), (512, 2), (512, 2)), start=1):
        for repeat in range(repeats):
            x = conv_activation(x, f"{block}.{repeat}", conv(width, 3, padding=1, bias=True), RELU)
        if block > 2:
            x = conv_activation(x, f"{block}.last", pointwise_conv(width, bias=True), RELU)
        x = apply(x, f"{block}.pool", max_pool(2, stride=2))
    x = apply(x, "flatten", Flatten())
    x = linear_activation(linear_activation(x, "fc1", 4096, RELU), "fc2", 4096, RELU)
    return Network(apply(x, "fc3", Linear(1000)))


def cifar_resnet(depth: int) -> Network:
    """The ResNet of 6n + 2 layers for CIFAR-10; its shortcuts store nothing, so for its parameters it is a chain."""
    x = conv_bn(image(3, 32), "stem", conv(16, 3, padding=1), RELU)
    for stage, width in enumerate((16, 32, 64)):
        for layer in range((depth - 2) // 3):
            x = conv_bn(x, f"{stage}.{layer}", conv(width, 3, 2 if stage and layer == 0 else 1, 1), RELU)
    return Network(pooled_classifier(x, 10))


#: What the package does not build, by the name that the claims use.
NETWORKS = {"vgg-c": vgg_c} | {
    f"resnet{depth}-cifar10": lambda depth=depth: cifar_resnet(depth) for depth in (20, 32, 44, 56, 110, 1202)
}
