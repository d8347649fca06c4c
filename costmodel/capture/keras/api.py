"""``from_keras``: a Keras model, or a ``.keras`` file, as a network."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from costmodel.capture.input_spec import InputSpec, parse_inputs
from costmodel.capture.keras.backend import choose_backend
from costmodel.core.network import Network
from costmodel.errors import CostModelError, missing_package, type_name

if TYPE_CHECKING:
    from costmodel.capture.keras.graph import GraphReader


def from_keras(model: Any, inputs: object = (), *, name: str = "", allow_uncounted: bool = False) -> Network:
    """The network that a Keras 3 model is, or that a ``.keras`` file holds (a path).

    The model's own graph is read, call by call: nothing runs, no weight is copied, and ``model`` is only read. Of a
    file the configuration alone is read, not its weights, and no code in it runs. Names are those of Keras's layers,
    sizes are Keras's with the features last (or first, where a layer says so); an activation inside of a layer is a
    node of its own that writes over what the layer made. Parameters are Keras's weights without its moving means and
    variances, which are buffers; those of a layer with ``trainable=False`` are frozen.

    ``inputs`` are the sizes of one sample of each input, ``(224, 224, 3)`` or ``"224x224x3"``, where the model leaves
    sizes open; others must equal the model's. A model or a layer with code of its own (a ``call`` that one wrote) is
    read by the calls of Keras that its code makes.

    Raises :class:`~costmodel.errors.CostModelError` for what is no Keras model or is not built, sizes that are open or
    do not fit, code that computes with anything but Keras, and layers that nobody has decided on (``allow_uncounted``
    puts layers of kind ``uncounted`` in their place).

    >>> import keras
    >>> model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(16, 3, padding="same")])
    >>> net = from_keras(model, name="small")
    >>> net.multiply_adds, net.parameters, [str(node.shape) for node in net.nodes]
    (442368, 448, ['32x32x3', '32x32x16'])
    """
    choose_backend()
    try:
        from costmodel.capture.keras import graph
    except ModuleNotFoundError as missing:
        raise missing_package("a Keras model", missing.name, "torch") from None
    if isinstance(model, (str, os.PathLike)):
        from costmodel.capture.keras.saved import model_of_file

        title = name or os.path.basename(os.fspath(model))
        return read_model(model_of_file(os.fspath(model), title), inputs, title, allow_uncounted)
    if not graph.is_model(model):
        raise CostModelError(f"from_keras takes a Keras model or the path of a .keras file, not {type_name(model)}")
    title = name or model.name
    open_parts = [part.name for part in model._flatten_layers() if not part.built]
    if open_parts:
        raise CostModelError(
            f"{title}: {open_parts[0]} is not built and knows no sizes; run the model once on an example, or name the"
            " function that makes it, as in MODULE:NAME"
        )
    return read_model(model, inputs, title, allow_uncounted)


def read_model(model: Any, inputs: object, title: str, allow_uncounted: bool) -> Network:
    """The network of ``model``, whose layers are built where they are not; otherwise as :func:`from_keras`."""
    from costmodel.capture.keras.saved import without_numbers

    try:
        with without_numbers():
            return _network(model, inputs, title, allow_uncounted)
    except CostModelError as error:
        raise error.at(title) from None


def built_without_numbers(
    build: Callable[[Mapping[str, object]], object], function: object, choices: Mapping[str, object]
) -> object:
    """What ``build`` makes of ``choices`` for ``function``: the weights of Keras's layers have sizes alone.

    Functions of ``keras.applications`` download trained weights unless they are told not to.
    """
    from costmodel.capture.keras.saved import without_numbers

    if str(getattr(function, "__module__", "")).startswith("keras.src.applications."):
        choices = {"weights": None, **choices}
    with without_numbers():
        return build(choices)


def _network(model: Any, inputs: object, title: str, allow_uncounted: bool) -> Network:
    import keras

    from costmodel.capture.keras import graph

    given = parse_inputs(inputs)
    if given is None:
        raise CostModelError(f"the input of a Keras model is {type_name(inputs)}; give sizes, as in (224, 224, 3)")
    if isinstance(model, keras.Sequential) and not model.built and len(given) == 1:
        model.build((None, *given[0].shape.sizes))
    calls, own = graph.graph_of(model), ()
    if calls is None:
        if not given:
            raise CostModelError("its input is not known; give the sizes of one sample, as in 224x224x3")
        calls, own = _traced(model, given), model.weights
    reader = graph.GraphReader()
    output = reader.network(calls, _sizes(calls, given), own)
    if reader.unknown and not allow_uncounted:
        raise CostModelError(_undecided(reader))
    network = Network(output, title, {}, f"read from a Keras model ({type(model).__name__})")
    stored = sum(math.prod(weight.shape) for weight in model.weights)
    counted = network.parameters + network.buffers
    if stored != counted:
        raise CostModelError(
            f"Keras says that it holds {stored} numbers, and what runs has {counted}: some are of layers that never"
            " run, or of code that Keras cannot follow; this model cannot be counted yet"
        )
    return network


def _traced(model: Any, given: Sequence[InputSpec]) -> Any:
    """The graph of a model whose calls are code of its own."""
    import keras

    from costmodel.capture.keras.call import UndecidedError
    from costmodel.capture.keras.graph import traced

    inputs = [keras.Input(spec.shape.sizes, dtype=spec.type) for spec in given]
    arguments = [name for name in inspect.signature(model.call).parameters if name not in ("training", "mask")]
    as_one = len(inputs) > 1 and len(arguments) == 1
    try:
        return traced(model, [inputs] if as_one else inputs, {}, inputs)
    except UndecidedError as unknown:
        raise CostModelError(f"nobody has decided what it costs: {unknown}") from None


def _undecided(reader: GraphReader) -> str:
    listed = ", ".join(f"{len(places)} {what} ({places[0]})" for what, places in reader.unknown.items())
    return (
        f"nobody has decided what these layers cost: {listed:.300}; --allow-uncounted (allow_uncounted=True) counts the"
        " rest and says what is missing"
    )


def _sizes(calls: Any, given: Sequence[InputSpec]) -> list[tuple[int, ...]]:
    """The sizes of one sample of each input: the model's, and the given ones where it leaves them open."""
    named = {spec.name: spec for spec in given if spec.name}
    names = [tensor._keras_history.operation.name for tensor in calls.inputs]
    if given and len(given) != len(names):
        raise CostModelError(f"{len(given)} inputs are given, and it reads {len(names)}: {', '.join(names)}")
    if unknown := named.keys() - set(names):
        raise CostModelError(f"no input is called {min(unknown)}; there are {', '.join(names)}")
    sizes = []
    for place, (name, tensor) in enumerate(zip(names, calls.inputs, strict=True)):
        own = tuple(tensor.shape[1:])
        spec = named.get(name) if named else given[place] if given else None
        asked = None if spec is None else spec.shape.sizes[1:] if spec.name else spec.shape.sizes
        shown = "x".join("?" if size is None else str(size) for size in own)
        if asked is None and None in own:
            raise CostModelError(f"the input {name} has open sizes, {shown}; give them, as in --input 224x224x3")
        if asked is not None and (
            len(asked) != len(own) or any(size not in (None, is_) for size, is_ in zip(own, asked, strict=True))
        ):
            raise CostModelError(
                f"the input {name} is built for {shown}, not for {'x'.join(map(str, asked))}; build it for that, as"
                " with --kwargs input_shape=..., or leave it out"
            )
        sizes.append(own if asked is None else asked)
    return sizes
