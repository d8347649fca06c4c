"""What a handler is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from costmodel.capture.onnx.operator import Operator

#: Says what one operator computes.
Handler: TypeAlias = Callable[[Operator], None]
