"""The one door: a network from whatever a user has of it, a name, an object, or a function that makes one.

The file is not called ``load.py``: once imported, it would hide the function ``costmodel.load``.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from costmodel.capture.input_spec import InputSpec, parse_inputs
from costmodel.capture.keras.backend import choose_backend
from costmodel.core.network import Network
from costmodel.core.shape import Shape
from costmodel.errors import CostModelError, missing_package, type_name
from costmodel.models.registry import FAMILIES, build, called, own, resolve, spelled

if TYPE_CHECKING:
    from torch import nn

#: What reads the network in a file, by how its name ends.
_READERS = {
    ".onnx": "costmodel.capture.onnx.api:from_onnx",
    ".tflite": "costmodel.capture.tflite.api:from_tflite",
    ".keras": "costmodel.capture.keras.api:from_keras",
}
#: What stands before the path of a configuration of Hugging Face's transformers.
_HUGGING_FACE = "hf:"
#: What to give instead of a file that holds no network, by how its name ends.
_WEIGHTS = "it holds weights and not what computes with them; name what builds the module, as in MODULE:NAME"
_INSTEAD = {
    ".py": "name what is in it, as in {stem}:NAME",
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".npz", ".gguf"), _WEIGHTS),
    ".data": "it holds the weights of an .onnx file; name that one",
    ".h5": "it holds weights, or a model as old Keras wrote it; load it with keras.models.load_model and save it as"
    " {stem}.keras, or name what builds it, as in MODULE:NAME",
    ".pb": "it is a graph of TensorFlow; convert it to {stem}.onnx (tf2onnx) or {stem}.tflite and name that",
}
#: How many channels an image has: what stands last in a size, and is one of these, was meant for the first.
_IMAGE_CHANNELS = (1, 3, 4)
_NO_NETWORK = "no network can be read from it; name an architecture, or what builds the network, as in MODULE:NAME"


def load(
    thing: object,
    inputs: object = (),
    *,
    name: str = "",
    allow_uncounted: bool = False,
    assume: str = "",
    **choices: object,
) -> Network:
    """The network that ``thing`` is, names or makes, for one sample of ``inputs``.

    ``thing`` is the name of an architecture (``"mobilenet_v2"``, ``"mobilenet_v2:keras"``), ``"MODULE:NAME"`` for
    something of your own (the module may lie in the current directory), the path of a file that holds a network
    (``.onnx``, ``.tflite``, ``.keras``), ``"hf:config.json"`` for a configuration of Hugging Face's transformers (its
    entries, ``task`` and ``sequence`` are then choices, as :func:`~costmodel.from_huggingface` has them), or the thing
    itself: a :class:`~costmodel.Network`, a ``torch.nn.Module``, a Keras model, or a function or class that makes one
    of ``choices``.

    ``inputs`` are the sizes of one sample, without batch: ``(3, 224, 224)``, ``"3x224x224"``, ``"128:int64"`` for
    indices, a :class:`~costmodel.Shape`, or a list of those where there are several. A module is captured for them, and
    also takes example tensors, as :func:`~costmodel.from_torch` does; an architecture takes one image, and so does a
    function that names ``in_channels``, ``resolution`` or Keras's ``input_shape`` among its arguments. ``name`` is what
    to call the network. ``allow_uncounted`` puts a layer of kind ``uncounted`` where an operator is unknown, and
    ``assume="all-nonzero"`` makes an upper bound where what runs depends on values, as :func:`~costmodel.from_torch`
    says. An ONNX file takes whole sizes, the batch among them, as :func:`~costmodel.from_onnx` does.

    What code of yours prints goes to the standard error. Raises :class:`~costmodel.CostModelError` for whatever cannot
    be found, built, captured or counted.

    >>> load("mobilenet_v2", "3x192x192", alpha=0.5).multiply_adds
    71701760
    """
    thing = spelled(thing) if isinstance(thing, str) else thing
    return load_with(thing, choices, inputs, name=name, allow_uncounted=allow_uncounted, assume=assume)


class _Unknown(NamedTuple):
    """What to do where a capture does not know something."""

    allow_uncounted: bool
    assume: str


def load_with(
    thing: object,
    choices: Mapping[str, object],
    inputs: object = (),
    *,
    name: str = "",
    title: str = "",
    allow_uncounted: bool = False,
    assume: str = "",
) -> Network:
    """As :func:`load`, with choices of any name; ``title`` is what messages call what has no name of its own."""
    unknown = _Unknown(allow_uncounted, assume)
    title = name or title or (thing if isinstance(thing, str) else getattr(thing, "__name__", type(thing).__name__))
    if isinstance(thing, str) and thing.startswith(_HUGGING_FACE):
        return _described(thing.removeprefix(_HUGGING_FACE), choices, inputs, name, unknown)
    path = _path(thing)
    if path is not None:
        return _read(path, choices, inputs, name, unknown)
    given = parse_inputs(inputs)
    if isinstance(thing, str) and thing.partition(":")[0] in FAMILIES:
        network = build(thing, **choices, **_input_choices(thing, title, given, inputs, choices))
    else:
        with code_of_the_user(title):
            network = _own(_named(thing), title, inputs, given, choices, unknown)
    return replace(network, name=name) if name else network


def _described(path: str, choices: Mapping[str, Any], inputs: object, name: str, unknown: _Unknown) -> Network:
    """The network that a configuration of Hugging Face describes."""
    try:
        from costmodel.capture.torch.huggingface import from_huggingface
    except ModuleNotFoundError as missing:
        raise missing_package("a Hugging Face configuration", missing.name) from None
    with code_of_the_user(path):
        return from_huggingface(path, inputs, name=name, **unknown._asdict(), **choices)


def _path(thing: object) -> str | None:
    """The file that a text or a path names; None where it names none."""
    if isinstance(thing, os.PathLike) or (isinstance(thing, str) and _is_path(thing)):
        return os.path.normpath(thing)
    return None


def _is_path(text: str) -> bool:
    is_file = "/" in text or os.sep in text or os.path.isfile(text)
    return ":" not in text and (is_file or os.path.splitext(text)[1].lower() in {*_READERS, *_INSTEAD})


def is_network_file(text: str) -> bool:
    """Whether ``text`` names a file that holds a network, by how it ends.

    >>> is_network_file("model.onnx"), is_network_file("mobilenet_v2")
    (True, False)
    """
    return ":" not in text and os.path.splitext(text)[1].lower() in _READERS


def _read(path: str, choices: Mapping[str, object], inputs: object, name: str, unknown: _Unknown) -> Network:
    """The network in a file."""
    if not os.path.isfile(path):
        raise CostModelError(f"there is no file {path}; correct the path, or name an architecture or MODULE:NAME")
    stem, suffix = os.path.splitext(os.path.basename(path))
    if suffix.lower() not in _READERS:
        raise CostModelError(f"{path} is a file: {_INSTEAD.get(suffix.lower(), _NO_NETWORK).format(stem=stem)}")
    if choices:
        raise CostModelError(f"{path} holds a network as it was built, and takes no {', '.join(choices)}; leave it out")
    if unknown.assume:
        raise CostModelError(f"{path} is a file, and nothing is assumed of its values; leave {unknown.assume} out")
    module, _, function = _READERS[suffix.lower()].partition(":")
    network = getattr(import_module(module), function)(path, inputs, name=name, allow_uncounted=unknown.allow_uncounted)
    assert isinstance(network, Network)
    return network


def named(text: str) -> object:
    """What ``text`` names as MODULE:NAME, after importing it; the text itself where it names anything else.

    Raises as :func:`load` does.
    """
    module, colon, _ = text.partition(":")
    if not colon or module in FAMILIES or text.startswith(_HUGGING_FACE):
        return text
    choose_backend()
    with code_of_the_user(text):
        return own(text)


def _named(thing: object) -> object:
    """The thing that a text names; anything else is that thing."""
    if not isinstance(thing, str):
        return thing
    if ":" not in thing:
        return build(thing)  # which refuses it, with the nearest name
    choose_backend()
    return own(thing)


def _own(
    thing: object,
    title: str,
    inputs: object,
    given: tuple[InputSpec, ...] | None,
    choices: Mapping[str, object],
    unknown: _Unknown,
) -> Network:
    if isinstance(thing, Network) or is_module(thing) or is_keras_model(thing):
        if choices:
            choice = ", ".join(choices)
            raise CostModelError(f"{title} is built already and takes no {choice}; name the function or class")
        model: object = thing
    else:
        choices = {**_named_sizes(thing, given), **choices}
        model = _called(title, thing, choices)
    if is_keras_model(model):
        from costmodel.capture.keras.api import from_keras, read_model

        if unknown.assume:
            raise CostModelError(f"nothing is assumed of a Keras model's values; leave {unknown.assume} out")
        read = (
            from_keras(model, inputs, name=title, allow_uncounted=unknown.allow_uncounted)
            if model is thing
            else (read_model(model, inputs, title, unknown.allow_uncounted))
        )
        return replace(read, config=choices)
    if is_module(model):
        from costmodel.capture.torch.api import captured

        return captured(model, inputs, title, choices, *unknown)
    if not isinstance(model, Network):
        raise CostModelError(
            f"{title} returned {type_name(model)}; let it return a costmodel.Network, a torch.nn.Module or a"
            " keras.Model"
        )
    _check_inputs(model, _sizes(title, given, inputs))
    return model


def module_of(text: str, choices: Mapping[str, object]) -> nn.Module:
    """The module that MODULE:NAME names, or that it makes of ``choices``, with its weights.

    Raises :class:`~costmodel.errors.CostModelError` for what is no PyTorch module.
    """
    thing = _named(text)
    model = thing if is_module(thing) or not callable(thing) else called(text, thing, choices)
    if not is_module(model):
        raise CostModelError(f"{text} is {type_name(model)}; a tool runs a torch.nn.Module, so name one")
    return model


def _named_sizes(function: object, given: tuple[InputSpec, ...] | None) -> dict[str, object]:
    """An image as those choices that the user's function names: it is called once, whatever it makes of them."""
    if given is None or len(given) != 1 or len(given[0].shape.spatial) != 2 or not callable(function):
        return {}
    try:
        known = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    choices = {**_choices_of(given[0].shape), "input_shape": given[0].shape.sizes}
    return {choice: size for choice, size in choices.items() if choice in known}


