"""Which network a row of the published numbers is about: its plain reading is this network's.

What a row says of itself is taken at its word: "Shallow MobileNet" is the shallow variant, "Stanford Dogs" has 120
classes. What it does not say (a wider head, where ResNet strides) is left to the search.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from costmodel.models.registry import architecture
from costmodel.published.tables import PublishedNetwork


class NamedModel(NamedTuple):
    """The name and the options of a model, as ``build`` takes them."""

    name: str
    options: Mapping[str, float] = {}


#: SqueezeNet's paper says 224, and its table has the sizes of 227.
_SQUEEZENET = {"resolution": 227}

#: Pattern of "family|variant" -> the network; None where costmodel does not build it. The first that matches counts.
_MODELS: tuple[tuple[str, NamedModel | None], ...] = (
    ("*|*SSD*", None),
    ("MobileNetV1|Conv MobileNet*", NamedModel("mobilenet_v1:standard")),
    ("MobileNetV1|Shallow*", NamedModel("mobilenet_v1:shallow")),
    ("MobileNetV1|*Stanford Dogs*", NamedModel("mobilenet_v1", {"num_classes": 120})),
    ("MobileNetV1|*", NamedModel("mobilenet_v1")),
    ("MobileNetV2|range in text: smallest", NamedModel("mobilenet_v2", {"alpha": 0.35, "resolution": 96})),
    ("MobileNetV2|range in text: largest", NamedModel("mobilenet_v2", {"alpha": 1.4})),
    ("MobileNetV2|*", NamedModel("mobilenet_v2")),
    ("MobileNetV3|[Ll]arge minimalistic*", NamedModel("mobilenet_v3_large:minimalistic")),
    ("MobileNetV3|[Ss]mall minimalistic*", NamedModel("mobilenet_v3_small:minimalistic")),
    ("MobileNetV3|*mall*", NamedModel("mobilenet_v3_small")),
    ("MobileNetV3|*", NamedModel("mobilenet_v3_large")),
    ("*|MobileNetV1", NamedModel("mobilenet_v1")),
    ("*|ShuffleNet (1.5)", NamedModel("shufflenet_v1", {"alpha": 1.5})),
    ("*|ShuffleNet (x2)", NamedModel("shufflenet_v1", {"alpha": 2.0})),
    ("ShuffleNet|*with SE*", None),
    ("ShuffleNet|*shallow*", None),
    *((f"ShuffleNet|* g={groups}", NamedModel("shufflenet_v1", {"groups": groups})) for groups in (1, 2, 3, 4, 8)),
    ("ShuffleNet|*", NamedModel("shufflenet_v1")),
    ("*|MnasNet-A1", NamedModel("mnasnet:a1")),
    ("AlexNet|NIPS 2012 two-GPU", NamedModel("alexnet:two-gpu")),
    ("AlexNet|*", NamedModel("alexnet")),
    ("*|AlexNet", NamedModel("alexnet")),
    ("VGG|A", NamedModel("vgg11")),
    ("VGG|A-LRN", NamedModel("vgg11")),  # local response normalization stores nothing
    ("VGG|B", NamedModel("vgg13")),
    ("VGG|C", None),
    ("*|VGG 16", NamedModel("vgg16")),
    ("VGG|*VGG-16*", NamedModel("vgg16")),
    ("VGG|*VGG-19*", NamedModel("vgg19")),
    ("*|GoogleNet", NamedModel("googlenet:document")),
    ("GoogLeNet|*", NamedModel("googlenet:document")),
    ("ResNet-CIFAR10|*", None),
    ("ResNet-50|*", NamedModel("resnet50")),
    *((f"ResNet|ResNet-{depth}", NamedModel(f"resnet{depth}")) for depth in (18, 34, 50, 101, 152)),
    *((f"ResNeXt|ResNet-{depth} (1x64d)", NamedModel(f"resnet{depth}")) for depth in (50, 101)),
    ("ResNeXt|*[Rr]es[Nn]e[Xx]t*50*32x4d*", NamedModel("resnext50_32x4d")),
    ("ResNeXt|ResNeXt-101*32x4d*", NamedModel("resnext101_32x4d")),
    ("ResNeXt|ResNeXt-101*32x8d*", NamedModel("resnext101_32x8d")),
    ("ResNeXt|ResNeXt-101*64x4d*", NamedModel("resnext101_64x4d")),
    ("comparison in EfficientNet paper|ResNeXt-101", NamedModel("resnext101_64x4d")),
    ("comparison in EfficientNet paper|DenseNet-169", NamedModel("densenet169")),
    ("*|Squeezenet", NamedModel("squeezenet1_0", _SQUEEZENET)),
    ("SqueezeNet|v1.1", NamedModel("squeezenet1_1", _SQUEEZENET)),
    ("SqueezeNet|*", NamedModel("squeezenet1_0", _SQUEEZENET)),
    *((f"EfficientNet|B{index}", NamedModel(f"efficientnet_b{index}")) for index in range(8)),
    ("LeNet-5|*", NamedModel("lenet5")),
)


def model_of(row: PublishedNetwork) -> NamedModel | None:
    """The model that ``row`` is about; None where costmodel does not build it.

    >>> from costmodel.published.tables import published
    >>> model_of(published()[4])
    NamedModel(name='mobilenet_v1', options={'alpha': 0.75, 'resolution': 224})
    """
    title = f"{row.family}|{row.variant}"
    model = next((model for pattern, model in _MODELS if fnmatchcase(title, pattern)), None)
    if model is None:
        return None
    accepted = architecture(model.name.partition(":")[0]).choices
    printed = {"alpha": row.alpha, "resolution": row.resolution}
    options = {name: value for name, value in printed.items() if value is not None and name in accepted}
    return NamedModel(model.name, options | dict(model.options))
