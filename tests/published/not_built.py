"""Printed networks that nobody builds here: neither their parameters nor their multiply-adds are reproduced."""

from __future__ import annotations

from tests.published.claims import Excuse

NO_CODE = "not built here, and its source gives no layers"
DETECTOR = "a detection head, which is not built here"

NOT_BUILT = (
    Excuse("comparison in MobileNetV2 paper|NasNet-A|*", NO_CODE, absent="nasnet"),
    Excuse("MobileNetV2|SSD*", DETECTOR, absent="ssd"),
    Excuse("*|MNetV[12] + SSDLite|*", DETECTOR, absent="ssd"),
    Excuse("comparison in MobileNetV3 paper|Proxyless|*", NO_CODE, absent="proxyless"),
    Excuse("comparison in MobileNetV3 paper|Mnas-small|*", NO_CODE, absent="mnasnet_small"),
    Excuse("comparison in MobileNetV1 paper|Inception V3*", NO_CODE, absent="inception"),
    Excuse("comparison in EfficientNet paper|DenseNet-264|*", NO_CODE, absent="densenet264"),
    Excuse("comparison in EfficientNet paper|Inception*", NO_CODE, absent="inception"),
    Excuse("comparison in EfficientNet paper|Xception|*", NO_CODE, absent="xception"),
    Excuse("comparison in EfficientNet paper|PolyNet|*", NO_CODE, absent="polynet"),
    Excuse("comparison in EfficientNet paper|SENet|*", NO_CODE, absent="senet"),
    Excuse("comparison in EfficientNet paper|NASNet-A|*", NO_CODE, absent="nasnet"),
    Excuse("comparison in EfficientNet paper|P*NASNet|*", NO_CODE, absent="pnasnet"),
    Excuse("comparison in EfficientNet paper|AmoebaNet-*", NO_CODE, absent="amoebanet"),
)