def _called(title: str, function: object, choices: Mapping[str, object]) -> object:
    """What the user's function makes of ``choices``; modules are built without numbers, if they can be."""
    if not callable(function):
        raise CostModelError(
            f"{title} is {type_name(function)}; name a costmodel.Network, a torch.nn.Module, or a function of one"
        )
    if "keras" in sys.modules:
        from costmodel.capture.keras.api import built_without_numbers

        return built_without_numbers(lambda choices: _built(title, function, choices), function, choices)
    return _built(title, function, choices)


def _built(title: str, function: Callable[..., object], choices: Mapping[str, object]) -> object:
    if "torch" in sys.modules:
        from costmodel.capture.torch.building import built

        try:
            return built(lambda: called(title, function, choices))
        except CostModelError as error:
            # Some models read their own numbers while they are built; then they get them.
            if "meta" not in str(error):
                raise
    return called(title, function, choices)


def _sizes(title: str, given: tuple[InputSpec, ...] | None, inputs: object) -> tuple[InputSpec, ...]:
    if given is None:
        raise CostModelError(
            f"the input of {title} is {type_name(inputs)}; give the sizes of one sample, as in (3, 224, 224) or"
            " '3x224x224' (example tensors are for a torch.nn.Module that is built)"
        )
    return given


def _check_inputs(network: Network, given: tuple[InputSpec, ...]) -> None:
    shapes = tuple([spec.shape for spec in given])
    if shapes and shapes != network.inputs:
        built, asked = (" and ".join(map(str, sizes)) for sizes in (network.inputs, shapes))
        raise CostModelError(
            f"{network.name} is built for {built}, not for {asked}; build it for that, or leave it out"
        )


