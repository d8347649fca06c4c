"""A whole model: the file, its version, its graph, and what it gives out."""

from __future__ import annotations

import os
from collections.abc import Sequence

import onnx
from onnx import ModelProto

from costmodel.capture.input_spec import InputSpec
from costmodel.capture.onnx.book import Book
from costmodel.capture.onnx.inputs import batch_inputs, input_tensors
from costmodel.capture.onnx.reader import Block, Reader, damaged
from costmodel.capture.onnx.tensor import Tensor
from costmodel.core.graph import Node
from costmodel.core.layers import Input, Outputs
from costmodel.core.network import Network
from costmodel.errors import CostModelError, placed, type_name

#: The first version of the standard's operators that says how sizes broadcast as numpy does.
_OLDEST = 7


def network_of(model: object, inputs: object, name: str, allow_uncounted: bool) -> Network:
    """The network that ``model`` is; otherwise as :func:`~costmodel.from_onnx`."""
    proto, file, folder = _read(model)
    title = name or os.path.splitext(file)[0] or proto.graph.name or "model"
    try:
        book = Book(file or title, proto.ir_version)
        output = _end(tensors_of(proto, inputs, book, folder, allow_uncounted), book)
    except CostModelError as error:
        raise error.at(file or title) from None
    except RecursionError:
        raise CostModelError(f"{file or title}: its graphs stand inside each other too deeply; flatten it") from None
    except Exception as error:
        raise damaged(error).at(file or title) from error
    return Network(output, title, {}, f"read from {file}" if file else "read from an ONNX model")


def inputs_with_batch(path: str, letter: str) -> list[InputSpec]:
    """The inputs of a file with ``letter`` for the batch that it leaves open."""
    proto, file, _ = _read(path)
    with placed(file):
        return batch_inputs(proto.graph, letter)


def _read(model: object) -> tuple[ModelProto, str, str]:
    """The model, the name of its file, and the folder in which its data lies."""
    if isinstance(model, ModelProto):
        return model, "", ""
    if not isinstance(model, (str, os.PathLike)):
        raise CostModelError(f"from_onnx takes a path or an onnx.ModelProto, not {type_name(model)}")
    path = os.fspath(model)
    file = os.path.basename(path)
    try:
        proto = onnx.load(path, load_external_data=False)
    except OSError as error:
        raise CostModelError(f"{path} cannot be read: {error.strerror or error}; correct the path") from None
    except Exception:
        raise CostModelError(f"{file} is no ONNX model: it is damaged, cut off, or of another format") from None
    return proto, file, os.path.dirname(os.path.abspath(path))


def tensors_of(proto: ModelProto, inputs: object, book: Book, folder: str, allow_uncounted: bool) -> list[Tensor]:
    """What the graph of ``proto`` gives out."""
    graph = proto.graph
    if not graph.node or not graph.output:
        raise CostModelError("it holds no graph of operators; it is damaged, or no model")
    opsets = {"" if opset.domain == "ai.onnx" else opset.domain: opset.version for opset in proto.opset_import}
    _check_version(opsets.get("", onnx.defs.onnx_opset_version()))
    reader = Reader(proto, book, folder, allow_uncounted)
    scope: dict[str, Tensor] = {}
    reader.initializers(graph, scope)
    scope |= input_tensors(graph, scope, inputs)
    declared = {value.name: value for value in (*graph.value_info, *graph.output)}
    return reader.run(Block(graph.node, [value.name for value in graph.output], opsets, declared=declared), scope)


def _check_version(version: int) -> None:
    newest = onnx.defs.onnx_opset_version()
    if not _OLDEST <= version <= newest:
        raise CostModelError(
            f"it is of operator set {version}, and {_OLDEST} to {newest} can be read here; convert it with"
            " onnx.version_converter, or install a newer onnx"
        )


def _end(results: Sequence[Tensor], book: Book) -> Node:
    nodes = list(dict.fromkeys(result.node for result in results if result.node is not None))
    if all(isinstance(node.layer, Input) for node in nodes):
        raise CostModelError("what it gives out is computed of no input; there is nothing to count")
    if len(nodes) == 1:
        return nodes[0]
    shapes = tuple([node.shape for node in nodes])
    return Node(book.free("outputs"), Outputs(), tuple(nodes), shapes, shapes[0], nodes[0].dtype, Outputs.alias)
