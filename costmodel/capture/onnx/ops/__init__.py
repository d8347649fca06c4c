"""What each operator computes: a table of handlers, by domain and type."""

from costmodel.capture.onnx.ops.matmul import PRODUCTS
from costmodel.capture.onnx.ops.microsoft import MICROSOFT
from costmodel.capture.onnx.ops.movement import MOVEMENT
from costmodel.capture.onnx.ops.norm import NORMS
from costmodel.capture.onnx.ops.pointwise import POINTWISE
from costmodel.capture.onnx.ops.pool import POOLS
from costmodel.capture.onnx.ops.quantized import QUANTIZED
from costmodel.capture.onnx.ops.recurrent import RECURRENT
from costmodel.capture.onnx.ops.sequences import SEQUENCES
from costmodel.capture.onnx.ops.types import Handler

HANDLERS: dict[tuple[str, str], Handler] = {
    **{
        ("", name): handler
        for table in (PRODUCTS, MOVEMENT, NORMS, POINTWISE, POOLS, QUANTIZED, RECURRENT, SEQUENCES)
        for name, handler in table.items()
    },
    **{("com.microsoft", name): handler for name, handler in MICROSOFT.items()},
}

__all__ = ["HANDLERS", "SEQUENCES"]
