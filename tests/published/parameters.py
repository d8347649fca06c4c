"""Printed numbers of parameters: how each is reproduced, or why not."""

from __future__ import annotations

from costmodel.published.tables import PrintedNumber
from tests.published.claims import Claim, NotReproduced
from tests.published.not_built import NOT_BUILT
from tests.published.scopes import parameters, stored, stored_without_gamma, weights, weights_without_classifier

V1, V2, V3 = "arXiv:1704.04861", "arXiv:1801.04381", "arXiv:1905.02244"
NARROW, WIDE = f"{V3}*1024-wide small head", f"{V3}*1280-wide small head"
EFFICIENTNET = "arXiv:1905.11946 Table 2"
ONE_MORE_CLASS = {"num_classes": 1001}
DOGS = {"num_classes": 120}

REPRODUCED = (
    # MobileNetV1. The paper counts weights alone. The checkpoints store what TF-slim's batch norm stores, and 1001
    # classes: fitted here to four widths, said by nobody.
    Claim("MobileNetV1|*|*mobilenet_v1.md", "mobilenet_v1", stored_without_gamma, choices=ONE_MORE_CLASS),
    Claim("MobileNetV1|base only*", "mobilenet_v1", weights_without_classifier),
    Claim(f"MobileNetV1|Conv MobileNet*|{V1}*", "mobilenet_v1:standard", weights),
    Claim(f"MobileNetV1|Shallow MobileNet*|{V1}*", "mobilenet_v1:shallow", weights),
    Claim(f"MobileNetV1|MobileNet (Stanford Dogs)*|{V1}*", "mobilenet_v1", weights, choices=DOGS),
    Claim(f"MobileNetV1|MobileNet|*|{V1}*", "mobilenet_v1", weights),
    Claim(f"MobileNetV1|MobileNet-*|{V1}*", "mobilenet_v1", weights),
    Claim(f"MobileNetV1|[01].* MobileNet*|{V1}*", "mobilenet_v1", weights),
    Claim(f"MobileNetV1|as cited*|{V2}*", "mobilenet_v1", weights),
    Claim(f"comparison in MobileNetV2 paper|MobileNetV1|*|{V2}*", "mobilenet_v1", weights),
    # MobileNetV2: weights again; the paper cuts 3.47 to 3.4.
    Claim("MobileNetV2|checkpoint|*", "mobilenet_v2", weights),
    Claim(f"MobileNetV2|MobileNetV2|*|{V2}*", "mobilenet_v2", weights, PrintedNumber.truncates),
    Claim(f"MobileNetV2|range in text: smallest|*|{V2}*", "mobilenet_v2", weights, choices={"alpha": 0.35}),
    Claim(f"MobileNetV2|V2 * as cited in V3 paper|*|{V3}*", "mobilenet_v2", weights, PrintedNumber.truncates),
    Claim("MobileNetV2|module docstring|*", "mobilenet_v2", weights, PrintedNumber.truncates),
    Claim("MobileNetV2|earlier version of Table*", "mobilenet_v2", weights, PrintedNumber.truncates),
    # MobileNetV3: 5.48 cut to 5.4, the others rounded. TF-slim's and Keras' 2.9 is of the head of 1280.
    Claim("MobileNetV3|*[lL]arge (*|1.0|*", "mobilenet_v3_large:slim", parameters, PrintedNumber.truncates),
    Claim("MobileNetV3|*[lL]arge (*|0.75|*", "mobilenet_v3_large:slim", parameters),
    Claim("MobileNetV3|V3-Large|1.0|*", "mobilenet_v3_large", parameters, PrintedNumber.truncates),
    Claim("MobileNetV3|V3-Large|0.75|*", "mobilenet_v3_large:slim", parameters),
    Claim("MobileNetV3|large|1.0|*", "mobilenet_v3_large:keras", parameters, PrintedNumber.truncates),
    Claim("MobileNetV3|large|0.75|*", "mobilenet_v3_large:keras", parameters),
    Claim("MobileNetV3|[lL]arge minimalistic*", "mobilenet_v3_large:minimalistic", parameters),
    Claim("MobileNetV3|Small (*", "mobilenet_v3_small:wide-head", parameters),
    Claim("MobileNetV3|small|*", "mobilenet_v3_small:wide-head", parameters),
    Claim("MobileNetV3|[sS]mall minimalistic*", "mobilenet_v3_small:minimalistic", parameters),
    Claim(f"MobileNetV3|V3-Small|*|{WIDE}", "mobilenet_v3_small:wide-head", parameters),
    Claim(f"MobileNetV3|V3-Small|*|{NARROW}", "mobilenet_v3_small:slim", parameters),
    Claim("comparison in MobileNetV3 paper|MnasNet-A1|*", "mnasnet:a1", parameters),
    # ShuffleNet, as MobileNetV2's paper cites it
    Claim(
        f"comparison in MobileNetV2 paper|ShuffleNet (1.5)|*|{V2}*", "shufflenet_v1", parameters, choices={"alpha": 1.5}
    ),
    Claim(
        f"comparison in MobileNetV2 paper|ShuffleNet (x2)|*|{V2}*", "shufflenet_v1", parameters, choices={"alpha": 2.0}
    ),
    # Older networks
    Claim("AlexNet|*", "alexnet:two-gpu", parameters, PrintedNumber.truncates),
    Claim("comparison in MobileNetV1 paper|AlexNet|*", "alexnet:two-gpu", parameters, PrintedNumber.truncates),
    Claim("VGG|A|*", "vgg11:plain", parameters),
    Claim("VGG|A-LRN|*", "vgg11:plain", parameters),  # local response normalization stores nothing
    Claim("VGG|B|*", "vgg13:plain", parameters),
    Claim("VGG|C|*", "vgg-c", parameters),
    Claim("VGG|D (VGG-16)|*", "vgg16:plain", parameters),
    Claim("VGG|E (VGG-19)|*", "vgg19:plain", parameters),
    Claim("comparison in MobileNetV1 paper|VGG 16|*", "vgg16:plain", parameters),
    Claim("SqueezeNet|v1.0|*1602.07360*", "squeezenet1_0", parameters),
    Claim("SqueezeNet|as cited|*", "squeezenet1_0", parameters),
    Claim("comparison in MobileNetV1 paper|Squeezenet|*", "squeezenet1_0", parameters),
    # ResNets
    Claim("ResNet|ResNet-50|*|arXiv:1611.05431*", "resnet50", weights),
    Claim("ResNet|ResNet-50|*|arXiv:1905.11946*", "resnet50", parameters),
    Claim("ResNet|ResNet-152|*|arXiv:1905.11946*", "resnet152", parameters),
    *(
        Claim(f"ResNet-CIFAR10|ResNet-{depth}|*", f"resnet{depth}-cifar10", parameters)
        for depth in (20, 32, 44, 56, 110, 1202)
    ),
    Claim("ResNeXt|ResNeXt-50 (32x4d)|*|arXiv:1611.05431*", "resnext50_32x4d", parameters),
    Claim("ResNeXt|ResNeXt-50 32x4d|*mmpretrain*", "resnext50_32x4d", parameters),
    Claim("ResNeXt|ResNeXt-101 32x4d|*mmpretrain*", "resnext101_32x4d", parameters),
    Claim("ResNeXt|ResNeXt-101 32x8d|*mmpretrain*", "resnext101_32x8d", parameters),
    # Cited with its running statistics: 83.66, where 83.46 are trained.
    Claim("comparison in EfficientNet paper|ResNeXt-101|*", "resnext101_64x4d", stored),
    # EfficientNet and DenseNet
    *(
        Claim(f"EfficientNet|B{index}|*|{EFFICIENTNET}*", f"efficientnet_b{index}", parameters)
        for index in (0, 1, 3, 4, 5, 6, 7)
    ),
    Claim("comparison in EfficientNet paper|DenseNet-169|*", "densenet169", parameters),
)

