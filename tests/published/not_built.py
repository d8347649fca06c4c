"""Printed networks that nobody builds here: neither their parameters nor their multiply-adds are reproduced."""

from __future__ import annotations

from tests.published.claims import NotReproduced

NO_CODE = "not built here, and its source gives no layers"
DETECTOR = "a detection head, which is not built here"

NOT_BUILT = (
    NotReproduced("comparison in MobileNetV2 paper|NasNet-A|*", NO_CODE, absent="nasnet"),
    NotReproduced("MobileNetV2|SSD*", DETECTOR, absent="ssd"),
    NotReproduced("*|MNetV[12] + SSDLite|*", DETECTOR, absent="ssd"),
    NotReproduced("comparison in MobileNetV3 paper|Proxyless|*", NO_CODE, absent="proxyless"),
    NotReproduced("comparison in MobileNetV3 paper|Mnas-small|*", NO_CODE, absent="mnasnet_small"),
    NotReproduced("comparison in MobileNetV1 paper|Inception V3*", NO_CODE, absent="inception"),
    NotReproduced("comparison in EfficientNet paper|DenseNet-264|*", NO_CODE, absent="densenet264"),
    NotReproduced("comparison in EfficientNet paper|Inception*", NO_CODE, absent="inception"),
    NotReproduced("comparison in EfficientNet paper|Xception|*", NO_CODE, absent="xception"),
    NotReproduced("comparison in EfficientNet paper|PolyNet|*", NO_CODE, absent="polynet"),
    NotReproduced("comparison in EfficientNet paper|SENet|*", NO_CODE, absent="senet"),
    NotReproduced("comparison in EfficientNet paper|NASNet-A|*", NO_CODE, absent="nasnet"),
    NotReproduced("comparison in EfficientNet paper|P*NASNet|*", NO_CODE, absent="pnasnet"),
    NotReproduced("comparison in EfficientNet paper|AmoebaNet-*", NO_CODE, absent="amoebanet"),
)
