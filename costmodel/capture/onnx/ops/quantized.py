"""Operators on whole numbers that stand for numbers with a fraction: value = (number - zero point) * scale."""

from __future__ import annotations

from costmodel.capture.onnx.operator import Operator
from costmodel.capture.onnx.ops.matmul import convolution, multiplied
from costmodel.capture.onnx.ops.types import Handler
from costmodel.core.counts import Ops

#: Divided by the scale, rounded, the zero point added, kept between two bounds.
QUANTIZE = Ops(div=1, cmp=3, add=1)
#: The smallest and the largest value, which make the scale and the zero point, before that.
DYNAMIC = QUANTIZE + Ops(cmp=2)
#: The zero point taken off, times the scale.
DEQUANTIZE = Ops(add=1, mul=1)
#: Sums of products to numbers of eight bits: times a scale, rounded, the zero point added, kept between two bounds.
REQUANTIZE = Ops(mul=1, cmp=3, add=1)


def requantize(op: Operator) -> None:
    """What an operator's sums take to become numbers of eight bits again."""
    op.operation("requantize", REQUANTIZE * op.made.elements, [op.made], part="requantize")


def _quantize(op: Operator) -> None:
    op.operation("quantize", QUANTIZE * op.made.elements, [op.needed(0)])


def _dequantize(op: Operator) -> None:
    op.operation("dequantize", DEQUANTIZE * op.made.elements, [op.needed(0)])


def _dynamic(op: Operator) -> None:
    op.operation("quantize", DYNAMIC * op.made.elements, [op.needed(0)])


def _conv_integer(op: Operator) -> None:
    convolution(op, op.needed(0), op.needed(1), None)


def _qlinear_conv(op: Operator) -> None:
    convolution(op, op.needed(0), op.needed(3), op.input(8))
    requantize(op)


def _matmul_integer(op: Operator) -> None:
    multiplied(op, op.needed(0), op.needed(1))


def _qlinear_matmul(op: Operator) -> None:
    multiplied(op, op.needed(0), op.needed(3))
    requantize(op)


QUANTIZED: dict[str, Handler] = {
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
    "DynamicQuantizeLinear": _dynamic,
    "ConvInteger": _conv_integer,
    "QLinearConv": _qlinear_conv,
    "MatMulInteger": _matmul_integer,
    "QLinearMatMul": _qlinear_matmul,
}
