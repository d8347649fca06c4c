"""Operators of ``com.microsoft``, which ONNX Runtime makes of those of the standard."""

from __future__ import annotations

from costmodel.capture.onnx.ops.types import Handler

MICROSOFT: dict[str, Handler] = {}
