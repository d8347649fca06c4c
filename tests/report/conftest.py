"""What the tests of the plots share."""

from __future__ import annotations

from typing import Any

import pytest

from costmodel.scaling.sweep import sweep

MODELS = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large:slim", "mobilenet_v3_small:wide-head")


@pytest.fixture(scope="session")
def grid() -> Any:
    """Designs of four models, measured and not."""
    return sweep(MODELS, alpha=[0.25, 0.35, 0.5, 0.6, 0.75, 1.0, 1.4], resolution="96:224:32")
