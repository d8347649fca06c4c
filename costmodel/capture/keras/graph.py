"""From the graph of a Keras model to nodes: what calls what, with which sizes."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras.src import backend
from keras.src.models.functional import Functional
from keras.src.ops.function import Function

from costmodel.capture.keras.call import LayerCall, Made, UndecidedError, VariableBook
from costmodel.capture.keras.layers import LAYERS
from costmodel.capture.keras.operations import OPERATIONS
from costmodel.core.graph import Node, Provenance
from costmodel.core.layers import Input, Outputs, Uncounted
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, positive_int


def is_model(thing: object) -> bool:
    """Whether ``thing`` is a Keras model."""
    return isinstance(thing, keras.Model)


def graph_of(model: Any) -> Any:
    """What holds the graph of ``model``; None where its calls are Python code of its own, or it knows no sizes yet."""
    if isinstance(model, keras.Sequential) and type(model).call is keras.Sequential.call:
        return model._functional
    return model if isinstance(model, Functional) and type(model).call is Functional.call else None


def traced(layer: Any, args: Sequence[Any], kwargs: Mapping[str, Any], inputs: Sequence[Any]) -> Any:
    """The graph of the calls that the code of ``layer`` makes of ``inputs``, tensors of Keras among its arguments.

    Raises :class:`UndecidedError` where that code computes with anything but Keras.
    """
    if "training" in inspect.signature(layer.call).parameters:
        kwargs = {**kwargs, "training": False}
    parts = [(part, len(part._inbound_nodes), len(part._outbound_nodes)) for part in layer._flatten_layers()]
    try:
        return Function(list(inputs), keras.tree.flatten(layer.call(*args, **kwargs)))
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        name = f"{type(layer).__module__}.{type(layer).__name__}"
        raise UndecidedError(f"{name}, whose code Keras cannot follow: {first:.120}") from None
    finally:
        for part, before, after in parts:  # what was traced leaves no mark in the layer
            del part._inbound_nodes[before:], part._outbound_nodes[after:]


class GraphReader:
    """Reads a model, and the models and layers in it."""

    def __init__(self) -> None:
        self.book = VariableBook()
        #: What nobody has decided on, and where it stands.
        self.unknown: defaultdict[str, list[str]] = defaultdict(list)
        #: Of layers whose code was followed: it may make constants of them, which no call reads.
        self._followed_weights: list[Any] = []
        self._calls = 0
        self._stored: dict[int, Made] = {}

    def network(self, graph: Any, sizes: Sequence[tuple[int, ...]], weights: Sequence[Any] = ()) -> Node:
        """The output node of the network that ``graph`` is, for inputs of ``sizes``.

        ``weights`` are those of a model whose own code was followed. What such code makes of weights alone, as of the
        numbers of positions, depends on no sample: it costs nothing, and the weights stand beside the outputs.
        """
        first = keras.config.image_data_format() == "channels_first"
        reads = []
        for tensor, size in zip(graph.inputs, sizes, strict=True):
            shape = Shape.of(size, 0 if first and len(size) > 2 else -1)
            name = self.book.free(tensor._keras_history.operation.name)
            node = Node(name, Input(shape), (), (), shape, str(tensor.dtype), None, Provenance())
            reads.append(Made(node, 0, size, str(tensor.dtype)))
        results = self._walk(graph, reads, "", 1)
        constants = [self.book.stored(weight).node for weight in (*self._followed_weights, *weights)
                     if not self.book.is_claimed(weight)]  # fmt: skip
        last = tuple(dict.fromkeys([*(made.node for made in results), *constants]))
        if len(last) == 1:
            return last[0]
        shapes = tuple([node.shape for node in last])
        return Node(self.book.free("outputs"), Outputs(), last, shapes, shapes[0], last[0].dtype, Outputs.alias)

    def read(self, call: LayerCall) -> tuple[Made, ...]:
        """What ``call`` makes. A model, or a layer that no handler knows, is read by the calls that its code makes.

        Raises :class:`~costmodel.errors.CostModelError`, with the name of the call as the place.
        """
        mark = self.book.mark()
        try:
            made = self._made(call)
        except UndecidedError as unknown:
            self.book.back_to(mark)
            self.unknown[str(unknown)].append(call.name)
            layer = Uncounted(type(call.keras).__name__, Shape.of(call.sizes, -1))
            claimed = call.claim() if isinstance(call.keras, keras.Layer) else None
            made = call.all_made(call.add(layer, call.reads, (), claimed, others=call.others))
        except CostModelError as error:
            raise error.at(call.name) from None
        _check(call, made)
        return made

    def _made(self, call: LayerCall) -> tuple[Made, ...]:
        kind = type(call.keras)
        if is_model(call.keras) and (graph := graph_of(call.keras)) is not None:
            return tuple(self._walk(graph, call.tensors, f"{call.name}.", call.times))
        layer = isinstance(call.keras, keras.Layer)
        known = kind.__module__.split(".")[0] == "keras" and kind.__name__ in (LAYERS if layer else OPERATIONS)
        if not known and layer:
            return self._followed(call)
        if not known:
            raise UndecidedError(f"the operation {kind.__name__}")
        if getattr(call.keras, "lora_enabled", False) or getattr(call.keras, "quantization_mode", None):
            raise UndecidedError(f"{kind.__name__} with LoRA, or quantized")
        made = (LAYERS if layer else OPERATIONS)[kind.__name__](call)
        return (made,) if isinstance(made, Made) else made

    def _followed(self, call: LayerCall) -> tuple[Made, ...]:
        """What the code of a layer makes, read by the calls in it."""
        fresh: dict[int, Any] = {}
        originals = call.tensors if call.arguments is None else call.arguments.keras_tensors
        for original, made in zip(originals, call.tensors, strict=True):
            if id(original) not in fresh:
                fresh[id(original)] = keras.Input(made.sizes, dtype=made.dtype), made
        inputs = [tensor for tensor, _ in fresh.values()]
        args, kwargs = inputs, {}
        if call.arguments is not None:
            args, kwargs = call.arguments.fill_in({key: tensor for key, (tensor, _) in fresh.items()})
        graph = traced(call.keras, args, kwargs, inputs)
        self._followed_weights += call.keras.weights
        return tuple(self._walk(graph, [made for _, made in fresh.values()], f"{call.name}.", call.times))

    def _walk(self, graph: Any, reads: Sequence[Made], prefix: str, times: int) -> list[Made]:
        """What ``graph`` makes of ``reads``."""
        by_tensor = {id(tensor): made for tensor, made in zip(graph.inputs, reads, strict=True)}
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                if node.is_input or any(id(tensor) not in by_tensor for tensor in node.input_tensors):
                    continue
                self._calls += 1
                name = f"{prefix}{node.operation.name}"
                tensors = [by_tensor[id(tensor)] for tensor in node.input_tensors]
                made = _recorded(node, tensors)
                call = LayerCall(self, node.operation, name, self._calls, tensors, made, times=times)
                call.arguments = node.arguments
                call.args, call.kwargs = node.arguments.fill_in(by_tensor)
                call.reads = tuple(self._operands(node.arguments, by_tensor))
                for tensor, result in zip(node.outputs, self.read(call), strict=True):
                    by_tensor[id(tensor)] = result
        return [by_tensor[id(tensor)] for tensor in graph.outputs]

    def _operands(self, arguments: Any, by_tensor: Mapping[int, Made]) -> list[Made]:
        """The tensors and the variables that a call is given; a variable is a node of its own."""
        operands = []
        for value in keras.tree.flatten((arguments.args, arguments.kwargs)):
            if isinstance(value, keras.KerasTensor):
                operands.append(by_tensor[id(value)])
            elif isinstance(value, keras.Variable):
                if id(value) not in self._stored:
                    self._stored[id(value)] = self.book.stored(value)
                operands.append(self._stored[id(value)])
        return operands


def sample(shape: Sequence[int | None]) -> tuple[int | None, ...]:
    """The sizes of one sample: the first is that of the batch."""
    return tuple(shape[1:])


def _recorded(node: Any, reads: Sequence[Made]) -> list[tuple[tuple[int, ...], str]]:
    """Sizes and types of what a call makes: as Keras recorded them, or, for other inputs, as it says of those."""
    results = node.outputs
    as_built = all(sample(tensor.shape) == made.sizes for tensor, made in zip(node.input_tensors, reads, strict=True))
    if not as_built or any(None in sample(tensor.shape) for tensor in results):
        given = {
            id(tensor): keras.KerasTensor((None, *made.sizes), made.dtype)
            for tensor, made in zip(node.input_tensors, reads, strict=True)
        }
        args, kwargs = node.arguments.fill_in(given)
        try:
            results = keras.tree.flatten(node.operation.compute_output_spec(*args, **kwargs))
            if any(None in sample(tensor.shape) for tensor in results):  # as some layers say: ask what a run would make
                results = keras.tree.flatten(backend.compute_output_spec(node.operation.call, *args, **kwargs))
        except Exception as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise CostModelError(f"Keras refuses these sizes: {first:.200}").at(node.operation.name) from None
    made = []
    for tensor in results:
        sizes = tuple([positive_int(size, f"a size that {node.operation.name} makes") for size in sample(tensor.shape)])
        made.append((sizes, str(tensor.dtype)))
    return made


def _check(call: LayerCall, made: Sequence[Made]) -> None:
    """What a handler made is what Keras says."""
    ours, theirs = [one.sizes for one in made], [sizes for sizes, _ in call.made]
    if ours != theirs:
        raise CostModelError(
            f"costmodel makes {ours} of it and Keras {theirs}; this is a fault of costmodel, please report it"
        ).at(call.name)
