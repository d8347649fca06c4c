"""Which framework Keras stands on, where nobody said: one that is installed."""

from __future__ import annotations

import os
import sys

#: The backends of Keras 3 by the module that each needs, the best known first.
_BACKENDS = ("torch", "jax", "tensorflow")


def choose_backend() -> None:
    """Has Keras stand on an installed framework, before it is imported: torch, jax or tensorflow.

    Left alone is what ``KERAS_BACKEND`` or Keras's own configuration file says, if that is installed.
    """
    if "keras" in sys.modules or "KERAS_BACKEND" in os.environ:
        return
    from importlib.util import find_spec

    if find_spec("keras") is None:
        return
    configured = _configured()
    for backend in (configured, *_BACKENDS) if configured else _BACKENDS:
        if find_spec(backend) is not None:
            os.environ["KERAS_BACKEND"] = backend
            return


def _configured() -> str | None:
    """The backend that Keras's own configuration names; None where there is none."""
    import json

    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    try:
        with open(os.path.join(home, "keras.json"), encoding="utf-8") as file:
            backend = json.load(file).get("backend")
    except (OSError, ValueError, AttributeError):
        return None
    return backend if backend in _BACKENDS else None