TABLE_SUM = "7.00 M; the printed column of GoogLeNet's own table, misprinted row by row, sums to 6.80 M"

NOT_REPRODUCED = (
    *NOT_BUILT,
    NotReproduced(
        f"MobileNetV2|MobileNetV2 (1.4)|*|{V2}*",
        "1.4 has 6.06 M weights, as the checkpoint's own row prints, and 6.11 M parameters",
        network="mobilenet_v2",
        printed="6.9",
    ),
    NotReproduced(
        f"MobileNetV2|range in text: largest|*|{V2}*",
        "that of the paper's 1.4, which has 6.06 M weights and 6.11 M parameters",
        network="mobilenet_v2",
        printed="6.9",
        choices={"alpha": 1.4},
    ),
    NotReproduced(
        "comparison in MobileNetV2 paper (earlier version, quoted)|ShuffleNet (1.5)|*",
        "3.44 M; the paper's later version prints 3.4",
        network="shufflenet_v1",
        printed="2.9",
        choices={"alpha": 1.5},
    ),
    NotReproduced(
        "comparison in MobileNetV2 paper (earlier version, quoted)|ShuffleNet (x2)|*",
        "5.45 M; the paper's later version prints 5.4",
        network="shufflenet_v1",
        printed="4.4",
        choices={"alpha": 2.0},
    ),
    NotReproduced("GoogLeNet|as cited|*", TABLE_SUM, network="googlenet:document", printed="6.8"),
    NotReproduced(
        "comparison in MobileNetV1 paper|GoogleNet|*", TABLE_SUM, network="googlenet:document", printed="6.8"
    ),
    NotReproduced(
        "LeNet-5|whole network|*",
        "its third layer reads some of the maps alone and its subsampling is trained; lenet5 reads all and pools",
        network="lenet5",
        printed="0.06",
    ),
    NotReproduced(
        f"EfficientNet|B2|*|{EFFICIENTNET}*",
        "9.11 M trained; its 9.18 M stored would round to 9.2, but then B1 to 7.9 and B5 to 31",
        network="efficientnet_b2",
        printed="9.2",
    ),
)