def _input_choices(
    name: str, title: str, given: tuple[InputSpec, ...] | None, inputs: object, choices: Mapping[str, object]
) -> dict[str, object]:
    """An image, or the tokens of a sequence, as the choices of the architecture ``name``."""
    specs = _sizes(title, given, inputs)
    if not specs:
        return {}
    reads_tokens = "sequence" in resolve(name)[0].choices
    if len(specs) > 1:
        reads = "sequence of tokens" if reads_tokens else "image"
        raise CostModelError(f"{len(specs)} inputs are given; {title} reads one {reads}, so give one")
    shape = specs[0].shape
    if reads_tokens:
        return _tokens(title, specs[0], choices)
    if specs[0] != InputSpec(shape):
        raise CostModelError(f"the input {specs[0]} of {title} is an image, sizes alone; write {shape}")
    if len(shape.spatial) == 3 and shape.axis == 0 and shape.channels == 1:
        shape = Shape.of(shape.spatial)  # 1x3x224x224: a batch of one in front
    sizes = shape.sizes
    if len(sizes) == 4 and sizes[0] > 1:
        sample = "x".join(map(str, sizes[1:]))
        raise CostModelError(f"the input {shape} has four sizes; write one sample, {sample}, and --batch {sizes[0]}")
    if len(sizes) == 3 and sizes[2] in _IMAGE_CHANNELS and min(sizes[:2]) > max(_IMAGE_CHANNELS):
        raise CostModelError(
            f"the input {shape} would be {sizes[0]} channels of {sizes[1]}x{sizes[2]};"
            f" did you mean {sizes[2]}x{sizes[0]}x{sizes[1]}?"
        )
    if len(shape.spatial) != 2:
        raise CostModelError(
            f"the input {shape} has {len(shape.spatial)} spatial sizes, an image has 2; write CxHxW, as in 3x224x224"
        )
    image = _choices_of(shape)
    for choice in image.keys() & choices:
        raise CostModelError(f"{choice}={choices[choice]} and the input {shape} both say the size; give one of them")
    return image


