"""A ``.keras`` file: its configuration as a model without weights. No code in the file runs."""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import keras
from keras.src.backend.common import global_state

from costmodel.capture.keras.layers import LAYERS
from costmodel.errors import CostModelError

#: Where Keras keeps how often each name of a layer was given.
_NAMES = "object_name_uids"
#: A larger configuration is no model of today.
MOST_BYTES = 64 * 1024 * 1024
#: Where the classes and functions of a configuration may come from, in the package ``keras``: what describes layers.
_PARTS = frozenset(
    ("activations", "constraints", "dtype_policies", "initializers", "layers", "models", "ops", "regularizers")
)
#: What stands in a configuration for a value of Python, or for the name of a function of Keras.
_PLAIN = frozenset(
    ("function", "slice", "__tuple__", "__tensor__", "__numpy__", "__keras_tensor__", "__ellipsis__", "__bytes__")
)
#: Of those layers, the one that is no step, and those whose arguments are objects of Keras too.
_MORE_LAYERS = frozenset(("InputLayer", "RNN", "Layer"))


def model_of_file(path: str, title: str) -> Any:
    """The model that the file describes, its weights without numbers.

    Raises :class:`~costmodel.errors.CostModelError` for what is no such file, and for whatever a configuration names
    that does not come from Keras.
    """
    try:
        config = _config(path)
        _check(config)
        # How it is trained, which builds an optimizer.
        config.pop("compile_config", None)
        with without_numbers():
            return keras.saving.deserialize_keras_object(config, safe_mode=True)
    except CostModelError as error:
        raise error.at(title) from None
    except Exception as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CostModelError(f"{title}: Keras cannot build it: {first:.200}") from None


def _config(path: str) -> Any:
    try:
        with zipfile.ZipFile(path) as archive, archive.open("config.json") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CostModelError(f"cannot be read: {(error.strerror or str(error)).lower()}; name a file") from None
    except Exception as error:  # zipfile and zlib raise whatever a damaged file makes them
        raise CostModelError(
            f"this is no whole .keras file, which is a zip archive with a config.json ({error!s:.80});"
            " save it again with model.save('model.keras')"
        ) from None
    if len(text) > MOST_BYTES:
        raise CostModelError(f"its config.json has over {MOST_BYTES >> 20} MiB, which no model needs")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        raise CostModelError("its config.json is no JSON; save it again with model.save('model.keras')") from None
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise CostModelError("its config.json describes no model; save it again with model.save('model.keras')")
    return config


def _check(config: Any) -> None:
    """Every class and function that the configuration names is one of Keras's own, of those that describe layers."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        if not isinstance(value, dict):
            continue
        waiting += value.values()
        kind, module = value.get("class_name"), value.get("module")
        if kind is None:
            continue
        first, *rest = str(module or "builtins").split(".")
        parts = [part for part in rest if part != "src"]
        part = parts[0] if parts else "models"
        # The only classes of keras.applications are layers.
        own = first == "keras" and (part in _PARTS or (part == "applications" and kind in LAYERS))
        if not own and not (first == "builtins" and kind in _PLAIN):
            raise CostModelError(
                f"it names {kind!r:.60} of {module!r:.60}, which is not Keras's own; name the function that builds the"
                " model, as in MODULE:NAME"
            )
        if own and part == "layers" and kind not in LAYERS and kind not in _MORE_LAYERS:
            raise CostModelError(
                f"nobody has decided what the layer {kind:.60} costs; name the function that builds the model, as in"
                " MODULE:NAME"
            )


@contextlib.contextmanager
def without_numbers() -> Iterator[None]:
    """Weights that are made inside have sizes alone, where Keras stands on PyTorch; names are counted from the start.

    Keras numbers the layers of a process, and a model would have other names each time that it is built.
    """
    taken = global_state.get_global_attribute(_NAMES)
    global_state.set_global_attribute(_NAMES, None)
    try:
        with keras.device("meta") if keras.config.backend() == "torch" else contextlib.nullcontext():
            yield
    finally:
        global_state.set_global_attribute(_NAMES, taken)
