"""What torch.onnx exports of a module, as an ONNX model without its numbers."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence
from itertools import chain

import onnx
import torch
from onnx import TensorProto
from torch import nn


def exported(module: nn.Module, sizes: Sequence[int], dtype: torch.dtype = torch.float32) -> onnx.ModelProto:
    """The model that torch.onnx makes of ``module`` for an input of ``sizes``, each of its layers an operator.

    The weights are dims alone: writing them takes seconds. No two of them are equal, as after training: the exporter
    stores equal ones once.
    """
    for place, held in enumerate(chain(module.parameters(), module.buffers())):
        held.data.view(-1)[:1] = place + 1
    file = io.BytesIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _silent():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (torch.zeros(tuple(sizes), dtype=dtype),), file, dynamo=False, do_constant_folding=False,
            training=torch.onnx.TrainingMode.PRESERVE, export_params=False,
        )  # fmt: skip
    model = onnx.load_from_string(file.getvalue())
    for value in list(model.graph.input)[1:]:
        dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        model.graph.initializer.append(
            TensorProto(name=value.name, dims=dims, data_type=value.type.tensor_type.elem_type)
        )
    return model


@contextlib.contextmanager
def _silent():  # type: ignore[no-untyped-def]
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
