"""Which network a row of the published figures is about: its plain reading is this network's.

What a row says of itself is taken at its word: "Shallow MobileNet" is the shallow variant, "Stanford Dogs" has 120
classes. What it does not say (a wider head, where ResNet strides) is left to the search.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from costmodel.models.registry import architecture
from costmodel.published.tables import PublishedFigure


class Subject(NamedTuple):
    """A network by name, with the choices that its row makes beside alpha and resolution."""

    name: str
    choices: Mapping[str, float] = {}


#: SqueezeNet's paper says 224, and its table has the sizes of 227.
_SQUEEZENET = {"resolution": 227}

#: Pattern of "family|variant" -> the network; None where costmodel does not build it. The first that matches counts.
_SUBJECTS: tuple[tuple[str, Subject | None], ...] = (
    ("*|*SSD*", None),
    ("MobileNetV1|Conv MobileNet*", Subject("mobilenet_v1:standard")),
    ("MobileNetV1|Shallow*", Subject("mobilenet_v1:shallow")),
    ("MobileNetV1|*Stanford Dogs*", Subject("mobilenet_v1", {"num_classes": 120})),
    ("MobileNetV1|*", Subject("mobilenet_v1")),
    ("MobileNetV2|range in text: smallest", Subject("mobilenet_v2", {"alpha": 0.35, "resolution": 96})),
    ("MobileNetV2|range in text: largest", Subject("mobilenet_v2", {"alpha": 1.4})),
    ("MobileNetV2|*", Subject("mobilenet_v2")),
    ("MobileNetV3|[Ll]arge minimalistic*", Subject("mobilenet_v3_large:minimalistic")),
    ("MobileNetV3|[Ss]mall minimalistic*", Subject("mobilenet_v3_small:minimalistic")),
    ("MobileNetV3|*mall*", Subject("mobilenet_v3_small")),
    ("MobileNetV3|*", Subject("mobilenet_v3_large")),
    ("*|MobileNetV1", Subject("mobilenet_v1")),
    ("*|ShuffleNet (1.5)", Subject("shufflenet_v1", {"alpha": 1.5})),
    ("*|ShuffleNet (x2)", Subject("shufflenet_v1", {"alpha": 2.0})),
    ("ShuffleNet|*with SE*", None),
    ("ShuffleNet|*shallow*", None),
    *((f"ShuffleNet|* g={groups}", Subject("shufflenet_v1", {"groups": groups})) for groups in (1, 2, 3, 4, 8)),
    ("ShuffleNet|*", Subject("shufflenet_v1")),
    ("*|MnasNet-A1", Subject("mnasnet:a1")),
    ("AlexNet|NIPS 2012 two-GPU", Subject("alexnet:two-gpu")),
    ("AlexNet|*", Subject("alexnet")),
    ("*|AlexNet", Subject("alexnet")),
    ("VGG|A", Subject("vgg11")),
    ("VGG|A-LRN", Subject("vgg11")),  # local response normalisation stores nothing
    ("VGG|B", Subject("vgg13")),
    ("VGG|C", None),
    ("*|VGG 16", Subject("vgg16")),
    ("VGG|*VGG-16*", Subject("vgg16")),
    ("VGG|*VGG-19*", Subject("vgg19")),
    ("*|GoogleNet", Subject("googlenet:document")),
    ("GoogLeNet|*", Subject("googlenet:document")),
    ("ResNet-CIFAR10|*", None),
    ("ResNet-50|*", Subject("resnet50")),
    *((f"ResNet|ResNet-{depth}", Subject(f"resnet{depth}")) for depth in (18, 34, 50, 101, 152)),
    *((f"ResNeXt|ResNet-{depth} (1x64d)", Subject(f"resnet{depth}")) for depth in (50, 101)),
    ("ResNeXt|*[Rr]es[Nn]e[Xx]t*50*32x4d*", Subject("resnext50_32x4d")),
    ("ResNeXt|ResNeXt-101*32x4d*", Subject("resnext101_32x4d")),
    ("ResNeXt|ResNeXt-101*32x8d*", Subject("resnext101_32x8d")),
    ("ResNeXt|ResNeXt-101*64x4d*", Subject("resnext101_64x4d")),
    ("comparison in EfficientNet paper|ResNeXt-101", Subject("resnext101_64x4d")),
    ("comparison in EfficientNet paper|DenseNet-169", Subject("densenet169")),
    ("*|Squeezenet", Subject("squeezenet1_0", _SQUEEZENET)),
    ("SqueezeNet|v1.1", Subject("squeezenet1_1", _SQUEEZENET)),
    ("SqueezeNet|*", Subject("squeezenet1_0", _SQUEEZENET)),
    *((f"EfficientNet|B{index}", Subject(f"efficientnet_b{index}")) for index in range(8)),
    ("LeNet-5|*", Subject("lenet5")),
)


def subject(row: PublishedFigure) -> Subject | None:
    """The network that ``row`` is about, with its choices; None where costmodel does not build it.

    >>> from costmodel.published.tables import published
    >>> subject(published()[4])
    Subject(name='mobilenet_v1', choices={'alpha': 0.75, 'resolution': 224})
    """
    about = f"{row.family}|{row.variant}"
    found = next((named for pattern, named in _SUBJECTS if fnmatchcase(about, pattern)), None)
    if found is None:
        return None
    takes = inspect.signature(architecture(found.name.partition(":")[0]).build).parameters
    printed = {"alpha": row.alpha, "resolution": row.resolution}
    asked = {name: value for name, value in printed.items() if value is not None and name in takes}
    return Subject(found.name, asked | dict(found.choices))
