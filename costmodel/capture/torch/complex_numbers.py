"""Complex numbers in real arithmetic, by one rule, whichever algorithm a kernel takes.

A complex multiply-add is 4 real multiplications and 4 real additions: 4 multiply-adds. PyTorch's own convolution of
complex numbers takes 3 real convolutions and some additions for the same result; it is counted by the rule too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from costmodel.capture.operator_costs import in_real_numbers
from costmodel.core.layers import Layer, Operation, Shapes
from costmodel.core.shape import Shape


def in_real_arithmetic(layer: Layer, inputs: Shapes, output: Shape, times: int) -> Layer:
    """``layer`` on complex values, as the real arithmetic that it takes in all; what only moves values stays as it is.

    Its kind starts with ``complex`` where it has multiply-adds: a tool that counts such products otherwise has no rule
    for it.
    """
    once = (inputs, output)
    if times > 1:
        once = tuple([shape.without_first_axis() for shape in inputs]), output.without_first_axis()
    work = times * in_real_numbers(layer.ops(*once))
    if not any(work):
        return layer
    kind = layer.kind(once[0])
    return Operation(f"complex_{kind}" if work.mac else kind, output, work)


def whole_convolution(func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What a convolution of complex numbers returns, by the one operator that PyTorch has no kernel for.

    None for any other function, and for real numbers.
    """
    rank = _RANKS.get(func)
    if rank is None or not (args and isinstance(args[0], Tensor) and args[0].is_complex()):
        return None
    names = _TRANSPOSED if func in _TRANSPOSING else _STANDARD
    given = dict(zip(names, args, strict=False)) | kwargs
    x, weight, padding = given["input"], given["weight"], given.get("padding", 0)
    stride, dilation = _each(given.get("stride", 1), rank), _each(given.get("dilation", 1), rank)
    extra = _each(given.get("output_padding", 0), rank)
    if padding == "same":
        wide = [step * (size - 1) for step, size in zip(dilation, weight.shape[2:], strict=True)]
        x = F.pad(x, [side for total in reversed(wide) for side in (total // 2, total - total // 2)])
    if isinstance(padding, str):
        padding = 0
    single = x.dim() == rank + 1
    made = torch.ops.aten.convolution.default(
        x.unsqueeze(0) if single else x, weight, given.get("bias"), stride, _each(padding, rank), dilation,
        func in _TRANSPOSING, extra, given.get("groups", 1),
    )  # fmt: skip
    return made.squeeze(0) if single else made


_TRANSPOSING: dict[Any, int] = {F.conv_transpose1d: 1, F.conv_transpose2d: 2, F.conv_transpose3d: 3}
_TRANSPOSING |= {torch.conv_transpose1d: 1, torch.conv_transpose2d: 2, torch.conv_transpose3d: 3}
_RANKS: dict[Any, int] = {
    F.conv1d: 1,
    F.conv2d: 2,
    F.conv3d: 3,
    torch.conv1d: 1,
    torch.conv2d: 2,
    torch.conv3d: 3,
    **_TRANSPOSING,
}
_STANDARD = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_TRANSPOSED = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")


def _each(value: Any, rank: int) -> list[int]:
    sizes = [value] if isinstance(value, int) else list(value)
    return sizes * rank if len(sizes) == 1 else sizes
