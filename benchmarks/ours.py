"""What costmodel is asked for, and the answers without which no time of it counts."""

from __future__ import annotations

import costmodel as cm

MULTIPLY_ADDS = 300774272
PARAMETERS = 3504872


def count() -> int:
    """Build MobileNetV2 (alpha 1, 224 x 224) and count it, with nothing kept from the time before."""
    net = cm.mobilenet_v2()
    answer = net.multiply_adds, net.parameters
    assert answer == (MULTIPLY_ADDS, PARAMETERS), answer
    return answer[0]


def check_printed(text: str) -> int:
    """The figure in what ``costmodel count mobilenet_v2`` printed."""
    expected = f"{MULTIPLY_ADDS:,} multiply-adds", f"{PARAMETERS:,} parameters"
    assert all(part in text for part in expected), text
    return MULTIPLY_ADDS