def _tokens(title: str, given: InputSpec, choices: Mapping[str, object]) -> dict[str, object]:
    """The tokens of a sequence as the choice of an architecture."""
    if given.shape.spatial or given.type != "int64":
        raise CostModelError(f"{title} reads the numbers of tokens, not {given}; write how many there are: 1024:int64")
    if "sequence" in choices:
        raise CostModelError(f"sequence={choices['sequence']} and the input {given} both say how many; give one")
    return {"sequence": given.shape.channels}


def _choices_of(shape: Shape) -> dict[str, object]:
    height, width = shape.spatial
    return {"in_channels": shape.channels, "resolution": height if height == width else (height, width)}


@contextlib.contextmanager
def code_of_the_user(title: str) -> Iterator[None]:
    """What it prints goes to the standard error, and whatever it raises is a CostModelError."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            yield
        except CostModelError:
            raise
        except (Exception, SystemExit) as error:
            raise CostModelError(f"{title} raised {type(error).__name__}: {error}") from error


def is_keras_model(thing: object) -> bool:
    """Whether ``thing`` is a Keras model; Keras is not loaded for that."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(thing, keras.Model)


def is_module(thing: object) -> TypeGuard[nn.Module]:
    """Whether ``thing`` is a ``torch.nn.Module``; torch is not loaded for that."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, torch.nn.Module)
