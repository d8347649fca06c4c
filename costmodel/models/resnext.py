"""ResNeXt (arXiv:1611.05431, Table 1): a ResNet whose bottlenecks convolve in groups."""

from __future__ import annotations

from costmodel.models.resnet import ResNetColumn, residual_networks

ROWS = {
    "resnext50_32x4d": ResNetColumn((3, 4, 6, 3), True, 4_230_479_872, 25_028_904, 32, 4),
    "resnext101_32x4d": ResNetColumn((3, 4, 23, 3), True, 7_969_996_800, 44_177_704, 32, 4),
    "resnext101_32x8d": ResNetColumn((3, 4, 23, 3), True, 16_414_015_488, 88_791_336, 32, 8),
    "resnext101_64x4d": ResNetColumn((3, 4, 23, 3), True, 15_460_270_080, 83_455_272, 64, 4),
}

VARIANTS = {"": "as in torchvision: a bottleneck strides in its grouped 3x3 convolution"}

residual_networks("ResNeXt-", ROWS, VARIANTS, "arXiv:1611.05431", 2016)
