"""``from_onnx``: an ONNX file as a network."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from costmodel.core.network import Network
from costmodel.errors import missing_package

if TYPE_CHECKING:
    from onnx import ModelProto


def from_onnx(
    model: str | os.PathLike[str] | ModelProto,
    inputs: Sequence[object] | Mapping[str, object] = (),
    *,
    name: str = "",
    allow_uncounted: bool = False,
) -> Network:
    """The network that an ONNX file (or ``onnx.ModelProto``) is, for ``inputs``: whole sizes, the batch among them.

    ``inputs`` are needed where the file leaves a size open: a list in the file's order, ``[(1, 3, 640, 640)]``, or a
    mapping by name, ``{"x": (1, 3, 640, 640)}``. Numbers are of all that those sizes hold, a batch included. Nothing
    is run and no weights are read: data that lies in other files is not opened, except for the few numbers that
    shapes are made of. What depends on no sample costs nothing; each tensor of the file is stored once.

    A file does not say what was trained: every tensor of numbers that a layer computes with is a parameter, except
    running statistics and single numbers.

    Raises :class:`~costmodel.errors.CostModelError` for a file that is damaged, a size that nobody gave, an operator
    that nobody has decided on (unless ``allow_uncounted``), and sizes or branches that depend on values.

    >>> from onnx import TensorProto, helper
    >>> x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy")
    >>> weights = helper.make_tensor("w", TensorProto.FLOAT, (16, 3, 3, 3), bytes(4 * 16 * 27), raw=True)
    >>> conv = helper.make_node("Conv", ["x", "w"], ["y"], "stem", pads=[1, 1, 1, 1])
    >>> model = helper.make_model(helper.make_graph([conv], "example", [x], [y], [weights]))
    >>> net = from_onnx(model, {"x": (1, 3, 32, 32)})
    >>> net.multiply_adds, net.parameters, [node.name for node in net.nodes]
    (442368, 432, ['x', 'stem'])
    """
    try:
        from costmodel.capture.onnx.model import network_of
    except ModuleNotFoundError as missing:
        raise missing_package("an ONNX file", missing.name) from None
    return network_of(model, inputs, name, allow_uncounted)
